"""The sums over all instances, on a real Redis: exact whatever comes twice, and hardly a command for it."""

import asyncio
import json
import random
from typing import Any

import pytest

from dev import upstash
from lib import cache, counters, errors, tally, wire
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401


async def push(*batches: str) -> None:
    await cache.pipeline([["RPUSH", cache.key(counters.BATCHES), *batches]])


def batch(instance: str, number: int, **counts: int) -> str:
    return json.dumps({"i": instance, "n": number, "c": counts})


async def test_nothing_counted_is_nothing_found(redis: upstash.Upstash) -> None:
    assert (await counters.totals("missing"))[1] == [None]


async def test_two_who_fold_at_once_count_each_batch_of_many_writers_once(redis: upstash.Upstash) -> None:
    draw = random.Random(5)
    sent = {name: [draw.randrange(9) for _ in range(25)] for name in ("a", "b", "c", "d")}

    async def write(name: str) -> None:
        for number, count in enumerate(sent[name], 1):
            await push(*[batch(name, number, x=count)] * draw.choice((1, 1, 2)))

    async def fold() -> None:
        for _ in range(8):
            await counters.totals()

    await asyncio.gather(*map(write, sent), fold(), fold())
    found, _ = await counters.totals()
    assert found["x"] == sum(map(sum, sent.values()))


async def test_an_answer_that_got_lost_counts_nothing_twice(
    redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = wire.post

    async def heard_but_not_answered(*request: Any) -> Any:
        monkeypatch.setattr(wire, "post", post)
        await post(*request)
        raise ConnectionResetError("the answer got lost")

    tally.add("seen", 3)
    tally.own.hurry()
    monkeypatch.setattr(wire, "post", heard_but_not_answered)
    with pytest.raises(errors.Unavailable):
        await cache.get("anything")
    assert tally.own.batch, "nobody knows whether it has arrived"
    await cache.get("anything")
    await asyncio.sleep(0)
    assert tally.own.batch == ""
    [sent] = await cache.pipeline([["LLEN", cache.key(counters.BATCHES)]])
    assert (sent, (await counters.totals())[0]["seen"]) == (2, 3)


async def test_the_last_number_of_an_instance_long_gone_is_forgotten(redis: upstash.Upstash) -> None:
    old = {"c": {"x": 5}, "i": {"gone": [7, 1000]}}
    await cache.pipeline([["SET", cache.key(counters.TOTAL), json.dumps(old)]])
    await push(batch("new", 1, x=1))
    await counters.totals()
    kept = json.loads(str(await cache.get(counters.TOTAL)))
    assert (kept["c"]["x"], set(kept["i"]) - {tally.own.id}) == (6, {"new"})


async def test_counting_takes_less_than_a_tenth_of_a_command_an_update(redis: upstash.Upstash) -> None:
    for _ in range(200):
        await cache.get("state")
        tally.timed("update", "studio", "done", ms=12)
    assert 0 < redis.commands - 200 < 20
    assert redis.requests == 200, "and no round trip"
    assert (await counters.totals())[0]["update|studio|done|0.025"] == 200
