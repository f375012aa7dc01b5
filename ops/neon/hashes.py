"""What the rows of two databases are: an order-free sum of hashes in each of 4,096 buckets of a table.

Equal sums in all buckets say that the rows are equal. Where some differ, those buckets alone are read again, key by
key, and name the rows: one look more, whether one row or a thousand differ. A table without a key has buckets of its
rows' own hashes, and tells how many of them a side has alone.
"""

from dataclasses import dataclass, field, replace

from psycopg import sql

from ops.neon import connect

BUCKETS = 4096
# Of a table that differs all over only so many buckets are read again, and so many keys named.
READ_AGAIN, NAMED = 16, 20

# Of an extension's tables those whose rows a dump takes along: an application's, as partman's or PostGIS's own ones.
TABLES = """
select
    c.oid::regclass::text, n.nspname, c.relname, c.relpersistence::text, pg_table_size(c.oid), c.oid::bigint,
    held.extension, coalesce(held.condition, '')
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
left join lateral (
    select e.extname::text as extension, e.extcondition[k.number] as condition
    from pg_depend d
    join pg_extension e on e.oid = d.refobjid
    left join lateral unnest(e.extconfig) with ordinality k(relation, number) on k.relation = c.oid
    where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
) held on true
where c.relkind::text = any(%s) and n.nspname !~ '^(pg_|information_schema$)' and n.nspname <> all(%s)
    and (held.extension is null or held.condition is not null)
order by pg_table_size(c.oid) desc, 1
"""
COLUMNS = """
select a.attrelid::bigint, a.attname, coalesce(a.attnum = any(i.indkey), false)
from pg_attribute a
left join lateral (
    select x.indkey from pg_index x
    where x.indrelid = a.attrelid and (x.indisprimary or x.indisreplident) order by x.indisprimary desc limit 1
) i on true
where a.attrelid = any(%s::oid[]) and a.attnum > 0 and not a.attisdropped
order by a.attname collate "C"
"""


@dataclass(frozen=True)
class Table:
    """A table with rows of its own: no partitioned one, no view; of an extension's, those that `condition` names."""

    name: str
    schema: str
    relation: str
    persistence: str = "p"
    size: int = 0
    oid: int = 0
    extension: str | None = None
    condition: str = ""
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
        found = [Table(*row) for row in await (await conn.execute(TABLES, [list(kinds), list(without)])).fetchall()]
        cursor = await conn.execute(COLUMNS, [[table.oid for table in found]])
        columns: dict[int, list[tuple[str, bool]]] = {}
        for oid, name, is_key in await cursor.fetchall():
            columns.setdefault(oid, []).append((name, is_key))
    return [_with_columns(table, columns.get(table.oid, [])) for table in found]


def _with_columns(table: Table, columns: list[tuple[str, bool]]) -> Table:
    names, key = tuple(name for name, _ in columns), tuple(name for name, is_key in columns if is_key)
    return replace(table, columns=names, key=key)


async def buckets(conn: connect.Connection, table: Table) -> Buckets:
    """Return how many rows each bucket of a table has, and the sum of their hashes."""
    query = sql.SQL(
        "select (hashtextextended({key}, 1) & {last})::int, count(*), sum(hashtextextended({row}, 0))"
        " from {rows} group by 1"
    )
    with connect.translated():
        rows = await (await conn.execute(query.format(**_parts(table), last=sql.Literal(BUCKETS - 1)))).fetchall()
    return {bucket: (number, int(total)) for bucket, number, total in rows}


async def rows_of(conn: connect.Connection, table: Table, wanted: list[int]) -> dict[str, int]:
    """Return the rows of some buckets: by key their hash; without a key by hash their number."""
    what = "{key}, hashtextextended({row}, 0)" if table.key else "hashtextextended({row}, 0)::text, count(*)"
    query = sql.SQL(
        f"select {what} from {{rows}} where (hashtextextended({{key}}, 1) & {{last}})::int = any({{wanted}})"
        + ("" if table.key else " group by 1")
    ).format(**_parts(table), last=sql.Literal(BUCKETS - 1), wanted=sql.Literal(wanted))
    with connect.translated():
        cursor = await conn.execute(query)  # without parameters: a name may hold a percent sign
        return {str(key): int(value) for key, value in await cursor.fetchall()}


async def number(conn: connect.Connection, table: Table) -> int:
    """Return how many rows a table has."""
    with connect.translated():
        cursor = await conn.execute(sql.SQL("select count(*) from {}").format(own_rows(table)))
        return int((await cursor.fetchone() or (0,))[0])


def own_rows(table: Table) -> sql.Composable:
    """Return where the rows are: without those of tables that inherit, nor those that an extension made itself."""
    where = sql.SQL("only {}").format(sql.Identifier(table.schema, table.relation))
    if not table.condition:
        return where
    return sql.SQL("(select * from {} {}) own").format(where, sql.SQL(table.condition))  # type: ignore[arg-type]


def _parts(table: Table) -> dict[str, sql.Composable]:
    """Return the text of a row, by its columns' names and in bytes' order, and that of its key."""
    row = _row(table.columns)
    key = _name(table.key[0]) if len(table.key) == 1 else _row(table.key)
    return {"rows": own_rows(table), "row": row, "key": key if table.key else row}


def _row(columns: tuple[str, ...]) -> sql.Composable:
    """Return a row as text: of one column, too, where NULL would else be like some letter."""
    return sql.SQL('(row({})::text collate "C")').format(sql.SQL(", ").join(map(sql.Identifier, columns)))


def _name(column: str) -> sql.Composable:
    """Return a key's only column as text, which is never NULL and reads better without brackets."""
    return sql.SQL('({}::text collate "C")').format(sql.Identifier(column))


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
