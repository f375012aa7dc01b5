"""The pause of a cutover: the application is kept out, the last rows arrive, both sides are counted, the way is turned.

Every step can be done again, and until the last of them the application can be let in again where it was.
"""

import asyncio
import os
import sys
import time

from lib import errors
from ops.neon import connect, copy, fence, replication, restore, sequences, steps, streams, triggers
from ops.neon.moving import LOSING, WHOLE, Cutover, Prepared, title
from ops.neon.replication import BACK, FORWARD
from ops.neon.steps import Step


async def _prepare(move: Cutover) -> Prepared:
    """Look at, before the pause, what is needed in it: programs that read the dump would take their time there."""
    if move.prepared is None:
        source, target = move.source.conn, move.target.conn
        waiting = set(move.state.facts.get("waiting", ()))
        entries = [] if not waiting else move.copy.restore.entries("post-data")
        move.prepared = Prepared(
            await replication.published(source, move.without),
            [entry for entry in entries if entry.kind == "TRIGGER" and title(entry) in waiting],
            await replication.may_subscribe(source),
        )
        turns = move.prepared.may_turn and not move.state.facts.get("offline")
        if turns and await replication.subscription_id(source, BACK) is None:
            await replication.publish(target, BACK, await replication.published(target, move.without))
    return move.prepared


async def _fence(move: Cutover) -> str:
    """Keep the application out: here the pause begins."""
    if not move.state.facts.get("offline"):
        await _prepare(move)
        await replication.catch_up(move.source.conn, move.target.conn, FORWARD, replication.LAG, 600)
    move.note(fenced_at=time.time())
    ended = await fence.shut(move.source.conn, move.roles)
    return f"{', '.join(move.roles)} kept out, {ended} sessions ended; the pause has begun"


async def _drain(move: Cutover) -> str:
    """Wait for the last rows, then carry what replication does not: sequences, large objects, unlogged rows."""
    source, target = move.source.conn, move.target.conn
    await replication.drain(source, target, FORWARD, move.seconds)
    moved = await sequences.carry(target, await sequences.read(source, move.without))
    objects = await streams.large_objects(source, target)
    if objects:
        move.copy.remark(*await streams.rights_of_objects(source, target))
    others, closed = await streams.unreplicated(source, target, move.without)
    said = f"all arrived; {moved} sequences, {objects} large objects, {others} tables without a log carried"
    return said + (f"; extensions' own, closed to us: {', '.join(closed)}" if closed else "")


async def _compare(move: Cutover) -> str:
    """Count both sides: a difference stops here, and nothing has been switched yet."""
    source, target = move.source.conn, move.target.conn
    tables = (await _prepare(move)).tables
    query = " union all ".join(f"select '{n}', count(*) from only {t.name}" for n, t in enumerate(tables)).encode()
    with connect.translated():
        cursors = await asyncio.gather(source.execute(query), target.execute(query))
        here, there = [dict(await cursor.fetchall()) for cursor in cursors]
    differing = [tables[int(number)].name for number in here if here[number] != there[number]]
    ours, theirs = await asyncio.gather(sequences.read(source, move.without), sequences.read(target, move.without))
    lagging = sequences.lagging(ours, theirs)
    if differing or lagging:
        raise errors.Conflict("different", "; ".join([*(f"rows of {name}" for name in differing), *lagging]))
    return f"{sum(here.values()):,} rows in {len(tables)} tables on both sides"


async def _way_back(move: Cutover) -> str:
    """Turn the replication round: what is written to the target from now on comes back to the source."""
    source, target, prepared = move.source, move.target, await _prepare(move)
    await replication.disable(target.conn, FORWARD)
    await copy.put_entries(move.copy, "triggers", prepared.waiting, again=True, jobs=1)
    if not prepared.may_turn:
        move.note(way_back=LOSING)
        return "none: our role may not subscribe on the source; a rollback loses what is written from now on"
    fires = move.state.facts.get("firing") or await triggers.enabled(source.conn, states="AR")
    move.note(firing=fires)
    await triggers.switch(source.conn, dict.fromkeys(fires, "disable"))
    move.note(way_back=WHOLE)
    if await replication.subscription_id(source.conn, BACK) is None:
        await replication.subscribe(source, target, BACK, rows=False)
    return "what is written to the target comes back to the source"


async def _switch(move: Cutover) -> str:
    """Hand the new address over: by the command that was given, else as lines to run."""
    if not move.on_switch:
        move.note(pause=time.time() - move.state.facts["fenced_at"])
        return "now give the application its new address:\n" + "\n".join(f"    {line}" for line in commands(move.roles))
    process = await asyncio.create_subprocess_shell(move.on_switch, env=dict(os.environ) | {"NEW_URL": move.target.url})
    if await process.wait():
        raise errors.Rejected("switch", f"the command ended with {process.returncode}; run it again, or roll back")
    move.note(pause=time.time() - move.state.facts["fenced_at"])
    return "the command of --on-switch is done"


def commands(roles: list[str]) -> list[str]:
    """Return what to run where no command was given."""
    return [
        "vercel env rm DATABASE_URL production --yes && vercel env add DATABASE_URL production   # the pooled address",
        "vercel env rm DATABASE_URL_UNPOOLED production --yes && vercel env add DATABASE_URL_UNPOOLED production",
        "vercel deploy --prod",
        f"# it logs in as {', '.join(roles)}, with the passwords that were shown; curl -f $PUBLIC_URL/api/health",
    ]


async def _views(move: Cutover) -> str:
    """Fill the materialized views that the source has filled, which no replication does."""
    known = move.copy.state.facts.get("filtered")
    return await restore.refresh(
        move.source.conn, move.target.conn, move.without, None if known is None else frozenset(known)
    )


async def _copy_all(move: Cutover) -> str:
    """Copy everything while nobody writes."""
    plan = copy.plan(move.copy)[1:]
    await steps.run(plan, move.copy.state, move.copy, lambda line: print(f"    {line}", file=sys.stderr))
    move.note(way_back=LOSING)
    return "copied"


SWITCH: tuple[Step[Cutover], ...] = (
    Step("fence", "keep the application out: the pause begins", _fence),
    Step("drain", "wait for the last rows, carry sequences", _drain),
    Step("compare", "count both sides", _compare),
    Step("way back", "turn the replication round", _way_back),
    Step("switch", "hand over the new address", _switch),
    Step("views", "fill the materialized views", _views),
)
STOPPED: tuple[Step[Cutover], ...] = (
    Step("fence", "keep the application out: the pause begins", _fence),
    Step("copy", "copy everything", _copy_all),
    Step("compare", "count both sides", _compare),
    Step("switch", "hand over the new address", _switch),
)
