"""The blocks of a part under way, in a time of their own: the pace, company, floods, and an end in the middle."""

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from lib import cache, errors, limits
from lib.reach import flight, parts, reading, sending
from lib.reach.flight import Flight
from lib.reach.parts import Fate, Recipient
from lib.reach.sending import Mail
from lib.telegram.client import SentMessage

BEGAN = 2_000_000_000.0
TRIP = 0.015  # to Redis
TURN = 0.03
BLOCK = 15 * limits.PER_BOT / 1000


class Hurry(asyncio.SelectorEventLoop):
    """A loop that does not wait: its time stands still while something is done, and else jumps to the next event."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.wait, self._selector.select = self._selector.select, self._select  # type: ignore[attr-defined]

    def time(self) -> float:
        return self.now

    def _select(self, timeout: float | None) -> Any:
        assert timeout is not None, "all wait for each other"
        self.now += max(timeout, 0)
        return self.wait(0)


class Telegram:
    """When each person was written to, and how long an answer takes."""

    def __init__(self, loop: Hurry) -> None:
        self.loop = loop
        self.sent: dict[int, float] = {}
        self.begun: dict[int, float] = {}
        self.asked: list[bool] = []  # for a block, and whether there was one
        self.takes: Callable[[int], float] = lambda _: 0.09
        self.floods: set[int] = set()

    async def deliver(self, chat: Any, one: Any, language: str, file: Any) -> SentMessage:
        self.sent[chat.id] = self.loop.now
        await asyncio.sleep(self.takes(chat.id))
        if chat.id in self.floods:
            self.floods.discard(chat.id)
            raise errors.Unavailable("telegram_flood", retry_after=timedelta(seconds=3))
        return SentMessage(chat.id)

    @property
    def pace(self) -> float:
        """The share of thirty a second that was reached."""
        return len(self.sent) / 30 / (max(self.sent.values()) - min(self.sent.values()))


@pytest.fixture
def telegram(monkeypatch: pytest.MonkeyPatch) -> Any:
    loop = Hurry()
    found, count = Telegram(loop), limits._LocalCounts()

    async def book(keys: Any, slots: int, patience: timedelta, *_: Any) -> limits.Slot:
        await asyncio.sleep(TRIP / 2)
        now = limits._now()
        got, delay = count.book(keys, slots, now, limits._ms(patience), 0, 0, 0)
        await asyncio.sleep(TRIP / 2)
        found.asked.append(bool(got))
        if not got:
            raise errors.Unavailable("too_many_messages", retry_after=timedelta(milliseconds=delay))
        return limits.Slot((now + delay) / 1000)

    async def shared(name: str, value: str, _: timedelta) -> None:
        count.free[name] = int(value)

    async def look(_: str) -> None:
        await asyncio.sleep(TRIP)

    clock = SimpleNamespace(time=lambda: BEGAN + loop.now)
    for module in (limits, sending, flight):
        monkeypatch.setattr(module, "time", clock)
    for name, stand_in in (("LOCAL_SHARE", 1), ("_local", count), ("_book", book), ("look", look)):
        monkeypatch.setattr(limits, name, stand_in)
    monkeypatch.setattr(cache, "set", shared)
    monkeypatch.setattr(reading, "deliver", found.deliver)
    yield found
    loop.close()


def run(telegram: Telegram, what: Coroutine[Any, Any, Any]) -> Any:
    """Let it happen at once; the seconds are those of the loop."""
    return telegram.loop.run_until_complete(what)


def mail(**more: Any) -> Mail:
    one: Any = SimpleNamespace(bot="client", kind="news", paid=False, advertises=True, file=None)
    one.__dict__.update(more)
    return Mail(one)


def people(first: int, number: int = 15) -> list[Recipient]:
    return [Recipient(place, 1000 + place, "ru") for place in range(first, first + number)]


async def work(telegram: Telegram, number: int, first: int = 0, give_up_at: float = 1e12) -> dict[int, Fate]:
    """Send to a part as the task does, block by block; return by place what was noted in the end."""
    noted: dict[int, Fate] = {}
    waiting = people(first, number)
    async with Flight(mail(), give_up_at) as air:
        while True:
            await (air.room() if waiting else air.land())
            told = air.noted()
            await asyncio.sleep(TURN)
            noted.update(told)
            waiting += [one for one in people(first, number) if (one.place, Fate.WAITING) in told]
            block, waiting = waiting[: parts.BLOCK], waiting[parts.BLOCK :]
            telegram.begun.update((one.tg_id, telegram.loop.now) for one in block)
            air.begin(block)
            if not air.people and not waiting:
                return noted


def slow(telegram: Telegram) -> None:
    """Answer as Telegram does: in 90 ms in the mean, and now and then in ten times as much."""
    rng = random.Random(7)
    telegram.takes = lambda _: rng.expovariate(1 / 0.09)


def test_the_next_block_goes_out_while_the_last_answers_are_awaited(telegram: Telegram) -> None:
    telegram.takes = lambda chat: 3.0 if chat == 1014 else 0.09
    noted = run(telegram, work(telegram, 30))
    assert telegram.sent[1015] - telegram.sent[1014] == pytest.approx(limits.PER_BOT / 1000, abs=0.002)
    assert set(noted.values()) == {Fate.SENT}


def test_no_more_than_two_blocks_are_under_way(telegram: Telegram) -> None:
    telegram.takes = lambda _: 4.0
    run(telegram, work(telegram, 45))
    answered = telegram.sent[1014] + 4.0
    assert telegram.sent[1029] < answered < telegram.sent[1030]
    assert telegram.begun[1030] > answered, "nor are its people begun"


def test_a_part_alone_goes_as_fast_as_telegram_allows(telegram: Telegram) -> None:
    slow(telegram)
    noted = run(telegram, work(telegram, 990))
    assert (len(noted), len(telegram.sent), set(noted.values())) == (990, 990, {Fate.SENT})
    assert 0.97 < telegram.pace < 1
    assert telegram.asked == [True] * 66, "and asks for no block twice"


async def _beside(telegram: Telegram, *number: int) -> None:
    async with asyncio.TaskGroup() as group:
        for n, one in enumerate(number):
            group.create_task(work(telegram, one, n * 1000))


def test_two_parts_take_turns_and_hardly_ever_ask_in_vain(telegram: Telegram) -> None:
    slow(telegram)
    run(telegram, _beside(telegram, 990, 990))
    assert 0.97 < telegram.pace < 1
    assert telegram.asked.count(True) == 132
    assert telegram.asked.count(False) < 13


def test_where_one_part_ends_the_other_takes_its_pace_over(telegram: Telegram) -> None:
    slow(telegram)
    run(telegram, _beside(telegram, 150, 600))
    assert telegram.pace > 0.97


def test_a_second_thought_finds_nobody_begun_long_before(telegram: Telegram) -> None:
    """Who says no, and an owner who pauses, stops all that a turn has not begun yet."""
    slow(telegram)
    run(telegram, _beside(telegram, 600, 600))
    ahead = sorted(telegram.sent[chat] - telegram.begun[chat] for chat in telegram.sent)
    assert ahead[len(ahead) * 95 // 100] < 0.8
    assert ahead[-1] < 1.5, "both begin at the same time"


def test_an_outcome_is_noted_once_and_who_is_under_way_each_time(telegram: Telegram) -> None:
    async def look() -> list[Any]:
        async with Flight(mail(), 1e12) as air:
            air.begin(people(0, 2))
            first = air.noted()
            await air.land()
            return [first, air.noted(), air.noted(), air.people]

    begun, known, again, left = run(telegram, look())
    assert begun == [(0, Fate.BEGUN), (1, Fate.BEGUN)]
    assert (known, again, left) == ([(0, Fate.SENT), (1, Fate.SENT)], [], 0)


def test_a_flood_in_the_middle_keeps_the_rest_of_both_blocks_waiting(telegram: Telegram) -> None:
    telegram.floods = {1012}
    telegram.takes = lambda chat: 0.05 if chat == 1012 else 0.3

    async def two() -> dict[int, Fate]:
        async with Flight(mail(), 1e12) as air:
            air.begin(people(0))
            await air.room()
            air.begin(people(15))
            await asyncio.sleep(0.35)  # in its slots, while answers of the first are awaited
            told = dict(air.noted())
            assert {place for place, fate in told.items() if fate is Fate.WAITING} == {12, 14, *range(15, 30)}
            await air.land()
            return told | dict(air.noted())

    noted = run(telegram, two())
    assert {place for place, fate in noted.items() if fate is Fate.SENT} == {*range(12), 13}
    assert len(telegram.sent) == 14


def test_all_get_it_once_through_many_floods(telegram: Telegram) -> None:
    slow(telegram)
    telegram.floods = {1007, 1100, 1101, 1299}
    noted = run(telegram, work(telegram, 300))
    assert (set(noted.values()), len(noted)) == ({Fate.SENT}, 300)


def test_after_a_pause_it_finds_its_pace_at_once(telegram: Telegram) -> None:
    slow(telegram)
    telegram.floods = {1100}
    run(telegram, work(telegram, 300))
    times = sorted(telegram.sent.values())
    rests = [after - before for before, after in itertools.pairwise(times)]
    assert max(rests) == pytest.approx(3, abs=0.2)
    assert sum(rests) - max(rests) < 300 / 30 / 0.95


def test_an_error_stops_what_has_not_gone_out(telegram: Telegram) -> None:
    async def lost() -> None:
        async with Flight(mail(), 1e12) as air:
            air.begin(people(0))
            await air.room()
            raise errors.Conflict("lease_lost")

    with pytest.raises(errors.Conflict):
        run(telegram, lost())
    sent = len(telegram.sent)
    run(telegram, asyncio.sleep(5))
    assert len(telegram.sent) == sent < 15


def test_a_fault_of_ours_is_raised_to_the_task(telegram: Telegram, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any) -> SentMessage:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "deliver", broken)
    with pytest.raises(ZeroDivisionError):
        run(telegram, work(telegram, 30))


def test_when_time_is_up_the_block_waits_on(telegram: Telegram) -> None:
    limits._local.free["pause:client"] = int((BEGAN + 60) * 1000)

    async def late() -> list[tuple[int, Fate]]:
        async with Flight(mail(), BEGAN + 30) as air:
            air.begin(people(0, 3))
            await air.room()
            await air.land()
            assert not air.must_rest
            return air.noted()

    assert run(telegram, late()) == [(place, Fate.WAITING) for place in range(3)]
    assert telegram.sent == {}


def test_a_pause_of_many_minutes_is_said_and_the_block_waits_on(telegram: Telegram) -> None:
    limits._local.free["pause:client"] = int((BEGAN + 1200) * 1000)

    async def long() -> list[tuple[int, Fate]]:
        async with Flight(mail(), 1e12) as air:
            air.begin(people(0, 2))
            await air.room()
            await air.land()
            assert air.must_rest
            return air.noted()

    assert run(telegram, long()) == [(0, Fate.WAITING), (1, Fate.WAITING)]


@pytest.mark.parametrize("fault", ["telegram", "telegram_away"])
def test_a_lost_answer_is_unknown_and_a_refused_connection_waits(
    telegram: Telegram, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    async def deliver(*_: Any) -> SentMessage:
        raise errors.Unavailable(fault, "x")

    monkeypatch.setattr(reading, "deliver", deliver)

    async def one(**more: Any) -> list[tuple[int, Fate]]:
        async with Flight(mail(**more), 1e12) as air:
            air.begin(people(0, 1))
            await air.land()
            return air.noted()

    expected = Fate.UNKNOWN if fault == "telegram" else Fate.WAITING
    assert run(telegram, one()) == [(0, expected)]
    assert run(telegram, one(advertises=False, kind="notice")) == [(0, Fate.WAITING)]


def test_what_is_paid_for_waits_for_answers_only(telegram: Telegram) -> None:
    """A message goes out each 5 ms, and no slot is asked for; two blocks under way hold as well."""

    async def paid() -> None:
        async with Flight(mail(paid=True), 1e12) as air:
            for first in (0, 15, 30):
                await air.room()
                air.begin(people(first))
            await air.land()

    run(telegram, paid())
    assert telegram.asked == []
    assert max(telegram.sent.values()) < 0.4
