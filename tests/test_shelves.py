import asyncio
import contextlib
import io
import json
import os
from datetime import timedelta
from typing import Any

import pytest

from dev import upstash
from dev.faults import Fault
from lib import cache, config, errors, shelves
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401

ALICE = {"id": 42, "first_name": "Алиса"}


class Source:
    """Neon, as far as a cache sees it: a value, how often it was asked for, and whether it fails."""

    def __init__(self, value: Any) -> None:
        self.value, self.asked, self.fails = value, 0, False

    async def __call__(self) -> Any:
        self.asked += 1
        value = self.value
        await asyncio.sleep(0)
        if self.fails:
            raise errors.Unavailable("database")
        return value


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the time that the entries are judged by; Redis' own goes on."""
    real, ahead = shelves.time.time, [0.0]

    class Time:
        time = staticmethod(lambda: real() + ahead[0])
        monotonic = staticmethod(lambda: real() + ahead[0])

    monkeypatch.setattr(shelves, "time", Time)

    def forward(span: timedelta) -> None:
        ahead[0] += span.total_seconds()

    return forward


def test_the_lifetimes_are_the_projects() -> None:
    minutes = {shelf.prefix: shelf.ttl.total_seconds() / 60 for shelf in shelves.SHELVES}
    assert minutes == {
        "user:profile:": 5,
        "user:profile:tg:": 5,
        "conversation:": 10,
        "auth:token:": 60,
        "menu:": 30,
        "session:": 60,
    }


async def test_a_value_is_loaded_once_and_then_read(redis: upstash.Upstash) -> None:
    neon = Source(ALICE)
    assert [await shelves.PROFILE.read(42, neon) for _ in range(5)] == [ALICE] * 5
    assert neon.asked == 1
    assert await redis._redis.run([[b"KEYS", b"*"]]) == [[b"local:user:profile:42"]]
    [left] = await cache.pipeline([["PTTL", cache.key("user:profile:42")]])
    assert 0.9 * 300_000 - 100 < left - 3_600_000 <= 300_000


async def test_a_hit_and_a_miss_take_one_round_trip(redis: upstash.Upstash) -> None:
    neon = Source(ALICE)
    await shelves.PROFILE.read(42, neon)
    assert (redis.requests, redis.commands) == (1, 1)
    await shelves.PROFILE.read(42, neon)
    assert (redis.requests, redis.commands) == (2, 3), "the value was stored by the request that followed"
    await shelves.PROFILE.read(42, neon)
    assert (redis.requests, redis.commands) == (3, 4)


async def test_lifetimes_are_not_all_the_same(redis: upstash.Upstash) -> None:
    await shelves.PROFILE.put_many({n: {"id": n} for n in range(20)})
    left = await cache.pipeline([["PTTL", cache.key(f"user:profile:{n}")] for n in range(20)])
    assert max(left) - min(left) > 5_000


async def test_many_who_ask_at_once_ask_neon_once(redis: upstash.Upstash) -> None:
    neon = Source(ALICE)
    assert await asyncio.gather(*(shelves.PROFILE.read(42, neon) for _ in range(50))) == [ALICE] * 50
    assert (neon.asked, redis.requests) == (1, 1)


async def test_a_caller_who_leaves_does_not_spoil_it_for_the_others(redis: upstash.Upstash) -> None:
    neon = Source(ALICE)
    first = asyncio.create_task(shelves.PROFILE.read(42, neon))
    second = asyncio.create_task(shelves.PROFILE.read(42, neon))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == ALICE


async def test_a_failing_load_reaches_every_caller_and_is_not_kept(redis: upstash.Upstash) -> None:
    neon = Source(ALICE)
    neon.fails = True
    outcomes = await asyncio.gather(*(shelves.PROFILE.read(42, neon) for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [errors.Unavailable] * 3
    neon.fails = False
    assert await shelves.PROFILE.read(42, neon) == ALICE


async def test_nobody_there_is_remembered_for_half_a_minute(redis: upstash.Upstash, clock: Any) -> None:
    neon = Source(None)
    assert [await shelves.PROFILE.read(7, neon) for _ in range(3)] == [None] * 3
    assert neon.asked == 1
    [left] = await cache.pipeline([["PTTL", cache.key("user:profile:7")]])
    assert left <= 30_000
    clock(timedelta(seconds=31))
    neon.value = ALICE
    assert await shelves.PROFILE.read(7, neon) == ALICE


async def test_a_stale_value_stands_in_for_a_failing_load(redis: upstash.Upstash, clock: Any) -> None:
    neon = Source(ALICE)
    await shelves.PROFILE.read(42, neon)
    await shelves.PROFILE.read(42, neon)
    clock(timedelta(minutes=6))
    neon.fails = True
    assert [await shelves.PROFILE.read(42, neon) for _ in range(4)] == [ALICE] * 4
    assert neon.asked == 2, "and it is left alone for a while"
    clock(timedelta(seconds=6))
    neon.fails, neon.value = False, {"id": 42, "first_name": "Алла"}
    assert await shelves.PROFILE.read(42, neon) == neon.value


async def test_a_token_is_never_taken_for_good_after_its_end(redis: upstash.Upstash, clock: Any) -> None:
    claims = {"user": 42, "exp": shelves.time.time() + 60}
    check = Source(claims)
    assert [await shelves.AUTH.read("a.b.c", check) for _ in range(3)] == [claims] * 3
    clock(timedelta(seconds=61))
    check.fails = True
    with pytest.raises(errors.Unavailable):
        await shelves.AUTH.read("a.b.c", check)


async def test_no_token_is_stored_and_the_whole_of_it_counts(redis: upstash.Upstash) -> None:
    head = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."
    for shelf in (shelves.AUTH, shelves.SESSION):
        await shelf.put(head + "alice", {"user": 1})
        await shelf.put(head + "mallory", {"user": 2})
        assert await shelf.read(head + "alice", Source(None)) == {"user": 1}
    keys, *_ = await redis._redis.run([[b"KEYS", b"*"]])
    assert len(keys) == 4
    assert not any(b"eyJ" in key for key in keys)
    stored = await redis._redis.run([[b"MGET", *keys]])
    assert b"eyJ" not in b"".join(stored[0])


async def test_without_the_secret_nothing_of_a_token_is_cached(
    redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("APP_SECRET")
    unset = config.load(os.environ)
    monkeypatch.setattr(config, "get", lambda: unset)
    with pytest.raises(errors.Misconfigured, match="APP_SECRET"):
        await shelves.AUTH.read("token", Source({"user": 1}))


async def test_what_was_written_is_read_next(redis: upstash.Upstash) -> None:
    neon = Source({"id": 42, "language": "ru"})
    await shelves.PROFILE.read(42, neon)
    neon.value = {"id": 42, "language": "en"}
    await shelves.PROFILE.forget(42)
    assert await shelves.PROFILE.read(42, neon) == neon.value
    assert await shelves.PROFILE.read(42, neon) == neon.value
    assert neon.asked == 2


async def test_what_was_loaded_before_a_write_and_stored_after_it_is_never_read(redis: upstash.Upstash) -> None:
    neon, asked, written = Source({"language": "ru"}), asyncio.Event(), asyncio.Event()

    async def slow() -> Any:
        before = neon.value
        asked.set()
        await written.wait()
        return before

    reading = asyncio.create_task(shelves.PROFILE.read(42, slow))
    await asked.wait()
    neon.value = {"language": "en"}
    await shelves.PROFILE.forget(42)
    assert await shelves.PROFILE.read(42, neon) == {"language": "en"}, "nobody joins a load from before"
    written.set()
    assert await reading == {"language": "ru"}
    assert [await shelves.PROFILE.read(42, neon) for _ in range(2)] == [{"language": "en"}] * 2


async def test_an_owner_is_forgotten_in_every_variant_and_alone(redis: upstash.Upstash) -> None:
    for owner in (7, 8, 71):
        for variant in ("full", "vegan"):
            await shelves.MENU.put(owner, [f"{owner} {variant}"], variant=variant)
    await shelves.MENU.forget(7)
    nothing = Source(None)
    assert await shelves.MENU.read(7, nothing, variant="full") is None
    assert await shelves.MENU.read(7, nothing, variant="vegan") is None
    assert await shelves.MENU.read(8, nothing, variant="vegan") == ["8 vegan"]
    assert await shelves.MENU.read(71, nothing, variant="full") == ["71 full"]


async def test_clearing_a_prefix_takes_two_commands_however_much_is_stored(redis: upstash.Upstash) -> None:
    await shelves.PROFILE.put_many({n: {"id": n} for n in range(100)})
    await shelves.PROFILE_BY_TG.put(5, ALICE)
    await shelves.MENU.put(7, ["soup"], variant="full")
    redis.requests = redis.commands = 0
    assert await shelves.clear("user:profile:") == ["user:profile:", "user:profile:tg:"]
    assert (redis.requests, redis.commands) == (1, 2)
    assert await shelves.PROFILE.read(5, Source(None)) is None
    assert await shelves.PROFILE_BY_TG.read(5, Source(None)) is None
    assert await shelves.MENU.read(7, Source(None), variant="full") == ["soup"]


async def test_everything_can_be_cleared(redis: upstash.Upstash) -> None:
    await shelves.MENU.put(7, ["soup"])
    assert await shelves.clear() == [shelf.prefix for shelf in shelves.SHELVES]
    assert await shelves.MENU.read(7, Source(None)) is None


@pytest.mark.parametrize("prefix", ["nothing:", "user", "user:profile:42", "*", "turn:"])
async def test_an_unknown_prefix_is_refused(redis: upstash.Upstash, prefix: str) -> None:
    with pytest.raises(errors.Invalid, match="unknown_prefix"):
        await shelves.clear(prefix)


async def test_many_are_stored_and_forgotten_together(redis: upstash.Upstash) -> None:
    assert await shelves.PROFILE.put_many({1: {"id": 1}, 2: {"id": 2}}) == 2
    assert redis.requests == 2
    assert [await shelves.PROFILE.read(n, Source(None)) for n in (1, 2)] == [{"id": 1}, {"id": 2}]
    redis.requests = 0
    await shelves.PROFILE.forget(1, 2, 3)
    assert redis.requests == 1
    assert [await shelves.PROFILE.read(n, Source(None)) for n in (1, 2)] == [None, None]


@pytest.mark.parametrize("kind", ["down", "500", "html", "nothing"])
async def test_without_redis_everything_comes_from_neon(redis: upstash.Upstash, kind: str) -> None:
    redis.faults.now = Fault(kind)
    neon = Source(ALICE)
    assert [await shelves.PROFILE.read(42, neon) for _ in range(5)] == [ALICE] * 5
    assert neon.asked == 5
    assert await shelves.PROFILE.put_many({1: {}}) == 0
    assert (await shelves.statistics())["available"] is False


async def test_what_could_not_be_forgotten_is_forgotten_when_redis_is_back(redis: upstash.Upstash) -> None:
    neon = Source({"language": "ru"})
    await shelves.PROFILE.put(42, neon.value)
    redis.faults.now = Fault("503", times=1)
    neon.value = {"language": "en"}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        await shelves.PROFILE.forget(42)
    assert json.loads(printed.getvalue())["event"] == "cache_forgets_later"
    assert await shelves.PROFILE.read(42, neon) == {"language": "en"}
    assert shelves._owed == {}


@pytest.mark.parametrize("stored", [b"not json", b"[]", b'"x"', b'{"g": "."}', b'{"g": ".", "v": 1, "until": "x"}'])
async def test_what_is_not_ours_is_written_over(redis: upstash.Upstash, stored: bytes) -> None:
    await redis._redis.run([[b"SET", b"local:user:profile:42", stored]])
    neon = Source(ALICE)
    assert [await shelves.PROFILE.read(42, neon) for _ in range(2)] == [ALICE] * 2
    assert neon.asked == 1


@pytest.mark.parametrize(
    "prefix", ["password:", "user:password:", "payment:", "user:payments:", "card_number:", "order:", "user:orders:"]
)
def test_there_is_no_class_for_secrets_money_and_open_orders(prefix: str) -> None:
    with pytest.raises(ValueError, match="never cached"):
        shelves.Shelf("x", prefix, timedelta(minutes=1))
    assert not any(shelves.NEVER.search(shelf.prefix) for shelf in shelves.SHELVES)


@pytest.mark.parametrize(
    "value",
    [
        {"password": "x"},
        {"user": {"password_hash": "x"}},
        [{"telegram_payment_charge_id": "x"}],
        {"card_number": "4111"},
        {"cvv": "1"},
        {"invoice_payload": "x"},
        {"order": {"items": []}},
    ],
)
async def test_a_value_that_holds_any_of_them_is_not_stored(redis: upstash.Upstash, value: Any) -> None:
    with pytest.raises(ValueError, match="never cached"):
        await shelves.PROFILE.put(1, value)
    with pytest.raises(ValueError, match="never cached"):
        await shelves.PROFILE.read(1, Source(value))
    assert await redis._redis.run([[b"DBSIZE"]]) == [0]


async def test_it_is_refused_without_redis_too(redis: upstash.Upstash) -> None:
    redis.faults.now = Fault("503")
    with pytest.raises(ValueError, match="never cached"):
        await shelves.PROFILE.put(1, {"password": "x"})
    with pytest.raises(ValueError, match="never cached"):
        await shelves.PROFILE.read(1, Source({"password": "x"}))


async def test_a_menus_sort_order_is_no_order(redis: upstash.Upstash) -> None:
    assert await shelves.MENU.put_many({7: [{"name": "soup", "sort_order": 1, "border": "none"}]}) == 1


async def test_hits_and_misses_are_counted_by_class_for_all_instances(redis: upstash.Upstash) -> None:
    profile, menu = Source(ALICE), Source(["soup"])
    for _ in range(4):
        await shelves.PROFILE.read(42, profile)
    await shelves.MENU.read(7, menu)
    another = b'{"i": "another", "n": 1, "c": {"cache|profile|hits": 6}}'
    await redis._redis.run([[b"RPUSH", b"local:metrics:batches", another]])
    found = await shelves.statistics()
    stats = found["stats"]
    assert (found["available"], stats["available"]) == (True, True)
    assert stats["totalKeys"] == 3, "a profile, a menu and the batches that are not folded yet"
    assert stats["classes"]["profile"] == {"hits": 9, "misses": 1, "stale": 0, "hitRate": 0.9, "ttlSeconds": 300}
    assert stats["classes"]["menu"]["misses"] == 1
    assert (stats["hits"], stats["misses"], stats["hitRate"]) == (9, 2, 0.8182)
    assert set(stats["classes"]) == {"profile", "conversation", "auth", "menu", "session"}


@pytest.mark.parametrize("owner", ["", "7:full"])
async def test_an_owner_that_could_be_taken_for_another_is_refused(redis: upstash.Upstash, owner: str) -> None:
    with pytest.raises(ValueError, match="owner"):
        await shelves.MENU.read(owner, Source(None))
