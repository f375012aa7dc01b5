import pytest
from psycopg.errors import CheckViolation, InsufficientPrivilege, RestrictViolation

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


async def test_every_table_of_a_shops_data_has_row_level_security_that_owners_keep_to(conn):
    tables = [name for (name,) in await rows(conn, TENANT_TABLES)]
    assert len(tables) >= 15
    unprotected = await rows(
        conn,
        "select relname from pg_class where relname = any(%s) and not (relrowsecurity and relforcerowsecurity)",
        [*tables, "clients", "favourites"],
    )
    assert unprotected == []


async def test_an_operation_has_rights_of_its_own_that_nobody_else_comes_by(conn):
    assert await rows(conn, "select proname from pg_proc where 'role=lotok_till' = any (proconfig)") == []
    assert await rows(conn, "select pg_has_role('lotok_app', 'lotok_till', 'member')") == [(False,)]
    owned = await rows(conn, "select proname, prosecdef from pg_proc where proowner = 'lotok_till'::regrole")
    assert len(owned) >= 11
    assert all(definer for _, definer in owned)
    open_path = "select proname from pg_proc where prosecdef and not 'search_path=public, pg_temp' = any (proconfig)"
    assert await rows(conn, open_path) == []


@pytest.mark.parametrize(
    "statement",
    [
        "insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after,"
        " pending_after, created_at) select partner_id, id, 'grant', 'mine', '', 5, 5, 0, now() from members",
        "insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after)"
        " select partner_id, id, member_id, 'available', 5, 5 from point_txns",
        "update point_lots set remaining = remaining + 1",
        "update point_accounts set balance = balance + 5",
        "update members set spent_minor = 10000000",
        "update vouchers set cancelled_at = now()",
    ],
)
async def test_the_product_writes_no_point_with_sql_of_its_own(conn, two, statement):
    async with refused(conn, InsufficientPrivilege, "permission denied"):
        await conn.execute("set local role lotok_app")
        await conn.execute("select set_config('app.tenant', %s, true)", (str(two[0].id),))
        await conn.execute(statement)


async def test_a_shop_knows_the_clients_who_have_its_card_and_a_person_themselves(conn, two):
    [(mine,)] = await rows(conn, "select user_id from members where partner_id = %s", two[0].id)
    for setting, value in (("app.tenant", two[0].id), ("app.person", mine)):
        async with conn.transaction(force_rollback=True):
            await conn.execute("set local role lotok_app")
            assert await rows(conn, "select user_id from clients") == []
            await conn.execute("select set_config(%s, %s, true)", (setting, str(value)))
            assert await rows(conn, "select user_id from clients") == [(mine,)]


async def test_the_runtime_role_owns_nothing_and_cannot_go_round_a_policy(conn):
    for name in ("lotok_app", "lotok_till"):
        [role] = await rows(conn, "select rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname = %s", name)
        assert role == (False, False, False)
        assert await rows(conn, "select relname from pg_class where relowner = %s::regrole", name) == []


async def test_which_migrations_were_applied_is_written_by_the_owner_alone(conn):
    assert await rows(
        conn, "select has_table_privilege('lotok_app', 'migrations', 'insert, update, delete, truncate')"
    ) == [(False,)]


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


@pytest.mark.parametrize("role", ["lotok_app", "lotok_till"])
async def test_a_tenant_sees_its_own_rows_only(conn, two, role):
    mine, _ = two
    tables = ["members", "staff", "point_txns", "point_entries", "point_lots", "point_accounts"]
    for table in [*tables, "loyalty_trail"] if role == "lotok_app" else tables:
        async with conn.transaction(force_rollback=True):
            await conn.execute(f"set local role {role}")
            await conn.execute("select set_config('app.tenant', %s, true)", (str(mine.id),))
            assert await rows(conn, f"select distinct partner_id from {table}") == [(mine.id,)], table


async def test_an_operation_sees_no_other_shop_whatever_is_set(conn, two):
    readable = await rows(
        conn,
        "select c.relname from pg_class c join pg_policy p on p.polrelid = c.oid"
        " where p.polname = 'till' and has_table_privilege('lotok_till', c.oid, 'select') order by 1",
    )
    assert len(readable) >= 12
    for (table,) in readable:
        async with conn.transaction(force_rollback=True):
            await conn.execute("set local role lotok_till")
            await conn.execute("select set_config('app.platform', 'on', true)")
            await conn.execute("select set_config('app.person', %s, true)", (str(two[0].owner.id),))
            assert await rows(conn, f"select count(*) from {table}") == [(0,)], table


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
            ("owner",),
        ]
        assert await rows(conn, "select coalesce(current_setting('app.tenant', true), '')") == [("",)]
        async with conn.transaction():
            await points.history(conn, shop.id)
            assert await rows(conn, "select current_user") == [("owner",)]
            assert await rows(conn, "select count(*) from staff") == [(2,)]


async def test_an_operation_leaves_no_scope_behind_inside_a_longer_transaction(conn):
    shop = await make_shop(conn)
    member = await make_member(conn, shop, has=100)
    await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=100_000, key=new_key(), now=NOW)
    for name in ("app.tenant", "app.platform", "app.person"):
        cursor = await conn.execute("select coalesce(current_setting(%s, true), '')", (name,))
        assert await cursor.fetchone() == ("",)


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


@pytest.fixture
async def bare(conn, two):
    """An operation without entries: shop, operation, member and what the member has."""
    [bare] = await rows(
        conn,
        "insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after,"
        " pending_after, created_at)"
        " select partner_id, member_id, 'grant', 'bare', '', 5, balance, 0, now() from point_accounts"
        " where partner_id = %s and kind = 'available' limit 1 returning partner_id, id, member_id, available_after",
        two[0].id,
    )
    return bare


async def write(conn, bare, *entries):
    """Write entries of member, kind, change and balance after it."""
    async with conn.cursor() as cursor:
        values = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(entries))
        await cursor.execute(
            "insert into point_entries (partner_id, txn_id, member_id, kind, delta, balance_after) values " + values,
            [value for entry in entries for value in (*bare[:2], *entry)],
        )


async def test_an_entry_that_follows_on_no_account_is_refused(conn, bare):
    _, _, member, has = bare
    issued = (0, "issued", -5, None)
    for entries in (
        [(0, "stolen", -5, None), (member, "available", 5, has + 5)],
        [(0, "issued", -5, 7), (member, "available", 5, has + 5)],
        [(0, "issued", 0, None)],
        [(member, "available", 0, has)],
        [issued, (member, "available", 5, has + 6)],
        [issued, (member, "available", 5, None)],
        [issued, (member, "secret", 5, 5)],
        [issued, (member + 1000, "available", 5, 5)],
    ):
        async with refused(conn, RestrictViolation, "does not follow"):
            await write(conn, bare, *entries)


async def test_no_balance_is_below_nought(conn, bare):
    _, _, member, has = bare
    async with refused(conn, CheckViolation, "balance"):
        await write(conn, bare, (0, "redeemed", has + 1, None), (member, "available", -has - 1, -1))


async def test_an_unsound_card_or_account_is_refused(conn, two):
    for statement in (
        "update members set card_no = 5",
        "update members set phone_tail = 'abcd'",
        "update members set merged_into = id",
        "update point_accounts set kind = 'secret' where member_id > 0 and kind = 'pending'",
        "insert into point_accounts (partner_id, member_id, kind) select partner_id, 0, 'secret' from members",
        "insert into point_accounts (partner_id, member_id, kind) select partner_id, id, 'issued' from members",
    ):
        async with refused(conn, (CheckViolation, RestrictViolation)):
            await conn.execute(statement)


async def test_entries_that_do_not_sum_to_nought_are_refused(conn, bare):
    _, _, member, has = bare
    async with refused(conn, RestrictViolation, "sum to zero"):
        await write(conn, bare, (member, "available", 5, has + 5))


def test_a_scope_is_nothing_unless_it_is_given():
    assert db.Scope() == db.Scope(tenant=None, person=None, platform=False)
