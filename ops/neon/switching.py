"""The pause of a cutover: the application is kept out, the last rows arrive, both sides are counted, the way is turned.

Every step can be done again, and until the last of them the application can be let in again where it was.
"""

import asyncio
import os
import sys
import time

from psycopg import sql

from lib import errors
from ops.neon import connect, copy, fence, hashes, replication, restore, sequences, steps, streams
from ops.neon.archive import Entry
from ops.neon.moving import LOSING, WHOLE, Cutover, firing, title
from ops.neon.replication import BACK, FORWARD
from ops.neon.restore import VIEW_DATA
from ops.neon.steps import Step


async def _fence(move: Cutover) -> str:
    """Keep the application out: here the pause begins."""
    if not move.state.facts.get("offline"):
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
    unlogged = await streams.unlogged(source, target, move.without)
    return f"all arrived; {moved} sequences, {objects} large objects, {unlogged} unlogged tables carried"


async def _compare(move: Cutover) -> str:
    """Count both sides: a difference stops here, and nothing has been switched yet."""
    source, target = move.source.conn, move.target.conn
    tables = await replication.published(source, move.without)
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
    source, target = move.source, move.target
    waiting = [entry for entry in move.copy.restore.entries("post-data") if entry.kind == "TRIGGER"]
    chosen = [entry for entry in waiting if title(entry) in set(move.state.facts.get("waiting", ()))]
    await replication.disable(target.conn, FORWARD)
    await move.copy.restore.put("triggers", chosen, again=True, jobs=1)
    fires = move.state.facts.get("firing") or await firing(move)
    if not await replication.may_subscribe(source.conn):
        move.note(way_back=LOSING)
        return "none: our role may not subscribe on the source; a rollback loses what is written from now on"
    move.note(firing=fires)
    await switch_triggers(source.conn, dict.fromkeys(fires, "disable"))
    move.note(way_back=WHOLE)
    if await replication.subscription_id(source.conn, BACK) is None:
        await replication.publish(target.conn, BACK, await replication.published(target.conn, move.without))
        await replication.subscribe(source, target, BACK, rows=False)
    return "what is written to the target comes back to the source"


async def switch_triggers(conn: connect.Connection, how: dict[str, str]) -> None:
    """Set triggers, named `schema.table trigger`: `disable`, `enable always` or `enable replica`."""
    with connect.translated():
        for named, state in how.items():
            table, _, name = named.rpartition(" ")
            where = sql.Identifier(*table.split(".", 1))
            statement = sql.SQL("alter table {} {} trigger {}").format(where, sql.SQL(state), sql.Identifier(name))  # type: ignore[arg-type]
            await conn.execute(statement)


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
    """Fill the materialized views that the source has filled, each as its owner, which no replication does."""
    filled = "select c.oid::regclass::text from pg_class c where c.relkind = 'm' and c.relispopulated"
    source, target = move.source.conn, move.target.conn
    with connect.translated():
        wanted = {name for (name,) in await (await source.execute(filled)).fetchall()}
        views = sorted(await hashes.tables(target, move.without, "m"), key=lambda view: view.oid)
        entries = [Entry("", VIEW_DATA, view.schema, view.relation, "") for view in views if view.name in wanted]
        known = move.copy.state.facts.get("filtered")
        guarded = await restore.guarded_views(target)
        chosen, remarks = restore.to_fill(entries, guarded, None if known is None else frozenset(known))
        await target.execute("set row_security = on")
        for entry in chosen:
            await target.execute(
                sql.SQL("refresh materialized view {}").format(sql.Identifier(entry.schema, entry.name))
            )
    return "\n    ".join([f"{len(chosen)} of {len(entries)} materialized views filled", *remarks])


async def _copy_all(move: Cutover) -> str:
    """Copy everything while nobody writes."""
    await steps.run(copy.STEPS[1:], move.copy.state, move.copy, lambda line: print(f"    {line}", file=sys.stderr))
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
