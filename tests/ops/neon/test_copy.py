"""copy between real servers of several versions, as an owner like Neon's: nothing that a dump loses is lost."""

import argparse
import contextlib
import json

import pytest

from dev import servers
from lib import db, errors
from ops.neon import copy, steps, tools, verify
from ops.neon.verify import Sides
from tests.ops.neon import conftest

pytestmark = pytest.mark.long
PAIRS = [(15, 17), (16, 18), (17, 18)]


def at(data, base, role="postgres"):
    return f"postgresql://{role}@/{base}?host={data.parent}"


@pytest.fixture(scope="module")
async def hosts():
    """Start a server when a test first asks for its version, with the awkward base in it."""
    with contextlib.ExitStack() as stack:
        running = {}

        async def host(version, filled=False, plain=False):
            key = (version, filled, plain)
            if key not in running:
                if why := servers.lacking(version):
                    pytest.skip(why)
                data = running[key] = stack.enter_context(servers.run(version))
                async with db.connect(at(data, "postgres")) as conn:
                    await conn.execute("create role neon login createrole createdb bypassrls replication")
                    if filled:
                        await conn.execute("create database shop")
                if filled:
                    await conftest.fill(at(data, "shop"), plain=plain)
                    await conftest.set_options(at(data, "shop"))
            return running[key]

        yield host


@pytest.fixture
async def new(hosts):
    """Make an empty database, without the roles of the base, as Neon makes one."""
    number = iter(range(1, 9))

    async def make(version):
        data, name = await hosts(version), f"new_{next(number)}"
        async with db.connect(at(data, "postgres")) as conn:
            for (base,) in await (
                await conn.execute("select datname from pg_database where datname ~ '^new_'")
            ).fetchall():
                await conn.execute(f"drop database {base} with (force)")
            for role in ("shop_app", "shop_reader", "shop_owner"):
                await conn.execute(f"drop role if exists {role}")
            await conn.execute(f"create database {name} owner neon")
        return at(data, name, "neon")

    return make


def asked(source, target, folder, **options):
    given = {
        "dry_run": False,
        "without": [],
        "skip_extension": [],
        "jobs": 2,
        "state": folder,
        "stream": False,
        "replace": False,
    }
    return argparse.Namespace(source=str(source), target=target, **given | options)


async def value(url, query):
    async with db.connect(url) as conn:
        return (await (await conn.execute(query)).fetchone())[0]


@pytest.mark.parametrize(("old", "new_version"), PAIRS)
async def test_nothing_is_lost_between_versions(hosts, new, tmp_path, capsys, old, new_version):
    # The small servers of the packages, 16 and 18, have no contrib.
    source, target = at(await hosts(old, True, new_version == 18), "shop"), await new(new_version)
    assert await copy.run(asked(source, target, tmp_path)) == 0
    report = await verify.verify(Sides(source, target, quiet=True), strict=True)
    assert [line for line in report.failures if "roles: neon" not in line] == [
        "changed  owners: schema app: postgres -> neon",
        "changed  owners: schema billing: postgres -> neon",
    ]
    said = capsys.readouterr().out
    assert said.count("new password  shop_") == 3
    assert (
        "materialized view app.secret_counts reads app.secrets: refreshed as shop_owner, under their policies" in said
    )
    assert await value(target, "show timezone") == "Europe/Berlin"


async def test_a_view_of_all_tenants_stays_empty_where_its_owner_is_above_the_policies(hosts, new, tmp_path, capsys):
    """A dump whose owner stays behind: under the BYPASSRLS owner that restores, the view would show every tenant."""
    source = at(await hosts(16, filled=True), "shop")
    async with db.connect(source) as conn:
        await conn.execute(
            "create role cloudsqlsuperuser createrole; grant usage on schema app to cloudsqlsuperuser;"
            " grant select on app.secrets to cloudsqlsuperuser; grant create on schema app to cloudsqlsuperuser;"
            " alter materialized view app.secret_counts owner to cloudsqlsuperuser"
        )
    target = await new(18)
    try:
        assert await copy.run(asked(source, target, tmp_path)) == 0
    finally:
        async with db.connect(source) as conn:
            await conn.execute(
                "alter materialized view app.secret_counts owner to shop_owner;"
                " drop owned by cloudsqlsuperuser; drop role cloudsqlsuperuser"
            )
    said = capsys.readouterr().out
    assert "NOT FILLED: materialized view app.secret_counts reads app.secrets under row security" in said
    assert await value(target, "select relispopulated from pg_class where relname = 'secret_counts'") is False
    assert await value(target, "select relispopulated from pg_class where relname = 'order_counts'") is True


async def test_a_dump_file_is_a_source_too(hosts, new, tmp_path, capsys):
    source, target = at(await hosts(16, filled=True), "shop"), await new(17)
    client = tools.choose(source, at_least=16)
    backup = tmp_path / "shop.backup"
    code, said = await tools.run([client.program("pg_dump"), "-Fc", "-f", str(backup)], url=source)
    assert code == 0, said
    assert await copy.run(asked(backup, target, tmp_path / "state")) == 0
    said = capsys.readouterr().out
    assert "the dump is of Postgres 16" in said
    report = await verify.verify(Sides(source, target, quiet=True))
    assert report.failures == []
    assert await value(target, "select count(*) from pg_policy") == 3
    assert await value(target, "show search_path") == "app, public"


async def test_a_copy_goes_on_where_it_was_killed(hosts, new, tmp_path, monkeypatch):
    """Each section is interrupted once, after it has done its work but before that is noted."""
    source, target = at(await hosts(16, filled=True), "shop"), await new(18)
    real, killed = steps.State.mark, set()

    def mark(state, name, stands, **facts):
        if stands == "done" and name in ("dump", "definitions", "rows", "keys", "views") and name not in killed:
            killed.add(name)
            raise KeyboardInterrupt
        real(state, name, stands, **facts)

    monkeypatch.setattr(steps.State, "mark", mark)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            await copy.run(asked(source, target, tmp_path))
    assert await copy.run(asked(source, target, tmp_path)) == 0
    assert killed == {"dump", "definitions", "rows", "keys", "views"}
    assert (await verify.verify(Sides(source, target, quiet=True))).failures == []


async def test_a_target_that_is_not_empty_is_refused(hosts, new, tmp_path):
    source, target = at(await hosts(16, filled=True), "shop"), await new(18)
    async with db.connect(target) as conn:
        await conn.execute("create table precious (id int)")
    with pytest.raises(errors.Conflict, match="the target holds 1 tables, views and sequences already"):
        await copy.run(asked(source, target, tmp_path))


async def test_an_older_target_and_a_missing_extension_are_refused_at_once(hosts, new, tmp_path):
    source, target = at(await hosts(17, filled=True), "shop"), await new(16)
    with pytest.raises(errors.Conflict) as refused:
        await copy.run(asked(source, target, tmp_path))
    assert "the target is Postgres 16, older than the source's 17" in str(refused.value)
    assert "--skip-extension citext" in str(refused.value)


async def test_a_role_that_policies_filter_cannot_copy(hosts, new, tmp_path):
    """pg_dump would stop in the middle, or with --enable-row-security leave rows out without a word."""
    source, target = at(await hosts(16, filled=True), "shop", "shop_owner"), await new(18)
    with pytest.raises(errors.Conflict, match=r"row security hides rows of app\.secrets from shop_owner"):
        await copy.run(asked(source, target, tmp_path))


async def test_a_dry_run_changes_nothing(hosts, new, tmp_path, capsys):
    source, target = at(await hosts(16, filled=True), "shop"), await new(18)
    assert await copy.run(asked(source, target, tmp_path, dry_run=True)) == 0
    assert "nothing stands in the way" in capsys.readouterr().out
    assert await value(target, "select count(*) from pg_roles where rolname ~ '^shop_'") == 0
    assert not (tmp_path / "dump").exists()


async def test_passwords_are_in_no_file_of_state(hosts, new, tmp_path, capsys):
    source, target = at(await hosts(16, filled=True), "shop"), await new(18)
    assert await copy.run(asked(source, target, tmp_path)) == 0
    shown = [line.split()[-1] for line in capsys.readouterr().out.splitlines() if "new password" in line]
    held = steps.load("copy", source, target, tmp_path)
    assert len(shown) == 3
    assert not [word for word in shown if word in json.dumps([held.steps, held.facts])]
    assert held.facts["stayed"] == ["postgres"]
