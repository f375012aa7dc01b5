"""A cutover up to the moment before its pause: what it keeps, its checks, the copy that follows the writes.

The application works with the source all the while, and every step can be done again.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib import errors
from ops.neon import catalog, connect, copy, fence, replication, restore, steps, streams, triggers
from ops.neon.archive import Entry
from ops.neon.copy import Copy
from ops.neon.hashes import Table
from ops.neon.replication import FORWARD, Side
from ops.neon.restore import VIEW_DATA
from ops.neon.steps import State, Step

WHOLE, LOSING, NONE = "whole", "losing", "none"


@dataclass(frozen=True)
class Prepared:
    """What the pause needs, looked at before it: the tables, the triggers that wait, if the way can be turned."""

    tables: list[Table]
    waiting: list[Entry]
    may_turn: bool


@dataclass
class Cutover:
    """A move on its way."""

    source: Side
    target: Side
    copy: Copy
    state: State
    roles: list[str] = field(default_factory=list)
    seconds: float = 30.0
    on_switch: str = ""
    prepared: Prepared | None = None

    @property
    def without(self) -> tuple[str, ...]:
        """Return the schemas that stay behind."""
        return tuple(self.copy.state.facts.get("without", ()))

    def note(self, **facts: Any) -> None:
        """Keep what later steps, or a rollback, must know."""
        self.state.facts |= facts
        self.state.save()


async def _check(move: Cutover) -> str:
    """Look whether the application can be kept out, and whether replication is allowed."""
    said = await fence.may(move.source.conn, move.roles)
    barred = await replication.obstacles(move.source.conn, move.target.conn)
    if said or barred:
        way = ". Without replication: --offline" if barred else ""
        raise errors.Conflict("not_ready", "; ".join(said + barred) + way)
    move.note(roles=move.roles)
    return f"{await copy.check(move.copy)}\n    the application logs in as {', '.join(move.roles)}"


async def _check_offline(move: Cutover) -> str:
    if said := await fence.may(move.source.conn, move.roles):
        raise errors.Conflict("not_ready", "; ".join(said))
    move.note(roles=move.roles, size=await _size(move))
    return f"{await copy.check(move.copy)}\n    the application logs in as {', '.join(move.roles)}; {estimate(move)}"


async def _size(move: Cutover) -> int:
    with connect.translated():
        cursor = await move.source.conn.execute("select pg_database_size(current_database())")
        return int((await cursor.fetchone() or (0,))[0])


def estimate(move: Cutover) -> str:
    """Say how long the pause will be: by replication, or by the last rehearsed copy from this source."""
    if not move.state.facts.get("offline"):
        return "The pause lasts as long as what is under way arrives: about a second."
    size = move.state.facts.get("size", 0)
    speed = [
        (facts["size"] / facts["seconds"], facts) for facts in rehearsals(move.state.folder.parent, move.source.url)
    ]
    if not speed:
        return f"{size / 2**20:,.0f} MB; nothing was rehearsed: `copy` into a Neon branch first tells how long it takes"
    rate, facts = min(speed, key=lambda pair: pair[0])
    return f"The pause lasts about {size / rate:,.0f} s: {facts['seconds']:.0f} s were measured on {facts['at'][:10]}."


def rehearsals(folder: Path, source: str) -> list[dict[str, Any]]:
    """Return the finished copies from this source that states beside this one tell of."""
    found = []
    for path in folder.glob("*/copy.json"):
        facts = json.loads(path.read_text(encoding="utf-8"))["facts"].get("finished")
        if facts and facts["source"] == steps.trace(source):
            found.append(facts)
    return found


async def _definitions(move: Cutover) -> str:
    """Make roles, schemas and tables, and of the keys those that applying updates needs."""
    await steps.run(copy.STEPS[1:5], move.copy.state, move.copy, lambda _: None)
    keys = await _of_source(move, "k.contype = 'p' or i.indisreplident")
    chosen = [entry for entry in move.copy.restore.entries("post-data") if _is_key(entry, keys)]
    number = await copy.put_entries(move.copy, "keys", chosen, again=True)
    move.note(catalogue=await _fingerprint(move), keys=[entry.line for entry in chosen])
    return f"tables made, {number} keys"


async def _of_source(move: Cutover, condition: str) -> set[str]:
    query = f"""
    select n.nspname || '.' || coalesce(k.conname, x.relname) from pg_index i
    join pg_class x on x.oid = i.indexrelid join pg_namespace n on n.oid = x.relnamespace
    left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u') where {condition}"""
    with connect.translated():
        return {name for (name,) in await (await move.source.conn.execute(query.encode())).fetchall()}


def _is_key(entry: Entry, keys: set[str]) -> bool:
    """Tell a key that updates need, with what attaches a partition's to its parent's."""
    last = entry.name.split(" ")[-1]
    named = any(key.startswith(f"{entry.schema}.") and entry.name.endswith(key.partition(".")[2]) for key in keys)
    return entry.kind in ("CONSTRAINT", "INDEX", "INDEX ATTACH") and (f"{entry.schema}.{last}" in keys or named)


async def _fingerprint(move: Cutover) -> str:
    held = await catalog.read(move.source.conn, move.without)
    kept = {
        name: section for name, section in held.items() if name not in (*catalog.NOTES, "large_objects", "publications")
    }
    kept.pop("filled_views", None)
    text = json.dumps(kept, sort_keys=True).replace("replica identity f", "replica identity d")
    return hashlib.sha256(text.encode()).hexdigest()


async def _replicate(move: Cutover) -> str:
    """Publish on the source, subscribe on the target, and wait until every table is there and follows."""
    source, target = move.source.conn, move.target.conn
    bare = await replication.keyless(source, move.without)
    move.note(identified=sorted({*move.state.facts.get("identified", []), *bare}))
    for conn in (source, target):
        await replication.identify(conn, bare, "full")
    tables = await replication.published(source, move.without)
    if await replication.subscription_id(target, FORWARD) is None:
        await replication.publish(source, FORWARD, tables)
        await replication.drop_slots(source, FORWARD)
        await restore.empty(target, move.copy.restore)
        await replication.subscribe(move.target, move.source, FORWARD, rows=True)
    bar = copy.Progress("rows", len(tables))
    number = await replication.wait_for_rows(target, FORWARD, lambda ready, _: bar.step(by=ready - bar.count))
    bar.done()
    return f"{number} tables follow" + (f"; replica identity full: {', '.join(bare)}" if bare else "")


async def _indexes(move: Cutover) -> str:
    """Build the other indexes, keys, triggers and policies; triggers that the apply worker would fire wait."""
    put, held = move.copy.restore, set(move.state.facts["keys"])
    waiting = set(await triggers.enabled(move.source.conn, move.without, states="AR"))
    entries = [
        entry
        for entry in put.entries("post-data")
        if entry.kind != VIEW_DATA
        and entry.line not in held
        and not (entry.kind == "TRIGGER" and title(entry) in waiting)
    ]
    number = await copy.put_entries(move.copy, "indexes", entries, again=True)
    move.note(waiting=sorted(waiting))
    await copy.settle(move.copy)
    return f"{number} entries; triggers that wait for the switch: {', '.join(sorted(waiting)) or 'none'}"


def title(entry: Entry) -> str:
    """Return the name of an entry with its schema."""
    return f"{entry.schema}.{entry.name}"


async def _catch_up(move: Cutover) -> str:
    """Wait until little is left, and refuse when the source's tables were changed since they were copied."""
    await streams.large_objects(move.source.conn, move.target.conn)
    move.copy.remark(*await streams.rights_of_objects(move.source.conn, move.target.conn))
    if await _fingerprint(move) != move.state.facts["catalogue"]:
        raise errors.Conflict(
            "changed", "the source's tables, views or functions were changed since the copy; roll back and begin again"
        )
    with connect.translated():
        await move.target.conn.execute("vacuum (analyze)")  # else the first count of it, in the pause, does the work
    left = await replication.catch_up(move.source.conn, move.target.conn, FORWARD, replication.LAG, 3600)
    return f"{left:,} bytes behind"


ONLINE: tuple[Step[Cutover], ...] = (
    Step("check", "look at both sides, the roles and the right to replicate", _check),
    Step("tables", "make roles, schemas, tables and their keys", _definitions),
    Step("replicate", "copy the rows and follow the writes", _replicate),
    Step("indexes", "build the other indexes, keys, triggers and policies", _indexes),
    Step("catch up", f"wait until less than {replication.LAG // 1000} kB are left", _catch_up),
)
OFFLINE: tuple[Step[Cutover], ...] = (Step("check", "look at both sides and the roles", _check_offline),)
