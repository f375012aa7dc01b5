"""The engine: an audience is cut into parts page by page, and each part is worked off in turns of fifteen people.

A turn is one statement: it notes what became of the last people and writes down whom the worker is about to write to.
So after a death everybody is either noted, or waits, or is one of the two blocks under way, of whom it is unknown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from lib import db
from lib.loyalty.partners import PLATFORM
from lib.reach import hours
from lib.reach.broadcasts import Broadcast

SQL = db.load("reach")

PAGE = 1000
FIRST = 500  # they go out alone, and the rest follow when few of them have stopped the bot
BLOCK = 15  # half a second: a single message waits no longer behind it
PROOF = timedelta(minutes=5)


class Fate(IntEnum):
    """What became of one person's message, as a byte of the part."""

    WAITING = 0
    BEGUN = 1
    SENT = 2
    BLOCKED = 3
    REFUSED = 4
    SKIPPED = 5
    UNKNOWN = 6


@dataclass(frozen=True)
class PartKey:
    """A part and the round that its job belongs to."""

    partner_id: int
    broadcast_id: int
    n: int
    round: int

    @classmethod
    def read(cls, args: Mapping[str, Any]) -> "PartKey":
        """Return what a job's arguments name."""
        return cls(args["partner"], args["broadcast"], args["n"], args["round"])

    @property
    def ids(self) -> dict[str, int]:
        """The part, as the statements name it."""
        return {"partner_id": self.partner_id, "id": self.broadcast_id, "n": self.n}


@dataclass(frozen=True)
class Recipient:
    """One person of a part, by their place in it."""

    place: int
    tg_id: int
    language: str


@dataclass(frozen=True)
class PartTurn:
    """The broadcast's state, how many of the part are still to be written to, and to whom the worker writes now."""

    state: str
    left_over: int
    people: list[Recipient]


def page_size(one: Broadcast) -> int:
    """Return how many people the next page of an audience has."""
    return PAGE if one.parts else FIRST


async def cut(conn: db.Connection, one: Broadcast, now: datetime) -> int:
    """Cut the next page of the audience; return how many people it had, -1 when there is nothing to cut any more."""
    known = hours.everywhere(max(one.run_at or now, now), one.zone, by_clock=one.by_clock)
    zones: dict[str, Any] = {"zones": [z.zone for z in known], "froms": [z.from_at for z in known]}
    page = {"size": page_size(one), "untils": [z.until for z in known], "now": now}
    ids = {"partner_id": one.partner_id, "id": one.id}
    found = await SQL.cut_page.within(PLATFORM).one(conn, int, **ids, **zones, **page)
    return -1 if found is None else found


async def begin(conn: db.Connection, one: Broadcast, now: datetime) -> None:
    """Have the parts sent, the first ones alone; without any it is done. One that was stopped stays stopped."""
    await SQL.begin_parts.within(PLATFORM).one(conn, str, partner_id=one.partner_id, id=one.id, now=now)


async def take(conn: db.Connection, key: PartKey, job_id: int, token: UUID | None, now: datetime) -> str:
    """Take a part for a job: 'taken', 'held' by another that lives, 'done', or 'over' when this round is."""
    lease = {"round": key.round, "job_id": job_id, "token": token}
    return await SQL.take_part.within(PLATFORM).one(conn, str, **key.ids, **lease, now=now) or "over"


async def until(conn: db.Connection, key: PartKey) -> datetime:
    """Return until when the people of a part may be written to."""
    found = await SQL.part_until.within(PLATFORM).one(conn, datetime, **key.ids)
    assert found is not None
    return found


async def next_at(conn: db.Connection, one: Broadcast, now: datetime) -> datetime | None:
    """Return when people are awake to whom it is still to go; None when some are now, or nobody waits."""
    ids = {"partner_id": one.partner_id, "id": one.id}
    left = await SQL.hours_left.within(PLATFORM).all(conn, tuple, **ids)
    waits = [max(run_at - now, hours.night_left(now, until)) for run_at, until in left]
    return now + min(waits) if waits and min(waits) > timedelta(0) else None


async def turn(
    conn: db.Connection,
    key: PartKey,
    token: UUID | None,
    noted: Sequence[tuple[int, Fate]],
    now: datetime,
    *,
    take: int = BLOCK,
) -> PartTurn:
    """Note outcomes by place and begin the next people; Conflict("lease_lost") when the part is another's by now.

    Who is BEGUN of `noted` is still under way, and all others who are begun are not: the answer of their turn got lost.
    """
    told = {"places": [place for place, _ in noted], "codes": [int(outcome) for _, outcome in noted]}
    found = await SQL.turn_part.within(PLATFORM).one(conn, dict, **key.ids, token=token, **told, take=take, now=now)
    assert found is not None
    people = [Recipient(*one) for one in found["people"]]
    return PartTurn(found["state"], found["left_over"], people)


async def advance(conn: db.Connection, key: PartKey, now: datetime) -> str:
    """Draw the conclusion from a part that is done: 'running', 'done', or why the broadcast has stopped by itself."""
    ids = {"partner_id": key.partner_id, "id": key.broadcast_id}
    return await SQL.advance.within(PLATFORM).one(conn, str, **ids, rest_at=now + PROOF, now=now) or ""


async def forget(conn: db.Connection, now: datetime, limit: int) -> int:
    """Forget the parts of broadcasts that ended 90 days ago, and who pressed their buttons; return of how many."""
    return await SQL.forget_parts.one(conn, int, now=now, limit=limit) or 0
