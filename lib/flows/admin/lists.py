"""The admin bot's lists: how long a page is, what narrows it down, and the words for the codes on it."""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from lib import clock, errors, text
from lib.office.people import Count
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

PAGE = 10
LABELS = screen.PageLabels("admin.previous", "admin.next", "admin.first")
LABEL = 20
DATA = 64  # bytes that a button can carry
PLACE = 20  # of them for where a page begins
WORD = re.compile(r"[A-Za-z_]*")


def chosen(argument: str) -> tuple[str, str, str]:
    """Return the parts of "card:internal:120": two words that narrow a list down, "" for no choice, and a place."""
    first, second, place, *_ = [*argument.split(":"), "", "", ""]
    return first if WORD.fullmatch(first) else "", second if WORD.fullmatch(second) else "", place


def choices(turn: Turn, counts: Sequence[Count], data: Callable[[str], str], label: Callable[[str], str]) -> Keyboard:
    """Return buttons that narrow a list down to one word, with how many lines it has then; the first takes all."""
    total = sum(count.number for count in counts)
    rows = [[Button(f"{turn.text('admin.all')} · {total}", data(""))]]
    fitting = [count for count in counts if len(data(count.word)) <= DATA - PLACE]
    buttons = [
        Button(
            f"{screen.short(label(count.word), LABEL - 3 - len(str(count.number)))} · {count.number}", data(count.word)
        )
        for count in fitting
    ]
    return rows + screen.in_rows(buttons)


def named(turn: Turn, group: str, code: str) -> str:
    """Return the word for a code (admin.task.card), or the code itself where there is no word for it."""
    key = f"admin.{group}.{code}"
    return turn.text(key) if text.knows(key) else code


def span(turn: Turn, since: datetime) -> str:
    """Return how long ago something was, in the largest whole unit."""
    gone = max(clock.now() - since, timedelta(0))
    minutes = int(gone.total_seconds() // 60)
    if minutes < 60:
        return turn.text("admin.span.minutes", n=minutes)
    if minutes < 48 * 60:
        return turn.text("admin.span.hours", n=minutes // 60)
    return turn.text("admin.span.days", n=minutes // 1440)


async def found(turn: Turn, shown: Awaitable[None]) -> None:
    """Show a screen; what it is about may be gone, or was never there: any client can send any data."""
    try:
        await shown
    except errors.Missing:
        turn.state.step = "people:find"
        await screen.refuse_old_button(turn)
        await turn.show(turn.text("admin.gone"), [screen.home(turn)])
