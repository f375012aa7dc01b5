"""What happened to one thing, from the rows, oldest first: an order, an update that failed, an operation, a person.

trace:of:<kind>.<number>[:<page>[:<the story it was opened from>]], an update's number is that of its letter

A job or an operation that a story names has one of its own, a press away.
"""

from collections.abc import Sequence
from typing import Any

from lib import db
from lib.flows import when
from lib.flows.admin import lists
from lib.office import letters, trace
from lib.office.trace import TraceEvent
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn

HOMES = {"order": "queue:job:{}", "update": "letters:one:{}", "person": "people:card:{}"}
PAGE = 15
# The words for the codes among an event's facts, by the fact and, where several kinds share its name, by the event.
GROUPS = {"task": "task", "state": "state", "code": "code", "action": "deed", "provider": "provider_name"}
STATES = {"paid": "paid", "asked": "call"}
STORIES = {"job": "order", "operation": "operation"}
KINDS = {"credits": "entry", "moved": "points", "moved_with": "points", "file": "file"}


async def handle(turn: Turn) -> None:
    """Show a page of the story that a button asks for."""
    await lists.found(turn, _story(turn))


async def _story(turn: Turn) -> None:
    what, page, back, *_ = [*screen.pressed(turn)[1].split(":", 2), "", ""]
    kind, _, number = what.partition(".")
    of = await _named(number) if kind == "update" else number
    events = await db.run(lambda conn: trace.story(conn, kind, of))
    last = (len(events) - 1) // PAGE
    at = min(screen.number(page), last) if page else last
    shown = events[at * PAGE : (at + 1) * PAGE]
    turning = [
        *([screen.button(turn, "admin.older", f"trace:of:{what}:{at - 1}:{back}")] if at else []),
        *([screen.button(turn, "admin.newer", f"trace:of:{what}:{at + 1}:{back}")] if at < last else []),
    ]
    home = f"trace:of:{back}" if back else HOMES.get(kind, "menu:home").format(screen.number(number))
    words = "\n".join(_line(turn, event) for event in shown)
    rows = [*_stories(turn, shown, what, back or f"{what}:{at}"), *([turning] if turning else [])]
    head = turn.text(f"admin.traced.of.{kind}", number=of)
    await turn.show(screen.paragraphs(head, words), [*rows, screen.home(turn, home)])


def _stories(turn: Turn, shown: Sequence[TraceEvent], what: str, back: str) -> Keyboard:
    """Return a button for each other thing of a page that has a story, a job or an operation; it leads `back` here."""
    named = [subject.partition(" ") for subject in dict.fromkeys(event.subject for event in shown)]
    things = [(STORIES[kind], number) for kind, _, number in named if kind in STORIES]
    buttons = [
        screen.button(turn, f"admin.button.story.{kind}", f"trace:of:{kind}.{number}::{back}", id=number)
        for kind, number in things
        if f"{kind}.{number}" != what
    ]
    return screen.in_rows(buttons, 3)


async def _named(number: str) -> str:
    """Return the update that a letter is about."""
    letter = await db.run(lambda conn: letters.get_letter(conn, screen.number(number)))
    return f"{letter.bot}:{letter.update_id}"


def _line(turn: Turn, event: TraceEvent) -> str:
    facts = {name: _word(turn, event, name, value) for name, value in event.facts.items()}
    known: dict[str, Any] = {"why": f" ({facts['code']})" if "code" in facts else "", "took": "", **facts}
    if event.what == "asked" and "seconds" in facts:
        known["took"] = turn.text("admin.traced.took", seconds=facts["seconds"])
    subject = event.subject.rpartition(" ")[2]
    key = "mended" if "mends" in facts else event.what
    words = turn.text(f"admin.traced.{key}", id=subject, **known)
    return turn.text("admin.traced.line", at=when.short_moment(turn, event.at), words=words)


def _word(turn: Turn, event: TraceEvent, name: str, value: Any) -> Any:
    """Return a fact as it is said: a code by its word, a number of points or credits with its sign."""
    if name == "kind" and event.what in KINDS:
        return lists.named(turn, KINDS[event.what], str(value))
    if name == "amount":
        return f"{value:+d}".replace("-", "\u2212")
    if name == "state" and event.what in STATES:
        return lists.named(turn, STATES[event.what], str(value))
    return lists.named(turn, GROUPS[name], str(value)) if name in GROUPS else value
