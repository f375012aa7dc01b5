"""python -m bench.till.load: presses on the ledger for some seconds and prints what came of it, as JSON.

The mix of the reference: 60 % accruals, 40 % redemptions, every tenth operation sent a second time.
"""

import asyncio
import json
import random
import sys
import time
from dataclasses import dataclass, field

from lib import db, errors
from lib.loyalty import points


@dataclass
class Tally:
    """What one process saw; latencies in microseconds."""

    times: list[int] = field(default_factory=list)
    accrued: int = 0
    redeemed: int = 0
    refused: int = 0
    repeated: int = 0
    wrong: int = 0


async def press(url: str, lane: str, members: list[int], partners: int, until: float, tally: Tally) -> None:
    """Be one cashier: operate on members at random until the time is up."""
    rng = random.Random(lane)
    async with db.connect(url) as conn:
        number = 0
        while time.monotonic() < until:
            number += 1
            member = rng.choice(members)
            key = f"{lane}:{number}"
            spends = rng.random() < 0.4
            first = await _operate(conn, member, partners, key, spends, tally)
            if first is not None and rng.random() < 0.1:
                again = await _operate(conn, member, partners, key, spends, tally)
                tally.repeated += 1
                tally.wrong += again is None or again.txn_id != first.txn_id or not again.repeated


async def _operate(
    conn: db.Connection, member: int, partners: int, key: str, spends: bool, tally: Tally
) -> points.Receipt | None:
    shop = 1 + member % partners
    began = time.perf_counter_ns()
    try:
        if spends:
            receipt = await points.redeem(conn, shop, member, 2_000_000 + shop, bill_minor=50_000, points=7, key=key)
            tally.redeemed += 1
        else:
            receipt = await points.accrue(conn, shop, member, 2_000_000 + shop, bill_minor=20_000, key=key)
            tally.accrued += 1
    except errors.Conflict:
        tally.refused += 1
        return None
    finally:
        tally.times.append((time.perf_counter_ns() - began) // 1000)
    return receipt


async def main(asked: dict[str, object]) -> None:
    """Run the lanes that were asked for and print the tally."""
    tally = Tally()
    until = time.monotonic() + float(str(asked["seconds"]))
    url, lanes = str(asked["url"]), int(str(asked["lanes"]))
    members = list(range(int(str(asked["first"])), int(str(asked["last"])) + 1))
    partners = int(str(asked["partners"]))
    await asyncio.gather(*(press(url, f"{asked['name']}:{n}", members, partners, until, tally) for n in range(lanes)))
    print(json.dumps(tally.__dict__))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
