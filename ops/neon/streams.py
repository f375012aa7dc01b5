"""Rows streamed from one database to another by COPY: what no replication carries, and tables where no dump is made.

Always as text: a regclass or regtype in binary is a number of the source, and arrives as another object, or none.
"""

from psycopg import sql

from ops.neon import connect, hashes
from ops.neon.hashes import Table

COLUMNS = """
select a.attname from pg_attribute a
where a.attrelid = (%s)::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by a.attnum
"""
OBJECTS = "select oid::text, hashtextextended(encode(lo_get(oid), 'hex'), 0) from pg_largeobject_metadata"


async def table(source: connect.Connection, target: connect.Connection, table: Table) -> int:
    """Replace the rows of a table by the source's, in one transaction, and return their number of bytes."""
    sent = 0
    with connect.translated():
        columns = [name for (name,) in await (await source.execute(COLUMNS, [table.name])).fetchall()]
        where = sql.SQL("{} ({})").format(
            sql.Identifier(table.schema, table.relation), sql.SQL(", ").join(map(sql.Identifier, columns))
        )
        async with target.transaction():
            await target.execute(sql.SQL("delete from only {}").format(sql.Identifier(table.schema, table.relation)))
            async with (
                source.cursor().copy(sql.SQL("copy {} to stdout").format(where)) as rows,
                target.cursor().copy(sql.SQL("copy {} from stdin").format(where)) as into,
            ):
                async for chunk in rows:
                    await into.write(chunk)
                    sent += len(chunk)
    return sent


async def unlogged(source: connect.Connection, target: connect.Connection, without: tuple[str, ...]) -> int:
    """Copy the rows of all unlogged tables, which no replication carries."""
    found = [entry for entry in await hashes.tables(source, without) if entry.persistence == "u"]
    for entry in found:
        await table(source, target, entry)
    return len(found)


async def large_objects(source: connect.Connection, target: connect.Connection) -> int:
    """Make the target's large objects equal to the source's, reading only those that differ; return how many."""
    with connect.translated():
        here, there = [dict(await (await conn.execute(OBJECTS)).fetchall()) for conn in (source, target)]
        changed = [oid for oid, told in here.items() if there.get(oid) != told]
        gone = [oid for oid in there if oid not in here or oid in changed]
        await target.execute("select lo_unlink(oid) from unnest(%s::oid[]) oid", [gone])
        for oid in changed:
            row = await (await source.execute("select lo_get(%s::oid)", [oid])).fetchone()
            await target.execute("select lo_from_bytea(%s::oid, %s)", [oid, row[0] if row else b""])
    return len(changed)
