"""The hint that lets Postgres sleep. A listener in its place counts who comes."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

import api.drain.index
from dev import serving, upstash, valkey
from lib import cache, clock, config, db, errors, fetch
from lib.jobs import kick, periodic
from tests import factories
from tests.conftest import SETTINGS

HOUR = timedelta(hours=1)
BEARER = {"authorization": f"Bearer {SETTINGS['CRON_SECRET']}"}


@pytest.fixture(scope="module")
async def upstash_at():
    with valkey.Valkey() as server:
        app = upstash.app(server.socket, SETTINGS["UPSTASH_REDIS_REST_TOKEN"])
        async with serving.serve(Starlette(routes=[Route("/upstash{path:path}", app)])) as address:
            yield app, f"{address}/upstash"
            await fetch.close()
        await app.close()


@pytest.fixture
async def redis(upstash_at, monkeypatch):
    app, url = upstash_at
    await app._redis.run([[b"FLUSHALL"]])
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", url)
    monkeypatch.setenv("DRAIN_SECONDS", "15")
    config.get.cache_clear()
    monkeypatch.setattr(cache, "_breaker", cache.Breaker())
    yield app
    config.get.cache_clear()


@pytest.fixture
async def listener(redis, monkeypatch):
    """Stand where Postgres would be and count the connections."""
    came = []

    async def hang_up(_, writer):
        came.append(datetime.now(UTC))
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u@127.0.0.1:{port}/x?sslmode=disable")
    monkeypatch.setattr(db, "CHECKOUT_SECONDS", 0.3)
    config.get.cache_clear()
    yield came
    await db.close()
    server.close()


@pytest.fixture
async def renderer(redis, monkeypatch):
    """Stand where the worker that draws would be and note who calls."""
    called = []

    async def take(request):
        called.append((request.method, request.headers["authorization"]))
        return Response(status_code=202)

    async with serving.serve(Starlette(routes=[Route("/api/render", take, methods=["GET", "POST"])])) as address:
        monkeypatch.setenv("PUBLIC_URL", address)
        config.get.cache_clear()
        yield called


async def cron():
    """Do what Vercel Cron does each minute."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api.drain.index.app), base_url="http://x") as client:
        return await client.get("/api/drain", headers=BEARER)


async def test_a_minute_cron_with_nothing_due_never_touches_postgres(listener):
    await kick.rest("drain", await kick.heard("drain"), datetime.now(UTC) + HOUR)
    answers = [await cron() for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert listener == []


async def test_the_cron_kicks_the_worker_that_draws_when_something_may_be_due_for_it(database, renderer):
    for worker in kick.WORKERS:
        await kick.rest(worker, await kick.heard(worker), datetime.now(UTC) + HOUR)
    assert (await cron()).json() == {"rested": True}
    assert renderer == []
    await kick.rest("render", await kick.heard("render"), datetime.now(UTC))
    assert (await cron()).json() == {"rested": True}
    assert renderer == [("POST", BEARER["authorization"])]


async def test_an_order_is_kicked_to_the_worker_that_draws_alone(renderer):
    for worker in kick.WORKERS:
        await kick.rest(worker, await kick.heard(worker), datetime.now(UTC) + HOUR)
    await kick.render()
    await kick.render()  # somebody has, and it has not begun to claim
    assert len(renderer) == 1
    assert await kick.may_rest() == {"drain": True, "render": False}


async def test_without_a_hint_the_cron_looks(listener):
    await cron()
    assert len(listener) > 0


async def test_the_hint_of_a_whole_drain_lets_the_next_ticks_rest(database, redis, monkeypatch):
    async with database.connect() as conn:
        await factories.make_job(conn, await factories.make_user(conn), task="notice", args={"job_id": 404})
        assert (await cron()).json()["done"] == 1
        assert [(await cron()).json() for _ in range(3)] == [{"rested": True}] * 3
        await conn.execute("select pg_stat_clear_snapshot()")


async def test_a_hint_whose_time_has_come_is_followed(redis):
    number = await kick.heard("drain")
    await kick.rest("drain", number, datetime.now(UTC) + HOUR)
    assert (await kick.may_rest())["drain"]
    await kick.rest("drain", number, datetime.now(UTC))
    assert not (await kick.may_rest())["drain"]


async def test_an_order_makes_the_hint_stale(redis):
    await kick.rest("drain", await kick.heard("drain"), datetime.now(UTC) + HOUR)
    with contextlib.suppress(errors.Unavailable):
        await kick.drain()
    assert not (await kick.may_rest())["drain"]


async def test_an_order_while_the_drain_ends_makes_its_hint_stale(redis):
    number = await kick.heard("drain")
    await kick.drain()
    await kick.rest("drain", number, datetime.now(UTC) + HOUR)
    assert not (await kick.may_rest())["drain"]


async def test_only_the_drain_that_began_last_leaves_a_hint(redis):
    first, second = await kick.heard("drain"), await kick.heard("drain")
    await kick.rest("drain", second, datetime.now(UTC))
    await kick.rest("drain", first, datetime.now(UTC) + HOUR)
    assert not (await kick.may_rest())["drain"]


async def test_a_look_is_forced_after_half_an_hour(redis):
    await kick.rest("drain", await kick.heard("drain"), None)
    [ttl] = await cache.pipeline([["PTTL", cache.key("drain_rests")]])
    assert 0 < ttl <= kick.LOOK.total_seconds() * 1000
    assert timedelta(minutes=30) == kick.LOOK


@pytest.mark.parametrize("wrong", [-timedelta(minutes=10), timedelta(0), timedelta(minutes=10)])
async def test_a_hint_holds_as_long_whichever_clock_its_writer_and_its_reader_go_by(redis, monkeypatch, wrong):
    """Two instances: the one that rests has a wrong clock, the cron's has the right one."""
    with monkeypatch.context() as other:
        other.setattr(clock, "now", lambda: datetime.now(UTC) + wrong)
        await kick.rest("drain", await kick.heard("drain"), clock.now() + timedelta(minutes=5))
    assert (await kick.may_rest())["drain"]
    [ttl] = await cache.pipeline([["PTTL", cache.key("drain_rests")]])
    assert 240_000 < ttl <= 300_000


@pytest.mark.parametrize("hint", ["", "x", "0", "1:", "1:soon", "1:99999999999", "11"])
async def test_an_odd_hint_is_no_hint(redis, hint):
    await cache.pipeline([["SET", cache.key("drain_changes"), "1"], ["SET", cache.key("drain_rests"), hint]])
    assert not (await kick.may_rest())["drain"]


async def test_a_lost_counter_makes_the_hint_stale(redis):
    await kick.rest("drain", await kick.heard("drain"), datetime.now(UTC) + HOUR)
    await cache.delete("drain_changes")
    assert not (await kick.may_rest())["drain"]


async def test_without_redis_the_cron_looks_and_the_drain_goes_on():
    assert not (await kick.may_rest())["drain"]
    number = await kick.heard("drain")
    assert number is None
    await kick.rest("drain", number, None)


async def test_a_retry_in_the_far_future_is_what_the_hint_waits_for(database, redis):
    later = datetime.now(UTC) + timedelta(minutes=10)
    async with database.connect() as conn:
        await factories.make_job(conn, await factories.make_user(conn), task="notice", run_at=later)
        await periodic.tick(conn, api.drain.index.SCHEDULES, datetime.now(UTC))
    await cron()
    [ttl] = await cache.pipeline([["PTTL", cache.key("drain_rests")]])
    # the drain reads Postgres's times by its own clock, and takes the way of an answer for a difference of the two
    assert 0 < ttl <= (later - datetime.now(UTC) + timedelta(minutes=1)).total_seconds() * 1000
