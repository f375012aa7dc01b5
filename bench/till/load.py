"""python -m bench.till.load: presses on the ledger for some seconds and prints what came of it, as JSON.

The mix of the reference: 60 % accruals, 40 % redemptions, every tenth operation sent a second time.
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from lib import db, errors
from lib.loyalty import points

WARM = 1.0  # seconds
PLAIN = db.Query(
    "operate",
    "select txn_id, repeated, short from operate(%(shop)s, %(member)s, 1, %(key)s, %(kind)s, %(amount)s, %(points)s)",
)


class Done(Protocol):
    """What an operation answers with."""

    @property
    def txn_id(self) -> int: ...
    @property
    def repeated(self) -> bool: ...


@dataclass(frozen=True)
class Plain:
    """The answer of the plain ledger."""

    txn_id: int
    repeated: bool
    short: bool


type Ledger = Callable[[db.Connection, int, int, str, bool], Awaitable[Done]]


@dataclass
class Tally:
    """What one process saw; latencies in microseconds."""

    times: list[int] = field(default_factory=list)
    refused: int = 0
    repeated: int = 0
    wrong: int = 0


async def ours(conn: db.Connection, shop: int, member: int, key: str, spends: bool) -> Done:
    """Operate on the product's ledger."""
    cashier = 2_000_000 + shop
    if spends:
        return await points.redeem(conn, shop, member, cashier, bill_minor=50_000, points=7, key=key)
    return await points.accrue(conn, shop, member, cashier, bill_minor=20_000, key=key)


async def plain(conn: db.Connection, shop: int, member: int, key: str, spends: bool) -> Done:
    """Operate on the plain ledger of reference.sql."""
    kind, amount, number = ("redeem", 50_000, 7) if spends else ("earn", 20_000, 10)
    asked = {"shop": shop, "member": member, "key": key, "kind": kind, "amount": amount, "points": number}
    done = await PLAIN.one(conn, Plain, **asked)
    assert done is not None
    if done.short:
        raise errors.Conflict("short_of_points")
    return done


async def press(
    url: str, ledger: Ledger, lane: str, members: list[int], partners: int, begin: float, until: float
) -> Tally:
    """Be one cashier: operate on members at random until the time is up, and forget the times before `begin`.

    By then a connection has planned its statements, as one that a pooler keeps has done long ago.
    """
    rng = random.Random(lane)
    tally = Tally()
    async with db.connect(url) as conn:
        number = 0
        while (now := time.monotonic()) < until:
            if now < begin:
                tally.times.clear()
            number += 1
            member = rng.choice(members)
            asked = (1 + member % partners, member, f"{lane}:{number}", rng.random() < 0.4)
            first = await _operate(ledger, conn, asked, tally)
            if first is not None and rng.random() < 0.1:
                again = await _operate(ledger, conn, asked, tally)
                tally.repeated += 1
                tally.wrong += again is None or again.txn_id != first.txn_id or not again.repeated
    return tally


async def _operate(ledger: Ledger, conn: db.Connection, asked: tuple[int, int, str, bool], tally: Tally) -> Done | None:
    began = time.perf_counter_ns()
    try:
        return await ledger(conn, *asked)
    except errors.Conflict:
        tally.refused += 1
        return None
    finally:
        tally.times.append((time.perf_counter_ns() - began) // 1000)


async def main(asked: dict[str, object]) -> None:
    """Run the lanes that were asked for and print the tally of all."""
    begin = time.monotonic() + WARM
    until = begin + float(str(asked["seconds"]))
    url, lanes = str(asked["url"]), int(str(asked["lanes"]))
    members = list(range(1, int(str(asked["last"])) + 1))
    partners, ledger = int(str(asked["partners"])), plain if asked["plain"] else ours
    names = [f"{asked['name']}:{number}" for number in range(lanes)]
    tallies = await asyncio.gather(*(press(url, ledger, name, members, partners, begin, until) for name in names))
    print(
        json.dumps(
            {
                key: sum((getattr(one, key) for one in tallies[1:]), getattr(tallies[0], key))
                for key in Tally.__annotations__
            }
        )
    )


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
