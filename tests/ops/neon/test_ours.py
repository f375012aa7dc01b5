"""Our own application as what is moved: the wall between the till and the app stands on the other side, too."""

import argparse
import contextlib

import pytest
from psycopg.errors import InsufficientPrivilege

from dev import servers
from lib import db, errors, migrations
from lib.loyalty import points
from lib.office import audit
from ops.neon import copy, verify
from ops.neon.verify import Sides
from tests import factories
from tests.loyalty_lab import NOW, make_member, make_shop, new_key

pytestmark = pytest.mark.long
OWNER = "create role {} login createrole createdb bypassrls"


def at(data, base, role="postgres"):
    return f"postgresql://{role}@/{base}?host={data.parent}"


@pytest.fixture(scope="module")
def hosts():
    for version in (16, 17):
        if why := servers.lacking(version):
            pytest.skip(why)
    with servers.run(16) as old, servers.run(17) as new:
        yield old, new


async def fill(url):
    """Make two shops whose clients have points, and a person with credits and a job that waits."""
    async with db.connect(url) as conn:
        await migrations.apply(conn)
        for _ in range(2):
            shop = await make_shop(conn)
            member = await make_member(conn, shop, has=40)
            await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=90_000, key=new_key(), now=NOW)
        await factories.make_job(conn, await factories.make_user(conn, credits=9))


async def test_roles_that_are_strangers_on_the_target_stop_a_copy(hosts, tmp_path):
    """As the mover's, the functions of the till would write into every shop."""
    old, new = hosts
    async with db.connect(at(old, "postgres")) as conn:
        await conn.execute("create role till")
        await conn.execute("create database strange")
    async with db.connect(at(old, "strange")) as conn:
        await conn.execute("create function f() returns int language sql security definer return 1")
        await conn.execute("grant create on schema public to till; alter function f() owner to till")
    async with db.connect(at(new, "postgres")) as conn:
        await conn.execute("create role till")
        await conn.execute("create role mover login createrole createdb bypassrls")
        await conn.execute("create database strange owner mover")
    given = {
        "dry_run": False,
        "without": [],
        "skip_extension": [],
        "jobs": 1,
        "state": tmp_path,
        "stream": False,
        "replace": False,
    }
    asked = argparse.Namespace(source=at(old, "strange"), target=at(new, "strange", "mover"), **given)
    with pytest.raises(errors.Conflict, match=r'mover may not give them what they own.*grant "till" to "mover"'):
        await copy.run(asked)
    async with db.connect(at(new, "postgres")) as conn:
        await conn.execute("grant till to mover")
    assert await copy.run(asked) == 0
    assert await rows(asked.target, "select proowner::regrole::text from pg_proc where proname = 'f'") == [("till",)]


@pytest.fixture(scope="module", params=["lotok_owner", "postgres"])
async def moved(hosts, request, tmp_path_factory):
    """Copy our base, owned by a role of its own or by a superuser, to a server that has none of its roles."""
    old, new = hosts
    for data, name in ((old, "lotok_owner"), (new, "neon")):
        async with db.connect(at(data, "postgres")) as conn:
            with contextlib.suppress(Exception):
                await conn.execute(OWNER.format(name))
    source, target = at(old, f"of_{request.param}", request.param), at(new, f"of_{request.param}", "neon")
    for data, owner in ((old, request.param), (new, "neon")):
        async with db.connect(at(data, "postgres")) as conn:
            await conn.execute(f"create database of_{request.param} owner {owner}")
    await fill(source)
    async with db.connect(source) as conn:
        await conn.execute(f"revoke connect on database of_{request.param} from public")
        await conn.execute(f"grant connect on database of_{request.param} to lotok_app")
    given = {"dry_run": False, "without": [], "skip_extension": [], "jobs": 2, "stream": False, "replace": False}
    given |= {"state": tmp_path_factory.mktemp("move")}
    assert await copy.run(argparse.Namespace(source=source, target=target, **given)) == 0
    yield source, target
    async with db.connect(at(new, "postgres")) as conn:
        await conn.execute(f"drop database of_{request.param}")
        await conn.execute("drop role lotok_app, lotok_till")


async def rows(url, query):
    async with db.connect(url) as conn:
        return await (await conn.execute(query)).fetchall()


async def test_it_is_equal_and_its_books_are_right(moved):
    source, target = moved
    assert (await verify.verify(Sides(source, target, quiet=True))).failures == []
    async with db.connect(target) as conn:
        assert await audit.check(conn) == []


WALL = """
select proname::text, proowner::regrole::text from pg_proc where proowner = 'lotok_till'::regrole
union all
select relname, relforcerowsecurity::text from pg_class where relrowsecurity
union all
select polrelid::regclass || '.' || polname, polroles::regrole[]::text from pg_policy
union all
select rolname, rolbypassrls::text from pg_roles where rolname in ('lotok_app', 'lotok_till')
order by 1, 2
"""


async def test_the_till_keeps_its_functions_and_the_app_its_policies(moved):
    source, target = moved
    here = await rows(source, WALL)
    assert len(here) > 100
    assert await rows(target, WALL) == here
    assert await rows(target, "select pg_has_role('lotok_app', 'lotok_till', 'member')") == [(False,)]


async def test_the_app_works_on_the_copy_and_may_not_write_points(moved):
    _, target = moved
    async with db.connect(target) as conn:
        await conn.execute("set role lotok_app")
        for statement in ("insert into point_entries default values", "update point_accounts set balance = 0"):
            with pytest.raises(InsufficientPrivilege):
                await conn.execute(statement)
        assert await (await conn.execute("select count(*) from point_accounts")).fetchone() == (0,), "no tenant, no row"
        shop = await make_shop(conn)
        member = await make_member(conn, shop)
        await points.accrue(conn, shop.id, member.id, shop.cashier.id, bill_minor=100_000, key=new_key(), now=NOW)


async def test_the_next_migrations_tables_are_the_apps_too(moved):
    """By the database's owner of old, or by who has the objects of a superuser that stayed behind."""
    source, target = moved
    owner = "lotok_owner" if "lotok_owner" in source else "neon"
    async with db.connect(target.replace("//neon@", f"//{owner}@")) as conn:
        assert await migrations.apply(conn) == []
        async with conn.transaction(force_rollback=True):
            await conn.execute("create table next_one (id int); set local role lotok_app")
            await conn.execute("insert into next_one values (1)")


async def test_who_may_connect_is_carried(moved):
    _, target = moved
    [(granted,)] = await rows(target, "select datacl::text from pg_database where datname = current_database()")
    assert "lotok_app=c/neon" in granted
    assert ",=T/neon" in granted, "not everybody"
