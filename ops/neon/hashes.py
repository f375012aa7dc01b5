"""What the rows of two databases are: an order-free sum of hashes in each of 4,096 buckets of a table.

Equal sums in all buckets say that the rows are equal. Where some differ, those buckets alone are read again, key by
key, and name the rows: one look more, whether one row or a thousand differ. A table without a key has buckets of its
rows' own hashes, and tells how many of them a side has alone.
"""

from dataclasses import dataclass, field

from psycopg import sql

from ops.neon import connect

BUCKETS = 4096
# Of a table that differs all over only so many buckets are read again, and so many keys named.
READ_AGAIN, NAMED = 16, 20

TABLES = """
select c.oid::regclass::text, n.nspname, c.relname, c.relpersistence::text, pg_table_size(c.oid), c.oid::bigint
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind::text = any(%s) and n.nspname !~ '^(pg_|information_schema$)' and n.nspname <> all(%s)
    and not exists (
        select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
order by pg_table_size(c.oid) desc, 1
"""
COLUMNS = """
select a.attname, coalesce(a.attnum = any(i.indkey), false)
from pg_attribute a
left join lateral (
    select x.indkey from pg_index x
    where x.indrelid = a.attrelid and (x.indisprimary or x.indisreplident) order by x.indisprimary desc limit 1
) i on true
where a.attrelid = (%s)::regclass and a.attnum > 0 and not a.attisdropped
order by a.attname collate "C"
"""


@dataclass(frozen=True)
class Table:
    """A table with rows of its own: no partitioned one, no view."""

    name: str
    schema: str
    relation: str
    persistence: str = "p"
    size: int = 0
    oid: int = 0
    columns: tuple[str, ...] = ()
    key: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableDifference:
    """The rows of a table that two sides do not have alike; `changed`, `missing` and `extra` name some by key."""

    table: str
    source: int
    target: int
    buckets: int
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    whole: bool = True

    def words(self) -> str:
        """Return the difference on one line."""
        rows = f"{self.source:,} rows" if self.source == self.target else f"{self.source:,} -> {self.target:,} rows"
        named = [f"{what} {', '.join(keys)}" for what, keys in self._keys() if keys]
        more = "" if self.whole else f", and more in {self.buckets} of {BUCKETS} buckets"
        return f"differs  rows: {self.table}: {rows}: {'; '.join(named)}{more}"

    def _keys(self) -> tuple[tuple[str, list[str]], ...]:
        return ("changed", self.changed), ("missing", self.missing), ("extra", self.extra)


type Buckets = dict[int, tuple[int, int]]


async def tables(conn: connect.Connection, without: tuple[str, ...] = (), kinds: str = "r") -> list[Table]:
    """Return the tables that hold rows, the largest first."""
    with connect.translated():
        rows = await (await conn.execute(TABLES, [list(kinds), list(without)])).fetchall()
        return [await _with_columns(conn, Table(*row)) for row in rows]


async def _with_columns(conn: connect.Connection, table: Table) -> Table:
    rows = await (await conn.execute(COLUMNS, [table.name])).fetchall()
    names, key = tuple(name for name, _ in rows), tuple(name for name, is_key in rows if is_key)
    return Table(table.name, table.schema, table.relation, table.persistence, table.size, table.oid, names, key)


async def buckets(conn: connect.Connection, table: Table) -> Buckets:
    """Return how many rows each bucket of a table has, and the sum of their hashes."""
    query = sql.SQL(
        "select (hashtextextended({key}, 1) & {last})::int, count(*), sum(hashtextextended({row}, 0)::numeric)"
        " from only {table} group by 1"
    )
    with connect.translated():
        rows = await (await conn.execute(query.format(**_parts(table), last=sql.Literal(BUCKETS - 1)))).fetchall()
    return {bucket: (number, int(total)) for bucket, number, total in rows}


async def rows_of(conn: connect.Connection, table: Table, wanted: list[int]) -> dict[str, int]:
    """Return the rows of some buckets: by key their hash; without a key by hash their number."""
    what = "{key}, hashtextextended({row}, 0)" if table.key else "hashtextextended({row}, 0)::text, count(*)"
    query = sql.SQL(
        f"select {what} from only {{table}} where (hashtextextended({{key}}, 1) & {{last}})::int = any({{wanted}})"
        + ("" if table.key else " group by 1")
    ).format(**_parts(table), last=sql.Literal(BUCKETS - 1), wanted=sql.Literal(wanted))
    with connect.translated():
        cursor = await conn.execute(query)  # without parameters: a name may hold a percent sign
        return {str(key): int(value) for key, value in await cursor.fetchall()}


def _parts(table: Table) -> dict[str, sql.Composable]:
    """Return the text of a row, by its columns' names and in bytes' order, and that of its key."""
    row = _text(table.columns)
    return {
        "table": sql.Identifier(table.schema, table.relation),
        "row": row,
        "key": _text(table.key) if table.key else row,
    }


def _text(columns: tuple[str, ...]) -> sql.Composable:
    if len(columns) == 1:
        return sql.SQL('(coalesce({}::text, chr(1)) collate "C")').format(sql.Identifier(*columns))
    return sql.SQL('(row({})::text collate "C")').format(sql.SQL(", ").join(map(sql.Identifier, columns)))


def differing(source: Buckets, target: Buckets) -> list[int]:
    """Return the buckets that the two sides do not have alike."""
    return sorted(number for number in source.keys() | target.keys() if source.get(number) != target.get(number))


async def explain(
    source: connect.Connection, target: connect.Connection, table: Table, ours: Buckets, theirs: Buckets
) -> TableDifference:
    """Read the buckets that differ again and name their rows."""
    wanted = differing(ours, theirs)
    here = await rows_of(source, table, wanted[:READ_AGAIN])
    there = await rows_of(target, table, wanted[:READ_AGAIN])
    number = sum(count for count, _ in ours.values()), sum(count for count, _ in theirs.values())
    return named(table, here, there, number, len(wanted))


def named(
    table: Table, here: dict[str, int], there: dict[str, int], number: tuple[int, int], buckets: int
) -> TableDifference:
    """Tell which rows of the buckets that were read again one side has alone, and which have changed."""
    if not table.key:
        lost = sum(max(0, count - there.get(row, 0)) for row, count in here.items())
        more = sum(max(0, count - here.get(row, 0)) for row, count in there.items())
        counts = [f"{lost} without a key"] if lost else [], [f"{more} without a key"] if more else []
        return TableDifference(table.name, *number, buckets, [], *counts, whole=buckets <= READ_AGAIN)
    changed = sorted(key for key in here.keys() & there.keys() if here[key] != there[key])
    missing, extra = sorted(here.keys() - there.keys()), sorted(there.keys() - here.keys())
    whole = buckets <= READ_AGAIN and max(len(changed), len(missing), len(extra)) <= NAMED
    return TableDifference(table.name, *number, buckets, changed[:NAMED], missing[:NAMED], extra[:NAMED], whole=whole)
