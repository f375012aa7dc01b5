"""A broadcast from the cut to the last part, with everything that may come between: deaths, floods, second thoughts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lib import config, errors, limits
from lib.loyalty import partners, staff
from lib.people import notify
from lib.reach import broadcasts, choices, parts
from lib.reach.sending import Mail
from tests.factories import make_user
from tests.loyalty_lab import make_shop
from tests.reach_lab import NOON, Postbox, Worker, crowd, released


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
def post(monkeypatch):
    return Postbox(monkeypatch)


@pytest.fixture
def worker(conn, monkeypatch):
    return Worker(conn, monkeypatch)


@pytest.fixture
def alerts(monkeypatch):
    heard = []

    async def alert(through, key, **fields):
        heard.append(key)
        return True

    monkeypatch.setattr(notify, "alert_admins", alert)
    return heard


async def state(conn, one):
    found = await broadcasts.get(conn, one.partner_id, one.id)
    return found.state, found.reason


async def test_everybody_gets_it_once_in_parts(conn, post, worker, monkeypatch):
    monkeypatch.setattr(parts, "FIRST", 20)
    monkeypatch.setattr(parts, "PAGE", 30)
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 70)
    one = await released(conn, shop)
    await worker.work()
    assert sorted(post.got) == [*people.values()][:20], "the first go out alone"
    worker.now += parts.PROOF
    await worker.work()
    assert sorted(post.got) == [*people.values()]
    assert (await state(conn, one))[0] == "done"
    found = await broadcasts.get(conn, shop.id, one.id)
    assert (found.audience, found.parts, await worker.sums(one)) == (70, 3, {"sent": 70})


class KilledError(Exception):
    """The worker is gone."""


def kill(monkeypatch, point):
    """Let the worker die at one of the five points of the second turn, once."""
    turn, send, calls = parts.turn, Mail.send, []

    async def dying_turn(*args, **more):
        calls.append("turn")
        if point == "before intent" and len(calls) == 3:
            raise KilledError
        found = await turn(*args, **more)
        if (point, len(calls)) in (("after intent", 3), ("after noting", 5)):
            raise KilledError
        if point == "before noting" and len(calls) == 5:
            raise AssertionError
        return found

    async def dying_send(self, people, give_up_at):
        calls.append("send")
        second = len(calls) == 4
        found = await send(self, people[:7] if second and point == "while sending" else people, give_up_at)
        if second and point in ("while sending", "before noting"):
            raise KilledError
        return found

    monkeypatch.setattr(parts, "turn", dying_turn)
    monkeypatch.setattr(Mail, "send", dying_send)


# how many are unknown when advertising, and how many get a notice twice
KILLS = {
    "before intent": (15, 15),
    "after intent": (15, 0),
    "while sending": (15, 7),
    "before noting": (15, 15),
    "after noting": (15, 0),
}


@pytest.mark.parametrize("kind", ["news", "notice"])
@pytest.mark.parametrize("point", KILLS)
async def test_a_worker_that_dies_leaves_one_block_unknown_and_nobody_out(conn, post, worker, monkeypatch, point, kind):
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 45)
    one = await released(conn, shop, kind=kind)
    await worker.step()
    with monkeypatch.context() as patch:
        kill(patch, point)
        with pytest.raises(KilledError):
            await worker.work()
    await worker.bury()
    await worker.work()
    unknown, twice = KILLS[point]
    if kind == "notice":
        assert (set(post.got), len(post.twice)) == (set(people.values()), twice)
        assert await worker.sums(one) == {"sent": 45}
    else:
        assert post.twice == []
        assert await worker.sums(one) == {"sent": 45 - unknown, "unknown": unknown}
    assert (await state(conn, one))[0] == "done"


async def test_whom_it_is_unknown_of_gets_it_on_demand(conn, post, worker):
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 20)
    lost = [*people.values()][3:6]
    post.answers = {one: errors.Unavailable("telegram", "read timeout") for one in lost}
    one = await released(conn, shop)
    await worker.work()
    assert await worker.sums(one) == {"sent": 17, "unknown": 3}
    await broadcasts.steer(conn, shop.id, one.id, "unknown", NOON)
    worker.now += timedelta(days=1)
    await worker.work()
    assert await worker.sums(one) == {"sent": 20}
    assert post.twice == lost


async def test_each_refusal_is_told_apart_and_ends_nothing(conn, post, worker):
    shop = await make_shop(conn)
    people = [*(await crowd(conn, shop.id, 20)).values()]
    post.answers = {
        people[0]: errors.Blocked(detail="bot was blocked by the user"),
        people[1]: errors.Rejected("telegram", "wrong file identifier"),
        people[2]: errors.Unavailable("telegram_away", "no connection"),
        people[3]: errors.Unavailable("telegram_flood", retry_after=timedelta(0)),
    }
    one = await released(conn, shop)
    await worker.work()
    assert await worker.sums(one) == {"sent": 18, "blocked": 1, "refused": 1}
    assert post.twice == []
    cursor = await conn.execute("select tg_id from users where 'client' = any(stopped)")
    assert await cursor.fetchall() == [(people[0],)]


async def test_a_flood_in_the_middle_of_a_block_leaves_the_rest_waiting(conn, post, worker, monkeypatch):
    shop = await make_shop(conn)
    people = [*(await crowd(conn, shop.id, 30)).values()]
    one = await released(conn, shop)
    await worker.step()
    looks = []

    async def look(bot):
        looks.append(bot)
        if len(looks) == 1:  # another instance was asked for a pause
            limits._local.free["pause:client"] = limits._now() + 60

    monkeypatch.setattr(limits, "look", look)
    deliver = post.deliver

    async def slow(*args):
        await asyncio.sleep(0.01)
        return await deliver(*args)

    monkeypatch.setattr("lib.reach.reading.deliver", slow)
    turns, before = [], parts.turn

    async def noted(*args, **more):
        turns.append([outcome for _, outcome in args[3]])
        return await before(*args, **more)

    monkeypatch.setattr(parts, "turn", noted)
    await worker.work()
    assert parts.Fate.WAITING in turns[1], "the rest of the block waits on"
    assert (sorted(post.got), await worker.sums(one)) == (people, {"sent": 30})


async def test_a_pause_of_many_minutes_pauses_the_broadcast(conn, post, worker, alerts, monkeypatch):
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await worker.step()

    async def full(bot, slots, **_):
        raise errors.Unavailable("too_many_messages", retry_after=timedelta(minutes=20))

    monkeypatch.setattr(limits, "reserve_block", full)
    limits._local.free["pause:client"] = limits._now() + 20 * 60_000
    await worker.work()
    assert await state(conn, one) == ("paused", "flood")
    assert alerts == ["alert.broadcast_flood"]
    assert await worker.sums(one) == {"waiting": 20}
    monkeypatch.setattr(limits, "reserve_block", post.reserve)
    limits._local.free.clear()
    await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
    worker.now += timedelta(days=1)
    await worker.work()
    assert await worker.sums(one) == {"sent": 20}


@pytest.mark.parametrize("wish", ["pause", "cancel"])
async def test_a_second_thought_holds_from_the_next_block_on(conn, post, worker, monkeypatch, wish):
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 45)
    one = await released(conn, shop)
    await worker.step()
    send = Mail.send

    async def thinking(self, people, give_up_at):
        found = await send(self, people, give_up_at)
        if len(post.got) == 15:
            await broadcasts.steer(conn, shop.id, one.id, wish, NOON)
        return found

    monkeypatch.setattr(Mail, "send", thinking)
    await worker.work()
    assert await worker.sums(one) == {"sent": 15, "waiting": 30}
    if wish == "pause":
        await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
        await worker.work()
        assert (post.twice, await worker.sums(one)) == ([], {"sent": 45})
    with pytest.raises(errors.Conflict):
        await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)


async def test_it_stops_by_itself_when_many_stop_the_bot(conn, post, worker, alerts, monkeypatch):
    monkeypatch.setattr(parts, "FIRST", 60)
    shop = await make_shop(conn)
    people = [*(await crowd(conn, shop.id, 80)).values()]
    post.answers = {one: errors.Blocked() for one in people[:2]}
    one = await released(conn, shop)
    await worker.work()
    assert await state(conn, one) == ("paused", "blocks")
    assert alerts == ["alert.broadcast_blocks"]
    await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
    worker.now += parts.PROOF
    await worker.work()
    worker.now += parts.PROOF
    await worker.work()
    assert await worker.sums(one) == {"sent": 78, "blocked": 2}


async def test_who_says_no_between_the_cut_and_the_sending_is_left_out(conn, post, worker):
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 6)
    first, second, third, fourth, *_ = people
    one = await released(conn, shop)
    await worker.step()
    await choices.choose(conn, first, shop.id, "news", wants=False, said_in="test")
    await conn.execute("update members set left_at = now() where user_id = %s", (second,))
    await conn.execute("update users set stopped = '{client}' where id = %s", (third,))
    await conn.execute("update clients set news_at = array[%s, %s, %s]::timestamptz[] where user_id = %s",
                       (NOON, NOON, NOON - timedelta(days=6), fourth))  # fmt: skip
    await worker.work()
    assert await worker.sums(one) == {"sent": 2, "blocked": 1, "skipped": 3}


async def test_a_client_gets_one_advertisement_a_day_of_a_shop(conn, post, worker):
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 3)
    await released(conn, shop)
    await worker.work()
    again = await released(conn, shop, now=NOON + timedelta(hours=22), words="Завтра торт")
    await conn.execute(
        "update clients set news_at[1] = %s where user_id = %s", (NOON + timedelta(hours=3), max(people))
    )
    worker.now = NOON + timedelta(hours=22, minutes=1)
    await worker.work()
    assert await worker.sums(again) == {"sent": 2, "skipped": 1}


async def test_a_part_of_a_living_worker_is_left_to_it(conn, post, worker):
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await worker.step()
    run = await worker.claim()
    key = parts.PartKey.read(run.job.args)
    assert await parts.take(conn, key, run.id, run.job.lease_token, datetime.now(UTC)) == "taken"
    found = await parts.turn(conn, key, run.job.lease_token, [], NOON)
    await broadcasts.steer(conn, shop.id, one.id, "pause", NOON)
    await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
    other = await worker.claim()
    later = parts.PartKey.read(other.job.args)
    assert await parts.take(conn, later, other.id, other.job.lease_token, datetime.now(UTC)) == "held"
    noted = [(person.place, parts.Fate.SENT) for person in found.people]
    await parts.turn(conn, key, run.job.lease_token, noted, NOON)
    await worker.bury()
    assert await parts.take(conn, later, other.id, other.job.lease_token, datetime.now(UTC)) == "taken"
    with pytest.raises(errors.Conflict, match="lease_lost"):
        await parts.turn(conn, key, run.job.lease_token, [], NOON)
    assert await worker.sums(one) == {"sent": 15, "unknown": 5}


async def test_a_turn_whose_answer_got_lost_is_taken_again(conn, post, worker):
    """The pool repeats a statement on a new connection: the first one's people were begun, and nobody wrote to them."""
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await worker.step()
    run = await worker.claim()
    key, token = parts.PartKey.read(run.job.args), run.job.lease_token
    await parts.take(conn, key, run.id, token, datetime.now(UTC))
    lost = await parts.turn(conn, key, token, [], NOON)
    again = await parts.turn(conn, key, token, [], NOON)
    assert again.people == lost.people
    noted = [(person.place, parts.Fate.SENT) for person in again.people]
    rest = await parts.turn(conn, key, token, noted, NOON)
    assert (len(rest.people), await worker.sums(one)) == (5, {"begun": 5, "sent": 15})
    had = "select count(*) from clients where cardinality(news_at) = 1 and user_id = any(%s)"
    assert await (await conn.execute(had, ([*people],))).fetchall() == [(20,)]


async def test_at_night_a_part_waits_for_the_morning(conn, post, worker):
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 3)]
    await conn.execute("update users set time_zone = 'Asia/Vladivostok' where id = %s", (people[0],))
    one = await released(conn, shop, now=NOON + timedelta(hours=3))
    worker.now = NOON + timedelta(hours=3)
    await worker.work()
    worker.now += parts.PROOF
    await worker.work()
    assert await worker.sums(one) == {"sent": 2, "waiting": 1}
    worker.now = NOON + timedelta(hours=16)  # eleven in the morning there, and the night in Moscow
    await worker.work()
    assert await worker.sums(one) == {"sent": 3}


async def test_a_page_that_is_cut_again_leaves_nobody_out(conn, post, worker, monkeypatch):
    monkeypatch.setattr(parts, "FIRST", 10)
    monkeypatch.setattr(parts, "PAGE", 10)
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 35)
    one = await released(conn, shop)
    cut, calls = parts.cut, []

    async def dying(*args):
        calls.append(1)
        found = await cut(*args)
        if len(calls) == 2:
            raise KilledError
        return found

    monkeypatch.setattr(parts, "cut", dying)
    with pytest.raises(KilledError):
        await worker.work()
    await crowd(conn, shop.id, 5)  # who joins later is not of it
    await worker.bury()
    for _ in range(3):
        await worker.work()
        worker.now += parts.PROOF
    assert await worker.sums(one) == {"sent": 35}


STOPS = {
    "its author was let go": ("paused", "left"),
    "its author serves clients now": ("paused", "left"),
    "the shop was blocked": ("paused", "closed"),
    "it was cancelled": ("cancelled", ""),
}


async def stop(conn, why, one, shop):
    if why == "the shop was blocked":
        await partners.decide(conn, shop.id, shop.owner.id, "blocked", "-")
    elif why == "it was cancelled":
        await broadcasts.steer(conn, one.partner_id, one.id, "cancel", NOON)
    elif why == "its author was let go":
        await staff.remove(conn, shop.id, shop.owner.id, one.created_by)
    else:
        await conn.execute("update staff set role = 'cashier' where user_id = %s", [one.created_by])


@pytest.mark.parametrize("why", STOPS)
async def test_what_is_stopped_between_its_last_page_and_its_first_part_goes_to_nobody(
    conn, post, worker, monkeypatch, why
):
    shop, manager = await make_shop(conn), await make_user(conn)
    await staff.accept(conn, manager.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    await crowd(conn, shop.id, 3)
    one = await released(conn, shop)
    await conn.execute("update broadcasts set created_by = %s where id = %s", [manager.id, one.id])
    begin = parts.begin

    async def late(within, cut, now):
        await stop(conn, why, cut, shop)
        await begin(within, cut, now)

    monkeypatch.setattr(parts, "begin", late)
    await worker.work()
    assert (await state(conn, one), post.got) == (STOPS[why], [])


async def test_one_that_paused_as_its_author_left_goes_on_when_the_owner_says_so(conn, post, worker):
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 3)
    one = await released(conn, shop)
    await conn.execute("update broadcasts set state = 'cutting', reason = 'left' where id = %s", [one.id])
    await worker.work()
    assert (await state(conn, one), post.got) == (("paused", "left"), [])
    await broadcasts.steer(conn, shop.id, one.id, "resume", worker.now)
    await worker.work()
    assert (await state(conn, one), sorted(post.got)) == (("done", ""), sorted(people.values()))


@pytest.fixture(autouse=True)
def known_bot(monkeypatch):
    monkeypatch.setenv("CLIENT_BOT_TOKEN", "222222:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    config.get.cache_clear()
