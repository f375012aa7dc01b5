"""What holds an application back, and what does not; on the session's own server."""

import itertools

import psycopg
import pytest

from lib import db, errors
from ops.neon import connect, fence, sequences, streams
from ops.neon.hashes import Table
from ops.neon.sequences import Sequence

_numbers = itertools.count(1)


@pytest.fixture
async def app(copy_of):
    """Lend a database, and the role of an application of its own that may write there."""
    name = f"app_{next(_numbers)}"
    async with db.connect(copy_of) as conn:
        await conn.execute(
            f"create role {name} login; grant usage on schema app to {name}; grant insert on app.log to {name}"
        )
        yield name
        await conn.execute(f"drop owned by {name}; drop role {name}")


def as_role(url, role):
    return url.replace("postgres@", f"{role}@")


WRITE = "insert into app.log (line) values ('a write')"


async def test_a_database_that_is_read_only_by_default_is_no_fence(copy_of, app):
    async with db.connect(as_role(copy_of, app)) as open_before, db.connect(copy_of) as conn:
        await conn.execute(
            "do $$ begin execute format('alter database %I set default_transaction_read_only = on',"
            " current_database()); end $$"
        )
        await open_before.execute(WRITE)
        async with db.connect(as_role(copy_of, app)) as opened_later:
            await opened_later.execute("set default_transaction_read_only = off")
            await opened_later.execute(WRITE)


async def test_the_fence_ends_sessions_and_lets_none_in(copy_of, app):
    async with db.connect(as_role(copy_of, app)) as open_before, connect.pinned(copy_of) as conn:
        await open_before.execute(WRITE)
        assert await fence.shut(conn, [app]) == 1
        with pytest.raises(psycopg.OperationalError):
            await open_before.execute(WRITE)
        with pytest.raises(errors.Unavailable, match="not permitted to log in"):
            async with db.connect(as_role(copy_of, app)):
                pass
        assert await fence.shut(conn, [app]) == 0
        await fence.open_again(conn, [app])
        async with db.connect(as_role(copy_of, app)) as opened_later:
            await opened_later.execute(WRITE)


async def test_a_webhook_answers_come_again_while_the_fence_stands(copy_of, app):
    """The application's own words for it: Unavailable is a 503 with Retry-After, and Telegram keeps the update."""
    async with connect.pinned(copy_of) as conn:
        await fence.shut(conn, [app])
        with pytest.raises(errors.Unavailable) as refused:
            async with db.connect(as_role(copy_of, app)):
                pass
        assert refused.value.status == 503
        await fence.open_again(conn, [app])


async def test_whether_the_fence_can_be_set_is_tried_before_and_taken_back(copy_of, app):
    async with connect.pinned(copy_of) as conn:
        assert await fence.may(conn, [app]) == []
        assert await fence.may(conn, []) == [
            "no role of the application is known: it logs in as the role that moves, or name it by --app-role"
        ]
    async with db.connect(as_role(copy_of, app)):
        pass


async def test_who_may_not_fence_is_told_before_anything_begins(copy_of, app):
    async with connect.pinned(as_role(copy_of, "shop_reader")) as conn:
        [said] = await fence.may(conn, [app])
    assert said.startswith(f"{app} cannot be kept out by shop_reader: ")


async def test_the_applications_roles_are_those_that_log_in_but_us(copy_of):
    async with connect.pinned(copy_of) as conn:
        assert {"shop_app", "shop_owner", "shop_reader"} <= set(await fence.application(conn))
        assert "postgres" not in await fence.application(conn)


async def test_sequences_are_carried_with_a_reserve_for_what_sessions_hold(source, copy_of):
    async with connect.pinned(source) as here, connect.pinned(copy_of) as there:
        await there.execute(
            "select setval('app.products_id_seq', 1, false), setval('app.invoice_numbers', 1000, false)"
        )
        ours = await sequences.read(here)
        assert await sequences.carry(there, ours) >= 2
        theirs = await sequences.read(there)
        assert sequences.lagging(ours, theirs) == []
        assert theirs["app.products_id_seq"].next == 61
        cached = ours["app.invoice_numbers"]
        assert theirs["app.invoice_numbers"].next == cached.next + cached.increment * cached.cache
        assert await sequences.carry(there, {"app.products_id_seq": ours["app.products_id_seq"]}) == 0


def stands(last, called=True, increment=1, cache=1):
    return {"app.s": Sequence("app", "s", last, called, increment, cache)}


@pytest.mark.parametrize(
    ("source", "target", "lags"),
    [
        (stands(10), stands(10), False),
        (stands(10), stands(9), True),
        (stands(10), stands(11), False),
        (stands(1, called=False), stands(1, called=False), False),
        (stands(1), stands(1, called=False), True),
        (stands(-10, increment=-1), stands(-9, increment=-1), True),
        (stands(-10, increment=-1), stands(-11, increment=-1), False),
        (stands(10), {}, False),
    ],
)
def test_a_sequence_lags_when_it_would_give_a_number_out_again(source, target, lags):
    assert bool(sequences.lagging(source, target)) is lags


async def test_a_regclass_arrives_as_the_object_of_its_name(source, copy_of):
    """In binary it would arrive as the source's number, which is another table here, without an error."""
    async with db.connect(copy_of) as conn:
        await conn.execute(
            "alter table app.tenants rename to once; create table app.tenants (id int); truncate app.watched"
        )
    async with connect.pinned(source) as here, connect.pinned(copy_of) as there:
        assert await streams.table(here, there, Table("app.watched", "app", "watched")) > 0
        row = await (
            await there.execute("select what::text, what::oid = 'app.tenants'::regclass from app.watched")
        ).fetchone()
    assert row == ("app.tenants", True)


async def test_rows_are_streamed_without_generated_columns_and_replace_those_there(source, copy_of):
    async with db.connect(copy_of) as conn:
        await conn.execute("delete from app.products where id > 10")
    async with connect.pinned(source) as here, connect.pinned(copy_of) as there:
        await there.execute("set session_replication_role = replica")
        await streams.table(here, there, Table("app.products", "app", "products"))
        row = await (
            await there.execute("select count(*), sum(gross) = sum(price * 1.19) from app.products")
        ).fetchone()
    assert row == (60, True)


async def test_rows_without_columns_are_streamed_and_a_rule_keeps_none(source, copy_of):
    both = "create table public.bare (); create table public.told (id int primary key);"
    async with connect.pinned(source) as here, connect.pinned(copy_of) as there, here.transaction(force_rollback=True):
        await here.execute(both + "insert into public.bare default values; insert into public.told values (1)")
        await there.execute(both + "insert into public.told values (1), (2)")
        await there.execute("create rule kept as on delete to public.told do instead nothing")
        assert await streams.table(here, there, Table("public.bare", "public", "bare")) == 1
        await streams.table(here, there, Table("public.told", "public", "told"))
        row = await (
            await there.execute("select (select count(*) from public.bare), count(*) from public.told")
        ).fetchone()
    assert row == (1, 1)


async def test_large_objects_and_unlogged_rows_are_made_equal(source, copy_of):
    async with db.connect(copy_of) as conn:
        await conn.execute("truncate app.carts; select lo_unlink(content) from app.files where id = 2")
        await conn.execute("select lo_put(content, 0, 'x') from app.files where id = 3; select lo_create(0)")
    async with connect.pinned(source) as here, connect.pinned(copy_of) as there:
        assert await streams.large_objects(here, there) == 2
        assert await streams.large_objects(here, there) == 0
        assert await streams.unreplicated(here, there, ()) == (1, [])
        row = await (await there.execute("select count(*) from app.carts")).fetchone()
        objects = await (await there.execute("select count(*) from pg_largeobject_metadata")).fetchone()
    assert (row, objects) == ((2,), (5,))
