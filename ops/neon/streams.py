"""Rows streamed from one database to another by COPY: what no replication carries, and tables where no dump is made.

Always as text: a regclass or regtype in binary is a number of the source, and arrives as another object, or none.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterable

import psycopg
from psycopg import sql

from lib import errors
from ops.neon import connect, hashes, managed, roles
from ops.neon.hashes import Table

COLUMNS = """
select a.attname from pg_attribute a
where a.attrelid = (%s)::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by a.attnum
"""
BATCH = 2**17  # bytes: a row is a message of its own, and each costs as much as a hundred kB
# The statements that give each large object its owner, its grants and its comment.
RIGHTS = """
select l.oid::text, array_remove(array[
    case when not o.rolsuper and o.rolname <> all(%(managed)s) then
        format('alter large object %%s owner to %%I', l.oid, o.rolname)
    end,
    case when obj_description(l.oid, 'pg_largeobject') is not null then
        format('comment on large object %%s is %%L', l.oid, obj_description(l.oid, 'pg_largeobject'))
    end
] || array_agg(
    format('grant %%s on large object %%s to %%s%%s', g.privilege_type, l.oid,
        case when g.grantee = 0 then 'public' else quote_ident(w.rolname) end,
        case when g.is_grantable then ' with grant option' else '' end) order by g.grantee, g.privilege_type
) filter (where g.grantee <> l.lomowner and coalesce(w.rolname <> all(%(managed)s), true)), null)
from pg_largeobject_metadata l
join pg_roles o on o.oid = l.lomowner
left join lateral aclexplode(l.lomacl) g on true
left join pg_roles w on w.oid = g.grantee
group by l.oid, o.rolname, o.rolsuper
"""
OBJECTS = "select oid::text, hashtextextended(encode(lo_get(oid), 'hex'), 0) from pg_largeobject_metadata"


async def table(source: connect.Connection, target: connect.Connection, table: Table) -> int:
    """Replace the rows of a table by the source's, in one transaction, and return their number of bytes."""
    sent = 0
    with connect.translated():
        columns = [name for (name,) in await (await source.execute(COLUMNS, [table.name])).fetchall()]
        listed, name = sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table.schema, table.relation)
        into_columns = sql.SQL("({})").format(listed) if columns else sql.SQL("")
        read = sql.SQL("copy (select {} from {}) to stdout").format(listed, hashes.own_rows(table))
        async with target.transaction():
            await _empty(target, table)
            async with (
                source.cursor().copy(read) as rows,
                target.cursor().copy(sql.SQL("copy {} {} from stdin").format(name, into_columns)) as into,
            ):
                async for batch in _batches(rows):
                    await into.write(batch)
                    sent += len(batch)
    return sent


async def _empty(conn: connect.Connection, table: Table) -> None:
    """Take a table's rows away: at once where nothing refers to it, as a rule may turn a DELETE into nothing."""
    name = sql.Identifier(table.schema, table.relation)
    if not table.extension:
        with contextlib.suppress(psycopg.errors.FeatureNotSupported, psycopg.errors.InsufficientPrivilege):
            async with conn.transaction():
                await conn.execute(sql.SQL("truncate only {}").format(name))
            return
    await conn.execute(sql.SQL("delete from only {} {}").format(name, sql.SQL(table.condition)))  # type: ignore[arg-type]


async def _batches(rows: AsyncIterable[bytes]) -> AsyncIterable[bytes]:
    held, size = [], 0
    async for row in rows:
        held.append(row)
        size += len(row)
        if size >= BATCH:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


async def left_out(conn: connect.Connection, without: tuple[str, ...]) -> list[Table]:
    """Return the tables that no replication carries: unlogged ones, and an application's rows in an extension's."""
    return [entry for entry in await hashes.tables(conn, without) if entry.persistence == "u" or entry.extension]


async def unreplicated(
    source: connect.Connection, target: connect.Connection, without: tuple[str, ...]
) -> tuple[int, list[str]]:
    """Copy the rows that no replication carries; return how many tables, and which of extensions are closed to us."""
    found, closed = await left_out(source, without), []
    for entry in found:
        try:
            await table(source, target, entry)
        except errors.Rejected:
            if not entry.extension:
                raise
            closed.append(entry.name)
    return len(found) - len(closed), closed


async def large_objects(source: connect.Connection, target: connect.Connection) -> int:
    """Make the target's large objects equal to the source's, reading only those that differ; return how many."""
    with connect.translated():
        cursors = await asyncio.gather(source.execute(OBJECTS), target.execute(OBJECTS))
        here, there = [dict(await cursor.fetchall()) for cursor in cursors]
        changed = [oid for oid, told in here.items() if there.get(oid) != told]
        gone = [oid for oid in there if oid not in here or oid in changed]
        await target.execute("select lo_unlink(oid) from unnest(%s::oid[]) oid", [gone])
        for oid in changed:
            row = await (await source.execute("select lo_get(%s::oid)", [oid])).fetchone()
            await target.execute("select lo_from_bytea(%s::oid, %s)", [oid, row[0] if row else b""])
    return len(changed)


async def rights_of_objects(source: connect.Connection, target: connect.Connection) -> list[str]:
    """Give the target's large objects the owners, grants and comments of the source's; return what it refused.

    What belongs to a superuser, or to a provider's role, belongs to who moves.
    """
    given = {"managed": list(managed.ROLES)}
    with connect.translated():
        cursors = await asyncio.gather(*(conn.execute(RIGHTS, given) for conn in (source, target)))
        here, there = [dict(await cursor.fetchall()) for cursor in cursors]
    lacking = [line for oid, lines in here.items() for line in lines or () if line not in (there.get(oid) or ())]
    return await roles.attempt(target, lacking)
