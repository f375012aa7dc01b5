"""How fast a database answers: connecting, one small statement, and many of them under a load with bounds.

The load stops at the first error, at the first refused connection, and as soon as a watcher beside it waits several
times as long for an answer as it did when all was quiet. A figure at which this program itself was the slow one is
marked as "at least".
"""

import asyncio
import contextlib
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import psycopg

from lib import db, errors
from ops.neon.assess import tables
from ops.neon.assess.door import Door, Full
from ops.neon.assess.figures import Spread, percentile, spread

SQL = db.load("assess")
WATCH_SECONDS = 0.1
OURSELVES = 0.85  # of a core: from here on the client is the limit


@dataclass(frozen=True)
class Connects:
    """Times to a first answer. The first one after a pause is cold; what woke up stays warm for the others."""

    cold_ms: float
    warm: Spread | None


@dataclass(frozen=True)
class Stop:
    """Why a level was not tried or ended early: a code that words.json explains, and its figures."""

    key: str
    needed: float = 0.0
    found: float = 0.0
    said: str = ""


@dataclass(frozen=True)
class Level:
    """What so many connections at a time got done, or why they were not tried or were stopped."""

    connections: int
    per_second: float | None = None
    times: Spread | None = None
    at_least: bool = False
    stopped: Stop | None = None


async def connects(door: Door, times: int | None = None) -> Connects:
    """Connect several times, one after the other."""
    took = []
    for _ in range(times or tables.limits()["load"]["connects"]):
        start = time.perf_counter()
        conn = await door.connect()
        took.append(_since(start))
        await conn.close()
    return Connects(took[0], spread(took[1:]))


async def answers(door: Door) -> Spread | None:
    """Time `select 1` on one connection."""
    load = tables.limits()["load"]
    async with door.open() as conn:
        return spread(await _ask(conn, time.monotonic() + load["look_seconds"], load["looks"]))


async def _ask(conn: psycopg.AsyncConnection, until: float, most: int) -> list[float]:
    took: list[float] = []
    while len(took) < most and time.monotonic() < until:
        start = time.perf_counter()
        await SQL.ping.one(conn, int)
        took.append(_since(start))
    return took


async def levels(door: Door, room: int | None, quiet: Spread | None, watch: Callable[[int], None]) -> list[Level]:
    """Load the database with more and more connections, as far as there is room and no harm."""
    load = tables.limits()["load"]
    found: list[Level] = []
    for number in load["levels"]:
        watch(number)
        if reason := _forbidden(number, room, load["room"][str(number)], found):
            found.append(Level(number, stopped=reason))
        else:
            found.append(await level(door, number, load["seconds"], harm_ms(quiet)))
    return found


def harm_ms(quiet: Spread | None) -> float:
    """Return how long an answer may take before the load stops: five times the quiet 95th percentile, at least 50 ms.

    Below that floor a slow answer may come from this program's own queue.
    """
    load = tables.limits()["load"]
    usual = quiet.p95 if quiet else 0.0
    return float(max(load["harm_floor_ms"], load["harm_factor"] * usual))


def _forbidden(number: int, room: int | None, needed: int, found: list[Level]) -> Stop | None:
    if any(one.stopped for one in found):
        return Stop("before")
    if room is None and number > 1:
        return Stop("unknown")
    return Stop("room", needed, max(0, room)) if room is not None and room < needed else None


@dataclass
class _Run:
    """A level while it runs."""

    until: float
    stopped: Stop | None = None
    took: list[float] = field(default_factory=list)

    @property
    def goes_on(self) -> bool:
        return not self.stopped and time.monotonic() < self.until


async def level(door: Door, number: int, seconds: float, harm: float) -> Level:
    """Let `number` connections ask as fast as they can for some seconds."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            conns = [await stack.enter_async_context(door.open()) for _ in range(number)]
            watcher = await stack.enter_async_context(door.open())
        except Full:
            return Level(number, stopped=Stop("full"))
        except errors.Unavailable as error:
            return Level(number, stopped=Stop("error", said=error.detail))
        run, start, worked = _Run(time.monotonic() + seconds), time.monotonic(), time.process_time()
        await asyncio.gather(*(_work(conn, run, door) for conn in conns), _guard(watcher, run, harm))
        lasted, busy = time.monotonic() - start, time.process_time() - worked
    rate = round(len(run.took) / lasted, 1)
    found = Level(number, rate, spread(run.took), at_least=busy / lasted > OURSELVES)
    return replace(found, stopped=run.stopped)


async def _work(conn: psycopg.AsyncConnection, run: _Run, door: Door) -> None:
    while run.goes_on:
        start = time.perf_counter()
        try:
            await SQL.ping.one(conn, int)
        except (psycopg.Error, errors.AppError) as error:
            run.stopped = run.stopped or Stop("error", said=door.address.scrub(str(error)))
            return
        run.took.append(_since(start))


async def _guard(conn: psycopg.AsyncConnection, run: _Run, harm: float) -> None:
    """Ask beside the load, ten times a second, and end it when the middle one of five answers comes too late."""
    last: deque[float] = deque(maxlen=5)
    while run.goes_on:
        start = time.perf_counter()
        try:
            async with asyncio.timeout(max(1.0, 5 * harm / 1000)):
                await SQL.ping.one(conn, int)
        except (TimeoutError, psycopg.Error, errors.AppError) as error:
            run.stopped = run.stopped or Stop("probe", said=type(error).__name__)
            return
        last.append(_since(start))
        if len(last) == last.maxlen and statistics.median(last) > harm:
            run.stopped = Stop("slow", harm, percentile(last, 0.5))
            return
        await asyncio.sleep(WATCH_SECONDS)


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 4)
