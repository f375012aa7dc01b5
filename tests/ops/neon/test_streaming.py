"""Rows are streamed into tables that are there, where no pg_dump is as new as the source."""

import argparse
import json

import pytest

from dev import postgres
from lib import db, errors
from ops.neon import checks, connect, copy, steps, streams, verify
from ops.neon.verify import Sides
from tests.ops.neon import conftest


def asked(source, target, folder, **options):
    given = {"dry_run": False, "without": [], "skip_extension": [], "jobs": 2, "stream": False, "replace": False}
    return argparse.Namespace(source=source, target=target, state=folder, **given | options)


@pytest.fixture
async def bare(copy_of):
    """Lend a base with all tables and no row, as an application's migrations leave it, but a line of their own."""
    async with db.connect(copy_of) as conn:
        await conn.execute(
            "set session_replication_role = replica;"
            " do $$ declare one text; begin"
            " for one in select oid::regclass from pg_class where relkind in ('r', 'p') and relnamespace in"
            " ('app'::regnamespace, 'billing'::regnamespace, 'public'::regnamespace)"
            " loop execute 'truncate ' || one || ' cascade'; end loop;"
            " for one in select c.oid::regclass from pg_class c where relkind = 'S' and relnamespace in"
            " ('app'::regnamespace, 'billing'::regnamespace, 'public'::regnamespace)"
            " loop execute 'alter sequence ' || one || ' restart'; end loop;"
            " perform lo_unlink(oid) from pg_largeobject_metadata; end $$;"
            " insert into app.tenants (id, name) values (900, 'a row of the migrations')"
        )
    return copy_of


@pytest.fixture
def no_client(monkeypatch):
    def lacking(url, version):
        raise errors.Misconfigured(detail="no pg_dump 17 or newer is here")

    monkeypatch.setattr(checks, "client_for", lacking)


@pytest.mark.long
@pytest.mark.usefixtures("no_client")
async def test_all_rows_arrive_and_keys_and_triggers_are_back(source, bare, tmp_path, capsys, monkeypatch):
    given = asked(source, bare, tmp_path)
    with pytest.raises(
        errors.Conflict, match=r"the target has rows in app\.audit \(1\), app\.tenants \(1\): empty them, or --replace"
    ):
        await copy.run(given)
    given.replace, real, killed = True, streams.table, []

    async def kill_once(*pair):
        if pair[2].name == "app.users" and not killed:
            killed.append(pair[2].name)
            raise errors.Unavailable("database", "the connection is lost")
        return await real(*pair)

    monkeypatch.setattr(streams, "table", kill_once)
    with pytest.raises(errors.Unavailable):
        await copy.run(given)
    state = steps.load("copy", source, bare, tmp_path)
    assert len(state.facts["foreign"]) >= 3
    await change(bare, "delete from app.log")
    assert await copy.run(given) == 0
    assert (await verify.verify(Sides(source, bare, quiet=True))).failures == []
    said = capsys.readouterr()
    assert "Streaming the rows instead" in said.err
    assert "roles, rights and settings stay as the target has them" in said.out
    assert json.loads((tmp_path / "copy.json").read_text())["facts"]["finished"]["size"] > 0


async def change(url, statement):
    async with db.connect(url) as conn:
        await conn.execute(statement)


@pytest.mark.long
async def test_tables_and_columns_that_the_target_lacks_are_named(server, source, copy_of, tmp_path):
    async with conftest.copied(server, "template0") as empty:
        with pytest.raises(errors.Conflict, match=r"(the target has no table [^;]+; ){21}run the application's migr"):
            await copy.run(asked(source, empty, tmp_path / "empty", stream=True))
    await change(copy_of, "alter table app.users drop column home")
    with pytest.raises(errors.Conflict, match=r"app\.users lacks home on the target"):
        await copy.run(asked(source, copy_of, tmp_path, stream=True, replace=True))


async def test_a_dump_is_never_streamed(tmp_path):
    held = copy.Copy("", "postgresql://me@/x", steps.State(tmp_path / "copy.json"), dump=tmp_path / "x.backup")
    assert await copy.must_stream(held, asked=True) is False
    assert copy.plan(held) is copy.STEPS


async def test_where_a_client_is_new_enough_a_dump_is_made(server, source, tmp_path):
    held = copy.Copy(source, postgres.url(server, "postgres"), steps.State(tmp_path / "copy.json"))
    assert await copy.must_stream(held) is False
    async with connect.pinned(source) as conn:
        assert checks.client_for(source, conn.info.server_version).major >= 15
