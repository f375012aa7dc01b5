"""Screens: the buttons, rows and pages that all bots share, and how the data of a pressed button is read.

Nothing in a button is believed: an id names what to look for, and the rows say whether it is the person's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lib import text
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

DEEPEST = 50  # pages that are remembered on the way back


def button(turn: Turn, key: str, data: str, style: str = "", **fields: Any) -> Button:
    """Return a button whose label is a sentence."""
    return Button(turn.text(key, **fields), data, style=style)


def link(turn: Turn, key: str, url: str) -> Button:
    """Return a button that opens a page of the web."""
    return Button(turn.text(key), url=url)


def home(turn: Turn, back: str = "") -> list[Button]:
    """Return the last row of every screen: the way back, if there is one, and the menu."""
    way = [button(turn, "button.back", back)] if back else []
    return [*way, button(turn, "button.menu", "menu:home")]


def in_rows(buttons: Sequence[Button], width: int = 2) -> Keyboard:
    """Return buttons in rows."""
    return [list(buttons[start : start + width]) for start in range(0, len(buttons), width)]


def picks(data: str, ids: Sequence[object]) -> Keyboard:
    """Return buttons 1, 2, 3 ... for the lines of a list, five in a row; each leads to `data` and its line's id."""
    return in_rows([Button(str(place), f"{data}:{one}") for place, one in enumerate(ids, 1)], 5)


def short(words: str, most: int = 20) -> str:
    """Return a line's worth of somebody's words, so that they fit on a button or into a list."""
    return text.short(words, most)


def paragraphs(*parts: str) -> str:
    """Return what there is to say, with an empty line between the parts; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)


DATA, CUT = 64, "…"  # bytes of a button's data, and what stands at the end of a value that is longer


def fitted(data: str, value: str) -> str:
    """Return a button's data that ends with somebody's words, cut where there is no room for them."""
    if len(f"{data}{value}".encode()) <= DATA:
        return f"{data}{value}"
    return f"{data}{value}".encode()[: DATA - len(CUT.encode())].decode(errors="ignore") + CUT


def whole(value: str, among: Sequence[str]) -> str:
    """Return the one that begins as a shortened value of a button does; any other value stays as it is."""
    if not value.endswith(CUT):
        return value
    return next((one for one in among if one.startswith(value.removesuffix(CUT))), value)


def number(words: str) -> int:
    """Return the id in a button's data; 0, which nothing has, for anything else, as any client can send any data."""
    return int(words) if words.isascii() and words.isdecimal() and len(words) <= 18 else 0


def pressed(turn: Turn) -> tuple[str, str]:
    """Return what a pressed button asks of its flow and the rest of its data; "" and "" for anything but a press."""
    action, _, argument = turn.came.text.partition(":")[2].partition(":") if turn.came.kind == "press" else ("", "", "")
    return action, argument


def parts(turn: Turn) -> tuple[str, str, str]:
    """Return the three parts behind the flow's name in a button's data, "" for those that are not there."""
    _, first, second, third, *_ = [*(turn.came.text.split(":") if turn.came.kind == "press" else []), "", "", "", ""]
    return first, second, third


def asked(turn: Turn) -> str:
    """Return what a command or a button asks of a menu, "" for anything else."""
    return turn.came.command or turn.came.text.partition(":")[2] if turn.came.kind in ("command", "press") else ""


async def refuse_old_button(turn: Turn) -> None:
    """Say that what the pressed button offered is over; nothing is said when no button was pressed."""
    await turn.answer(turn.text("error.old_button"))


@dataclass(frozen=True)
class PageLabels:
    """The sentences on the buttons that turn a list's pages. Without `first` the way back always begins at the first.

    `first` leads there from far away, and a person who came by an old button has no other way to the pages before.
    """

    back: str
    onward: str
    first: str = ""


def pages(turn: Turn, place: str, at: str | int | None, onward: str | int | None, labels: PageLabels) -> Keyboard:
    """Return the rows that turn a list's pages, as far as there is where to turn. `place` begins the buttons' data.

    A page is known by its key, not by a count. The way here is kept in State.data, so that a page leads back to the
    one before it, and pressing twice does no harm.
    """
    here, kept = str(at or ""), turn.state.data.get("pages") or {}
    way = kept["at"] if kept.get("place") == place and here else [] if labels.first else [""]
    way = way[: way.index(here) + 1] if here in way else [*way, here][-DEEPEST:]
    turn.state.data["pages"] = {"place": place, "at": way}
    start = [button(turn, labels.first, place)] if labels.first and here and way[-2:-1] != [""] else []
    row = [button(turn, labels.back, page(place, way[-2]))] if len(way) > 1 else []
    row += [button(turn, labels.onward, page(place, str(onward)))] if onward else []
    return [one for one in (row, start) if one]


def last_page(turn: Turn, otherwise: str, *places: str) -> str:
    """Return the page that was last seen, if it is of one of these lists; it is where something was opened."""
    kept = turn.state.data.get("pages") or {}
    seen = str(kept.get("place", ""))
    known = any(seen == place or seen.startswith(f"{place}:") for place in places)
    return page(seen, kept["at"][-1]) if known else otherwise


def page(place: str, at: str) -> str:
    """Return the data of the button that leads to a page; "" is the first."""
    return f"{place}:{at}" if at else place
