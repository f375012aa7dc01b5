"""Charts as inline SVG without a script: they take the page's colours and its width, so a phone reads them as well."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

ROW, BAR = 40, 12
LONGEST = 36  # letters of a label: more would run into the figure on a phone


@dataclass(frozen=True)
class Bar:
    """A bar: its label, its length, what stands at its end, and its tone (a class of the page's style)."""

    label: str
    value: float
    shown: str
    tone: str = "plain"


@dataclass(frozen=True)
class Piece:
    """A part of a stacked bar."""

    name: str
    value: float
    shown: str


def bars(name: str, rows: Sequence[Bar]) -> str:
    """Draw horizontal bars, each on a scale from 0 to the longest."""
    most = max((row.value for row in rows), default=0.0) or 1.0
    drawn = []
    for number, row in enumerate(rows):
        width = max(0.4, 100 * max(0.0, row.value) / most)
        drawn.append(_labels(number, row.label, row.shown) + _rect(number, 0, width, row.tone))
    return _svg(name, len(rows), drawn, "; ".join(f"{row.label}: {row.shown}" for row in rows))


def stacks(name: str, rows: Sequence[tuple[str, str, Sequence[Piece]]]) -> str:
    """Draw stacked bars on one scale; the pieces' tones are numbered in their order, and told when pointed at."""
    most = max((sum(piece.value for piece in pieces) for _, _, pieces in rows), default=0.0) or 1.0
    drawn = []
    for number, (label, shown, pieces) in enumerate(rows):
        left, parts = 0.0, []
        for tone, piece in enumerate(pieces):
            width = 100 * max(0.0, piece.value) / most
            parts.append(_rect(number, left, width, f"tone{tone}", f"{piece.name}: {piece.shown}"))
            left += width
        drawn.append(_labels(number, label, shown) + "".join(parts))
    return _svg(name, len(rows), drawn, "; ".join(f"{label}: {shown}" for label, shown, _ in rows))


def legend(names: Sequence[str]) -> str:
    """Name the tones of stacked bars."""
    return "".join(f'<span><i class="key tone{tone}"></i>{escape(name)}</span>' for tone, name in enumerate(names))


def _labels(number: int, label: str, shown: str) -> str:
    y = number * ROW + 13
    cut = label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…"
    return (
        f'<text x="0" y="{y}">{escape(cut)}<title>{escape(label)}</title></text>'
        f'<text x="100%" y="{y}" text-anchor="end" class="number">{escape(shown)}</text>'
    )


def _rect(number: int, left: float, width: float, tone: str, title: str = "") -> str:
    said = f"<title>{escape(title)}</title>" if title else ""
    place = f'x="{left:.2f}%" y="{number * ROW + 19}" width="{width:.2f}%" height="{BAR}" rx="2"'
    return f'<rect {place} class="{tone}">{said}</rect>'


def _svg(name: str, rows: int, drawn: Sequence[str], described: str) -> str:
    return (
        f'<svg role="img" aria-label="{escape(name)}: {escape(described)}" width="100%" height="{rows * ROW}">'
        f"{''.join(drawn)}</svg>"
    )
