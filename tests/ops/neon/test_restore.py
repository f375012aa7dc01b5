"""What is put in which order, who may own what, and which view stays empty."""

import itertools
from pathlib import Path

import pytest

from lib import db, errors
from ops.neon import archive, checks, connect, copy, moving, replication, restore, roles, steps, triggers
from ops.neon.archive import Archive, Entry
from ops.neon.copy import Copy
from ops.neon.refusals import Refusal
from ops.neon.restore import GuardedView, Restore
from ops.neon.roles import Role
from ops.neon.steps import State
from ops.neon.tools import Client

_numbers = itertools.count(1)
LISTED = """
8; 2615 17494 SCHEMA - app postgres
9; 2615 17495 SCHEMA - auth supabase_admin
10; 2615 17496 SCHEMA - own shop_owner
3220; 0 0 ACL - SCHEMA app postgres
3221; 0 0 ACL - SCHEMA auth supabase_admin
2; 3079 16658 EXTENSION - citext 
3223; 0 0 COMMENT - EXTENSION citext 
3224; 0 0 COMMENT app TABLE users shop_owner
238; 1259 17658 TABLE app users shop_owner
239; 1259 17659 TABLE auth users supabase_admin
240; 1259 17660 TABLE own things shop_owner
241; 1259 17661 FUNCTION app f() shop_admin
250; 6104 17700 SUBSCRIPTION - old postgres
"""  # noqa: W291


def put(**options):
    held = Archive(Path("/nowhere"), Client(Path("/nowhere"), 17, True), 17, tuple(archive.contents(LISTED)))
    given = {"without": frozenset({"auth"}), "stayed": frozenset({"postgres", "supabase_admin"})}
    return Restore(held, "postgresql://me@/x", **given | options)


def test_a_providers_schema_and_what_we_make_ourselves_are_left_out():
    kept = [(entry.kind, entry.schema, entry.name) for entry in put().entries()]
    assert kept == [
        ("SCHEMA", "", "app"),
        ("SCHEMA", "", "own"),
        ("ACL", "", "SCHEMA app"),
        ("COMMENT", "app", "TABLE users"),
        ("TABLE", "app", "users"),
        ("TABLE", "own", "things"),
        ("FUNCTION", "app", "f()"),
    ]


def test_owners_may_create_for_a_while_where_they_own_something_but_the_schema():
    assert restore._owners(put()) == [("shop_admin", "app"), ("shop_owner", "app")]
    assert restore._owners(put(stayed=frozenset({"postgres", "shop_admin", "supabase_admin"}))) == [
        ("shop_owner", "app")
    ]


def test_a_fatal_refusal_stops_and_the_others_are_returned():
    said = (
        'pg_restore: error: could not execute query: ERROR:  schema "app" already exists\n'
        "Command was: CREATE SCHEMA app;\n"
        'pg_restore: error: could not execute query: ERROR:  type "x" does not exist\n'
        "Command was: CREATE TABLE app.t (a x);\n"
        "pg_restore: error: connection to server was lost\n"
    )
    one = put()
    with pytest.raises(errors.Rejected) as refused:
        one._judge("definitions", said, False)
    first, second = refused.value.detail.splitlines()
    assert 'type "x" does not exist' in first
    assert "connection to server was lost" in second
    assert [
        refusal.grade
        for refusal in one._judge(
            "definitions", said.partition("pg_restore: error: could not execute query: ERROR:  type")[0], False
        )
    ] == ["harmless"]


VIEW = Entry("1; 0 0 x", "MATERIALIZED VIEW DATA", "app", "secret_counts", "shop_owner")
PLAIN = Entry("2; 0 0 x", "MATERIALIZED VIEW DATA", "app", "order_counts", "shop_owner")


@pytest.mark.parametrize(
    ("above", "exempt", "filtered", "filled"),
    [
        (False, False, frozenset({"app.secret_counts"}), True),
        (False, False, None, True),
        (True, True, frozenset({"app.secret_counts"}), False),
        (True, False, frozenset({"app.secret_counts"}), False),
        (True, True, None, False),
        (True, False, None, True),
        (True, True, frozenset(), True),
    ],
)
def test_a_view_is_filled_unless_its_owner_has_come_above_the_policies(above, exempt, filtered, filled):
    guarded = {"app.secret_counts": GuardedView("app.secret_counts", "neon", above, "app.secrets", exempt)}
    chosen, remarks = restore.to_fill([VIEW, PLAIN], guarded, filtered)
    assert (VIEW in chosen) is filled
    assert PLAIN in chosen
    assert remarks[0].startswith("NOT FILLED: ") is not filled


async def test_views_over_row_security_are_found_through_other_views(undone):
    await undone.execute("create view app.between as select * from app.secrets")
    await undone.execute("create materialized view app.through as select count(*) from app.between")
    found = await restore.guarded_views(undone)
    assert set(found) == {"app.secret_counts", "app.through"}
    assert found["app.secret_counts"] == GuardedView("app.secret_counts", "shop_owner", False, "app.secrets")
    assert found["app.through"].above
    assert found["app.through"].exempt  # it belongs to us
    await undone.execute("create materialized view app.noted as select count(*) from app.notes")
    await undone.execute("alter materialized view app.noted owner to shop_owner")
    assert (await restore.guarded_views(undone))["app.noted"] == GuardedView(
        "app.noted", "shop_owner", True, "app.notes"
    )


async def test_what_a_copy_must_know_of_a_source_is_named(undone):
    found = await checks.of_source(undone, ())
    assert found.blockers == []
    assert "large objects: 5 of them" in found.remarks
    assert "unlogged tables (their rows are copied, and never replicated): app.carts" in found.remarks
    assert "tables without a key: app.log, app.watched" in found.remarks


async def test_rows_that_policies_hide_from_us_are_a_blocker(source):
    async with connect.pinned(source.replace("postgres@", "shop_app@")) as conn:
        found = await checks.of_source(conn, ())
    assert found.blockers[0].startswith("row security hides rows of app.notes, app.secrets from shop_app: ")
    with pytest.raises(errors.Conflict, match="take a role that bypasses it"):
        found.stop()


async def test_a_target_whose_role_is_bound_by_forced_policies_is_a_blocker(source, copy_of):
    """Its keys would be refused when all rows are there already, table after table."""
    bound = copy_of.replace("postgres@", "shop_app@")
    async with connect.pinned(source) as here, connect.pinned(bound) as there:
        [said] = (await checks.of_both(here, there, frozenset())).blockers
        assert "tables, such as app.secrets, and shop_app of the target cannot bypass it" in said
        assert said.endswith("alter role shop_app bypassrls")


async def test_two_sides_must_agree(source, copy_of):
    async with connect.pinned(source) as here, connect.pinned(copy_of) as there:
        assert (await checks.of_both(here, there, frozenset())).blockers == []
        assert (await checks.of_target(there, (), fresh=False)).blockers == []
        [said] = (await checks.of_target(there, (), fresh=True)).blockers
        assert said.endswith("a copy goes into an empty database only")
        assert (await checks.of_target(there, ("app", "billing", "public"), fresh=True)).blockers == []


def test_a_dump_that_may_find_no_room_is_told_beforehand(tmp_path):
    assert checks.room(tmp_path / "not" / "there", 3 * 2**20) == []
    [said] = checks.room(tmp_path / "not" / "there", 2**60)
    assert said.startswith("the dump may need 366,503,875,925 MB")
    assert said.endswith(f"are free in {tmp_path}: --state FOLDER")


def test_a_schema_that_the_targets_provider_has_too_is_a_blocker():
    [said] = checks.collisions(["auth", "storage"], ["app", "auth"], "Supabase")
    assert said.startswith("Supabase has a schema auth of its own there")
    assert said.endswith("--without auth")
    assert checks.collisions(["auth"], ["app"], "Supabase") == []


async def test_a_target_that_was_made_again_is_noticed(undone):
    facts = {}
    assert not await checks.made_again(undone, (), facts, filled=True)
    assert not await checks.made_again(undone, (), facts, filled=True)
    assert await checks.made_again(undone, ("app", "billing", "public"), facts, filled=True)
    assert not await checks.made_again(undone, ("app", "billing", "public"), facts, filled=False)
    assert await checks.made_again(undone, (), facts | {"target": "1"}, filled=False)


async def test_a_schema_that_the_source_has_not_is_no_schema_to_leave_out(undone):
    found, stays = await checks.of_schemas(undone, undone, ("billing", "biling", "auth"), ("app",))
    assert stays == ()
    assert found.blockers == [
        " has a schema app of its own there: rename the source's, or do without it: --without app",
        "--without biling: the source has no such schema",
    ]


@pytest.fixture
async def undone(source):
    """Lend a connection to the awkward base whose work is undone afterwards."""
    async with connect.pinned(source) as conn, conn.transaction(force_rollback=True):
        yield conn


@pytest.fixture
async def name(server):
    """Lend a name for roles of one test's own."""
    name = f"moved_{next(_numbers)}"
    yield name
    async with db.connect(restore_url(server)) as conn:
        found = await conn.execute("select rolname from pg_roles where rolname like %s", [f"{name}%"])
        for (role,) in await found.fetchall():
            await conn.execute(f'drop role "{role}"')


def restore_url(server):
    from dev import postgres

    return postgres.url(server)


async def test_roles_are_made_once_with_passwords_for_those_who_log_in(server, name):
    wanted = [
        Role(f"{name} group"),
        Role(
            *(name, True, False),
            limit=7,
            until="2027-01-01 00:00:00+00",
            groups=(f"{name} group", "postgres"),
            terms={f"{name} group": "admin true, inherit false, set true"},
        ),
    ]
    async with connect.pinned(restore_url(server)) as conn:
        passwords, remarks = await roles.make(conn, wanted)
        assert (list(passwords), remarks) == ([name], [])
        assert len(passwords[name]) >= 32
        row = await (
            await conn.execute(
                "select rolcanlogin, rolinherit, rolconnlimit, rolvaliduntil::text, pg_has_role(rolname, %s, 'member'),"
                " pg_has_role(rolname, %s, 'usage'), pg_has_role(rolname, %s, 'usage with admin option') from pg_roles"
                " where rolname = %s",
                [*(f"{name} group",) * 3, name],
            )
        ).fetchone()
        assert row == (True, False, 7, "2027-01-01 00:00:00+00", True, False, True)
        assert await roles.make(conn, wanted) == ({}, [])


async def test_what_a_target_refuses_of_a_setting_is_a_line_to_run(server, copy_of, name):
    async with connect.pinned(restore_url(server)) as conn:
        await roles.make(conn, [Role(name)])
    async with connect.pinned(copy_of) as conn:
        refused = await roles.set_all(
            conn,
            [(name, roles.assignment("search_path=app, public")), (name, roles.assignment("no_such_thing=1"))],
            [("", roles.assignment("TimeZone=Asia/Tokyo")), (name, roles.assignment("work_mem=64MB"))],
        )
        assert await roles.own_settings(conn, [name]) == [(name, '"search_path" to app, public')]
        here = await (
            await conn.execute(
                "select array_agg(c order by c) from pg_db_role_setting s, unnest(setconfig) c"
                " where setdatabase = (select oid from pg_database where datname = current_database())"
            )
        ).fetchone()
    assert here == (["TimeZone=Asia/Tokyo", "work_mem=64MB"],)
    assert len(refused) == 1
    assert refused[0].startswith(f'not done: alter role "{name}" set "no_such_thing" to \'1\' (')


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("statement_timeout=7s", "\"statement_timeout\" to '7s'"),
        ("search_path=app, public", '"search_path" to app, public'),
        ("search_path=", "\"search_path\" to ''"),
        ("app.greeting=it's a = b", "\"app.greeting\" to 'it''s a = b'"),
        ("DateStyle=ISO, DMY", "\"DateStyle\" to 'ISO, DMY'"),
    ],
)
def test_a_setting_is_written_as_set_takes_it(pair, said):
    assert roles.assignment(pair) == said


def test_a_superusers_and_a_providers_roles_are_not_carried():
    assert Role("app").carried
    assert not Role("root", superuser=True).carried
    assert not Role("rdsadmin").carried


async def test_tables_whose_updates_could_not_be_published_are_identified_whole_and_back(undone):
    assert await replication.keyless(undone, ()) == ["app.log", "app.watched"]
    assert await replication.keyless(undone, ("app",)) == []
    await replication.identify(undone, ["app.log"], "full")
    assert await replication.keyless(undone, ()) == ["app.watched"]
    await replication.identify(undone, ["app.log"], "default")
    assert await replication.keyless(undone, ()) == ["app.log", "app.watched"]
    names = {table.name for table in await replication.published(undone, ())}
    assert "app.carts" not in names
    assert {"app.orders_old", 'billing."Odd ""Name"""'} <= names


class Moving:
    """As much of a cutover as a step that looks at one side needs."""

    def __init__(self, conn):
        self.source = self.target = type("Side", (), {"conn": conn})()
        self.without = ()


async def test_triggers_that_an_apply_worker_would_fire_are_found_rested_and_woken(undone):
    await undone.execute(
        'create trigger "a trigger. of spaces" before insert on app.log for each row'
        " execute function suppress_redundant_updates_trigger();"
        ' alter table app.log enable always trigger "a trigger. of spaces"'
    )
    fires = await triggers.enabled(undone, states="AR")
    assert fires == {
        "app.log a trigger. of spaces": "enable always",
        "app.notes notes_replica": "enable replica",
        "app.tenants tenants_always": "enable always",
    }
    await triggers.switch(undone, dict.fromkeys(fires, "disable"))
    assert await triggers.enabled(undone, states="AR") == {}
    await triggers.switch(undone, fires)
    assert await triggers.enabled(undone, states="AR") == fires


@pytest.mark.parametrize(
    ("statement", "changes"),
    [
        ("insert into public.settings values ('a', 'b')", False),
        ("alter table app.log replica identity full", False),
        ("comment on table app.log is 'x'", False),
        ("alter table app.log add more text", True),
        ("drop policy all_notes on app.notes", True),
        ("alter type app.order_status add value 'sent'", True),
    ],
)
async def test_a_change_of_tables_is_noticed_and_one_of_rows_is_none(undone, statement, changes):
    before = await moving._fingerprint(Moving(undone))
    await undone.execute(statement)
    assert (await moving._fingerprint(Moving(undone)) != before) is changes


def test_a_report_tells_what_was_found_in_an_earlier_run_too(tmp_path):
    state = State(tmp_path / "copy.json", {"dump": {"seconds": 1.5}, "rows": {"seconds": 2.0}})
    held = Copy("postgresql://me@db.example.com/x", "postgresql://me:s3cret@ep-1.x.neon.tech/y", state)
    held.remark("large objects: 5 of them")
    held.remark("large objects: 5 of them", "another")
    again = Copy(held.source, held.target, steps.load("copy", held.source, held.target, tmp_path))
    assert copy.report(again) == [
        "",
        "copied to me@***.neon.tech/y in 3.5 s",
        "  large objects: 5 of them",
        "  another",
        "now prove it: python -m ops verify '$OLD_URL' '$NEW_URL'",
    ]


def test_a_refusal_without_an_entry_shows_its_command():
    assert (
        Refusal("", "no", "CREATE TABLE app.t ()", "fatal", "unknown")
        .words()
        .startswith("fatal     CREATE TABLE app.t")
    )
