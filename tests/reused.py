"""A database that many tests use, one after the other: emptied between them to what the migrations left.

To clone one for each test took more of the processor than the tests themselves. A test that changed the schema, or
whatever else than rows and sequences, leaves a database that is thrown away.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from lib import db

USES = 200  # tests; the catalogue's own tables grow
DEAD = 10  # rows of a table that the next tests may have to step over

# Each change of a definition writes a row of one of these; a temporary table leaves none.
_CATALOGS = (
    "pg_class pg_proc pg_trigger pg_policy pg_attribute pg_attrdef pg_constraint pg_namespace pg_db_role_setting"
)
_SHAPE = " union all ".join(
    f"select '{catalog}', count(*), max(xmin::text::bigint) from {catalog}" for catalog in _CATALOGS.split()
)
_TABLES = """
select c.oid::regclass::text as name,
    (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
        where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname <> 'information_schema' and n.nspname not like 'pg\\_%' order by 1"""
_SEQUENCES = "select format('%I.%I', schemaname, sequencename), last_value, start_value from pg_sequences order by 1"
_OTHERS = """
select pg_terminate_backend(pid, 10000) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()"""


@dataclass
class Reused:
    """The databases of one session; `clone` makes one and returns its owner's address, `drop` ends it."""

    clone: Callable[[], Awaitable[str]]
    drop: Callable[[str], Awaitable[None]]
    administrator: Callable[[str], str]
    spare: dict[str, "_Left"] = field(default_factory=dict)

    async def take(self) -> str:
        """Return the address of a database that holds what the migrations left."""
        if self.spare:
            return next(iter(self.spare))
        url = await self.clone()
        async with db.connect(self.administrator(url)) as conn:
            self.spare[url] = await _look(conn)
        return url

    async def give_back(self, url: str) -> None:
        """Empty the database for the next test, or drop it: when its schema has changed, or it has served enough."""
        left = self.spare[url]
        left.uses += 1
        async with db.connect(self.administrator(url)) as conn:
            await conn.execute(_OTHERS)
            good = left.uses < USES and await _all(conn, _SHAPE) == left.shape
            if good:
                await _empty(conn, left)
                await conn.execute("select pg_stat_reset()")
        if not good:
            del self.spare[url]
            await self.drop(url)


@dataclass
class _Left:
    """What the migrations left: the definitions, the columns of each table, its rows as text, each sequence's place."""

    shape: list[tuple[Any, ...]]
    tables: dict[str, str]
    rows: dict[str, bytes]
    sequences: dict[str, tuple[int | None, int]]
    uses: int = 0
    dead: Counter[str] = field(default_factory=Counter)


async def _look(conn: db.Connection) -> _Left:
    tables: dict[str, str] = dict(await _all(conn, _TABLES))
    rows = {name: await _copied(conn, name, tables[name]) for name in await _filled(conn, list(tables))}
    return _Left(await _all(conn, _SHAPE), tables, rows, await _places(conn))


async def _empty(conn: db.Connection, left: _Left) -> None:
    """Delete what is too much and write what is missing, without the guards and keys of the tables."""
    filled = await _filled(conn, list(left.tables))
    changed = [name for name in left.rows if await _copied(conn, name, left.tables[name]) != left.rows[name]]
    async with conn.transaction():
        await conn.execute("set local session_replication_role = replica")
        for name in [*(set(filled) - set(left.rows)), *changed]:
            left.dead[name] += (await conn.execute(f"delete from {name}")).rowcount
        for name in changed:
            async with conn.cursor().copy(f"copy {name} ({left.tables[name]}) from stdin") as copy:
                await copy.write(left.rows[name])
        for name, (last, start) in (await _places(conn)).items():
            if (last, start) != left.sequences[name]:
                was, _ = left.sequences[name]
                await conn.execute("select setval(%s::regclass, %s, %s)", (name, was or start, was is not None))
    long = [name for name, rows in left.dead.items() if rows > DEAD]
    if long:
        await conn.execute(f"vacuum {', '.join(long)}")
        left.dead = Counter()


async def _filled(conn: db.Connection, tables: list[str]) -> list[str]:
    one = "select '{0}' where exists (select from {0})"
    return [name for [name] in await _all(conn, " union all ".join(one.format(name) for name in tables))]


async def _copied(conn: db.Connection, table: str, columns: str) -> bytes:
    async with conn.cursor().copy(f"copy {table} ({columns}) to stdout") as copy:
        return b"".join([bytes(part) async for part in copy])


async def _places(conn: db.Connection) -> dict[str, tuple[int | None, int]]:
    return {name: (last, start) for name, last, start in await _all(conn, _SEQUENCES)}


async def _all(conn: db.Connection, query: str) -> list[tuple[Any, ...]]:
    cursor = await conn.execute(query)
    return await cursor.fetchall()
