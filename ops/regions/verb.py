"""Look at the regions, begin a new one, or move a shop to another.

  python -m ops regions                            what the regions have, and what has not been heard
  python -m ops regions begin                      have the rows of this region's new database count from its own number
  python -m ops regions move 4f2a9c eu '$EU_URL'   move a shop from this region, by its code or number; the same again
                                                   goes on after an interruption
  python -m ops regions move 4f2a9c eu '$EU_URL' --back     give a move up that has not been finished

It uses HOME_REGION, REGIONS, DATABASE_URL_UNPOOLED and the settings of Redis of the region where it is called: that of
the shop. docs/regions.md says what a move costs and how a region is added.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from lib import config, db, errors, fetch, wire
from lib.regions import days, directory, door, events
from ops.neon import addresses, connect, steps
from ops.regions import fence, move, numbers, tenant
from ops.regions.move import Move


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_subparsers(dest="what", metavar="begin | move")
    what.add_parser("begin", help="have this region's database count from its own number")
    moving = what.add_parser("move", help="move a shop to another region")
    moving.add_argument("shop", help="the shop's code or number")
    moving.add_argument("region", help="where to")
    moving.add_argument("target", metavar="TARGET", help="that region's database, as its owner: an address, or '$NAME'")
    moving.add_argument("--back", action="store_true", help="give up a move that has not been finished")
    moving.add_argument(
        "--settle", type=float, default=25.0, metavar="SECONDS", help="how long a handler may still run (25)"
    )


async def run(args: argparse.Namespace) -> int:
    if not config.get().regions:
        raise errors.Misconfigured(detail="REGIONS names no second region; there is nothing to do")
    if args.what == "begin":
        return await _begin()
    return await (_move(args) if args.what == "move" else _show())


async def _begin() -> int:
    async with db.connect(config.get().database_url_unpooled) as conn:
        number = await numbers.begin(conn, config.get().home_region)
    print(f"{number} tables count from {numbers.span(config.get().home_region).start:,} on")
    return 0


async def _show() -> int:
    """Show what each region had yesterday, as it has told, the sum, and who has not heard everything."""
    day = (datetime.now(UTC) - timedelta(days=1)).date()
    async with db.connect(config.get().database_url_unpooled) as conn:
        told, late = await days.told(conn, day), await events.lags(conn)
    names = [*days.total(told)]
    print("  ".join([f"{day}  ", *(f"{name:>14}" for name in names)]))
    for one in told:
        print("  ".join([f"{one.region:<12}", *(f"{one.figures.get(name, 0):>14,}" for name in names)]))
    print("  ".join([f"{'all':<12}", *(f"{number:>14,}" for number in days.total(told).values())]))
    for region in config.get().regions.keys() - {one.region for one in told}:
        print(f"{region:<12}  has told nothing of this day")
    for one_late in late:
        print(f"{one_late.region:<12}  has not heard {one_late.number}, since {one_late.since:%Y-%m-%d %H:%M}")
    return 0


async def _move(args: argparse.Namespace) -> int:
    settings = config.get()
    if args.region not in settings.other_regions:
        raise errors.Invalid("region", f"{args.region!r}; there are: {', '.join(settings.other_regions)}")
    args.source = settings.database_url_unpooled
    source, target = addresses.both(args)
    async with _moving(source, target, args.shop, args.region) as moving:
        moving.settle = args.settle
        await move.lock(moving)
        if args.back:
            print(await move.back(moving))
        else:
            await _go(moving)
    return 0


async def _go(moving: Move) -> None:
    """Do the steps; a person who stops them reads that the shop waits, and which command ends the wait."""
    try:
        await steps.run(move.STEPS, moving.state, moving)
    except asyncio.CancelledError:
        if moving.state.done("flip"):
            print("the shop works there; the same command removes its rows here", file=sys.stderr)
        elif moving.state.begun("hold"):
            print("the shop waits: the same command goes on, --back gives the move up", file=sys.stderr)
        raise


@contextlib.asynccontextmanager
async def _moving(source: str, target: str, shop: str, region: str) -> AsyncIterator[Move]:
    """Open both sides and find the shop; the state knows it once its rows are gone."""
    async with connect.pinned(source) as here, connect.pinned(target) as there:
        for conn in (here, there):
            await conn.execute("set search_path = public")
        state = _state(source, target, shop)
        known = state.facts.get("shop") or await _known(here, there, shop)
        state.facts["shop"] = known
        try:
            yield Move(
                here, there, state, known[0], known[1], config.get().home_region, region,
                [*config.get().other_regions], door.tell, directory.PLACE.clear, events.states,
                tables=await tenant.tables(here),
            )  # fmt: skip
        finally:
            await db.close()
            await fetch.close()
            await wire.close()


async def _known(here: db.Connection, there: db.Connection, shop: str) -> tuple[int, str]:
    """Return a shop's number and code: from there, where only the fence is left of it here, and no state file tells."""
    try:
        return (await move.find(here, shop))[:2]
    except errors.Missing as missing:
        with contextlib.suppress(errors.Missing):
            number, code = (await move.find(there, shop))[:2]
            if await fence.is_up(here, number):
                return number, code
        raise missing from None


def _state(source: str, target: str, shop: str) -> steps.State:
    """Return the state of this shop's move between the two; one that has come to its end is begun again."""
    state = steps.load(f"shop-{shop}", source, target)
    if state.done("clear"):
        return dataclasses.replace(state, steps={}, facts={})
    return state
