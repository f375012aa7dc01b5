"""What a server says of itself, asked of a real one that has one of everything."""

import psycopg
import pytest

from dev import postgres, servers
from lib import db
from ops.neon.assess import address, catalog, tables
from ops.neon.assess.catalog import Guests
from ops.neon.assess.door import Door
from tests.ops.neon.assess.conftest import OBSTACLES
from tests.ops.neon.assess.lab import WEEKS, make_activity, make_catalog, make_role, make_table

HERE = {
    "always_triggers": ["noted_always on app.watched"],
    "databases": None,
    "definer_functions": ["app.powerful()"],
    "event_triggers": ["noted_drops"],
    "forced_policies": ["app.tenants"],
    "foreign_servers": ["elsewhere by nowhere"],
    "invalid_indexes": ["app.broken"],
    "keyless": ["app.<script>alert('table')</script>"],
    "large_objects": ["owned by postgres: 1"],
    "not_validated": ["positive on app.watched"],
    "other_collations": ["app.watched.sorted collate plain"],
    "publications": ["everything"],
    "reg_columns": ["app.watched.kept_by oid", "app.watched.what regclass"],
    "subscriptions": ["somebody"],
    "unlogged": ["app.cache"],
    "untrusted_functions": ["app.in_c(internal) in c"],
    "views_over_policies": ["app.tenant_names over tenants"],
}


async def test_everything_that_may_not_move_is_found_and_named(superuser):
    found = await catalog.read(superuser)
    assert found.unread == {}
    for name, names in HERE.items():
        if names is not None:
            assert found.features[name].names == names, name
            assert found.features[name].total == len(names), name
    assert "other_login" in found.features["login_roles"].names
    settings = found.features["role_settings"].names
    assert "all roles in obstacles: work_mem=8MB" in settings
    assert "other_login: statement_timeout=8s" in settings


async def test_a_stranger_sees_the_same_obstacles(superuser, stranger):
    """What may not move is in catalogues that everybody may read; only what others do is hidden."""
    mine, theirs = await catalog.read(superuser), await catalog.read(stranger)
    assert theirs.unread == {}
    differing = {name for name in HERE if mine.features.get(name) != theirs.features.get(name)}
    assert differing == set()


async def test_a_superuser_and_a_stranger_are_told_apart(superuser, stranger):
    mine, theirs = await catalog.read(superuser), await catalog.read(stranger)
    assert mine.role.is_superuser
    assert not theirs.role.is_superuser
    assert not theirs.role.may_replicate
    assert theirs.role.connections_limit == 3


async def test_the_server_and_its_sizes_are_read(superuser):
    found = await catalog.read(superuser)
    assert found.server.major >= 15
    assert found.server.encoding == "UTF8"
    assert found.bytes > 5_000_000
    sizes = {(one.schema, one.name): one for one in found.tables}
    tenants = sizes["app", "tenants"]
    assert tenants.rows == 500.0
    assert tenants.total == tenants.bytes + tenants.index_bytes > 0
    assert sizes["app", "tenant_names"].kind == "m"
    assert [one.total for one in found.tables if one.name == "cache"] != []
    assert {one.name for one in found.extensions} >= {"plpgsql"}


async def test_the_connections_of_others_are_counted_and_no_process_of_the_server(superuser, stranger):
    async with superuser.open():
        mine, theirs = await catalog.read(superuser), await catalog.read(stranger)
        assert mine.guests.here == theirs.guests.here == 1
        assert mine.guests.used == theirs.guests.used


async def test_what_is_forbidden_is_unread_and_not_none(superuser):
    async def forbidden(conn, found):
        await conn.execute("select * from pg_catalog.no_such_view")

    found = catalog.Catalog()
    async with superuser.look() as conn:
        await catalog._try(conn, found, "slots", forbidden)
        await catalog._try(conn, found, "server", catalog.LOOKS["server"])
    assert found.unread == {"slots": 'relation "pg_catalog.no_such_view" does not exist'}
    assert found.server is not None, "the transaction goes on behind its savepoint"


async def test_a_locked_table_is_told_and_does_not_hold_us_up(superuser, obstacles, monkeypatch):
    monkeypatch.setitem(tables.limits()["load"], "lock_timeout_ms", 20)
    async with db.connect(obstacles) as other, other.transaction():
        await other.execute("lock table app.cache in access exclusive mode")
        found = await catalog.read(superuser)
    assert "lock timeout" in found.unread["tables"]
    assert found.growth is None
    assert "keyless" in found.features


async def test_nothing_can_be_written_while_looking(superuser):
    async with superuser.look() as conn:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            await conn.execute("create table app.never (id int)")


async def test_a_target_says_what_it_offers(superuser):
    found = await catalog.offer(superuser)
    assert found.has("plpgsql")
    assert not found.has("a_strange_one")
    assert found.allowed == frozenset()
    assert found.major >= 15


@pytest.mark.parametrize(
    ("limits", "used", "room"),
    [
        ({}, 10, 87),
        ({"is_superuser": True}, 10, 90),
        ({"connections_limit": 5}, 10, -3),
        ({"connections_limit": 20}, 10, 12),
        ({"database_limit": 9}, 10, 1),
        ({}, 120, -23),
    ],
)
def test_room_is_what_every_limit_leaves(limits, used, room):
    found = make_catalog(role=make_role(**limits), guests=Guests(used, 8))
    assert found.room == room


@pytest.mark.parametrize("lacking", [{"role": None}, {"guests": None}, {"settings": {}}])
def test_room_is_unknown_where_a_limit_is(lacking):
    assert make_catalog(**lacking).room is None


def test_reserved_connections_are_not_for_an_ordinary_role():
    settings = {"max_connections": "100", "superuser_reserved_connections": "3", "reserved_connections": "7"}
    assert make_catalog(settings=settings).room == 80


@pytest.mark.parametrize(
    ("facts", "a_month"),
    [
        ({"inserted": 100, "deleted": 0}, 100_000),
        ({"inserted": 100, "deleted": 40}, 60_000),
        ({"inserted": 40, "deleted": 100}, 0),
        ({"inserted": 100, "deleted": 0, "rows": -1.0}, 0),
        ({"inserted": 100, "deleted": 0, "rows": 0.0}, 0),
    ],
)
def test_growth_is_what_is_inserted_less_what_is_deleted_at_a_rows_size(facts, a_month):
    assert make_table(**facts).growth(WEEKS) == pytest.approx(a_month)


def test_growth_over_half_the_time_is_twice_as_fast():
    assert make_table().growth(WEEKS / 2) == pytest.approx(2 * make_table().growth(WEEKS))


def test_growth_of_young_or_missing_statistics_is_unknown():
    assert make_catalog(activity=make_activity(seconds=600.0)).growth is None
    assert make_catalog(activity=None).growth is None
    assert make_catalog(unread={"tables": "timeout"}).growth is None


def test_rates_are_over_the_age_of_the_statistics():
    assert make_activity(0.5).per_second == pytest.approx(0.5)
    assert make_activity(blocks_hit=99, blocks_read=1).hit_share == 0.99
    assert make_activity(blocks_hit=0, blocks_read=0).hit_share is None


@pytest.mark.long
@pytest.mark.parametrize("version", servers.VERSIONS)
async def test_every_version_answers_every_question(version):
    if lacking := servers.lacking(version):
        pytest.skip(lacking)
    with servers.run(version) as data:
        async with db.connect(postgres.url(data)) as conn:
            await conn.execute("create database obstacles")
        async with db.connect(postgres.url(data, "obstacles")) as conn:
            await db.script(conn, OBSTACLES.read_text(encoding="utf-8"))
        found = await catalog.read(Door(address.read(postgres.url(data, "obstacles"))))
    assert found.unread == {}
    assert found.server.major == version
    assert {name: found.features[name].names for name, names in HERE.items() if names} == {
        name: names for name, names in HERE.items() if names
    }
