"""One database, measured and read: the wire, the pace, the catalogue, the pooler, and the load at the end.

Statistics are read before anything is measured, so that they tell of the application and not of us.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import psycopg

from lib import db, errors
from ops.neon.assess import catalog, pace, pooler, tables, wire
from ops.neon.assess.address import Address
from ops.neon.assess.catalog import Catalog, is_told
from ops.neon.assess.door import Door
from ops.neon.assess.figures import Spread
from ops.neon.assess.pooler import Behaviour
from ops.neon.assess.wire import Wire

SQL = db.load("assess")
type Watch = Callable[[str], None]
# What `watch` is told of, and how many steps that is: for a bar that ends where the work ends.
BEFORE = ("road", "connect", "catalogue")
AFTER = ("sample", "answers", "pooler")


def steps(*, load: bool) -> int:
    """Return how many steps `watch` is told of."""
    levels = len(tables.limits()["load"]["levels"]) if load else 0
    return len(BEFORE) + len(catalog.LOOKS) + len(catalog.FEATURES) + len(AFTER) + levels


@dataclass(frozen=True)
class Sample:
    """What others did to the database within a few seconds of now."""

    seconds: float
    transactions: float
    writes: float
    wal_bytes: float | None


@dataclass
class Found:
    """Everything about one database; `problem` says why the rest is missing."""

    address: Address
    wire: Wire | None = None
    connects: pace.Connects | None = None
    answers: Spread | None = None
    levels: list[pace.Level] = field(default_factory=list)
    pooler: Behaviour | None = None
    sample: Sample | None = None
    catalog: Catalog = field(default_factory=Catalog)
    problem: str | None = None

    @property
    def name(self) -> str:
        """A name that may be shown."""
        return self.address.name

    @property
    def per_second(self) -> float | None:
        """Transactions a second: by statistics of an hour or more, else by the sample, else unknown."""
        activity = self.catalog.activity
        if activity and is_told(activity.seconds):
            return activity.per_second
        # a few quiet seconds are no proof of a quiet month
        return self.sample.transactions / self.sample.seconds if self.sample and self.sample.transactions else None


async def database(address: Address, watch: Watch, *, load: bool = True) -> Found:
    """Measure and read one database; one that cannot be reached is told, not raised."""
    found = Found(address)
    try:
        await _measure(found, Door(address), watch, load=load)
    except errors.AppError as error:
        found.problem = error.detail or str(error)
    except psycopg.Error as error:
        found.problem = f"{address.name}: {address.scrub(str(error))}"
    return found


async def _measure(found: Found, door: Door, watch: Watch, *, load: bool) -> None:
    watch("road")
    found.wire = await wire.measure(found.address)
    watch("connect")
    found.connects = await pace.connects(door)
    watch("catalogue")
    found.catalog = await catalog.read(door, watch)
    watch("sample")
    found.sample = await _sample(door, tables.limits()["load"]["sample_seconds"])
    watch("answers")
    found.answers = await pace.answers(door)
    watch("pooler")
    found.pooler = await pooler.look(door)
    if load:
        room = found.catalog.room
        found.levels = await pace.levels(door, room, found.answers, lambda number: watch(f"load by {number}"))


async def _sample(door: Door, seconds: float) -> Sample | None:
    """Read the counters twice; our own two looks are taken off."""
    try:
        async with door.open() as conn:
            first, before = await SQL.activity.one(conn, catalog.Activity), await _written(conn)
            await asyncio.sleep(seconds)
            last, after = await SQL.activity.one(conn, catalog.Activity), await _written(conn)
    except (errors.AppError, psycopg.Error):
        return None
    if first is None or last is None:
        return None
    wal = None if before is None or after is None else after - before
    return Sample(seconds, max(0.0, last.transactions - first.transactions - 2), last.writes - first.writes, wal)


async def _written(conn: psycopg.AsyncConnection) -> float | None:
    try:
        return await SQL.written.one(conn, float)
    except psycopg.Error:  # on a standby, or where the function is not ours to call
        return None
