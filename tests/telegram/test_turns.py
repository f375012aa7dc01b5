"""The turn when answers get lost: what Redis did and nobody heard of makes nobody wait, and nothing is done twice."""

import asyncio
import json
import random
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dev.faults import Fault
from lib import cache, db, errors, limits
from lib.telegram import conversation, dispatch, fallback, fsm, instance, menus
from ops.serving import bridge
from tests.telegram.parlour import hall, visits
from tests.telegram.test_dispatch import SHOP, said

HALL = replace(SHOP, words="")  # where words, too, come to the hall

ALICE, BOB = 7, 8
DEADLINE = cache.DEADLINE  # before tests/conftest.py makes it longer
LATE = DEADLINE.total_seconds() + 0.15


@pytest.fixture(autouse=True)
async def fresh(redis, database, monkeypatch):
    """Begin as an instance that knows nothing, with Redis and Neon in good health."""
    visits.clear()
    monkeypatch.setattr(cache, "DEADLINE", DEADLINE)
    new_instance(monkeypatch)
    yield
    await db.close()


def new_instance(monkeypatch):
    monkeypatch.setattr(fsm, "outage", instance.Outage())
    monkeypatch.setattr(fsm, "own", instance.OwnTurns())
    monkeypatch.setattr(cache, "_breaker", cache.Breaker())


def fails(redis):
    """Let Redis fail from now on, and have done so for a while."""
    redis.faults.now = Fault("500")
    fsm.outage.since = time.monotonic() - 60


class Lost:
    """The next request that holds these words is done, and its answer comes when nobody waits for it any more."""

    def __init__(self, redis, *words):
        self.applied = asyncio.Event()
        answer = redis._answer

        async def late(request, path, body):
            response = await answer(request, path, body)
            if not self.applied.is_set() and all(word in body.decode() for word in words):
                self.applied.set()
                await asyncio.sleep(LATE)
            return response

        redis._answer = late


@pytest.fixture
def lost(redis, monkeypatch):
    monkeypatch.setattr(redis, "_answer", redis._answer)
    return lambda *words: Lost(redis, *words)


THE_END = ('"DEL"', '"local:turn:')


async def arrives(raw, **options):
    async def meet(person):
        return {"id": person.id, "language": "ru", "consent": True}

    async def never(*_):
        raise AssertionError

    return (await dispatch.handle("studio", raw, menus.Flows({"studio": HALL}, meet, never, never), **options)).status


@pytest.fixture
def gate(monkeypatch):
    """Hold the flow until it is opened."""
    opened, plain = asyncio.Event(), hall.handle

    async def handle(turn):
        await plain(turn)
        await opened.wait()

    monkeypatch.setattr(hall, "handle", handle)
    return opened


async def eventually(is_so):
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_turn_that_is_being_taken_already_is_that_of_the_update(redis):
    assert await arrives(said("Раз", 1), begun=fsm.begin("studio", ALICE, 1)) == 200
    assert await arrives(said("Раз", 1), begun=fsm.begin("studio", ALICE, 1)) == 200
    assert len(visits) == 1


async def test_a_turn_whose_begin_was_not_heard_of_makes_nobody_wait(lost, redis):
    lost('"NX"')
    assert await arrives(said("Раз", 1)) == 503
    before = redis.requests
    assert await arrives(said("Раз", 1)) == 200
    assert redis.requests - before == 2, "who waits for a turn asks for it again and again"
    assert visits == [("hall", "Раз")]


@pytest.mark.parametrize("once", [True, False])
async def test_an_end_that_was_not_heard_of_counts(lost, monkeypatch, once):
    lost(*THE_END)
    if not once:
        lost("#!lua")
    assert [await arrives(said("Раз", 1)) for _ in range(2)] == [200, 200]
    assert bool(fsm.outage.used) is not once, "Neon is used when the second try was not heard of either"
    new_instance(monkeypatch)
    assert await arrives(said("Раз", 1)) == 200
    assert visits == [("hall", "Раз")]


async def test_an_end_that_was_lost_is_tried_again(redis, monkeypatch):
    answer, failing = redis._answer, [True]

    async def refuses(request, path, body):
        if THE_END[0] in body.decode() and failing:
            raise OSError(failing.pop())
        return await answer(request, path, body)

    monkeypatch.setattr(redis, "_answer", refuses)
    assert await arrives(said("Раз", 1)) == 200
    assert not failing
    assert not fsm.outage.used, "Neon was not needed"
    new_instance(monkeypatch)
    assert await fsm.begin("studio", ALICE, 1) is None
    held = await fsm.begin("studio", ALICE, 2)
    assert held.state.who["consent"], "the state was saved and the turn given back"


async def test_who_was_not_heard_to_end_never_takes_the_turn_of_another(lost, gate, monkeypatch):
    """Redis ended the first turn unheard, and Neon refuses it; the second, under way by then, keeps its own."""
    end = lost(*THE_END)
    lost("#!lua")
    first = asyncio.create_task(arrives(said("Раз", 1)))
    await eventually(lambda: visits)
    await fallback.end("studio", ALICE, 99, conversation.State().dump(), taken_in_redis_at=datetime.now(UTC))
    gate.set()
    await end.applied.wait()
    gate.clear()
    new_instance(monkeypatch)
    second = asyncio.create_task(arrives(said("Два", 2)))
    await eventually(lambda: len(visits) == 2)
    assert await first == 503
    assert await arrives(said("Два", 2)) == 503, "it is being handled"
    gate.set()
    assert await second == 200
    assert [await arrives(said(*one)) for one in (("Раз", 1), ("Два", 2))] == [200, 200]
    assert visits == [("hall", "Раз"), ("hall", "Два")]


async def test_neon_does_not_do_again_what_this_instance_did_by_redis(redis):
    assert await arrives(said("Раз", 1)) == 200
    fails(redis)
    assert await arrives(said("Раз", 1)) == 200
    assert await arrives(said("Два", 2)) == 200
    assert visits == [("hall", "Раз"), ("hall", "Два")]


async def test_neon_gives_nobody_the_turn_that_this_instance_has_in_redis(redis, gate):
    first = asyncio.create_task(arrives(said("Раз", 1)))
    await eventually(lambda: visits)
    fails(redis)
    assert [await arrives(said("Раз", 1)), await arrives(said("Два", 2))] == [503, 503]
    gate.set()
    assert await first == 200
    assert await arrives(said("Раз", 1)) == 200
    assert visits == [("hall", "Раз")]


async def test_the_mark_of_a_newer_outage_outlives_the_end_of_an_older_one(redis, monkeypatch):
    fails(redis)
    assert await arrives(said("Раз", 1)) == 200
    redis.faults.now = None
    cache._breaker.failures = 0
    held = await fsm.begin("studio", ALICE, 2)
    assert held.found
    assert not held.found.others
    new_instance(monkeypatch)
    fails(redis)
    bob = await fsm.begin("studio", BOB, 3)
    await fsm.end(bob, conversation.State("order:words", {}, {"id": BOB}))
    redis.faults.now = None
    cache._breaker.failures = 0
    carol = await fsm.begin("studio", 9, 4)
    assert not fsm.outage.untold
    await fsm.end(held, held.state)
    await fsm.release(carol)
    new_instance(monkeypatch)
    assert await fsm.begin("studio", BOB, 3) is None
    assert (await fsm.begin("studio", BOB, 5)).state.step == "order:words"


async def test_a_blocked_bot_that_cannot_be_noted_gives_the_turn_back(redis, monkeypatch):
    async def blocks(turn):
        raise errors.Blocked

    async def no_neon(*_):
        raise errors.Unavailable("database")

    async def meet(person):
        return {"id": person.id, "language": "ru", "consent": True}

    plain = hall.handle
    monkeypatch.setattr(hall, "handle", blocks)
    flows = menus.Flows({"studio": HALL}, meet, no_neon, no_neon)
    assert (await dispatch.handle("studio", said("Раз", 1), flows)).status == 503
    monkeypatch.setattr(hall, "handle", plain)
    assert await arrives(said("Раз", 1)) == 200


async def delivered(update, person):
    """Offer an update until it is taken, as Telegram does, though it comes again sooner."""
    raw = json.loads(said(f"Слово {update}", update))
    raw["message"]["chat"]["id"] = raw["message"]["from"]["id"] = person
    async with asyncio.timeout(60):
        while await arrives(json.dumps(raw).encode()) != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_whatever_answers_are_lost_everything_is_handled_once(redis, monkeypatch):
    """A third of what Redis is asked is done unheard, or not at all; each update comes three times, all are mixed."""
    dice, answer = random.Random(2), redis._answer

    async def unsure(request, path, body):
        luck = dice.random()
        if luck < 0.15:
            raise OSError
        response = await answer(request, path, body)
        if luck < 0.35:
            await asyncio.sleep(LATE)
        return response

    monkeypatch.setattr(redis, "_answer", unsure)
    updates = [(number, 100 + number % 6) for number in range(30)]
    offered = updates * 3
    dice.shuffle(offered)
    await asyncio.gather(*(delivered(*one) for one in offered))
    heard = sorted(words for _, words in visits)
    assert heard == sorted(f"Слово {number}" for number, _ in updates)


async def test_one_bot_knows_nothing_of_a_persons_turn_with_another():
    first = await fsm.begin("studio", ALICE, 1)
    other = await fsm.begin("client", ALICE, 1)
    await fsm.end(first, conversation.State("order:words", {"draft": 1}, {"id": 1}))
    await fsm.end(other, conversation.State("join:city", {}, {"id": 1}))
    assert [await fsm.begin(bot, ALICE, 1) for bot in ("studio", "client")] == [None, None]
    steps = [(await fsm.begin(bot, ALICE, 2)).state.step for bot in ("studio", "client", "partner")]
    assert steps == ["order:words", "join:city", ""]


@pytest.mark.parametrize(("broadcasting", "debit"), [(True, "1"), (False, None)])
async def test_an_answer_is_debited_only_while_somebody_books_the_bots_time(redis, monkeypatch, broadcasting, debit):
    async def answer(turn):
        turn.chat.wrote += 1

    monkeypatch.setattr(hall, "handle", answer)
    if broadcasting:
        await limits.reserve_block("studio", 30)
    commands = redis.commands
    assert await arrives(said("Раз", 1)) == 200
    assert (redis.commands - commands, await cache.get("debit:studio")) == (6 if broadcasting else 5, debit)


@pytest.mark.parametrize("kind", ["500", "503", "429", "html", "nothing", "down", "hang", "base64"])
async def test_however_redis_fails_an_update_is_handled_once(redis, monkeypatch, kind):
    fsm.outage.since = time.monotonic() - 60
    with monkeypatch.context() as patch:
        if kind == "base64":
            patch.setattr(bridge, "_value", lambda *_: "no base64")
        redis.faults.now = None if kind == "base64" else Fault(kind)
        assert [await arrives(said("Раз", 1)) for _ in range(2)] == [200, 200]
    redis.faults.now = None
    cache._breaker.failures = 0  # its pause is over
    assert [await arrives(said("Раз", 1)), await arrives(said("Два", 2))] == [200, 200]
    assert visits == [("hall", "Раз"), ("hall", "Два")]
