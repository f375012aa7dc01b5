"""Where the sequences stand: what each gives out next, against the other side's and against the rows that used it.

A move by streams or by logical replication leaves them all at their start, and the first insert then collides.
"""

from dataclasses import dataclass

from psycopg import sql

from ops.neon import connect

ALL = """
select n.nspname, c.relname, s.seqincrement, s.seqcache, a.attrelid::regclass::text, rn.nspname, rc.relname, a.attname
from pg_sequence s
join pg_class c on c.oid = s.seqrelid
join pg_namespace n on n.oid = c.relnamespace
left join pg_depend d
    on d.classid = 'pg_class'::regclass and d.objid = s.seqrelid and d.deptype in ('a', 'i') and d.refobjsubid > 0
left join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
left join pg_class rc on rc.oid = a.attrelid
left join pg_namespace rn on rn.oid = rc.relnamespace
where n.nspname !~ '^(pg_|information_schema$)' and n.nspname <> all(%s)
order by 1, 2
"""


@dataclass(frozen=True)
class Sequence:
    """A sequence as it stands."""

    schema: str
    name: str
    last: int
    called: bool
    increment: int
    cache: int
    column: tuple[str, str, str] | None = None

    @property
    def title(self) -> str:
        """Return the name by which both sides know it."""
        return f"{self.schema}.{self.name}"

    @property
    def next(self) -> int:
        """Return the number that it gives out next."""
        return self.last + self.increment if self.called else self.last

    def before(self, other: int) -> bool:
        """Tell whether it has yet to come to a number, upwards or downwards."""
        return self.next < other if self.increment > 0 else self.next > other


async def read(conn: connect.Connection, without: tuple[str, ...] = ()) -> dict[str, Sequence]:
    """Return all sequences of a database by name."""
    with connect.translated():
        rows = await (await conn.execute(ALL, [list(without)])).fetchall()
        if not rows:
            return {}
        each = sql.SQL("select {}::text, {}::text, last_value, is_called from {}")
        union = sql.SQL(" union all ").join(each.format(row[0], row[1], sql.Identifier(row[0], row[1])) for row in rows)
        cursor = await conn.execute(union)
        stands = {(schema, name): (last, called) for schema, name, last, called in await cursor.fetchall()}
    found = [
        Sequence(row[0], row[1], *stands[row[0], row[1]], row[2], row[3], (row[5], row[6], row[7]) if row[7] else None)
        for row in rows
    ]
    return {sequence.title: sequence for sequence in found}


def lagging(source: dict[str, Sequence], target: dict[str, Sequence]) -> list[str]:
    """Say which sequences of the target would give out again what the source has given out already."""
    return [
        f"lagging  sequence: {name}: gives {target[name].next} next, the source {ours.next}"
        for name, ours in source.items()
        if name in target and target[name].before(ours.next)
    ]


async def behind_their_rows(conn: connect.Connection, sequences: dict[str, Sequence]) -> list[str]:
    """Say which sequences would give out a number that a row of their column has."""
    said = []
    for sequence in sequences.values():
        if sequence.column is None:
            continue
        schema, table, column = sequence.column
        furthest = sql.SQL("select {}({}) from {}").format(
            sql.SQL("max" if sequence.increment > 0 else "min"), sql.Identifier(column), sql.Identifier(schema, table)
        )
        with connect.translated():
            row = await (await conn.execute(furthest)).fetchone()
        if row and row[0] is not None and (sequence.before(row[0]) or sequence.next == row[0]):
            said.append(
                f"lagging  sequence: {sequence.title}: gives {sequence.next} next, {table}.{column} has {row[0]}"
            )
    return said


async def carry(conn: connect.Connection, source: dict[str, Sequence]) -> int:
    """Put the target's sequences where the source's stand, with what its sessions may still hold as a reserve.

    A sequence that is further already stays, so this can be done again at any time.
    """
    there = await read(conn)
    moved = 0
    for name, ours in source.items():
        if name not in there:
            continue
        value = ours.last + (ours.increment * ours.cache if ours.called and ours.cache > 1 else 0)
        wanted = Sequence(ours.schema, ours.name, value, ours.called, ours.increment, ours.cache)
        if there[name].before(wanted.next):
            with connect.translated():
                where = sql.Identifier(ours.schema, ours.name).as_string()
                await conn.execute("select setval(%s::regclass, %s, %s)", [where, value, ours.called])
            moved += 1
    return moved
