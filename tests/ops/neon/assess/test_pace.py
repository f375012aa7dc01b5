"""The load on a real server stays within its bounds and stops at the first sign of harm."""

import dataclasses

import pytest

from lib import db, errors
from ops.neon.assess import address, pace, tables
from ops.neon.assess.door import Door, Full
from ops.neon.assess.figures import Spread
from ops.neon.assess.pace import Level, Stop


@pytest.mark.parametrize(
    ("p95", "harm"),
    [
        (0.24, 50.0),
        (10.0, 50.0),
        (10.1, 50.5),
        (80.0, 400.0),
        (None, 50.0),
    ],
)
def test_harm_is_five_times_the_quiet_answer_and_never_below_fifty(p95, harm):
    quiet = None if p95 is None else Spread(9, p95, p95, p95)
    assert pace.harm_ms(quiet) == pytest.approx(harm)


@pytest.mark.parametrize(
    ("number", "room", "before", "reason"),
    [
        (1, 90, [], None),
        (8, 90, [Level(1, 50.0)], None),
        (32, 64, [Level(1, 50.0), Level(8, 50.0)], None),
        (32, 63, [], Stop("room", 64, 63)),
        (8, -3, [], Stop("room", 16, 0)),
        (1, None, [], None),
        (8, None, [], Stop("unknown")),
        (32, 90, [Level(8, 50.0, stopped=Stop("slow"))], Stop("before")),
    ],
)
def test_a_level_is_tried_only_where_there_is_room(number, room, before, reason):
    needed = tables.limits()["load"]["room"][str(number)]
    assert pace._forbidden(number, room, needed, before) == reason


@pytest.mark.usefixtures("quick")
async def test_each_level_tells_its_rate_and_times(superuser):
    told = []
    found = await pace.levels(superuser, 50, None, told.append)
    assert told == [1, 2]
    assert [level.connections for level in found] == [1, 2]
    for level in found:
        assert level.stopped is None
        assert level.per_second > 0
        assert level.times.p50 <= level.times.p95 <= level.times.p99


async def test_slow_answers_beside_the_load_stop_it(superuser, monkeypatch):
    monkeypatch.setattr(pace, "WATCH_SECONDS", 0.0)
    found = await pace.level(superuser, 1, 60, harm=0.0)
    assert found.stopped.key == "slow"
    assert found.stopped.found > found.stopped.needed == 0.0


async def test_a_server_without_room_is_left_alone(stranger):
    found = await pace.level(stranger, 4, 60, harm=1000.0)
    assert found == Level(4, stopped=Stop("full"))


async def test_an_error_ends_the_load(superuser, obstacles, monkeypatch):
    """Somebody else ends our sessions in the middle of it."""
    run = pace._Run(float("inf"))
    async with superuser.open() as conn, db.connect(obstacles) as other:
        await other.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
        await pace._work(conn, run, superuser)
    assert run.stopped.key == "error"
    assert run.stopped.said
    assert not run.goes_on


async def test_a_probe_that_fails_ends_the_load(superuser, obstacles):
    run = pace._Run(float("inf"))
    async with superuser.open() as conn, db.connect(obstacles) as other:
        await other.execute("select pg_terminate_backend(%s)", (conn.info.backend_pid,))
        await pace._guard(conn, run, 50.0)
    assert run.stopped.key == "probe"


@pytest.mark.usefixtures("quick")
async def test_the_first_connect_is_told_apart_from_the_others(superuser):
    found = await pace.connects(superuser)
    assert found.cold_ms > 0
    assert found.warm.number == 2


@pytest.mark.usefixtures("quick")
async def test_a_look_ends_after_its_number(superuser):
    assert (await pace.answers(superuser)).number == 5


async def test_sessions_are_named_read_only_and_bounded(superuser):
    async with superuser.open() as conn:
        asked = "select current_setting('application_name'), current_setting('default_transaction_read_only')"
        assert await (await conn.execute(asked)).fetchone() == ("lotok assess", "on")
        limit = await (await conn.execute("show statement_timeout")).fetchone()
        assert limit == ("5s",)


async def test_options_of_the_address_are_kept(obstacles):
    door = Door(address.read(f"{obstacles}&options=-c%20work_mem%3D1MB"))
    async with door.open() as conn:
        assert await (await conn.execute("show work_mem")).fetchone() == ("1MB",)
        assert await (await conn.execute("show default_transaction_read_only")).fetchone() == ("on",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dbname": "no_such_base"}, 'database "no_such_base" does not exist'),
        ({"user": "nobody_at_all"}, 'role "nobody_at_all" does not exist'),
    ],
)
async def test_a_refusal_is_one_line_without_the_road(obstacles, change, said):
    known = address.read(obstacles)
    door = Door(dataclasses.replace(known, parts={**known.parts, **change}))
    with pytest.raises(errors.Unavailable) as raised:
        await door.connect()
    assert raised.value.detail == f"{known.name}: {said}"


async def test_a_dead_address_is_one_line():
    with pytest.raises(errors.Unavailable) as raised:
        await Door(address.read("postgresql://bob:hunter2@127.0.0.1:1/shop")).connect()
    assert raised.value.detail == "bob@local/shop: Connection refused"


async def test_a_full_server_is_told_from_a_dead_one(stranger):
    kept = [await stranger.connect() for _ in range(3)]
    try:
        with pytest.raises(Full, match="too many connections"):
            await stranger.connect()
    finally:
        for conn in kept:
            await conn.close()
