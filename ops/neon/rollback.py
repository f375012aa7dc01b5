"""Go back from a cutover: which way back there is depends on how far it came, and this says so before it does anything.

  python -m ops rollback '$OLD_URL' '$NEW_URL' --show          say which way back is left; change nothing
  python -m ops rollback '$OLD_URL' '$NEW_URL'                 go back, if nothing is lost by it
  python -m ops rollback '$OLD_URL' '$NEW_URL' --lose-writes   go back even without what was written since the switch

Before the switch it lets the application in again and ends the replication. After it, with the replication turned
round, it keeps the application out of the target, waits until all of it has come back, and opens the source.
"""

import argparse
import contextlib
from pathlib import Path

from lib import errors
from ops.neon import addresses, cutover, fence, replication, sequences, switching
from ops.neon.moving import LOSING, NONE, Cutover
from ops.neon.replication import BACK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    addresses.add(parser, source="the database that was moved from")
    parser.add_argument("--show", action="store_true", help="only say which way back is left")
    parser.add_argument("--lose-writes", action="store_true", help="go back without what was written to the target")
    parser.add_argument("--state", type=Path, metavar="FOLDER", help="where the cutover's state is kept (.dev/move/…)")


async def run(args: argparse.Namespace) -> int:
    async with contextlib.AsyncExitStack() as stack:
        move = await cutover.begin(stack, args)
        if not move.state.steps:
            raise errors.Missing("no_cutover", "nothing was begun between these two databases")
        which, words = cutover.way_back(move.state)
        print(f"way back: {words}")
        if args.show:
            return 0
        if which == NONE or (which == LOSING and not args.lose_writes):
            raise errors.Conflict("no_way_back", words)
        print(await go_back(move, whole=which != LOSING))
    return 0


async def go_back(move: Cutover, *, whole: bool = True) -> str:
    """Bring the application back to the source."""
    switched = move.state.begun("switch")
    if switched:
        await fence.shut(move.target.conn, move.roles)
    if switched and whole and not move.state.facts.get("returned"):
        await replication.drain(move.target.conn, move.source.conn, BACK, move.seconds)
        await sequences.carry(move.source.conn, await sequences.read(move.target.conn, move.without))
        move.note(returned=True)  # nobody can write to the target from here; the next lines take its slot away
    await cutover.end(move)
    await fence.open_again(move.source.conn, move.roles)
    roles = move.roles
    move.state.steps, move.state.facts = {}, {"rolled_back": True}
    move.state.save()
    done = f"{', '.join(roles)} may log in to the source again; no slot is left"
    if not switched:
        return f"{done}. The target holds a half-made copy: drop it before the next try"
    return f"{done}. Give the application the source's address back:\n" + "\n".join(switching.commands(roles)[:3])
