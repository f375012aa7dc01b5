"""cutover and rollback between real servers, with writers that count what was acknowledged to them."""

import argparse
import asyncio
import contextlib
import itertools
from types import SimpleNamespace

import psycopg
import pytest

from dev import servers
from lib import db, errors
from ops.neon import connect, cutover, fence, moving, replication, rollback, steps, switching, verify
from ops.neon.archive import Entry
from ops.neon.moving import LOSING, NONE, WHOLE
from ops.neon.replication import BACK, FORWARD, Side
from ops.neon.steps import State
from ops.neon.verify import Sides
from tests.ops.neon import conftest

LOGICAL = {"wal_level": "logical", "max_connections": "60"}
_numbers = itertools.count(1)


def at(data, base, role="postgres"):
    return f"postgresql://{role}@/{base}?host={data.parent}"


@pytest.fixture(scope="module", params=[(16, 17)], ids=["16 to 17"])
def hosts(request):
    old, new = request.param
    for version in request.param:
        if why := servers.lacking(version):
            pytest.skip(why)
    with servers.run(old, **LOGICAL) as source, servers.run(new, **LOGICAL) as target:
        yield source, target


@pytest.fixture
async def move(hosts, tmp_path):
    """Lend a filled base and an empty one, each of one test's own, with fresh roles on both sides."""
    name = f"shop_{next(_numbers)}"
    for data in hosts:
        async with db.connect(at(data, "postgres")) as conn:
            await conn.execute(f"create database {name}")
    source, target = (at(data, name) for data in hosts)
    await conftest.fill(source)
    await conftest.set_options(source)
    yield SimpleNamespace(source=source, target=target, folder=tmp_path)
    for url in (source, target):
        await _drop(url, name)


async def _drop(url, name):
    async with connect.pinned(url) as conn:
        await conn.execute("set search_path = pg_catalog")
        for one in (FORWARD, BACK):
            if await replication.subscription_id(conn, one) is not None:
                await conn.execute(f"alter subscription {one} disable")
                await conn.execute(f"alter subscription {one} set (slot_name = none)")
                await conn.execute(f"drop subscription {one}")
        for one in (FORWARD, BACK):
            await replication.drop_slots(conn, one)
    async with db.connect(url.replace(f"/{name}?", "/postgres?")) as conn:
        await conn.execute(f"drop database {name} with (force)")
        for role in ("shop_app", "shop_reader", "shop_owner"):
            await conn.execute(f"drop role if exists {role}")


def asked(move, **options):
    given = {"yes": False, "offline": False, "finish": False, "app_role": ["shop_app"], "deadline": 60, "on_switch": ""}
    more = {"without": [], "skip_extension": [], "state": move.folder, "show": False, "lose_writes": False}
    return argparse.Namespace(source=move.source, target=move.target, **given | more | options)


async def value(url, query):
    async with db.connect(url) as conn:
        return (await (await conn.execute(query)).fetchone())[0]


async def write(url, number, acknowledged):
    """Write rows as the application does, until it is sent away; a commit that was not answered counts as nothing."""
    with contextlib.suppress(psycopg.OperationalError, errors.Unavailable):
        async with db.connect(url.replace("postgres@", "shop_app@")) as conn:
            for n in itertools.count():
                key = f"w{number}-{n}"
                await conn.execute("insert into app.users (tenant_id, mail) values (1, %s)", [f"{key}@example.com"])
                await conn.execute("update app.products set price = price + 1 where id = %s", [number])
                acknowledged.append(number)
                await asyncio.sleep(0.005)


@pytest.mark.long
@pytest.mark.parametrize("hosts", [(16, 17), (15, 15), (15, 17)], indirect=True)
async def test_an_online_move_under_writers_loses_nothing_and_leaves_no_slot(move, capsys):
    assert await cutover.run(asked(move)) == 0
    before, after = [], []
    async with db.connect(move.source) as conn:
        await conn.execute("insert into app.secrets values (1, 900, 'written under FORCE row security')")
    writers = [asyncio.create_task(write(move.source, number, before)) for number in range(1, 5)]
    await asyncio.sleep(0.5)
    assert await cutover.run(asked(move, yes=True, on_switch='test -n "$NEW_URL"')) == 0
    await asyncio.gather(*writers)
    assert len(before) > 20
    late = [asyncio.create_task(write(move.target, number, after)) for number in range(1, 5)]
    await asyncio.sleep(0.3)
    [task.cancel() for task in late]
    await asyncio.gather(*late, return_exceptions=True)
    assert await value(move.target, "select count(*) from app.users") >= 40 + len(before) + len(after)
    raised = await value(move.target, "select sum(price - id * 1.10)::int from app.products where id < 5")
    assert len(before) + len(after) <= raised <= len(before) + len(after) + 8
    assert await value(move.target, "select count(*) - count(distinct mail) from app.users where mail is not null") == 0
    assert await value(move.target, "select count(*) from app.secrets where id = 900") == 1
    assert await cutover.run(asked(move, finish=True)) == 0
    for url in (move.source, move.target):
        assert await value(url, "select count(*) from pg_replication_slots") == 0
        assert await value(url, "select count(*) from pg_publication") == 0
        assert await value(url, "select count(*) from pg_subscription") == 0
        assert await value(url, "select count(*) from pg_class where relreplident = 'f' and relkind = 'r'") == 1
    said = capsys.readouterr().out
    assert "triggers that wait for the switch: app.notes notes_replica, app.tenants tenants_always" in said
    assert (
        await value(
            move.target, "select string_agg(tgenabled::text, '' order by tgname) from pg_trigger where not tgisinternal"
        )
        == "RDOA"
    )


@pytest.mark.long
async def test_a_move_goes_on_where_it_was_interrupted_at_each_step(move, monkeypatch):
    real, killed = State.mark, set()

    def mark(state, name, stands, **facts):
        if state.path.name == "cutover.json" and stands == "done" and name not in killed:
            killed.add(name)
            raise KeyboardInterrupt
        real(state, name, stands, **facts)

    monkeypatch.setattr(State, "mark", mark)
    for _ in range(20):
        with contextlib.suppress(KeyboardInterrupt):
            await cutover.run(asked(move, yes=True))
            break
    assert killed == {step.name for step in (*moving.ONLINE, *switching.SWITCH)}
    report = await verify.verify(Sides(move.source, move.target, quiet=True))
    # The source's own triggers rest while it gets what is written to the target.
    assert [line for line in report.failures if " triggers: " not in line] == []
    assert await cutover.run(asked(move, finish=True)) == 0
    assert (await verify.verify(Sides(move.source, move.target, quiet=True))).failures == []


@pytest.mark.long
async def test_a_rollback_brings_back_what_was_written_after_the_switch(move, capsys):
    assert await cutover.run(asked(move, yes=True)) == 0
    async with db.connect(move.target.replace("postgres@", "shop_app@")) as conn:
        await conn.execute("insert into app.users (tenant_id, mail) values (2, 'late@example.com')")
        await conn.execute("delete from app.orders_new where id = (select min(id) from app.orders_new)")
        await conn.execute("update app.log set line = 'late' where ctid = '(0,1)'")
    async with db.connect(move.target) as conn:
        await conn.execute("insert into app.tenants values (77, 'Late shop')")
        await conn.execute("insert into app.secrets values (1, 901, 'written on the target')")
    assert await rollback.run(asked(move, show=True)) == 0
    assert "way back: whole: what is written to the target comes back" in capsys.readouterr().out
    assert await rollback.run(asked(move)) == 0
    async with db.connect(move.source.replace("postgres@", "shop_app@")) as conn:
        await conn.execute("insert into app.users (tenant_id, mail) values (2, 'next@example.com')")
        row = await (await conn.execute("select count(*) from app.users where mail ~ '^(late|next)@'")).fetchone()
    assert row == (2,)
    assert await value(move.source, "select count(*) from app.log where line = 'late'") == 1
    assert await value(move.source, "select count(*) from app.secrets where id = 901") == 1
    assert await value(move.source, "select count(*) from app.audit where table_name = 'tenants'") == 4
    for url in (move.source, move.target):
        assert await value(url, "select count(*) from pg_replication_slots") == 0
    assert (
        await value(
            move.source, "select string_agg(tgenabled::text, '' order by tgname) from pg_trigger where not tgisinternal"
        )
        == "RDOA"
    )


@pytest.mark.long
async def test_a_rollback_goes_on_where_it_was_interrupted(move, monkeypatch):
    """Between the end of the replication and its new log-in the application is kept out of both."""
    assert await cutover.run(asked(move, yes=True)) == 0
    async with db.connect(move.target.replace("postgres@", "shop_app@")) as conn:
        await conn.execute("insert into app.users (tenant_id, mail) values (2, 'late@example.com')")
    real, killed = fence.open_again, []

    async def kill_once(*given):
        if not killed:
            killed.append(True)
            raise KeyboardInterrupt
        await real(*given)

    monkeypatch.setattr(fence, "open_again", kill_once)
    with pytest.raises(KeyboardInterrupt):
        await rollback.run(asked(move, deadline=2))
    assert await rollback.run(asked(move, deadline=2)) == 0
    late = "select count(*) from app.users where mail = 'late@example.com'"
    assert await value(move.source.replace("postgres@", "shop_app@"), late) == 1


@pytest.mark.long
async def test_before_the_switch_a_rollback_lets_the_application_in_again(move, monkeypatch, capsys):
    monkeypatch.setattr(replication, "drain", _unable)
    assert await cutover.run(asked(move)) == 0
    with pytest.raises(errors.Unavailable):
        await cutover.run(asked(move, yes=True))
    with pytest.raises(errors.Unavailable, match="not permitted to log in"):
        await value(move.source.replace("postgres@", "shop_app@"), "select 1")
    assert await rollback.run(asked(move)) == 0
    assert "whole: nothing was written to the target yet" in capsys.readouterr().out
    assert await value(move.source.replace("postgres@", "shop_app@"), "select count(*) from app.tenants") == 3
    assert await value(move.source, "select count(*) from pg_replication_slots") == 0
    assert await value(move.source, "select count(*) from pg_class where relreplident = 'f' and relkind = 'r'") == 1


async def _unable(*_):
    raise errors.Unavailable("replication", "has not arrived")


@pytest.mark.long
async def test_an_offline_move_says_what_a_rollback_would_lose(move, capsys):
    assert await cutover.run(asked(move, offline=True, yes=True)) == 0
    report = await verify.verify(Sides(move.source, move.target, quiet=True))
    assert report.failures == []
    with pytest.raises(errors.Conflict, match="losing: a rollback loses what was written to the target"):
        await rollback.run(asked(move))
    assert await rollback.run(asked(move, lose_writes=True)) == 0
    assert await value(move.source.replace("postgres@", "shop_app@"), "select count(*) from app.tenants") == 3
    assert "the pause took" in capsys.readouterr().out


@pytest.mark.long
async def test_tables_that_were_changed_since_the_copy_stop_the_switch(move):
    assert await cutover.run(asked(move)) == 0
    async with db.connect(move.source) as conn:
        await conn.execute("alter table app.users add phone text")
    steps_held = steps.load("cutover", move.source, move.target, move.folder)
    steps_held.forget("catch up")
    with pytest.raises(errors.Conflict, match="were changed since the copy"):
        await cutover.run(asked(move, yes=True))
    assert await value(move.source.replace("postgres@", "shop_app@"), "select count(*) from app.tenants") == 3


@pytest.mark.long
async def test_a_trigger_that_is_always_enabled_stops_the_apply_and_is_noticed(move):
    """As it would on the target of somebody who restores all triggers before the switch."""
    async with contextlib.AsyncExitStack() as stack:
        sides = [Side(await stack.enter_async_context(connect.pinned(url)), url) for url in (move.source, move.target)]
        for side in sides:
            await side.conn.execute("create schema trap; create table trap.t (id int primary key)")
        await sides[0].conn.execute("create publication lotok_move for table trap.t")
        await sides[1].conn.execute(
            "create function trap.f() returns trigger language plpgsql as"
            " 'begin insert into nowhere values (1); return new; end';"
            " create trigger t after insert on trap.t for each row execute function trap.f();"
            " alter table trap.t enable always trigger t"
        )
        await replication.subscribe(sides[1], sides[0], FORWARD, rows=False)
        await sides[0].conn.execute("insert into trap.t values (1)")
        with pytest.raises(errors.Rejected, match="ENABLE ALWAYS or REPLICA fires there"):
            await replication.drain(sides[0].conn, sides[1].conn, FORWARD, 30)
        await replication.end(sides[1].conn, sides[0].conn, FORWARD)
        assert await replication.slots(sides[0].conn, FORWARD) == []


@pytest.mark.long
async def test_a_commit_that_waited_for_no_disk_arrives_before_the_switch(move):
    async with contextlib.AsyncExitStack() as stack:
        sides = [Side(await stack.enter_async_context(connect.pinned(url)), url) for url in (move.source, move.target)]
        for side in sides:
            await side.conn.execute("create schema trap; create table trap.t (id int primary key)")
        await sides[0].conn.execute("create publication lotok_move for table trap.t")
        await replication.subscribe(sides[1], sides[0], FORWARD, rows=False)
        for number in range(20):
            async with db.connect(move.source) as conn:
                await conn.execute("set synchronous_commit = off")
                await conn.execute("insert into trap.t values (%s)", [number])
            await replication.drain(sides[0].conn, sides[1].conn, FORWARD, 30)
            assert await value(move.target, "select count(*) from trap.t") == number + 1
        await replication.end(sides[1].conn, sides[0].conn, FORWARD)


@pytest.mark.long
async def test_a_source_without_a_log_for_replication_is_told_what_to_do(move, hosts, tmp_path):
    """The other way round: the target's server has no free slot."""
    async with connect.pinned(move.source) as here, connect.pinned(move.target) as there:
        assert await replication.obstacles(here, there) == []
    async with (
        connect.pinned(move.source.replace("postgres@", "shop_owner@")) as here,
        connect.pinned(move.target) as there,
    ):
        assert any("may not replicate on the source" in line for line in await replication.obstacles(here, there))


def held(*begun, **facts):
    return State(steps.Path("/nowhere"), {name: {"state": "begun"} for name in begun}, facts)


@pytest.mark.parametrize(
    ("state", "which"),
    [
        (held(), WHOLE),
        (held("check", "replicate"), WHOLE),
        (held("fence"), WHOLE),
        (held("fence", "switch", way_back=WHOLE), WHOLE),
        (held("fence", "switch", way_back=LOSING), LOSING),
        (held("fence", "switch"), LOSING),
        (held("fence", "switch", way_back=NONE), NONE),
    ],
)
def test_which_way_back_is_left_follows_from_how_far_it_came(state, which):
    assert cutover.way_back(state)[0] == which


def test_a_key_that_updates_need_is_told_from_other_entries():
    keys = {"app.orders_pkey", "app.orders_old_pkey"}
    assert moving._is_key(Entry("", "CONSTRAINT", "app", "orders orders_pkey", "o"), keys)
    assert moving._is_key(Entry("", "INDEX ATTACH", "app", "orders_old_pkey", "o"), keys)
    assert not moving._is_key(Entry("", "CONSTRAINT", "app", "users users_mail_key", "o"), keys)
    assert not moving._is_key(Entry("", "CONSTRAINT", "billing", "orders orders_pkey", "o"), keys)
    assert not moving._is_key(Entry("", "FK CONSTRAINT", "app", "orders orders_pkey", "o"), keys)


def test_the_pause_of_a_stop_is_estimated_from_a_rehearsed_copy(tmp_path):
    url = "postgresql://o:p@pg-1.aivencloud.com:12691/shop"
    facts = {"source": steps.trace(url), "size": 1_000_000, "seconds": 20.0, "at": "2026-11-29T10:00:00"}
    State(tmp_path / "one" / "copy.json", {}, {"finished": facts}).save()
    State(tmp_path / "two" / "copy.json", {}, {"finished": facts | {"source": "another"}}).save()
    State(tmp_path / "three" / "copy.json", {}, {}).save()
    assert moving.rehearsals(tmp_path, url) == [facts]
    move = SimpleNamespace(
        source=SimpleNamespace(url=url),
        state=State(tmp_path / "now" / "cutover.json", {}, {"offline": True, "size": 2_000_000}),
    )
    assert moving.estimate(move) == "The pause lasts about 40 s: 20 s were measured on 2026-11-29."
    move.state.facts["offline"] = False
    assert "about a second" in moving.estimate(move)


def test_the_commands_of_a_switch_name_both_addresses_and_no_secret():
    lines = switching.commands(["shop_app"])
    assert [line.split()[3] for line in lines[:2]] == ["DATABASE_URL", "DATABASE_URL_UNPOOLED"]
    assert not [line for line in lines if "postgresql://" in line]
