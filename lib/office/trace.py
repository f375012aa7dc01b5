"""One story of one thing, from the rows: what happened to an order, an update, an operation or a person, in order.

It names numbers, states and codes, and never a person's name, number or words: it can be pasted into a report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import config, db, errors

SQL = db.load("trace")

KINDS = ("order", "update", "operation", "person")
MOST = 100  # of each kind of a person's events
ALL = db.Scope(platform=True)


@dataclass(frozen=True)
class TraceEvent:
    """One event: `what` happened, the row that says so ("job 17"), and its facts."""

    at: datetime
    what: str
    subject: str
    facts: dict[str, Any]


async def story(conn: db.Connection, kind: str, of: str) -> Sequence[TraceEvent]:
    """Return the events, oldest first; Missing when the rows know nothing of it.

    `of` is a number; an update's is that of its bot, too: "studio:17".
    """
    bot, _, number = of.rpartition(":")
    if kind not in KINDS or not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise errors.Missing("no_story", f"{kind} {of}"[:60])
    if (kind == "update") != (bot in config.BOTS):
        raise errors.Missing("no_story", f"an update is named with its bot, as studio:17; {of}"[:80])
    query = {"order": SQL.order, "update": SQL.update, "operation": SQL.operation, "person": SQL.person}[kind]
    more: dict[str, Any] = {"bot": bot} if kind == "update" else {"most": MOST}
    found = await query.within(ALL).all(conn, TraceEvent, id=int(number), **more)
    if not found:
        raise errors.Missing("no_story", f"{kind} {of}"[:60])
    return found
