"""Rows of different regions have different numbers, so a shop's rows keep theirs when it moves.

A region counts from its place in REGIONS times a million millions: the first from 1, as it always has.
"""

from lib import config, db, errors
from lib.regions import directory

SEQUENCES = """
select format('%I.%I', s.schemaname, s.sequencename), coalesce(s.last_value, 0)
from pg_sequences s
where s.schemaname = 'public' and s.data_type = 'bigint'::regtype
order by 1
"""


def span(region: str) -> range:
    """Return the numbers that rows of a region get."""
    place = [*config.get().regions].index(region)
    return range(place * directory.STRIDE + 1, (place + 1) * directory.STRIDE)


async def begin(conn: db.Connection, region: str) -> int:
    """Have each table that has counted nothing yet count from the region's first number; return how many.

    Conflict names those that have counted elsewhere.
    """
    if wrong := await strange(conn, region):
        raise errors.Conflict("numbers", f"these have counted elsewhere: {', '.join(wrong[:5])}")
    first, number = span(region).start, 0
    for name, last in await _sequences(conn):
        if not last and first > 1:
            await conn.execute(
                "select setval(%s::regclass, %s)", (name, first - 1)
            )  # which no region counts as its own
            number += 1
    return number


async def strange(conn: db.Connection, region: str) -> list[str]:
    """Return the sequences that have counted, and not among the region's numbers."""
    return [name for name, last in await _sequences(conn) if last and last + 1 not in span(region)]


async def _sequences(conn: db.Connection) -> list[tuple[str, int]]:
    """Return the sequences of all tables, and the last number each has given, 0 for none."""
    return await (await conn.execute(SEQUENCES)).fetchall()
