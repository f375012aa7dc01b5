"""What of a database is one shop's: the rows of each table that has a shop's number, parents first, and its people.

Rows keep their numbers, as regions count from different ones. Only a person may have an account on both sides; then
the account over there is theirs, and each column that names them says so.
"""

from dataclasses import dataclass
from graphlib import TopologicalSorter

from psycopg import sql

from lib import db, errors
from ops.neon import connect

# Numbers of people that no foreign key says are some: all operations of a cashier would lock their row.
NAMES = ("user_id", "actor_id", "created_by", "used_by", "staff_id", "taken_by", "decided_by", "invited_by")
# A number that is being released is the person's, and so is the release.
NOT_OURS = ("phone_releases",)

TABLES = """
select c.relname, case c.relname when 'partners' then 'id' else 'partner_id' end
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname <> all(%s)
and (c.relname = 'partners' or exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attname = 'partner_id' and not a.attisdropped
))
order by 1
"""
PARENTS = """
select r.relname, p.relname
from pg_constraint c
join pg_class r on r.oid = c.conrelid
join pg_class p on p.oid = c.confrelid
where c.contype = 'f' and r.relnamespace = 'public'::regnamespace and r.oid <> p.oid
"""
COLUMNS = """
select a.attname, a.atttypid = 'bigint[]'::regtype and a.attname = 'user_ids', a.atttypid = 'bigint'::regtype and (
    a.attname = any(%s) or exists (
        select from pg_constraint c
        where c.contype = 'f' and c.conrelid = a.attrelid and c.conkey = array[a.attnum]
        and c.confrelid = 'public.users'::regclass
    )
)
from pg_attribute a
where a.attrelid = ('public.' || quote_ident(%s))::regclass
and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
order by a.attnum
"""


@dataclass(frozen=True)
class Column:
    """A column that can be written; `person` and `people` say that it holds the number of one, or of many."""

    name: str
    people: bool = False
    person: bool = False


@dataclass(frozen=True)
class TenantTable:
    """A table with rows of shops, and the column that says whose they are."""

    name: str
    key: str
    columns: tuple[Column, ...]

    @property
    def place(self) -> sql.Identifier:
        """Return the table's full name."""
        return sql.Identifier("public", self.name)

    @property
    def names(self) -> sql.Composable:
        """Return the names of the columns."""
        return sql.SQL(", ").join(sql.Identifier(column.name) for column in self.columns)

    def rows(self, wanted: int | list[int], *, mapped: bool) -> sql.Composable:
        """Return the query of a shop's rows, or of several people's; `mapped` as the other side is to hold them."""
        chosen = [_mapped(column) if mapped else sql.Identifier(column.name) for column in self.columns]
        return sql.SQL("select {} from {} where {} = any({})").format(
            sql.SQL(", ").join(chosen),
            self.place,
            sql.Identifier(self.key),
            sql.Literal(wanted if isinstance(wanted, list) else [wanted]),
        )

    def delete(self, shop: int) -> sql.Composable:
        """Return the statement that removes the shop's rows."""
        return sql.SQL("delete from {} where {} = {}").format(self.place, sql.Identifier(self.key), sql.Literal(shop))


def _mapped(column: Column) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.people:
        query = "array(select coalesce(m.there, u.id) from unnest({0}) with ordinality u (id, n)"
        query += " left join pg_temp.moving m on m.here = u.id order by u.n) as {0}"
        return sql.SQL(query).format(name)
    if column.person:
        return sql.SQL("coalesce((select m.there from pg_temp.moving m where m.here = {0}), {0}) as {0}").format(name)
    return name


async def tables(conn: db.Connection) -> list[TenantTable]:
    """Return the tables with rows of shops, each after those that it refers to."""
    with connect.translated():
        found = dict(await (await conn.execute(TABLES, [list(NOT_OURS)])).fetchall())
        arrows = await (await conn.execute(PARENTS)).fetchall()
        order = TopologicalSorter[str]({name: set() for name in found})
        for child, parent in arrows:
            if child in found and parent in found:
                order.add(child, parent)
        return [await table(conn, name, found[name]) for name in order.static_order()]


async def table(conn: db.Connection, name: str, key: str) -> TenantTable:
    """Return a table with its columns."""
    rows = await (await conn.execute(COLUMNS, [list(NAMES), name])).fetchall()
    return TenantTable(name, key, tuple(Column(*row) for row in rows))


async def people(conn: db.Connection, known: list[TenantTable], shop: int) -> list[int]:
    """Return the numbers of everybody whom a row of the shop names, or a job of it is for."""
    queries = [
        sql.SQL("select {} from {} where {} = {}").format(
            sql.SQL("unnest({})" if column.people else "{}").format(sql.Identifier(column.name)),
            one.place,
            sql.Identifier(one.key),
            sql.Literal(shop),
        )
        for one in known
        for column in one.columns
        if column.person or column.people
    ]
    jobs = sql.SQL("select user_id from public.jobs where {} in (args ->> 'partner_id', args ->> 'partner')")
    queries.append(jobs.format(sql.Literal(str(shop))))
    query = sql.SQL("select u.id from public.users u where u.id in ({}) order by u.id")
    with connect.translated():
        rows = await (await conn.execute(query.format(sql.SQL(" union ").join(queries)))).fetchall()
    return [number for (number,) in rows]


async def fingerprint(conn: db.Connection, query: sql.Composable) -> tuple[int, int]:
    """Return how many rows a query has, and a sum of their hashes that does not depend on their order."""
    asked = sql.SQL("select count(*), coalesce(sum(hashtextextended((r.*)::text, 0)::numeric), 0) from ({}) r")
    with connect.translated():
        row = await (await conn.execute(asked.format(query))).fetchone()
    if row is None:
        raise errors.Missing("no_rows")
    return int(row[0]), int(row[1])
