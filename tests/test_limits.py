import asyncio
import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest

from dev import upstash
from dev.faults import Fault
from lib import cache, errors, limits
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401

HOUR = timedelta(hours=1)
ORDERS = limits.Limit("order", 3, timedelta(seconds=30))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Moves the time that the limits go by, which stands still meanwhile: a busy machine may take long for a call."""
    start, ahead = limits._now(), [0]
    monkeypatch.setattr(limits, "_now", lambda: start + ahead[0])

    def forward(span: timedelta) -> None:
        ahead[0] += int(span.total_seconds() * 1000)

    return forward


def busiest(slots: list[float], span: float) -> int:
    """Return how many slots lie in the fullest span of time."""
    return max(sum(start <= slot < start + span for slot in slots) for start in slots)


async def test_a_person_may_do_a_thing_so_often_and_then_is_told_how_long_to_wait(
    redis: upstash.Upstash, clock: Callable[[timedelta], None]
) -> None:
    assert [await limits.wait(1, ORDERS) for _ in range(3)] == [0, 0, 0]
    assert 9 <= await limits.wait(1, ORDERS) <= 10
    clock(timedelta(seconds=10))
    assert await limits.wait(1, ORDERS) == 0
    assert await limits.wait(1, ORDERS) > 0
    clock(timedelta(seconds=31))
    assert [await limits.wait(1, ORDERS) for _ in range(3)] == [0, 0, 0]


async def test_people_and_actions_do_not_count_for_each_other(redis: upstash.Upstash) -> None:
    for _ in range(3):
        await limits.wait(1, ORDERS)
    assert await limits.wait(2, ORDERS) == 0
    assert await limits.wait(1, limits.Limit("photo", 3, HOUR)) == 0
    [keys] = await redis._redis.run([[b"KEYS", b"*"]])
    assert sorted(key.rpartition(b":")[2] for key in keys) == [b"order", b"order", b"photo"]
    assert not [key for key in keys if key.startswith((b"local:rate_limit:1:", b"local:rate_limit:2:"))]
    assert all(ttl > 0 for ttl in await cache.pipeline([["PTTL", key.decode()] for key in keys]))


async def test_a_turn_is_one_command_and_may_travel_with_others(redis: upstash.Upstash) -> None:
    answer, _ = await cache.pipeline([limits.asked(1, ORDERS), ["GET", cache.key("state")]])
    assert limits.seconds(answer) == 0
    assert (redis.requests, redis.commands) == (1, 2)


async def test_many_at_once_get_no_more_turns_than_there_are(redis: upstash.Upstash) -> None:
    waits = await asyncio.gather(*(limits.wait(1, ORDERS) for _ in range(40)))
    assert waits.count(0) == 3


async def test_a_bot_writes_thirty_messages_a_second_and_one_to_a_chat(redis: upstash.Upstash) -> None:
    slots = [(await limits.reserve("studio", n % 20 + 1)).at for n in range(60)]
    assert busiest(slots, 1.0) <= 30
    for chat in range(20):
        assert all(later - earlier >= 1 for earlier, later in pairwise(slots[chat::20]))
    assert redis.commands == 60


async def test_a_chat_alone_gets_a_message_a_second_and_another_need_not_wait(redis: upstash.Upstash) -> None:
    alice = [((await limits.reserve("studio", 1)).at, time.time()) for _ in range(4)]
    for (earlier, _), (later, asked) in pairwise(alice):
        assert earlier + 0.99 < later < max(earlier + 1, asked) + 0.1
    assert (await limits.reserve("studio", 2)).at - time.time() < 0.1


async def test_time_that_nobody_has_booked_is_found_between_what_is(redis: upstash.Upstash) -> None:
    await limits.pause("studio", timedelta(seconds=1), chat_id=1)
    late = await limits.reserve("studio", 1)
    small = await limits.reserve_block("studio", 25)
    large = await limits.reserve_block("studio", 25)
    assert small.at + 25 * small.interval <= late.at
    assert large.at >= late.at + limits.PER_BOT / 1000 - 0.001


async def test_a_group_gets_twenty_messages_a_minute(redis: upstash.Upstash) -> None:
    slots = [(await limits.reserve("studio", -100, patience=HOUR)).at for _ in range(70)]
    assert busiest(slots, 60.0) == 20
    assert slots[19] - slots[0] < 20, "the first twenty are held back by the chat's limit only"


async def test_bots_do_not_wait_for_each_other(redis: upstash.Upstash) -> None:
    await limits.reserve_block("studio", 100)
    slot = await limits.reserve("client", 1)
    assert slot.at - time.time() < 0.1


async def test_a_slot_too_far_away_is_not_booked(redis: upstash.Upstash) -> None:
    await limits.pause("studio", timedelta(minutes=5), chat_id=1)
    free = time.time() + 300
    for _ in range(3):
        with pytest.raises(errors.Unavailable) as caught:
            await limits.reserve("studio", 1, patience=timedelta(milliseconds=500))
        assert caught.value.retry_after is not None
        assert timedelta(milliseconds=500) < caught.value.retry_after <= timedelta(minutes=5)
    assert (await limits.reserve("studio", 1, patience=HOUR)).at <= free + 0.1, "what was refused holds nothing"


async def test_a_broadcast_books_a_block_in_one_call(redis: upstash.Upstash) -> None:
    first = await limits.reserve_block("studio", 30)
    second = await limits.reserve_block("studio", 30)
    assert redis.requests == 2
    slots = [block.at + n * block.interval for block in (first, second) for n in range(30)]
    assert busiest(slots, 1.0) <= 30
    assert (await limits.reserve("studio", 1)).at >= second.at + 30 * second.interval - 0.002


async def test_answers_beside_a_broadcast_are_made_room_for(redis: upstash.Upstash) -> None:
    """Nothing counted them once, so a broadcast at full pace and two answers a second were too fast for good."""
    first = await limits.reserve_block("studio", 15)
    await cache.pipeline([limits.debit("studio", 2), limits.debit("studio", 1)])
    second = await limits.reserve_block("studio", 15)
    assert second.at - first.at == pytest.approx((15 + 3) * limits.PER_BOT / 1000, abs=0.003)
    third = await limits.reserve_block("studio", 15)
    assert third.at - second.at == pytest.approx(15 * limits.PER_BOT / 1000, abs=0.003), "a debit is paid once"


async def test_a_debit_from_a_time_when_nothing_was_booked_is_void(redis: upstash.Upstash) -> None:
    await cache.pipeline([limits.debit("studio", 50)])
    assert (await limits.reserve("studio", 1)).at - time.time() < 0.1
    [left] = await cache.pipeline([["EXISTS", cache.key("debit:studio")]])
    assert left == 0


async def test_a_slot_is_waited_for(redis: upstash.Upstash) -> None:
    block = await limits.reserve_block("studio", 4)
    await block.wait(3)
    assert time.time() >= block.at + 3 * block.interval


async def test_what_telegram_asks_for_is_obeyed_by_every_instance(
    redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = time.time()
    await limits.pause("studio", timedelta(seconds=70), chat_id=1)
    monkeypatch.setattr(limits, "_local", limits._LocalCounts())  # another instance
    slot = await limits.reserve("studio", 1, patience=HOUR)
    assert before + 70 - 0.01 <= slot.at <= time.time() + 70
    await limits.pause("studio", timedelta(seconds=300))
    for booking in (limits.reserve("studio", 2), limits.reserve_block("studio", 5)):
        with pytest.raises(errors.Unavailable) as caught:
            await booking
        assert caught.value.retry_after is not None
        assert before + 300 - 0.01 <= time.time() + caught.value.retry_after.total_seconds()
        assert caught.value.retry_after <= timedelta(seconds=300)
    assert (await limits.reserve("client", 2)).at - time.time() < 0.1


async def test_a_pause_for_one_chat_holds_no_other_up(redis: upstash.Upstash) -> None:
    await limits.pause("studio", timedelta(seconds=7), chat_id=1)
    assert (await limits.reserve("studio", 2)).at - time.time() < 0.1


@pytest.mark.parametrize("kind", ["503", "html", "nothing"])
async def test_without_redis_an_instance_counts_for_itself(
    redis: upstash.Upstash, clock: Callable[[timedelta], None], kind: str
) -> None:
    redis.faults.now = Fault(kind)
    assert [await limits.wait(1, ORDERS) for _ in range(3)] == [0, 0, 0]
    assert 9 <= await limits.wait(1, ORDERS) <= 10
    slots = [(await limits.reserve("studio", n)).at for n in range(1, 31)]
    assert busiest(slots, 1.0) <= 30 / limits.LOCAL_SHARE
    group = [(await limits.reserve("studio", -5, patience=HOUR)).at for _ in range(25)]
    assert busiest(group, 60.0) <= 20
    await limits.pause("studio", timedelta(seconds=30))
    with pytest.raises(errors.Unavailable, match="too_many_messages"):
        await limits.reserve("studio", 99)


async def test_no_decision_takes_longer_than_the_deadline(
    redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "DEADLINE", timedelta(milliseconds=50))
    redis.faults.now = Fault("hang")
    async with asyncio.timeout(30):
        assert await limits.wait(1, ORDERS) == 0


def test_the_local_count_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 100)
    local = limits._LocalCounts()
    for n in range(1000):
        local.ask(f"rate_limit:{n}:order", ORDERS, n * 60_000)
    assert len(local.free) <= 100


@pytest.mark.parametrize("script", [limits._ASK, limits._BOOK])
def test_a_script_locks_its_own_keys_only(script: str) -> None:
    assert script.startswith("#!lua flags=allow-key-locking\n")


async def test_event_loops_in_several_threads_keep_the_caps_together(
    redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "DEADLINE", timedelta(seconds=20))
    found: list[float] = []

    async def send() -> None:
        for n in range(25):
            found.append((await limits.reserve("studio", n + 1, patience=HOUR)).at)

    await asyncio.gather(*(asyncio.to_thread(asyncio.run, send()) for _ in range(4)))
    assert (len(found), redis.commands) == (100, 100)
    assert busiest(found, 1.0) <= 30


INSTANCE = """
import asyncio, json, sys
from datetime import timedelta
from lib import cache, limits

cache.DEADLINE = timedelta(seconds=20)  # a busy machine must not make an instance count for itself

async def main():
    orders = limits.Limit("order", 10, timedelta(hours=1))
    long = timedelta(hours=1)
    turns = [await limits.wait(1, orders) for _ in range(10)]
    chats = [[n, (await limits.reserve("studio", n, patience=long)).at] for n in range(1, 31)]
    group = [(await limits.reserve("partner", -7, patience=long)).at for n in range(15)]
    blocks = [(await limits.reserve_block("client", 10, patience=long)).at for _ in range(5)]
    print(json.dumps([turns, chats, group, blocks]))

asyncio.run(main())
"""


async def test_several_processes_keep_the_caps_together(redis: upstash.Upstash) -> None:
    running = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", INSTANCE, stdout=subprocess.PIPE) for _ in range(4)
    ]
    outputs = [(await process.communicate())[0] for process in running]
    turns, chats, group, blocks = ([*itertools.chain(*parts)] for parts in zip(*map(json.loads, outputs), strict=True))
    assert turns.count(0) == 10
    assert len(chats) == 120
    assert busiest([slot for _, slot in chats], 1.0) <= 30
    for chat in range(1, 31):
        assert busiest([slot for one, slot in chats if one == chat], 0.999) == 1
    assert busiest(group, 60.0) == 20
    assert busiest([start + n * limits.PER_BOT / 1000 for start in blocks for n in range(10)], 1.0) <= 30
    assert redis.commands == 4 * (10 + 30 + 15 + 5), "nobody counted for themselves"


@pytest.mark.parametrize("seed", range(4))
async def test_a_turn_taken_from_the_state_is_the_turn_that_redis_would_give(
    redis: upstash.Upstash, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice, moment, due = random.Random(seed), [1_790_000_000_000], dict[str, int]()
    monkeypatch.setattr(limits, "_now", lambda: moment[0])
    for _ in range(60):
        moment[0] += dice.choice([0, 1, 500, 9_999, 10_000, 31_000])
        [answer] = await cache.pipeline([limits.asked(7, ORDERS)])
        assert limits.take(due, ORDERS) == limits.seconds(answer)


def test_times_that_are_over_are_not_kept(clock: Callable[[timedelta], None]) -> None:
    due = dict[str, int]()
    limits.take(due, ORDERS)
    assert set(limits.ahead(due)) == {"order"}
    clock(timedelta(seconds=11))
    assert limits.ahead(due) == {}


async def test_a_pause_is_known_to_who_reads_along_and_without_redis_to_this_instance(
    redis: upstash.Upstash,
) -> None:
    await limits.pause("studio", timedelta(seconds=30), 7)
    [stored] = await cache.pipeline([["MGET", *limits.pauses("studio", 7)]])
    assert timedelta(seconds=29) < limits.left("studio", 7, stored) <= timedelta(seconds=30)
    assert limits.left("studio", 8, [None, None]) == timedelta(0)
    assert limits.left("studio", 7, []) > timedelta(seconds=29)
    await limits.pause("studio", timedelta(seconds=60))
    assert limits.left("studio", 8, []) > timedelta(seconds=59)
