"""Who may own the database: no superuser, on Postgres 15 to 18, alone on the server or beside another installation."""

from pathlib import Path

import pytest
from psycopg.errors import InsufficientPrivilege

from dev import postgres, servers
from lib import db, migrations
from lib.credits import ledger
from lib.loyalty import points
from lib.office import audit
from lib.people import users
from tests import factories
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import make_member, make_shop, new_key
from tests.sizes import size

# Neon's owner goes round row-level security, others do not. The third may make no role: an administrator lends the two.
# A change between two versions is seen by the first and the last.
VERSIONS = servers.VERSIONS[:: size(len(servers.VERSIONS) - 1, 1)]
OWNERS = {
    "neon": "createrole createdb bypassrls replication",
    "second": "createrole createdb",
    "granted": "nocreaterole",
}


@pytest.fixture(scope="module", params=VERSIONS)
async def server(request):
    """Run a server of each version, with an owner of each kind and a database of each."""
    if missing := servers.lacking(request.param):
        pytest.skip(missing)
    with servers.run(request.param) as data:
        async with db.connect(postgres.url(data)) as conn:
            for name, rights in OWNERS.items():
                await conn.execute(f"create role {name} login {rights}")
                await conn.execute(f"create database {name} owner {name}")
        yield data


async def migrated(server: Path, name: str) -> str:
    """Apply the migrations as an owner and return the role that the product then comes as."""
    async with db.connect(postgres.url(server, name, name)) as conn:
        assert await migrations.apply(conn)
        assert await migrations.apply(conn) == []
        cursor = await conn.execute("select app_role()")
        [app] = await cursor.fetchone()
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute(f"alter role {app} login")
    return app


async def count(conn: db.Connection, table: str, **settings: object) -> int:
    """Return how many rows of a table are seen with these settings."""
    async with conn.transaction():
        for name, value in settings.items():
            await conn.execute("select set_config(%s, %s, true)", (f"app.{name}", str(value)))
        cursor = await conn.execute(f"select count(*) from {table}")
        [number] = await cursor.fetchone()
    return number


async def serve(server: Path, database: str, role: str) -> None:
    """Do what the product does as this role, and let it try what it may not do."""
    async with db.connect(postgres.url(server, database, role)) as conn:
        shops = [await make_shop(conn), await make_shop(conn)]
        members = [await make_member(conn, shop, has=100) for shop in shops]
        receipt = await accrue(conn, shops[0], members[0], 100_000)
        assert receipt.available == 150
        back = await points.reverse(
            conn, shops[0].id, receipt.txn_id, shops[0].owner.id, key=new_key(), reason="a wrong bill"
        )
        assert back.available == 100
        assert len(await points.history(conn, shops[1].id)) == 1
        buyer = await factories.make_user(conn)
        assert await ledger.grant(conn, buyer.id, 3, key=new_key(), actor="test", reason="-") == (3, True)
        assert await audit.check(conn) == []
        await users.erase(conn, shops[0].owner.id, shops[0].owner.tg_id)
        assert await audit.check(conn) == []
        if role != "neon":
            assert [await count(conn, table) for table in ("members", "clients", "point_txns")] == [0, 0, 0]
            assert await count(conn, "clients", tenant=shops[1].id) == 1
            assert await count(conn, "members", tenant=shops[1].id) == 1


@pytest.mark.long
async def test_every_kind_of_owner_migrates_and_serves_with_the_same_walls(server):
    apps = {"neon": await migrated(server, "neon"), "second": await migrated(server, "second")}
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute("grant lotok_app, lotok_till to granted")
    apps["granted"] = await migrated(server, "granted")
    for database, app in apps.items():
        await serve(server, database, database)
        await serve(server, database, app)
        async with db.connect(postgres.url(server, database, app)) as conn:
            for statement in (
                "insert into point_txns (partner_id, member_id, kind, idem_key, req_hash, points, available_after,"
                " pending_after, created_at) select id, 1, 'grant', 'x', '', 1, 1, 0, now() from partners limit 1",
                "update point_lots set remaining = remaining + 1",
                f"set role {app.replace('app', 'till')}",
            ):
                with pytest.raises(InsufficientPrivilege):
                    await conn.execute(statement)
