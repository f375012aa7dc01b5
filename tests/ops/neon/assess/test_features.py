"""What may not move, case by case, in transactions that are rolled back; and what the statements themselves may do."""

import json

import pytest

from lib import db
from ops.neon.assess import catalog

SQL = db.load("assess")
PARAMS = {"statement": "5000", "lock": "1000", "value": "x", "key": 1, "channel": "c"}
POLICED = "create table aa.secret (id int primary key, who text); alter table aa.secret enable row level security;"
MANY = (
    "do $$ begin for n in 1..25 loop"
    " execute format('create table aa.k%s (a int)', lpad(n::text, 2, '0')); end loop; end $$;"
)


async def found(conn, name, setup):
    """Build something in a schema of its own, and return what the look finds there."""
    await conn.execute(f"create schema aa; {setup}")
    await SQL.transaction_guard.run(conn, statement="5000", lock="1000")
    rows = await catalog.FEATURES[name].all(conn, tuple)
    return [row[0] for row in rows if "aa." in row[0] or row[0].startswith("test_")]


CASES = [
    ("keyless", "create table aa.a (x int)", ["aa.a"]),
    ("keyless", "create table aa.a (x int primary key)", []),
    ("keyless", "create table aa.a (x int unique)", ["aa.a"]),
    ("keyless", "create table aa.a (x int); alter table aa.a replica identity full", []),
    (
        "keyless",
        "create table aa.a (x int not null); create unique index i on aa.a (x);"
        " alter table aa.a replica identity using index i",
        [],
    ),
    ("keyless", "create table aa.a (x int primary key); alter table aa.a replica identity nothing", ["aa.a"]),
    ("keyless", "create unlogged table aa.a (x int)", []),
    ("keyless", "create view aa.a as select 1 as x", []),
    (
        "keyless",
        "create table aa.a (x int) partition by list (x); create table aa.b partition of aa.a for values in (1)",
        ["aa.a", "aa.b"],
    ),
    ("unlogged", "create unlogged table aa.a (x int)", ["aa.a"]),
    ("unlogged", "create table aa.a (x int); create temp table b (x int)", []),
    ("forced_policies", POLICED, []),
    ("forced_policies", f"{POLICED} alter table aa.secret force row level security", ["aa.secret"]),
    ("forced_policies", "create table aa.a (x int); alter table aa.a force row level security", []),
    (
        "views_over_policies",
        f"{POLICED} create materialized view aa.all_of_it as select who from aa.secret",
        ["aa.all_of_it over secret"],
    ),
    (
        "views_over_policies",
        f"{POLICED} create materialized view aa.number as select count(*) from aa.secret",
        ["aa.number over secret"],
    ),
    (
        "views_over_policies",
        f"{POLICED} create view aa.between as select who from aa.secret;"
        " create materialized view aa.far as table aa.between",
        ["aa.far over secret"],
    ),
    (
        "views_over_policies",
        "create table aa.a (x int); create materialized view aa.harmless as select x from aa.a",
        [],
    ),
    ("views_over_policies", f"{POLICED} create view aa.live as select who from aa.secret", []),
    ("reg_columns", "create table aa.a (x regclass, y oid, z text)", ["aa.a.x regclass", "aa.a.y oid"]),
    ("reg_columns", "create table aa.a (x regrole); alter table aa.a drop column x", []),
    ("reg_columns", "create table aa.a (x xid8)", ["aa.a.x xid8"]),
    ("reg_columns", "create view aa.a as select 'pg_class'::regclass as x", []),
    (
        "not_validated",
        "create table aa.a (x int); alter table aa.a add constraint test_odd check (x > 0) not valid",
        ["test_odd on aa.a"],
    ),
    ("not_validated", "create table aa.a (x int constraint test_fine check (x > 0))", []),
    (
        "always_triggers",
        "create table aa.a (x int); create function aa.f() returns trigger language plpgsql as 'begin return new; end';"
        " create trigger test_always before insert on aa.a for each row execute function aa.f();"
        " alter table aa.a enable always trigger test_always",
        ["test_always on aa.a"],
    ),
    (
        "always_triggers",
        "create table aa.a (x int); create function aa.f() returns trigger language plpgsql as 'begin return new; end';"
        " create trigger test_plain before insert on aa.a for each row execute function aa.f()",
        [],
    ),
    ("untrusted_functions", "create function aa.f() returns int language sql as 'select 1'", []),
    ("untrusted_functions", "create function aa.f() returns int language plpgsql as 'begin return 1; end'", []),
    ("definer_functions", "create function aa.f() returns int language sql security definer as 'select 1'", []),
    ("other_collations", 'create table aa.a (x text collate "C")', []),
    ("other_collations", "create table aa.a (x text)", []),
    (
        "other_collations",
        "create collation aa.own (provider = libc, locale = 'C'); create table aa.a (x text collate aa.own)",
        ["aa.a.x collate own"],
    ),
    ("publications", "create publication test_pub", ["test_pub"]),
]


@pytest.mark.parametrize(("name", "setup", "expected"), CASES)
async def test_a_feature_is_told_from_what_looks_like_it(conn, name, setup, expected):
    assert await found(conn, name, setup) == expected


async def test_twenty_names_are_told_and_all_are_counted(conn):
    await conn.execute(f"create schema aa; {MANY}")
    rows = await SQL.keyless.all(conn, tuple)
    assert len(rows) == 20
    assert rows[0][1] >= 25


async def test_large_objects_are_counted_by_owner(conn):
    before = sum(int(row[0].rpartition(" ")[2]) for row in await SQL.large_objects.all(conn, tuple))
    await conn.execute("select lo_from_bytea(0, 'a'), lo_from_bytea(0, 'b')")
    rows = await SQL.large_objects.all(conn, tuple)
    assert rows[0][1] == before + 2


async def test_a_lock_of_a_session_is_state_that_a_pooler_loses(conn, common):
    async with db.connect(common) as other:
        await other.execute("select pg_advisory_lock(4711)")
        names = [row[0] for row in await SQL.session_state.all(conn, tuple)]
        await other.execute("select pg_advisory_unlock(4711)")
    assert any(name.startswith("advisory lock of ") for name in names)


async def test_a_listener_is_state_that_a_pooler_loses(conn, common):
    async with db.connect(common) as other:
        await other.execute("listen test_channel")
        names = [row[0] for row in await SQL.session_state.all(conn, tuple)]
        await other.execute("unlisten *")
    assert "LISTEN in 1 session(s)" in names


async def test_tables_are_sized_without_being_read(conn):
    await conn.execute("create schema aa; create table aa.a (x int, y text); create index on aa.a (x)")
    await conn.execute("insert into aa.a select n, repeat('x', 100) from generate_series(1, 200) n")
    rows = {row.name: row for row in await SQL.tables.all(conn, catalog.Table) if row.schema == "aa"}
    assert rows["a"].rows == -1.0, "nobody has analyzed it, and nobody counts it"
    assert rows["a"].bytes > 20_000
    assert rows["a"].index_bytes > 0


READS = sorted(entry.name for entry in SQL)
# They touch a session of ours, under a name of ours.
TOUCHES = {"keep_setting", "keep_lock", "give_lock_back", "call_out", "transaction_guard"}


async def test_no_statement_reads_a_table(conn):
    """Every relation in a plan is of the catalogue: sizes and statistics are asked for, rows never."""
    for name in READS:
        entry = getattr(SQL, name)
        plan = await (await conn.execute(b"explain (format json, verbose) " + entry._text, PARAMS)).fetchone()
        relations = set(_relations(json.loads(plan[0]) if isinstance(plan[0], str) else plan[0]))
        assert {schema for schema, _ in relations} <= {"pg_catalog"}, name
        assert all(table.startswith("pg_") for _, table in relations), name


def _relations(node):
    if isinstance(node, list):
        for one in node:
            yield from _relations(one)
    elif isinstance(node, dict):
        if "Relation Name" in node:
            yield node.get("Schema"), node["Relation Name"]
        for one in node.values():
            yield from _relations(one)


def test_every_other_statement_is_a_plain_select():
    for name in sorted(set(READS) - TOUCHES):
        text = getattr(SQL, name)._text.decode().lower()
        assert text.startswith(("select", "with recursive")), name
        for word in ("insert ", "update ", "delete ", "create ", "set_config", "nextval", "for update"):
            assert word not in text, name
