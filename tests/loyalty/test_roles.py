"""On Neon the owner is no superuser, and the functions may connect as the role that owns nothing."""

import pytest

from dev import postgres
from lib import audit, db, migrations, users
from lib.loyalty import points
from tests import factories
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import make_member, make_shop


@pytest.fixture
async def address():
    """Return a function that gives the address of a fresh cluster's database for a role: `owner` is like Neon's."""
    with postgres.lent() as folder:
        async with db.connect(postgres.url(folder)) as conn:
            await conn.execute("create role owner login createrole createdb bypassrls replication")
            await conn.execute("create database shops owner owner")
        yield lambda role: postgres.url(folder, "shops").replace("postgres@", f"{role}@")


async def test_neons_owner_can_migrate_and_the_app_role_can_do_all_the_product_does(address):
    async with db.connect(address("owner")) as conn:
        await migrations.apply(conn)
        await conn.execute("alter role lotok_app login")
        shop = await make_shop(conn)
        member = await make_member(conn, shop, has=100)
        assert (await accrue(conn, shop, member, 100_000)).available == 150
    async with db.connect(address("lotok_app")) as conn:
        assert (await accrue(conn, shop, member, 100_000)).available == 200
        assert len(await points.history(conn, shop.id)) == 3
        cursor = await conn.execute("select count(*) from members")
        assert await cursor.fetchone() == (0,)
        assert (await factories.make_user(conn, credits=3)).balance == 3
        assert await audit.check(conn) == []
        await users.erase(conn, shop.owner.id, shop.owner.tg_id)


async def test_an_operation_leaves_no_scope_behind_inside_a_longer_transaction(conn):
    shop = await make_shop(conn)
    member = await make_member(conn, shop, has=100)
    await accrue(conn, shop, member, 100_000)
    for name in ("app.tenant", "app.platform", "app.person"):
        cursor = await conn.execute("select coalesce(current_setting(%s, true), '')", (name,))
        assert await cursor.fetchone() == ("",)
