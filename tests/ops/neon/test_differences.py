"""Differences of the catalogue that the tests of verify do not plant: one thing of each kind is changed."""

import pytest

from ops.neon import catalog, connect

BEFORE = """
create schema app;
create role d_owner; create role d_app login; create role d_group; create role d_other;
create role d_timed login valid until '2027-01-01';
grant d_group to d_app; grant d_other to d_timed;
create table app.parent (a int, b text);
create table app.child (c int) inherits (app.parent);
create index child_sum on app.child ((a + c), b);
create type app.span as range (subtype = text);
create domain app.mail as text; create type app.kind as enum ('a');
create operator family app.family using btree;
create operator class app.texts for type text using btree as
    operator 1 pg_catalog.< , function 1 pg_catalog.bttextcmp(text, text);
create aggregate app.total (int) (sfunc = int4pl, stype = int, sspace = 100);
create foreign data wrapper nothing options (a 'b'); create server other foreign data wrapper nothing;
comment on index app.child_sum is 'sums'; comment on schema public is 'ours';
alter default privileges for role d_owner revoke execute on functions from public;
alter default privileges for role d_owner in schema app grant select on tables to d_app;
select lo_from_bytea(7001, 'a'); select lo_from_bytea(7002, 'b');
alter large object 7002 owner to d_owner;
"""
# What is changed, what is said of it, and whether it makes two databases different without --strict.
CHANGES = [
    (
        "alter table app.child no inherit app.parent; alter table app.child inherit app.parent",
        "changed  columns: app.child.a: 1. integer inherited storage p -> 1. integer inherited and its own storage p",
        True,
    ),
    ("alter index app.child_sum alter column 1 set statistics 50", "changed  indexes: app.child_sum: ", True),
    (
        "drop type app.span; create type app.span as range (subtype = text, subtype_opclass = text_pattern_ops,"
        " multirange_type_name = app.spans)",
        "by text_ops - multirange app.span_multirange -> ",
        True,
    ),
    ("drop operator family app.family using btree", "missing  operator classes: family app.family using btree", True),
    (
        "alter operator family app.texts using btree add operator 5 pg_catalog.> (text, text)",
        "changed  operator classes: family app.texts using btree: ",
        True,
    ),
    (
        "drop aggregate app.total (int); create aggregate app.total (int) (sfunc = int4pl, stype = int, sspace = 200)",
        "changed  aggregates: app.total(integer): ",
        True,
    ),
    ("alter foreign data wrapper nothing options (set a 'c')", "changed  foreign servers: wrapper nothing: ", True),
    ("comment on index app.child_sum is null", "missing  comments: index app.child_sum", False),
    ("comment on schema public is 'theirs'", "changed  comments: schema public: ", False),
    ("alter type app.kind owner to d_owner", "changed  owners: type app.kind: ", False),
    ("alter large object 7001 owner to d_owner", "changed  owners: large object 7001: ", False),
    ("revoke usage on type app.kind from public", "missing  grants: type app.kind (public USAGE)", False),
    ("grant usage on type app.mail to d_app", "changed  grants: type app.mail: public USAGE -> ", True),
    ("grant select on large object 7002 to public", "extra    grants: large object 7002 (public SELECT)", True),
    ("grant usage on foreign server other to d_app", "extra    grants: server other (d_app USAGE)", True),
    ("grant usage on foreign data wrapper nothing to d_app", "extra    grants: wrapper nothing (d_app USAGE)", True),
    ("grant usage on language plpgsql to d_app", "changed  grants: language plpgsql: ", True),
    (
        "alter default privileges for role d_owner grant execute on functions to public",
        "missing  default grants: d_owner f (nothing to public)",
        True,
    ),
    (
        "alter default privileges for role d_owner in schema app grant insert on tables to d_app",
        "changed  default grants: d_owner in app r: d_app SELECT -> d_app INSERT, d_app SELECT",
        True,
    ),
    (
        "alter default privileges for role d_owner in schema app grant usage on sequences to d_app",
        "extra    default grants: d_owner in app S (d_app USAGE)",
        True,
    ),
    ("alter role d_timed valid until 'infinity'", "changed  roles: d_timed: login inherit until 2027-01-01", True),
    ("grant d_group to d_app with admin option", "member of d_group -> login inherit member of d_group*", True),
    ("alter role d_group connection limit 3", "changed  roles: d_group: inherit -> inherit 3 connections", False),
]


@pytest.fixture(scope="module")
async def found(server):
    """Look before and after all of these changes, and take everything back."""
    from dev import postgres

    async with connect.pinned(postgres.url(server)) as conn, conn.transaction(force_rollback=True):
        await conn.execute(BEFORE)
        before = await catalog.read(conn)
        for statement, _, _ in CHANGES:
            await conn.execute(statement)
        yield catalog.diff(before, await catalog.read(conn))


@pytest.mark.parametrize(("statement", "said", "counts"), CHANGES)
def test_one_thing_that_differs_is_named(found, statement, said, counts):
    told = [one for one in found if said in one.words()]
    assert told, [one.words() for one in found]
    assert [one.note for one in told] == [not counts]
