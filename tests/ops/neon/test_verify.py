"""verify names what differs, and says so when it could not look."""

import argparse
import json

import pytest

from lib import db, errors
from ops.neon import catalog, connect, hashes, verify
from ops.neon.catalog import Difference
from ops.neon.verify import Report, Sides
from tests.ops.neon import conftest


async def look(source, target, *, strict=False, **options):
    return await verify.verify(Sides(source, target, quiet=True, **{"jobs": 1} | options), strict=strict)


async def change(url, *statements):
    async with db.connect(url) as conn:
        for statement in statements:
            await conn.execute(statement)


async def test_a_copy_is_equal_and_everything_was_looked_at(source, copy_of):
    report = await look(source, copy_of, strict=True, jobs=2)
    assert report.failures == []
    assert report.notes == []
    assert report.tables == 21
    assert report.counted == 495
    none_here = {
        "event_triggers",
        "casts",
        "operators",
        "operator_classes",
        "foreign_servers",
        "publications",
        "labels",
        "other_objects",
    }
    empty = {section for section, number in report.objects.items() if not number}
    assert empty - none_here - {"settings"} == set()
    assert "EQUAL" in verify.text(report)


ROWS = [
    (
        "update app.products set about = '{}' where id = 17",
        "differs  rows: app.products: 60 -> 59 rows: changed 17; missing 18",
    ),
    ("delete from app.products where id = 18", "; missing 18"),
    ("insert into public.settings values ('a', 'b')", "differs  rows: public.settings: 1 -> 2 rows: extra a"),
    ("update app.orders_rest set tenant_id = 2", 'changed (3001,"2031-05-05 00:00:00+00")'),
    (
        "delete from app.log where ctid = '(0,1)'",
        "differs  rows: app.log: 4 -> 5 rows: missing 1 without a key; extra 2",
    ),
    ("insert into app.log values ('2026-01-01', 'another')", "; extra 2 without a key"),
    ('update billing."Odd ""Name""" set "Über" = \'\' where "select" = 1', "changed 1"),
    ("update app.notes set ratio = '0' where id = 2", "rows: app.notes: 9 rows: changed 2"),
    ("update billing.ledger set amount = 1.00 where id = 3", "rows: billing.ledger: 20 rows: changed 3"),
    ("truncate app.carts", "rows: app.carts: 2 -> 0 rows: missing 1, 2"),
    ("select lo_unlink(content) from app.files where id = 1", "large objects: 5 -> 4 rows: missing "),
    ("update app.watched set what = 'app.log'", "rows: app.watched: 1 rows: missing 1 without a key"),
]
CATALOGUE = [
    ("drop index app.orders_user", "missing  indexes: app.orders_user"),
    ("drop policy reader_notes on app.notes", "missing  policies: app.notes.reader_notes"),
    (
        "alter policy own_secrets on app.secrets to public",
        "changed  policies: app.secrets.own_secrets: permissive",
    ),
    ("alter table app.secrets no force row level security", "changed  relations: app.secrets: "),
    ("alter table app.rooms drop constraint best_guest", "missing  constraints: app.rooms.best_guest"),
    (
        "alter table billing.invoices validate constraint positive",
        "changed  constraints: billing.invoices.positive",
    ),
    ("alter table app.products enable trigger products_off", "changed  triggers: app.products.products_off"),
    ("alter table app.tenants enable trigger tenants_always", "changed  triggers: app.tenants.tenants_always"),
    ("drop rule keep_settings on public.settings", "missing  rules: public.settings.keep_settings"),
    ("alter type app.order_status rename value 'packed' to 'sent'", "changed  enums: app.order_status"),
    ("alter domain app.email drop constraint email_check", "missing  constraints: app.email.email_check"),
    ("drop statistics app.products_stats", "missing  statistics: app.products_stats"),
    ("alter table app.tenants alter plan drop default", "changed  columns: app.tenants.plan"),
    ("alter table app.tenants add extra int", "extra    columns: app.tenants.extra"),
    (
        "refresh materialized view app.never_filled",
        "changed  filled views: app.never_filled: never refreshed -> filled",
    ),
    ("create function app.more() returns int return 1", "extra    functions: app.more()"),
    ("drop aggregate app.joined (text)", "missing  aggregates: app.joined(text)"),
    ("drop view app.open_mails", "missing  relations: app.open_mails"),
    ("alter table app.parent reset (fillfactor)", "changed  relations: app.parent"),
    ("alter sequence app.invoice_numbers cache 1", "changed  sequences: app.invoice_numbers"),
    ("drop table app.child", "missing  relations: app.child"),
    (
        "alter text search configuration app.russian_plain drop mapping for word",
        "changed  text search: app.russian",
    ),
    ("alter table billing.ledger replica identity default", "changed  relations: billing.ledger"),
    ("alter table app.users disable trigger all", "changed  constraints: app.users.users_tenant_id_fkey"),
    ("alter table app.files set (toast.autovacuum_enabled = off)", "changed  relations: app.files"),
    (
        "create text search dictionary app.russian_plain (template = simple)",
        "changed  text search: app.russian_plain",
    ),
    ("create publication p for table app.log (line) where (line > 'a')", "extra    publications: p"),
    ("create default conversion app.c for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8", "extra    other objects: conv"),
]
NOTES = [
    ("revoke select on app.tenants from shop_app", "changed  grants: app.tenants"),
    ("revoke select (id) on app.notes from shop_reader", "missing  grants: app.notes.id (shop_reader SELECT)"),
    ("alter table app.tenants owner to postgres", "changed  owners: app.tenants: shop_owner -> postgres"),
    ("comment on table app.orders is null", "missing  comments: table app.orders"),
    (
        "alter default privileges for role shop_owner in schema app revoke select on tables from shop_reader",
        "missing  default grants: shop_owner in app r (shop_reader SELECT)",
    ),
]


# Somebody may do more on the target than on the source: that is no provider's doing, and never equal.
OPENED = [
    (
        "alter function app.count_secrets(int) owner to shop_app",
        "changed  runs as: app.count_secrets(integer): shop_owner -> shop_app",
    ),
    ("alter view app.open_orders owner to postgres", "changed  runs as: app.open_orders: shop_owner -> those who move"),
    ("alter table app.secrets owner to shop_app", "changed  runs as: app.secrets: shop_owner -> shop_app"),
    ("grant insert on app.files to public", "changed  grants: app.files: "),
    ("grant select (body) on app.notes to shop_reader", "extra    grants: app.notes.body (shop_reader SELECT)"),
    ("grant create on schema billing to shop_app", "changed  grants: schema billing: "),
    (
        "do $$ begin execute format('grant create on database %I to shop_app', current_database()); end $$",
        "changed  grants: this database: public CONNECT, public TEMPORARY -> ",
    ),
]


@pytest.fixture(scope="module")
async def reports(server, awkward):
    """Change a copy in all these ways and look once: each difference must be told apart from the others."""
    async with conftest.copied(server, awkward) as copy:
        await change(copy, *[statement for statement, _ in OPENED + ROWS + NOTES + CATALOGUE])
        source = conftest.postgres.url(server, awkward)
        yield await look(source, copy, jobs=2), await look(source, copy, fast=True, strict=True)


@pytest.mark.parametrize(("statement", "said"), ROWS)
def test_one_row_that_differs_is_named(reports, statement, said):
    assert [line for line in reports[0].failures if said in line], statement


@pytest.mark.parametrize(("statement", "said"), CATALOGUE)
def test_what_the_catalogue_lacks_is_named(reports, statement, said):
    for report in reports:
        assert [line for line in report.failures if line.startswith(said)], statement


@pytest.mark.parametrize(("statement", "said"), NOTES)
def test_what_providers_change_is_a_note_unless_strict(reports, statement, said):
    report, strict = reports
    assert [line for line in report.notes if line.startswith(said)], statement
    assert not [line for line in report.failures if line.startswith(said)]
    assert [line for line in strict.failures if line.startswith(said)]


@pytest.mark.parametrize(("statement", "said"), OPENED)
def test_more_rights_on_the_target_make_it_different(reports, statement, said):
    for report in reports:
        assert [line for line in report.failures if line.startswith(said)], statement


def test_rows_of_a_table_with_other_columns_are_said_to_be_unread(reports):
    assert "rows of app.tenants were not compared: the columns differ" in reports[0].notes


async def test_settings_of_a_database_and_of_a_role_in_it_are_missed(source, copy_of):
    assert not [line for line in (await look(source, copy_of, fast=True)).failures if "settings" in line]
    await conftest.set_options(copy_of)
    failures = (await look(copy_of, source, fast=True)).failures
    assert "missing  settings: shop_app in this database: statement_timeout (7s)" in failures
    assert "missing  settings: this database: TimeZone (Europe/Berlin)" in failures
    assert "missing  settings: this database: search_path (app, public)" in failures


async def test_equal_rows_are_equal_whatever_the_databases_have_set(source, copy_of):
    await conftest.set_options(copy_of)
    report = await look(source, copy_of)
    assert report.rows == []
    assert {entry.section for entry in report.catalogue} == {"settings"}


async def test_a_sequence_that_lags_is_named(source, copy_of):
    await change(
        copy_of, "select setval('app.products_id_seq', 3)", "select setval('app.invoice_numbers', 1000, false)"
    )
    failures = (await look(source, copy_of, fast=True)).failures
    assert "lagging  sequence: app.products_id_seq: gives 4 next, the source 61" in failures
    assert any(line.startswith("lagging  sequence: app.invoice_numbers: gives 1000 next") for line in failures)


async def test_a_sequence_behind_its_rows_is_named_though_the_sources_is_no_further(source, copy_of):
    await change(copy_of, "insert into app.users (id, tenant_id) overriding system value values (500, 1)")
    failures = (await look(source, copy_of, fast=True)).failures
    assert "lagging  sequence: app.users_id_seq: gives 41 next, users.id has 500" in failures


async def test_a_materialized_view_that_shows_all_tenants_is_found(source, copy_of):
    """The source's owner is subject to the policies, one who bypasses them is not."""
    await change(
        copy_of,
        "alter materialized view app.secret_counts owner to postgres",
        "refresh materialized view app.secret_counts",
    )
    failures = (await look(source, copy_of)).failures
    assert any(line.startswith("differs  materialized view: app.secret_counts: 0 -> 3 rows") for line in failures)


async def test_a_view_of_another_time_is_noted_though_it_has_as_many_rows(source, copy_of):
    """It is no fault of a copy: the source's may be the one that is old."""
    await change(
        copy_of,
        "update app.orders set tenant_id = 90 + tenant_id",
        "refresh materialized view app.order_counts",
    )
    report = await look(source, copy_of)
    said = "differs  materialized view: app.order_counts: 3 rows on both sides, but not the same"
    assert [line for line in report.notes if line.startswith(said)]
    assert not [line for line in report.failures if line.startswith(said)]
    report.strict = True
    assert [line for line in report.failures if line.startswith(said)]


async def test_a_database_is_not_compared_with_itself_under_another_name(source):
    with pytest.raises(errors.Misconfigured, match="source and target are the same database"):
        await look(source, f"{source}&connect_timeout=7")


def test_nothing_against_nothing_is_no_equality():
    """As two addresses are that both forget the database's name."""
    bare = {"relations": 0, "functions": 0}
    with pytest.raises(errors.Rejected, match="are these the right databases"):
        verify._refuse_emptiness(Report("a", "b", objects=bare))
    verify._refuse_emptiness(Report("a", "b", objects=bare, others=["extra    relations: app.t"]))
    verify._refuse_emptiness(Report("a", "b", objects=bare | {"functions": 1}))


@pytest.fixture
async def conn(source):
    async with connect.pinned(source) as conn:
        yield conn


async def test_a_schema_to_leave_out_must_be_there(conn):
    sides, report = Sides("a", "b", without=("biling",)), Report("a", "b")
    with pytest.raises(errors.Misconfigured, match="--without biling: neither side has such a schema"):
        await verify._left_out(conn, conn, sides, report)


async def test_a_schema_that_the_targets_provider_has_too_is_missed(conn, monkeypatch):
    """An application's own `billing` would be left out as the provider's, on both sides."""
    sides, report = Sides("a", "b"), Report("a", "b")
    own = iter([("billing", "auth"), ("billing", "auth"), (), ()])
    monkeypatch.setattr(verify.managed, "provider", lambda _: "Supabase")
    monkeypatch.setattr(verify.managed, "schemas", lambda *_: next(own))
    assert await verify._left_out(conn, conn, sides, report) == ("billing", "auth")
    said = "missing  schema: billing: Supabase has one of its own; --without billing leaves it out"
    assert (report.failures, report.notes) == ([said], ["not compared: the schemas billing"])


async def test_who_became_a_superuser_is_no_note(source, copy_of):
    async with db.connect(copy_of) as conn, conn.transaction(force_rollback=True):
        found = await catalog.read(conn)
        await conn.execute("alter role shop_app superuser")
        raised = await catalog.read(conn)
    [said] = catalog.diff({"roles": found["roles"]}, {"roles": raised["roles"]})
    assert (said.name, said.note) == ("shop_app", False)


async def test_a_role_that_policies_hold_for_cannot_verify(source, copy_of):
    """Without row_security = off it would see no rows on both sides, and call them equal."""
    as_owner = source.replace("postgres@", "shop_owner@")
    with pytest.raises(errors.Rejected, match="row-level security"):
        await look(as_owner, copy_of.replace("postgres@", "shop_owner@"))


async def test_a_section_that_fails_on_both_sides_is_no_equality(source, copy_of, monkeypatch):
    broken = catalog.queries() | {"policies": "select p.polname, p.polcmd || p.polname from pg_policy p"}
    monkeypatch.setattr(catalog, "queries", lambda: broken)
    with pytest.raises(errors.Rejected, match="section policies: operator is not unique"):
        await look(source, copy_of)


async def test_a_table_that_cannot_be_read_is_no_equality(source, copy_of, monkeypatch):
    monkeypatch.setattr(hashes, "_row", lambda columns: hashes.sql.SQL("no_such_column"))
    with pytest.raises(errors.Rejected, match=r"source: column .no_such_column. does not exist"):
        await look(source, copy_of)


def asked(source, target, **options):
    given = {"fast": True, "strict": False, "without": [], "jobs": 1, "json": False}
    return argparse.Namespace(source=source, target=target, **given | options)


async def test_exit_codes_tell_equal_different_and_unable(source, copy_of, capsys):
    assert await verify.run(asked(source, copy_of)) == 0
    await change(copy_of, "delete from public.settings", "drop index app.orders_user")
    assert await verify.run(asked(source, copy_of)) == 1
    assert await verify.run(asked(source, copy_of.replace("/copy_", "/nowhere_"))) == 2
    said = capsys.readouterr()
    assert "DIFFERENT: " in said.out
    assert "could not check: connection failed" in said.err or "does not exist" in said.err
    assert "Traceback" not in said.err


async def test_json_says_all_that_the_text_says(source, copy_of, capsys):
    await change(copy_of, "drop index app.orders_user")
    assert await verify.run(asked(source, copy_of, json=True)) == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["equal"] is False
    assert facts["catalogue"][0] | {"source": ""} == {
        "section": "indexes", "name": "app.orders_new_user_id_idx", "source": "", "target": None, "note": False
    }  # fmt: skip
    assert facts["source"] == "postgres@local/awkward"


async def test_a_schema_can_be_left_out(source, copy_of):
    await change(copy_of, "drop schema billing cascade")
    assert (await look(source, copy_of)).failures
    report = await look(source, copy_of, without=("billing",))
    assert (report.failures, report.notes) == ([], ["not compared: the schemas billing"])


def test_a_report_without_differences_says_equal_and_what_was_not_read():
    assert verify.text(Report("a", "b")).endswith("\nEQUAL")
    assert verify.text(Report("a", "b", fast=True)).endswith("all but the rows themselves (--fast reads none)")
    assert Report("a", "b", fast=True).facts()["verdict"].startswith("EQUAL in numbers of rows")


def test_a_note_does_not_make_two_databases_different():
    noted = Report("a", "b", catalogue=[Difference("owners", "app.t", "x", "y")])
    assert noted.failures == []
    assert noted.notes == ["changed  owners: app.t: x -> y"]
    assert Report("a", "b", catalogue=noted.catalogue, strict=True).failures == noted.notes
