"""Move an application from one database to another with a pause of seconds, step by step, with a way back at each.

  python -m ops cutover '$OLD_URL' '$NEW_URL'              get everything ready; the application goes on writing
  python -m ops cutover '$OLD_URL' '$NEW_URL' --yes        and switch: the pause begins at the step "fence"
  python -m ops cutover '$OLD_URL' '$NEW_URL' --offline    stop, copy, start: where logical replication is not allowed
  python -m ops cutover '$OLD_URL' '$NEW_URL' --finish     days later: end the replication, and with it the way back
  python -m ops rollback '$OLD_URL' '$NEW_URL' --show      say which way back is left

Ctrl-C and a crash are fine at any moment: the same command goes on where it was. While the application is fenced off,
its webhook answers 503 with Retry-After and Telegram keeps the updates. --on-switch runs a command with NEW_URL set,
such as a script of `vercel env` and `vercel deploy`; otherwise these commands are printed.
"""

import argparse
import contextlib
from pathlib import Path

from lib import errors
from ops.neon import addresses, connect, copy, fence, moving, replication, steps, switching, triggers
from ops.neon.copy import Copy
from ops.neon.moving import LOSING, NONE, WHOLE, Cutover
from ops.neon.replication import BACK, FORWARD, Side
from ops.neon.steps import State


def add_arguments(parser: argparse.ArgumentParser) -> None:
    addresses.add(parser)
    parser.add_argument("--yes", action="store_true", help="switch when everything is ready")
    parser.add_argument("--offline", action="store_true", help="stop, copy, start, without replication")
    parser.add_argument("--finish", action="store_true", help="end the replication; there is no way back after it")
    parser.add_argument(
        "--app-role", action="append", default=[], metavar="ROLE", help="who the application logs in as"
    )
    parser.add_argument(
        "--deadline", type=float, default=30, metavar="SECONDS", help="how long the pause may wait (30)"
    )
    parser.add_argument("--on-switch", default="", metavar="COMMAND", help="run it at the switch, with NEW_URL set")
    parser.add_argument(
        "--without", action="append", default=[], metavar="SCHEMA", help="leave a schema out; repeatable"
    )
    parser.add_argument(
        "--skip-extension", action="append", default=[], metavar="NAME", help="do without it; repeatable"
    )
    parser.add_argument("--state", type=Path, metavar="FOLDER", help="where state and dump are kept (.dev/move/…)")


async def run(args: argparse.Namespace) -> int:
    async with contextlib.AsyncExitStack() as stack:
        move = await begin(stack, args)
        if args.finish:
            print(await finish(move))
            return 0
        online = not args.offline and not move.state.facts.get("offline")
        before, during = (moving.ONLINE, switching.SWITCH) if online else (moving.OFFLINE, switching.STOPPED)
        move.note(offline=not online)
        await steps.run(before, move.state, move)
        if not args.yes and not move.state.begun("fence"):
            print(*copy.remarks(move.copy), sep="\n")
            print(f"\nReady. {moving.estimate(move)}\nRun it again with --yes to switch.")
            print(f"Way back: {way_back(move.state)[1]}")
            return 0
        await steps.run(during, move.state, move)
        print(*copy.remarks(move.copy), sep="\n")
        print(f"\nswitched; the pause took {move.state.facts['pause']:.2f} s. Way back: {way_back(move.state)[1]}")
    return 0


async def begin(stack: contextlib.AsyncExitStack, args: argparse.Namespace) -> Cutover:
    """Open both sides, which stay open: a connection made in the pause would lengthen it."""
    source, target = addresses.both(args)
    sides = [Side(await stack.enter_async_context(connect.pinned(url)), url) for url in (source, target)]
    state = steps.load("cutover", source, target, args.state)
    definitions = Copy(
        source,
        target,
        steps.load("copy" if _offline(args, state) else "definitions", source, target, state.folder),
        None,
        tuple(getattr(args, "without", ())),
        frozenset(getattr(args, "skip_extension", ())),
        schema_only=not _offline(args, state),
    )
    definitions.stream = not definitions.schema_only and await copy.must_stream(definitions)
    await connect.refuse_same(sides[0].conn, sides[1].conn)
    move = Cutover(*sides, definitions, state, seconds=getattr(args, "deadline", 30), on_switch=_on_switch(args))
    move.roles = getattr(args, "app_role", []) or state.facts.get("roles") or await fence.application(sides[0].conn)
    return move


def _offline(args: argparse.Namespace, state: State) -> bool:
    return bool(getattr(args, "offline", False) or state.facts.get("offline"))


def _on_switch(args: argparse.Namespace) -> str:
    return str(getattr(args, "on_switch", ""))


async def finish(move: Cutover) -> str:
    """End the replication in both directions and see that no slot is left behind."""
    if move.state.begun("fence") and not move.state.done("switch"):
        raise errors.Conflict("not_switched", "the switch is not done: finish it with --yes, or roll back")
    await end(move)
    move.note(way_back=NONE)
    return "the replication is ended, no slot is left on either side; there is no way back from here"


async def end(move: Cutover) -> None:
    """Drop all that the move has made for its replication, on both sides."""
    await replication.end(move.source.conn, move.target.conn, BACK)
    await replication.end(move.target.conn, move.source.conn, FORWARD)
    await triggers.switch(move.source.conn, move.state.facts.get("firing", {}))
    for side in (move.source, move.target):
        await replication.identify(side.conn, move.state.facts.get("identified", []), "default")
    left = await replication.slots(move.source.conn, FORWARD) + await replication.slots(move.target.conn, BACK)
    if left:
        raise errors.Conflict("slots", f"left behind: {', '.join(left)}")


def way_back(state: State) -> tuple[str, str]:
    """Return which way back is left, and in words."""
    if state.facts.get("way_back") == NONE:
        return NONE, "none: the replication was ended"
    if not state.begun("fence"):
        return WHOLE, "whole: the application still works with the source, nothing was switched"
    if not state.begun("switch"):
        return WHOLE, "whole: nothing was written to the target yet; rollback lets the application in again"
    if state.facts.get("way_back") == WHOLE:
        return WHOLE, "whole: what is written to the target comes back to the source, until --finish"
    return LOSING, "losing: a rollback loses what was written to the target since the switch (--lose-writes)"
