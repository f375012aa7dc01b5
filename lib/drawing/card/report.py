"""What the pictures of a report say, in words of the reader's language; nothing is drawn here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TileText:
    """A figure: its name, its value, by how much it changed."""

    label: str
    value: str
    change: str = ""


@dataclass(frozen=True)
class BarsText:
    """Bars, each a label and a value; behind them, pale, those of the period before.

    A label may have a second line, such as the year of a month: it is drawn where it is another than before.
    """

    heading: str
    bars: tuple[tuple[str, float], ...]
    before: tuple[float, ...] = ()
    key: tuple[str, str] = ("", "")  # what the bars and the pale ones are


@dataclass(frozen=True)
class GridText:
    """A table whose cells darken with their values; None leaves a cell out.

    `shares`: the cells are percentages.
    """

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int | None, ...]], ...]
    shares: bool = False


@dataclass(frozen=True)
class ReportText:
    """A report: its head, its tiles, and its panels from the top; `empty` stands where a panel has nothing.

    `language`: how the numbers of the panels are written.
    """

    title: str
    period: str
    tiles: tuple[TileText, ...]
    panels: tuple[BarsText | GridText, ...]
    empty: str
    language: str
    foot: str = ""
