import pytest
from psycopg.errors import InsufficientPrivilege, RestrictViolation

from lib import db
from lib.loyalty import points
from tests.factories import refused
from tests.loyalty_lab import NOW, make_member, make_shop, new_key

# Without a tenant: the catalogue is for everybody; of the rest nobody sees a row.
OPEN = {"partners", "services", "promotions"}

TENANT_TABLES = """
select c.relname
from pg_class c
join pg_attribute a on a.attrelid = c.oid and a.attname = 'partner_id' and not a.attisdropped
where c.relnamespace = 'public'::regnamespace
and c.relkind = 'r'
order by 1
"""


async def rows(conn, sql, *args):
    cursor = await conn.execute(sql, args)
    return await cursor.fetchall()


@pytest.fixture
async def two(conn):
    """Two shops, each with a member who has done something."""
    shops = [await make_shop(conn), await make_shop(conn)]
    for shop in shops:
        member = await make_member(conn, shop)
        await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=100_000, key=new_key(), now=NOW)
    return shops


async def test_every_table_of_a_shops_data_has_row_level_security(conn):
    tables = [name for (name,) in await rows(conn, TENANT_TABLES)]
    assert len(tables) >= 15
    unprotected = await rows(
        conn, "select relname from pg_class where relname = any(%s) and not relrowsecurity", tables
    )
    assert unprotected == []


async def test_the_runtime_role_owns_nothing_and_cannot_go_round_a_policy(conn):
    [role] = await rows(conn, "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = 'lotok_app'")
    assert role == (False, False, False)
    owned = await rows(conn, "select relname from pg_class where relowner = 'lotok_app'::regrole")
    assert owned == []


async def test_without_a_tenant_the_app_sees_nothing(conn, two):
    tables = [name for (name,) in await rows(conn, TENANT_TABLES) if name not in OPEN]
    filled = 0
    for table in tables:
        [(before,)] = await rows(conn, f"select count(*) from {table}")
        filled += before > 0
        async with conn.transaction(force_rollback=True):
            await conn.execute("set local role lotok_app")
            assert await rows(conn, f"select count(*) from {table}") == [(0,)], table
    assert filled >= 7


async def test_a_tenant_sees_its_own_rows_only(conn, two):
    mine, _ = two
    for table in ("members", "staff", "point_txns", "point_entries", "point_lots", "point_accounts", "loyalty_trail"):
        async with conn.transaction(force_rollback=True):
            await conn.execute("set local role lotok_app")
            await conn.execute("select set_config('app.tenant', %s, true)", (str(mine.id),))
            assert await rows(conn, f"select distinct partner_id from {table}") == [(mine.id,)], table


async def test_nobody_writes_into_another_shop(conn, two):
    mine, theirs = two
    for statement in (
        "insert into tiers (partner_id, title, min_spent_minor, earn_bp) values (%s, 'x', 0, 1)",
        "insert into staff (partner_id, user_id, role) values (%s, 1, 'cashier')",
    ):
        async with refused(conn, InsufficientPrivilege, "row-level security"):
            await conn.execute("set local role lotok_app")
            await conn.execute("select set_config('app.tenant', %s, true)", (str(mine.id),))
            await conn.execute(statement, (theirs.id,))


async def test_the_scope_of_a_statement_ends_with_it(database):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        assert [await points.history(conn, shop.id), (await rows(conn, "select current_user"))[0]] == [
            [],
            ("postgres",),
        ]
        assert await rows(conn, "select coalesce(current_setting('app.tenant', true), '')") == [("",)]
        async with conn.transaction():
            await points.history(conn, shop.id)
            assert await rows(conn, "select current_user") == [("postgres",)]
            assert await rows(conn, "select count(*) from staff") == [(2,)]


async def test_what_is_in_the_ledger_is_never_changed(conn, two):
    for statement in (
        "update point_txns set points = points + 1",
        "delete from point_entries",
        "truncate point_lot_uses cascade",
        "update point_accounts set balance = balance + 1 where member_id > 0",
        "delete from point_accounts",
    ):
        async with refused(conn, RestrictViolation):
            await conn.execute(statement)


async def test_entries_that_do_not_sum_to_nought_are_refused(conn, two):
    [txn] = await rows(conn, "select partner_id, id, member_id, available_after from point_txns order by id limit 1")
    async with refused(conn, RestrictViolation, "sum to nought"):
        await conn.execute(
            "insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after,"
            " pending_after, created_at) values (%s, %s, 'grant', 'lonely', '', 5, %s, 0, now())",
            (txn[0], txn[2], txn[3] + 5),
        )
        await conn.execute(
            "insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)"
            " select partner_id, id, member_id, 'available', 5, %s from point_txns where idem_key = 'lonely'",
            (txn[3] + 5,),
        )


def test_a_scope_is_nothing_unless_it_is_given():
    assert db.Scope() == db.Scope(tenant=None, person=None, platform=False)
