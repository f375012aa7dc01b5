import asyncio
import contextlib
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from upstash_redis.asyncio import Redis

from dev import serving, upstash, valkey
from dev.faults import Fault
from lib import cache, config, errors, log, wire

TOKEN = "a-token-of-the-tests"
MINUTE = timedelta(minutes=1)


def settings(url: str, token: str = TOKEN) -> config.Config:
    return config.load(
        {
            "DATABASE_URL": "postgresql://localhost/unused",
            "PUBLIC_URL": "http://localhost",
            "UPSTASH_REDIS_REST_URL": url,
            "UPSTASH_REDIS_REST_TOKEN": token,
        }
    )


@pytest.fixture(scope="module")
async def upstash_at() -> AsyncIterator[tuple[upstash.Upstash, str]]:
    with valkey.Valkey() as server:
        app = upstash.app(server.socket, TOKEN)
        async with serving.serve(Starlette(routes=[Route("/upstash{path:path}", app)])) as address:
            yield app, f"{address}/upstash"
            await wire.close()
        await app.close()


@pytest.fixture
async def redis(upstash_at: tuple[upstash.Upstash, str], monkeypatch: pytest.MonkeyPatch) -> upstash.Upstash:
    """An empty Upstash in good health, which the settings name."""
    app, url = upstash_at
    await app._redis.run([[b"FLUSHALL"]])
    app.faults.now, app.requests, app.commands = None, 0, 0
    current = settings(url)
    monkeypatch.setattr(config, "get", lambda: current)
    monkeypatch.setattr(cache, "_breaker", cache.Breaker())
    return app


async def test_a_value_is_read_back_until_it_is_deleted(redis: upstash.Upstash) -> None:
    assert await cache.get("menu") is None
    await cache.set("menu", "Борщ 🍲", MINUTE)
    assert await cache.get("menu") == "Борщ 🍲"
    await cache.delete("menu", "other")
    assert await cache.get("menu") is None


async def test_a_value_expires(redis: upstash.Upstash) -> None:
    await cache.set("menu", "x", timedelta(minutes=30))
    [left] = await cache.pipeline([["PTTL", cache.key("menu")]])
    assert 1_790_000 < left <= 1_800_000


async def test_keys_begin_with_the_environment(redis: upstash.Upstash) -> None:
    await cache.set("menu", "x", MINUTE)
    assert cache.key("menu") == "local:menu"
    assert await redis._redis.run([[b"KEYS", b"*"]]) == [[b"local:menu"]]


async def test_once_is_true_for_one_caller(redis: upstash.Upstash) -> None:
    answers = await asyncio.gather(*(cache.once("kick", MINUTE) for _ in range(10)))
    assert sorted(answers) == [False] * 9 + [True]


async def test_a_pipeline_is_one_round_trip_and_is_counted(redis: upstash.Upstash) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as output, log.scope("update"):
        key = cache.key("turn:studio:7")
        results = await cache.pipeline([["SET", key, "1", "NX", "PX", 1000], ["MGET", key, cache.key("state")]])
    line = json.loads(output.getvalue())
    assert results == [True, ["1", None]]
    assert (redis.requests, redis.commands) == (1, 2)
    assert (line["redis"], line["redis_commands"]) == (1, 2)


async def test_nothing_to_do_is_no_round_trip(redis: upstash.Upstash) -> None:
    assert await cache.pipeline([]) == []
    await cache.delete()
    assert redis.requests == 0


@pytest.mark.parametrize("kind", ["down", "500", "503", "html", "nothing"])
async def test_every_failure_is_unavailable(redis: upstash.Upstash, kind: str) -> None:
    redis.faults.now = Fault(kind)
    with pytest.raises(errors.Unavailable) as caught:
        await cache.get("menu")
    assert caught.value.code == "redis"
    assert redis.requests == 1, "nothing may be sent twice"


@pytest.mark.parametrize("fault", [Fault("hang"), Fault("slow", seconds=0.5)])
async def test_no_call_outlives_the_deadline(
    redis: upstash.Upstash, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "DEADLINE", timedelta(milliseconds=50))
    redis.faults.now = fault
    async with asyncio.timeout(30):
        with pytest.raises(errors.Unavailable):
            await cache.get("menu")


async def test_a_wrong_token_is_unavailable(redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = settings(config.get().redis_url, "revoked")
    monkeypatch.setattr(config, "get", lambda: wrong)
    with pytest.raises(errors.Unavailable):
        await cache.get("menu")


async def test_nobody_listening_is_unavailable(redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = settings("http://127.0.0.1:9")
    monkeypatch.setattr(config, "get", lambda: nowhere)
    with pytest.raises(errors.Unavailable):
        await cache.get("menu")


async def test_a_failed_command_fails_the_call(redis: upstash.Upstash) -> None:
    await cache.set("word", "x", MINUTE)
    with pytest.raises(errors.Unavailable, match="not an integer"):
        await cache.pipeline([["INCR", cache.key("word")]])


async def test_bytes_that_are_no_text_are_unavailable(redis: upstash.Upstash) -> None:
    await redis._redis.run([[b"SET", b"local:raw", b"\xff"]])
    with pytest.raises(errors.Unavailable):
        await cache.get("raw")


@pytest.mark.parametrize("value", ["QQ=", "%%%", "w6k"])
async def test_what_is_not_base64_is_never_taken_for_a_value(redis: upstash.Upstash, value: str) -> None:
    async def answer(_: Request) -> JSONResponse:
        return JSONResponse([{"result": value}])

    async with serving.serve(Starlette(routes=[Route("/pipeline", answer, methods=["POST"])])) as address:
        [outcome] = await cache._Redis(address, TOKEN).outcomes([["GET", "menu"]])
        assert isinstance(outcome, Exception)
        await wire.close()


async def test_a_service_that_is_down_is_left_alone(redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: 5.0))  # its pause is not over, however busy
    redis.faults.now = Fault("503")
    for _ in range(10):
        with pytest.raises(errors.Unavailable):
            await cache.get("menu")
    assert redis.requests == 3


async def test_a_cancelled_call_is_no_failure_of_the_service(redis: upstash.Upstash) -> None:
    redis.faults.now = Fault("hang", times=1)
    call = asyncio.create_task(cache.get("menu"))
    while not redis.requests:  # noqa: ASYNC110 - the request has to be on its way
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert cache._breaker.failures == 0


def test_the_breaker_opens_after_three_failures_in_a_row() -> None:
    breaker = cache.Breaker()
    for now in (1.0, 2.0):
        breaker.failed(now)
    breaker.succeeded()
    for now in (3.0, 4.0, 5.0):
        assert breaker.admits(now)
        breaker.failed(now)
    assert not breaker.admits(6.9)


def test_the_open_breaker_lets_one_probe_through_each_pause() -> None:
    breaker = cache.Breaker(failures=3, shut_until=10.0)
    assert breaker.admits(10.0)
    assert not breaker.admits(10.0)
    assert not breaker.admits(11.9)
    assert breaker.admits(12.0)
    breaker.succeeded()
    assert breaker.admits(12.0)
    assert breaker.admits(12.0)


async def test_the_packages_private_names_are_what_ours_replace() -> None:
    async with Redis("http://127.0.0.1:9", TOKEN, rest_retries=0, allow_telemetry=False) as theirs:
        ours = cache._Redis("http://127.0.0.1:9", TOKEN)
        unused = {"_json", "_search", "_http"}
        assert set(vars(theirs)) - set(vars(ours)) == unused, "commands that the product does not use, and the requests"
        assert theirs._headers == ours._headers


async def test_what_is_asked_for_in_one_tick_shares_a_round_trip(redis: upstash.Upstash) -> None:
    await cache.pipeline([["SET", cache.key(f"n:{n}"), str(n)] for n in range(50)])
    redis.requests = redis.commands = 0
    values = await asyncio.gather(*(cache.get(f"n:{n}") for n in range(50)))
    assert values == [str(n) for n in range(50)]
    assert (redis.requests, redis.commands) == (1, 50)


async def test_one_callers_failing_command_fails_no_other(redis: upstash.Upstash) -> None:
    await cache.set("word", "x", MINUTE)
    await redis._redis.run([[b"SET", b"local:raw", b"\xff"]])
    redis.requests = 0
    before, failed, unread, after = await asyncio.gather(
        cache.get("word"),
        cache.pipeline([["INCR", cache.key("word")], ["SET", cache.key("later"), "runs"]]),
        cache.get("raw"),
        cache.get("later"),
        return_exceptions=True,
    )
    assert (before, after, redis.requests) == ("x", "runs", 1)
    assert isinstance(failed, errors.Unavailable)
    assert isinstance(unread, errors.Unavailable)
    assert cache._breaker.failures == 0, "the service did answer"


async def test_a_lost_answer_fails_all_who_shared_the_request_and_counts_once(redis: upstash.Upstash) -> None:
    redis.faults.now = Fault("503")
    outcomes = await asyncio.gather(*(cache.get("menu") for _ in range(9)), return_exceptions=True)
    assert all(isinstance(outcome, errors.Unavailable) for outcome in outcomes)
    assert (redis.requests, cache._breaker.failures) == (1, 1)


async def test_one_who_stops_waiting_leaves_the_others_undisturbed(redis: upstash.Upstash) -> None:
    redis.faults.now = Fault("slow", seconds=0.1)
    calls = [asyncio.create_task(cache.once(f"kick:{n}", MINUTE)) for n in range(3)]
    await asyncio.sleep(0)
    calls[0].cancel()
    await asyncio.sleep(0.02)
    calls[1].cancel()
    assert await calls[2] is True
    assert await redis._redis.run([[b"EXISTS", b"local:kick:0"]]) == [0], "it was not sent any more"


@pytest.mark.parametrize(("limit", "most"), [("BATCH_COMMANDS", 4), ("BATCH_CHARACTERS", 60)])
async def test_a_request_stays_within_the_services_limits(
    redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(cache, limit, most)
    assert await asyncio.gather(*(cache.get(f"n:{n}") for n in range(8))) == [None] * 8
    assert 1 < redis.requests < 8


async def test_events_that_share_a_round_trip_count_it_once_each(redis: upstash.Upstash) -> None:
    async def update() -> dict[str, object]:
        with log.scope("update") as record:
            await asyncio.gather(cache.get("a"), cache.get("b"))
        return record

    with contextlib.redirect_stdout(io.StringIO()):
        records = await asyncio.gather(update(), update())
    assert [(record["redis"], record["redis_commands"]) for record in records] == [(1, 2), (1, 2)]
    assert redis.requests == 1


async def test_a_rider_takes_no_round_trip_and_goes_first(redis: upstash.Upstash) -> None:
    cache.ride([["SET", cache.key("menu"), "x"]])
    await asyncio.sleep(0)
    assert redis.requests == 0
    assert await cache.get("menu") == "x"
    assert (redis.requests, redis.commands) == (1, 2)


async def test_a_rider_that_fails_fails_nobody(redis: upstash.Upstash) -> None:
    cache.ride([["INCR", cache.key("word"), "too", "many"]])
    await cache.set("word", "x", MINUTE)
    assert await cache.get("word") == "x"


async def test_riders_do_not_pile_up(redis: upstash.Upstash) -> None:
    for n in range(cache.RIDERS + 50):
        cache.ride([["SET", cache.key(f"n:{n}"), "x"]])
    await cache.get("menu")
    assert redis.commands == cache.RIDERS + 1


async def test_a_script_gets_full_keys_and_its_arguments(redis: upstash.Upstash) -> None:
    script = "#!lua flags=allow-key-locking\nreturn {KEYS[1], redis.call('INCRBY', KEYS[2], ARGV[1])}"
    assert await cache.eval(script, ["a", "n"], [5]) == ["local:a", 5]


async def test_writes_are_seen_by_the_reads_that_follow(redis: upstash.Upstash) -> None:
    """Upstash's token of the last answer goes out with the next request, whichever replica serves it."""
    await cache.set("menu", "x", MINUTE)
    client = cache._redis(config.get().redis_url, TOKEN)
    token = client._sync_token
    await cache.get("menu")
    assert token
    assert client._headers["Upstash-Sync-Token"] == token


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, lib.cache; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "vercel", "telegram", "psycopg", "requests", "aiohttp"} & set(loaded)
