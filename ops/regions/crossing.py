"""Rows of a shop go across: its people first, then table after table, and a sum of both sides' hashes at the end.

Each table takes the rows in one transaction, with the triggers off that would count them as new. Postgres shows such a
table to nobody with its triggers off: other writers of it wait, for as long as the shop's rows take.
"""

from psycopg import sql

from lib import db, errors
from ops.neon import connect
from ops.regions import fence, tenant
from ops.regions.tenant import TenantTable

# What goes along of people, and from where to where: their account without credits, which stay where they were
# bought; what a client of any shop is; a ban.
FIND_THERE = "select id, tg_id from public.users where tg_id = any(%s)"
CLIENTS = """
insert into public.clients as c
select i.*
from incoming i
where not exists (select from public.clients c where c.user_id = i.user_id)
"""
# A number that somebody else over there has proven is theirs.
FREE_PHONES = "update incoming i set phone = null where exists (select from public.clients c where c.phone = i.phone)"
BANS = "insert into public.bans select * from incoming on conflict do nothing"
REMEMBERED = """
select mark, what, subject, until
from public.remembered
where what in ('welcome', 'birthday', 'block') and subject = {0}
or what in ('owed', 'card') and subject in (select id from public.members where partner_id = {0})
"""


async def carry(source: db.Connection, target: db.Connection, query: sql.Composable, into: sql.Composable) -> None:
    """Copy the rows of a query into a table, as `table (columns)`, in the caller's transaction."""
    async with (
        source.cursor() as reading,
        target.cursor() as writing,
        reading.copy(sql.SQL("copy ({}) to stdout").format(query)) as rows,
        writing.copy(sql.SQL("copy {} from stdin").format(into)) as taken,
    ):
        async for part in rows:
            await taken.write(part)


async def through(
    source: db.Connection, target: db.Connection, table: str, query: sql.Composable, *statements: str
) -> None:
    """Copy the rows of a query into a temporary table `incoming`, like `table`, and do the statements with it."""
    async with target.transaction():
        like = sql.SQL("create temp table incoming (like {}) on commit drop")
        await target.execute(like.format(sql.Identifier("public", table)))
        cursor = await target.execute(
            "select attname from pg_attribute where attrelid = 'incoming'::regclass and attnum > 0 order by attnum"
        )
        names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in await cursor.fetchall())
        chosen = sql.SQL("select {} from ({}) q").format(names, query)
        await carry(source, target, chosen, sql.SQL("incoming ({})").format(names))
        for statement in statements:
            await target.execute(statement.encode())


async def people(source: db.Connection, target: db.Connection, numbers: list[int]) -> int:
    """Have everybody's account on the other side; note in pg_temp.moving who has another number there."""
    cursor = await source.execute("select id, tg_id from public.users where id = any(%s)", (numbers,))
    here = {tg_id: number for number, tg_id in await cursor.fetchall()}
    there = await _there(target, [*here])
    new = [number for tg_id, number in here.items() if tg_id not in there]
    await _accounts(source, target, new)
    there = await _there(target, [*here])
    if lost := [number for tg_id, number in here.items() if tg_id not in there]:
        raise errors.Conflict("erased_there", f"the numbers of these people were theirs there, and erased: {lost[:10]}")
    await _note(source, {number: there[tg_id] for tg_id, number in here.items() if there[tg_id] != number})
    await _belongings(source, target, numbers)
    return len(new)


async def _there(target: db.Connection, tg_ids: list[int]) -> dict[int, int]:
    cursor = await target.execute(FIND_THERE, (tg_ids,))
    return {tg_id: number for number, tg_id in await cursor.fetchall()}


async def _accounts(source: db.Connection, target: db.Connection, numbers: list[int]) -> None:
    chosen = sql.SQL("select * from public.users where id = any({})").format(sql.Literal(numbers))
    await through(
        source, target, "users", chosen,
        "insert into public.users overriding system value select * from incoming on conflict do nothing",
        "insert into public.credit_accounts (user_id) select u.id from public.users u join incoming i on i.id = u.id"
        " and i.tg_id = u.tg_id on conflict do nothing",
    )  # fmt: skip


async def _note(source: db.Connection, pairs: dict[int, int]) -> None:
    """Say on the source who has another number on the other side."""
    await source.execute("create temp table if not exists moving (here bigint primary key, there bigint not null)")
    await source.execute("truncate pg_temp.moving")
    query = "insert into pg_temp.moving select * from unnest(%s::bigint[], %s::bigint[])"
    await source.execute(query, ([*pairs], [*pairs.values()]))


async def _belongings(source: db.Connection, target: db.Connection, numbers: list[int]) -> None:
    for name, *statements in (("clients", FREE_PHONES, CLIENTS), ("bans", BANS)):
        table = await tenant.table(source, name, "user_id")
        await through(source, target, name, table.rows(numbers, mapped=True), *statements)


async def remembered(source: db.Connection, target: db.Connection, shop: int) -> None:
    """Have what is remembered of the shop's people beyond their accounts on the other side, too."""
    query = sql.SQL(REMEMBERED).format(sql.Literal(shop))
    put = "insert into public.remembered select * from incoming on conflict do nothing"
    await through(source, target, "remembered", query, put)


async def put(source: db.Connection, target: db.Connection, tables: list[TenantTable], shop: int) -> None:
    """Copy the shop's rows; what an earlier try has left is removed first."""
    await remove(target, tables, shop)
    for table in tables:
        into = sql.SQL("{} ({})").format(table.place, table.names)
        query = table.rows(shop, mapped=True)
        await _quietly(target, table, lambda query=query, into=into: carry(source, target, query, into))  # type: ignore[misc]


async def remove(conn: db.Connection, tables: list[TenantTable], shop: int) -> None:
    """Remove the shop's rows, children first."""
    for table in reversed(tables):
        gone = table.delete(shop)
        cursor = await conn.execute(sql.SQL("select exists ({})").format(table.rows(shop, mapped=False)))
        if (row := await cursor.fetchone()) and row[0]:
            await _quietly(conn, table, lambda gone=gone: conn.execute(gone))  # type: ignore[misc]


async def _quietly(conn: db.Connection, table: TenantTable, work: fence.Work) -> None:
    """Do it with the triggers of the table off, which nobody else sees."""

    async def quietly() -> None:
        await conn.execute(sql.SQL("alter table {} disable trigger user").format(table.place))
        await work()
        await conn.execute(sql.SQL("alter table {} enable trigger user").format(table.place))

    with connect.translated():
        await fence.patiently(conn, quietly)


async def verify(source: db.Connection, target: db.Connection, tables: list[TenantTable], shop: int) -> int:
    """Return how many rows both sides have alike; Conflict names the tables that differ."""
    rows, wrong = 0, list[str]()
    for table in tables:
        ours = await tenant.fingerprint(source, table.rows(shop, mapped=True))
        theirs = await tenant.fingerprint(target, table.rows(shop, mapped=False))
        rows += ours[0]
        if ours != theirs:
            wrong.append(f"{table.name}: {ours[0]} -> {theirs[0]} rows")
    if wrong:
        raise errors.Conflict("differs", "; ".join(wrong))
    return rows
