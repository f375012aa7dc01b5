"""Nobody writes a row of a shop that is on its way: a trigger on each table, made for the move and dropped with it.

Making a trigger waits for those who are writing, so once all are there, no row of the shop changes before the copy.
Writers of other shops pass, and get on at the cost of one comparison. A refused update is a 503, which Telegram brings
again; a refused job waits for its next try.
"""

import asyncio
from collections.abc import Awaitable, Callable

from psycopg import errors as refusals
from psycopg import sql

from lib import db, errors
from ops.regions.tenant import TenantTable

# A statement that waits for a lock holds up all later ones: better to let them through and try again.
PATIENCE, TRIES = "1s", 60

type Work = Callable[[], Awaitable[object]]

RUNNING = """
select count(*)
from public.jobs
where state in ('running', 'waiting') and %s in (args ->> 'partner_id', args ->> 'partner')
"""


def name(shop: int) -> str:
    """Return the name of the triggers; it comes before those of the tables themselves."""
    return f"a_leaving_{shop}"


async def is_up(conn: db.Connection, shop: int) -> bool:
    """Tell whether a fence of this shop stands anywhere in a database: a move away from it has not ended."""
    query = "select exists (select from pg_trigger where tgname = %s)"
    row = await (await conn.execute(query, (name(shop),))).fetchone()
    return bool(row and row[0])


async def raise_(conn: db.Connection, tables: list[TenantTable], shop: int) -> None:
    """Put the fence up, table by table; a table that has it keeps it."""
    for table in tables:
        if not await _stands(conn, table, shop):
            await patiently(conn, lambda table=table: conn.execute(_create(table, shop)))  # type: ignore[misc]


async def lower(conn: db.Connection, tables: list[TenantTable], shop: int) -> None:
    """Take the fence down."""
    for table in tables:
        drop = sql.SQL("drop trigger if exists {} on {}").format(sql.Identifier(name(shop)), table.place)
        await patiently(conn, lambda drop=drop: conn.execute(drop))  # type: ignore[misc]


def _create(table: TenantTable, shop: int) -> sql.Composable:
    return sql.SQL(
        "create trigger {} before insert or update or delete on {} for each row"
        " execute function public.refuse_leaving({}, {})"
    ).format(sql.Identifier(name(shop)), table.place, sql.Literal(table.key), sql.Literal(str(shop)))


async def _stands(conn: db.Connection, table: TenantTable, shop: int) -> bool:
    query = "select 1 from pg_trigger where tgname = %s and tgrelid = ('public.' || quote_ident(%s))::regclass"
    return bool(await (await conn.execute(query, (name(shop), table.name))).fetchone())


async def patiently[T](conn: db.Connection, work: Callable[[], Awaitable[T]]) -> T:
    """Do what needs a lock in a transaction of its own, again and again while others have it."""
    for _ in range(TRIES):
        try:
            async with conn.transaction():
                await conn.execute(f"set local lock_timeout = '{PATIENCE}'")
                return await work()
        except (refusals.LockNotAvailable, refusals.DeadlockDetected):
            await asyncio.sleep(0.2)
    raise errors.Unavailable("lock", "a table is held by somebody else; again goes on")


async def rest(conn: db.Connection, shop: int, seconds: float = 60) -> None:
    """Wait until no job of the shop runs: those that want to write are refused, the others come to their end."""
    for _ in range(int(seconds / 0.2)):
        row = await (await conn.execute(RUNNING, (str(shop),))).fetchone()
        if row and not row[0]:
            return
        await asyncio.sleep(0.2)
    raise errors.Unavailable("jobs", f"{row[0] if row else 0} jobs of the shop still run; again goes on")
