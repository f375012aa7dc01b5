"""A copy without pg_dump: the rows, streamed into tables that the application's own migrations have made on the target.

Foreign keys are dropped and triggers rest meanwhile, so no order of the tables is needed; the state holds how to make
them again. A table that an interrupted run has finished is compared by hash, and streamed again only if it differs.
"""

import asyncio
from typing import Any, Protocol

from lib import errors
from ops.neon import connect, hashes, restore, sequences, snapshots, streams, triggers
from ops.neon.hashes import Table
from ops.neon.progress import Progress
from ops.neon.steps import State, Step

FOREIGN = """
select c.conrelid::regclass::text, quote_ident(c.conname), pg_get_constraintdef(c.oid)
from pg_constraint c join pg_namespace n on n.oid = c.connamespace
where c.contype = 'f' and c.conparentid = 0 and n.nspname !~ '^(pg_|information_schema$)' and n.nspname <> all(%s)
order by 1, 2
"""
WRITABLE = """
select a.attrelid::regclass::text, array_agg(a.attname::text order by a.attname)
from pg_attribute a join pg_class c on c.oid = a.attrelid
where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
group by 1
"""


class Streamed(Protocol):
    """As much of a copy as is looked at here."""

    source: str
    target: str
    state: State
    without: tuple[str, ...]
    jobs: int
    quiet: bool


async def obstacles(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...], *, filled: bool
) -> list[str]:
    """Say what the rows would have no place in, and, unless the target may be `filled`, what they would replace."""
    here, there = await hashes.tables(source, without), await hashes.tables(target, without)
    names = {table.name for table in there}
    said = [f"the target has no table {table.name}" for table in here if table.name not in names]
    if said:
        return [*said, "run the application's migrations on it first"]
    ours, theirs = await _writable(source), await _writable(target)
    lacking = {table.name: set(ours.get(table.name, ())) - set(theirs.get(table.name, ())) for table in here}
    said = [f"{name} lacks {', '.join(sorted(columns))} on the target" for name, columns in lacking.items() if columns]
    if not filled:
        full = [f"{table.name} ({number:,})" for table in there if (number := await hashes.number(target, table))]
        said += [f"the target has rows in {', '.join(full)}: empty them, or --replace them"] if full else []
    return said


async def _writable(conn: connect.Connection) -> dict[str, list[str]]:
    with connect.translated():
        return dict(await (await conn.execute(WRITABLE)).fetchall())


async def _hold(copy: Streamed) -> str:
    """Drop the target's foreign keys and let its triggers rest; the state knows them before they are gone."""
    facts = copy.state.facts
    async with connect.pinned(copy.target) as target:
        found = await _foreign(target, copy.without)
        facts["foreign"] = list({(row[0], row[1]): list(row) for row in [*found, *facts.get("foreign", [])]}.values())
        facts["triggers"] = await triggers.enabled(target, copy.without) | facts.get("triggers", {})
        copy.state.save()
        with connect.translated():
            for table, name, _ in found:
                await target.execute(f"alter table {table} drop constraint if exists {name}".encode())
        await triggers.switch(target, dict.fromkeys(facts["triggers"], "disable"))
    return f"{len(facts['foreign'])} foreign keys dropped, {len(facts['triggers'])} triggers rest, until the end"


async def _foreign(conn: connect.Connection, without: tuple[str, ...]) -> list[tuple[str, str, str]]:
    with connect.translated():
        return await (await conn.execute(FOREIGN, [list(without)])).fetchall()


async def _release(target: connect.Connection, copy: Streamed) -> str:
    facts = copy.state.facts
    there = {(table, name) for table, name, _ in await _foreign(target, copy.without)}
    with connect.translated():
        for table, name, words in facts["foreign"]:
            if (table, name) not in there:
                await target.execute(f"alter table {table} add constraint {name} {words}".encode())
    await triggers.switch(target, facts["triggers"])
    return f"{len(facts['foreign'])} foreign keys and {len(facts['triggers'])} triggers are back"


async def _rows(copy: Streamed) -> str:
    """Stream all tables, the largest first, several at a time, all of one moment of the source."""
    async with snapshots.of(copy.source, copy.jobs) as readers, snapshots.plain(copy.target, copy.jobs) as writers:
        queue = (await hashes.tables(readers[0], copy.without))[::-1]
        bar, sent = Progress("rows", len(queue), quiet=copy.quiet), [0]

        async def work(reader: connect.Connection, writer: connect.Connection) -> None:
            while queue:
                table = queue.pop()
                sent[0] += await _stream(reader, writer, table, copy.state)
                bar.step(table.name)

        try:
            async with asyncio.TaskGroup() as group:
                for reader, writer in zip(readers, writers, strict=True):
                    group.create_task(work(reader, writer))
        except* errors.AppError as failed:
            raise failed.exceptions[0] from None
    bar.done()
    return f"{sent[0] / 2**20:,.1f} MB of {bar.total} tables"


async def _stream(source: connect.Connection, target: connect.Connection, table: Table, state: State) -> int:
    """Stream a table and return the bytes; one that an earlier run has finished only if it is no longer equal."""
    if table.name in state.facts.get("streamed", []) and await _alike(source, target, table):
        return 0
    sent = await streams.table(source, target, table)
    state.facts["streamed"] = list(dict.fromkeys([*state.facts.get("streamed", []), table.name]))
    state.save()
    return sent


async def _alike(source: connect.Connection, target: connect.Connection, table: Table) -> bool:
    ours, theirs = await asyncio.gather(hashes.buckets(source, table), hashes.buckets(target, table))
    return not hashes.differing(ours, theirs)


async def _others(copy: Streamed) -> str:
    """Carry what is in no table, make the keys again, and fill the views."""
    async with connect.pinned(copy.source) as source, connect.pinned(copy.target) as target:
        moved = await sequences.carry(target, await sequences.read(source, copy.without))
        objects = await streams.large_objects(source, target)
        remarks = await streams.rights_of_objects(source, target)
        back = await _release(target, copy)
        filled = await restore.refresh(source, target, copy.without, frozenset(await restore.filtered_views(source)))
        with connect.translated():
            await target.execute("analyze")
    return "\n    ".join([f"{moved} sequences, {objects} large objects; {back}; {filled}", *remarks])


STEPS: tuple[Step[Any], ...] = (
    Step("hold", "drop the target's foreign keys and let its triggers rest", _hold),
    Step("rows", "stream the rows of all tables, of one moment", _rows),
    Step("others", "carry sequences and large objects, make the keys again, fill views, analyze", _others),
)
