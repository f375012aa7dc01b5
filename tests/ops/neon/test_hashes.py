"""Sums of hashes name the row, whatever order, type or key it has."""

import pytest

from lib import db
from ops.neon import connect, hashes
from ops.neon.hashes import READ_AGAIN, Table, TableDifference
from tests.ops.neon import conftest

KEYED = Table("app.t", "app", "t", columns=("a", "id"), key=("id",))
BARE = Table("app.t", "app", "t", columns=("a",))


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ({}, {}, []),
        ({1: (2, 9)}, {1: (2, 9)}, []),
        ({1: (2, 9)}, {1: (2, 8)}, [1]),
        ({1: (2, 9)}, {1: (1, 9)}, [1]),
        ({1: (2, 9)}, {}, [1]),
        ({}, {7: (1, 0)}, [7]),
        ({3: (1, 1), 2: (1, 1)}, {3: (1, 2), 2: (1, 2)}, [2, 3]),
    ],
)
def test_buckets_differ_by_number_or_by_sum(source, target, found):
    assert hashes.differing(source, target) == found


def test_rows_are_named_by_their_keys():
    here, there = {"1": 10, "2": 20, "3": 30}, {"1": 10, "2": 21, "4": 40}
    found = hashes.named(KEYED, here, there, (3, 3), 3)
    assert (found.changed, found.missing, found.extra, found.whole) == (["2"], ["3"], ["4"], True)
    assert found.words() == "differs  rows: app.t: 3 rows: changed 2; missing 3; extra 4"


def test_equal_rows_without_a_key_are_counted():
    found = hashes.named(BARE, {"h1": 3, "h2": 1}, {"h1": 1, "h3": 2}, (4, 3), 3)
    assert (found.missing, found.extra) == (["3 without a key"], ["2 without a key"])
    assert found.words() == "differs  rows: app.t: 4 -> 3 rows: missing 3 without a key; extra 2 without a key"


def test_a_table_that_differs_all_over_names_a_part_and_says_so():
    found = hashes.named(KEYED, {str(n): n for n in range(100)}, {}, (4000, 0), 900)
    assert len(found.missing) == 20
    assert not found.whole
    assert found.words().endswith("and more in 900 of 4096 buckets")
    assert READ_AGAIN < 900


def test_a_difference_of_number_alone_is_shown_with_separators():
    said = TableDifference("app.t", 1_234_567, 1_234_566, 0, missing=["1 in number"]).words()
    assert said == "differs  rows: app.t: 1,234,567 -> 1,234,566 rows: missing 1 in number"


@pytest.fixture(scope="module")
async def base(server):
    """Lend this file one database."""
    async with conftest.copied(server, "template0") as url:
        yield url


@pytest.fixture
async def pair(base):
    """Lend a connection to a database without tables."""
    async with db.connect(base) as conn:
        yield conn, base
        await conn.execute("drop schema public cascade; create schema public")


async def sums(url, *names):
    async with connect.pinned(url) as conn:
        found = {table.relation: table for table in await hashes.tables(conn)}
        return [await hashes.buckets(conn, found[name]) for name in names], [found[name] for name in names]


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        ("(1, 'a'), (2, 'b')", "(2, 'b'), (1, 'a')", True),
        ("(1, null)", "(1, '')", False),
    ],
)
async def test_order_is_nothing_and_every_letter_is_something(pair, first, second, equal):
    conn, url = pair
    await conn.execute("create table one (id int primary key, t text); create table two (t text, id int primary key)")
    await conn.execute(f"insert into one (id, t) values {first}; insert into two (id, t) values {second}")
    (one, two), _ = await sums(url, "one", "two")
    assert (hashes.differing(one, two) == []) is equal


@pytest.mark.parametrize(
    ("kind", "one", "other", "equal"),
    [
        ("numeric", "1.0", "1.00", False),
        ("float8", "'-0'", "0", False),
        ("float8", "'NaN'", "'NaN'", True),
        ("float8", "0.1::float8 + 0.2::float8", "0.3", False),
        ("timestamptz", "'2026-01-01 00:00+01'", "'2025-12-31 23:00+00'", True),
        ("interval", "'1 day'", "'24 hours'", False),
        ("jsonb", '\'{"a": 1, "b": 2}\'', '\'{"b":2,"a":1}\'', True),
        ("json", "'{\"a\": 1}'", "'{\"a\":1}'", False),
        ("bytea", "'\\x00ff'", "decode('00ff', 'hex')", True),
        ("text[]", "'{a,null}'", "'{a,\"null\"}'", False),
        ("int4range", "'[1,3]'", "'[1,4)'", True),
        ("inet", "'10.0.0.1/32'", "'10.0.0.1'", True),
        ("tsvector", "'a:1 b:2'", "'b:2 a:1'", True),
        ("regclass", "'pg_class'", "'pg_catalog.pg_class'", True),
        ("money", "'1'", "'1.00'", True),
    ],
)
async def test_values_are_compared_as_what_is_stored(pair, kind, one, other, equal):
    conn, url = pair
    await conn.execute(f"create table one (id int primary key, v {kind}); create table two (like one including all)")
    await conn.execute(f"insert into one values (1, {one}); insert into two values (1, {other})")
    (here, there), _ = await sums(url, "one", "two")
    assert (here == there) is equal


async def test_nothing_is_no_letter_in_a_table_of_one_column(pair):
    conn, url = pair
    await conn.execute("create table one (t text); create table two (t text); create table three (t text)")
    await conn.execute("insert into one values (null); insert into two values (chr(1)); insert into three values ('')")
    (one, two, three), _ = await sums(url, "one", "two", "three")
    assert len({str(one), str(two), str(three)}) == 3


async def test_an_applications_rows_in_an_extensions_table_are_read_and_the_extensions_own_are_not(pair):
    """As those of PostGIS' spatial_ref_sys, or of partman's part_config, which a dump takes along."""
    conn, url = pair
    await conn.execute(
        "create table conf (id int primary key, ours bool); create table inner_one (id int);"
        " insert into conf values (1, false), (2, true);"
        " create extension if not exists plpgsql; alter extension plpgsql add table conf;"
        " alter extension plpgsql add table inner_one;"
        " update pg_extension set extconfig = array['conf'::regclass::oid], extcondition = array['where ours']"
        " where extname = 'plpgsql'"
    )
    try:
        async with connect.pinned(url) as pinned:
            [table] = await hashes.tables(pinned)
            assert (table.name, table.extension, await hashes.number(pinned, table)) == ("public.conf", "plpgsql", 1)
            assert sum(number for number, _ in (await hashes.buckets(pinned, table)).values()) == 1
            assert list(await hashes.rows_of(pinned, table, list(range(4096)))) == ["2"]
    finally:
        await conn.execute(
            "update pg_extension set extconfig = null, extcondition = null where extname = 'plpgsql';"
            " alter extension plpgsql drop table conf; alter extension plpgsql drop table inner_one"
        )


async def test_a_pair_of_equal_rows_does_not_cancel_out(pair):
    conn, url = pair
    await conn.execute("create table one (t text); create table two (t text)")
    await conn.execute("insert into one values ('a'), ('a'), ('b'); insert into two values ('b')")
    (here, there), _ = await sums(url, "one", "two")
    assert len(hashes.differing(here, there)) == 1


async def test_tables_know_their_key_and_their_columns_by_name(pair):
    conn, url = pair
    await conn.execute(
        "create table one (z int, id int, a int, gone int, primary key (id, z));"
        " alter table one drop column gone; create table two (a int);"
        " create unlogged table three (a int not null unique);"
        " create unique index by_a on three (a); alter table three replica identity using index by_a"
    )
    _, (one, two, three) = await sums(url, "one", "two", "three")
    assert (one.columns, one.key) == (("a", "id", "z"), ("id", "z"))
    assert (two.key, two.persistence) == ((), "p")
    assert (three.key, three.persistence) == (("a",), "u")


async def test_a_parent_is_hashed_without_its_children_and_a_partitioned_table_by_its_leaves(pair):
    conn, url = pair
    await conn.execute(
        "create table up (id int); create table down () inherits (up); insert into up values (1);"
        " insert into down values (2); create table parts (id int) partition by list (id);"
        " create table part_1 partition of parts for values in (1); insert into parts values (1)"
    )
    async with connect.pinned(url) as pinned:
        tables = {table.relation: table for table in await hashes.tables(pinned)}
        assert set(tables) == {"up", "down", "part_1"}
        assert sum(number for number, _ in (await hashes.buckets(pinned, tables["up"])).values()) == 1


async def test_a_table_without_columns_has_rows_all_the_same(pair):
    conn, url = pair
    await conn.execute("create table one (); insert into one default values; insert into one default values")
    (one,), _ = await sums(url, "one")
    assert sum(number for number, _ in one.values()) == 2


async def test_names_that_need_quotes_are_quoted(pair):
    conn, url = pair
    await conn.execute('create table "a ""b"" %s" ("select" int primary key, "x;y" text)')
    await conn.execute('insert into "a ""b"" %s" values (1, \'x\')')
    async with connect.pinned(url) as pinned:
        [table] = await hashes.tables(pinned)
        assert table.key == ("select",)
        here = await hashes.rows_of(pinned, table, list(range(4096)))
    assert list(here) == ["1"]
