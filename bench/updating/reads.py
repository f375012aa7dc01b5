"""Cached reads beside uncached ones, at a distance. A cache saves as much as the read that it replaces would cost."""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bench.updating import region

ROUNDS = 15


@dataclass(frozen=True)
class Read:
    """One class of the caches, the speed-up that is claimed for it, and the queries that such a read made there."""

    name: str
    claimed: int
    queries: int


READS = (
    Read("auth", 30, 3),
    Read("profile", 33, 2),
    Read("conversation", 40, 3),
    Read("menu", 66, 8),
    Read("whole request", 30, 14),
)


async def compare(here: region.Region) -> str:
    """Return the table for the region's distance."""
    os.environ.update(here.settings())
    from lib import config, db, wire
    from lib import shelves as kinds

    config.get.cache_clear()
    shelves = {"auth": kinds.AUTH, "profile": kinds.PROFILE, "conversation": kinds.CONVERSATION, "menu": kinds.MENU}
    head = [
        *("read", "claimed", "a connection and n queries, ms", "one query here, ms", "cached, ms"),
        *("in a trip made anyway, ms", "cached beside the first", "beside one query", "in a trip beside the first"),
    ]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * len(head))} |"]
    await db.run(_query)
    for read in READS:
        lines.append(await _compared(read, shelves.get(read.name, kinds.SESSION), here.settings()["DATABASE_URL"]))
    await db.close()
    await wire.close()
    return "\n".join(lines)


async def _compared(read: Read, shelf: Any, database: str) -> str:
    """Return the line of one class."""
    from lib import cache, db

    owner = f"bench-{read.name}".replace(" ", "-")
    await shelf.put(owner, {"name": "Алиса", "more": "x" * 400})

    async def naive() -> None:
        async with db.connect(database) as conn:
            for _ in range(read.queries):
                await _query(conn)

    async def cached() -> None:
        assert await shelf.read(owner, _nothing)

    async def trip() -> None:
        await cache.pipeline([["MGET", cache.key("update:1"), cache.key("state:1")]])

    async def riding() -> None:
        await asyncio.gather(trip(), cached())

    old, one, hit = await _ms(naive), await _ms(lambda: db.run(_query)), await _ms(cached)
    more = max(0.1, await _ms(riding) - await _ms(trip))
    return (
        f"| {read.name} | {read.claimed}× | {old:.1f} ({read.queries}) | {one:.1f} | {hit:.1f} | {more:.2f} "
        f"| {old / hit:.0f}× | {one / hit:.1f}× | {old / more:.0f}× |"
    )


async def _query(conn: Any) -> None:
    await conn.execute("select id from users where tg_id = 1")


async def _nothing() -> None:
    raise AssertionError("it is in the cache")


async def _ms(work: Callable[[], Awaitable[Any]]) -> float:
    await work()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


MEANING = (
    "What the claims mean. A speed-up of 30 to 66 times is what a cache shows beside a request that opens a connection "
    "and then asks query after query (how many is our assumption, in brackets); the number grows with the distance to "
    "the database, not with the cache. Here a connection is kept and such a read is one query, so a cache that costs a "
    "trip of its own saves little, and where Redis is as far as Postgres, nothing. What it saves is the query: read in "
    "a trip that is made anyway, a hit costs less than a trip. That is how the product uses Redis: an update reads "
    "turn, mark, state and pauses in one trip, and of the person only what the state lacks."
)
