"""A broadcast from the cut to the last part, with everything that may come between: deaths, floods, second thoughts."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lib import config, errors, limits
from lib.loyalty import partners, staff
from lib.people import notify
from lib.reach import broadcasts, choices, parts
from lib.tasks import resume
from tests.factories import make_user
from tests.loyalty_lab import make_shop
from tests.reach_lab import NOON, Postbox, Worker, crowd, released
from tests.sizes import few


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

    async def alert(through, key, worded, **fields):
        heard.append((key, *worded("ru").values()))
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


def stop_at(monkeypatch, post, point):
    """Let the worker stand still at one of five points while no answer of its last block is there; return the event."""
    turn, calls, there = parts.turn, [], asyncio.Event()
    number, before = {"before intent": (2, 15), "before noting": (3, 30)}.get(point, (0, 0))
    after = {"after intent": 2, "after noting": 3}.get(point, 0)
    post.behind, post.most = 15, 22 if point == "while sending" else 10_000

    async def rest():
        there.set()
        await asyncio.Event().wait()

    async def slow_turn(*args, **more):
        calls.append("turn")
        if len(calls) == number:
            await post.reached(before)
            await rest()
        found = await turn(*args, **more)
        if len(calls) == after:
            await post.reached(15 * (after - 1))
            await rest()
        return found

    async def sent():
        await post.reached(22)
        there.set()

    monkeypatch.setattr(parts, "turn", slow_turn)
    return asyncio.create_task(sent() if point == "while sending" else there.wait())


# how many are unknown when advertising, and how many get a notice twice
KILLS = {
    "before intent": (15, 15),
    "after intent": (30, 15),
    "while sending": (30, 22),
    "before noting": (30, 30),
    "after noting": (30, 15),
}


@pytest.mark.parametrize("kind", few(["news", "notice"], 1))
@pytest.mark.parametrize("point", KILLS)
async def test_a_worker_that_dies_leaves_two_blocks_unknown_and_nobody_out(
    conn, post, worker, monkeypatch, point, kind
):
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 60)
    one = await released(conn, shop, kind=kind)
    await worker.step()
    with monkeypatch.context() as patch:
        there = stop_at(patch, post, point)
        working = asyncio.create_task(worker.work())
        await asyncio.wait({there, working}, return_when=asyncio.FIRST_COMPLETED)
        assert working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
    post.behind, post.most = 0, 10_000
    await worker.bury()
    await worker.work()
    unknown, twice = KILLS[point]
    if kind == "notice":
        assert (set(post.got), len(post.twice)) == (set(people.values()), twice)
        assert await worker.sums(one) == {"sent": 60}
    else:
        assert post.twice == []
        assert await worker.sums(one) == {"sent": 60 - unknown, "unknown": unknown}
    assert (await state(conn, one))[0] == "done"


async def test_whom_it_is_unknown_of_gets_it_on_demand(conn, post, worker):
    shop = await make_shop(conn)
    people = await crowd(conn, shop.id, 20)
    lost = [*people.values()][3:6]
    post.answers = {one: errors.Unavailable("telegram", "read timeout") for one in lost}
    one = await released(conn, shop)
    await worker.work()
    assert await worker.sums(one) == {"sent": 17, "unknown": 3}
    earlier = NOON - timedelta(days=3)
    await conn.execute(
        "update clients set news_at = news_at || %s::timestamptz, news_from = news_from || 7::bigint", (earlier,)
    )
    await broadcasts.steer(conn, shop.id, one.id, "unknown", NOON)
    worker.now += timedelta(minutes=1)
    await worker.work()
    assert await worker.sums(one) == {"sent": 20}
    assert post.twice == lost
    had = await (
        await conn.execute("select distinct news_from from clients where cardinality(news_from) > 0")
    ).fetchall()
    assert had == [([shop.id, 7],)], "each got one of this shop, and what came of others counts on"


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
    told, before = [], parts.turn

    async def noted(*args, **more):
        told.extend(outcome for _, outcome in args[3])
        return await before(*args, **more)

    monkeypatch.setattr(parts, "turn", noted)
    await worker.work()
    assert parts.Fate.WAITING in told, "the rest of the block waits on"
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
    assert alerts == [("alert.broadcast_flood", "Кофейня", 20)]
    assert await worker.sums(one) == {"waiting": 20}
    monkeypatch.setattr(limits, "reserve_block", post.reserve)
    limits._local.free.clear()
    [(due_at,)] = await (await conn.execute("select run_at from jobs where task = 'resume'")).fetchall()
    assert timedelta(minutes=19) < due_at - worker.now <= timedelta(minutes=20)
    worker.now += timedelta(minutes=20)
    run = await worker.claim()
    await resume.run(run)
    assert await state(conn, one) == ("running", "")
    await broadcasts.steer(conn, shop.id, one.id, "pause", NOON)
    await resume.run(run)
    assert await state(conn, one) == ("paused", "by_hand"), "a pause by hand is not ended by the timer"
    await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
    worker.now += timedelta(days=1)
    await worker.work()
    assert await worker.sums(one) == {"sent": 20}


@pytest.mark.parametrize("wish", ["pause", "cancel"])
async def test_a_second_thought_holds_from_the_next_block_on(conn, post, worker, monkeypatch, wish):
    """The answers of the block that is under way are awaited and noted, though the broadcast does not run any more."""
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 45)
    one = await released(conn, shop)
    await worker.step()
    turn, found = parts.turn, []
    post.behind = 15

    async def thinking(*args, **more):
        if len(found) == 1:
            await post.reached(15)
            await broadcasts.steer(conn, shop.id, one.id, wish, NOON)
        found.append(await turn(*args, **more))
        if len(found) == 2:
            await post.answer_all()
        return found[-1]

    monkeypatch.setattr(parts, "turn", thinking)
    await worker.work()
    assert [(one.state, len(one.people), one.left_over) for one in found[1:]] == [
        ({"pause": "paused", "cancel": "cancelled"}[wish], 0, 45),
        ({"pause": "paused", "cancel": "cancelled"}[wish], 0, 30),
    ]
    assert await worker.sums(one) == {"sent": 15, "waiting": 30}
    if wish == "pause":
        await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
        await worker.work()
        assert (post.twice, await worker.sums(one)) == ([], {"sent": 45})
    with pytest.raises(errors.Conflict):
        await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)


@pytest.mark.parametrize("dies", [False, True], ids=["worker lives", "worker dies after its last turn"])
async def test_a_pause_that_comes_after_the_last_message_left_ends_it(conn, post, worker, monkeypatch, dies):
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 15)
    one = await released(conn, shop)
    await worker.step()
    turn, turns = parts.turn, []

    async def thinking(*args, **more):
        turns.append(1)
        if len(turns) == 2:
            await broadcasts.steer(conn, shop.id, one.id, "pause", NOON)
        return await turn(*args, **more)

    async def nothing(*_):
        return "paused"

    monkeypatch.setattr(parts, "turn", thinking)
    if dies:
        monkeypatch.setattr(parts, "advance", nothing)
    await worker.work()
    if dies:
        await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
    assert await worker.sums(one) == {"sent": 15}
    assert await state(conn, one) == ("done", "")


async def test_it_stops_by_itself_when_many_stop_the_bot(conn, post, worker, alerts, monkeypatch):
    monkeypatch.setattr(parts, "FIRST", 60)
    shop = await make_shop(conn)
    people = [*(await crowd(conn, shop.id, 80)).values()]
    post.answers = {one: errors.Blocked() for one in people[:2]}
    one = await released(conn, shop)
    await worker.work()
    assert await state(conn, one) == ("paused", "blocks")
    assert alerts == [("alert.broadcast_blocks", "Кофейня", 0)]
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


async def taken(conn, worker, shop):
    """Return a part of twenty that a worker has taken, and its token."""
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await worker.step()
    run = await worker.claim()
    key, token = parts.PartKey.read(run.job.args), run.job.lease_token
    await parts.take(conn, key, run.id, token, datetime.now(UTC))
    return one, key, token


async def test_who_is_under_way_stays_begun_when_a_turns_answer_got_lost(conn, post, worker):
    one, key, token = await taken(conn, worker, await make_shop(conn))
    first = await parts.turn(conn, key, token, [], NOON, take=8)
    noted = [(person.place, parts.Fate.SENT) for person in first.people[:3]]
    noted += [(person.place, parts.Fate.BEGUN) for person in first.people[3:]]
    lost = await parts.turn(conn, key, token, noted, NOON, take=6)
    again = await parts.turn(conn, key, token, noted, NOON, take=6)
    assert [person.place for person in again.people] == [*range(8, 14)]
    assert (again.people, again.left_over) == (lost.people, 17)
    assert await worker.sums(one) == {"waiting": 6, "begun": 11, "sent": 3}


async def test_who_waits_again_is_the_next_beside_whom_is_under_way(conn, post, worker):
    one, key, token = await taken(conn, worker, await make_shop(conn))
    first = await parts.turn(conn, key, token, [], NOON, take=8)
    places = [person.place for person in first.people]
    noted = [(place, parts.Fate.WAITING if place in (2, 5) else parts.Fate.BEGUN) for place in places]
    found = await parts.turn(conn, key, token, noted, NOON, take=4)
    assert [person.place for person in found.people] == [2, 5, 8, 9]
    assert await worker.sums(one) == {"waiting": 10, "begun": 10}


async def test_a_message_not_sent_is_taken_off_the_count_once(conn, post, worker):
    """A turn that is repeated says the same again: what another shop has sent meanwhile stays counted."""
    one, key, token = await taken(conn, worker, await make_shop(conn))
    before = NOON - timedelta(days=2)
    await conn.execute(
        "update clients set news_at = array[%s::timestamptz], news_from = array[%s::bigint]",
        (before, one.partner_id + 1),
    )
    first = await parts.turn(conn, key, token, [], NOON, take=5)
    noted = [(person.place, parts.Fate.WAITING) for person in first.people]
    for _ in range(2):
        await parts.turn(conn, key, token, noted, NOON, take=0)
    assert await worker.sums(one) == {"waiting": 20}
    had = "select distinct c.news_at from clients c join members m using (user_id) where m.partner_id = %s"
    assert await (await conn.execute(had, (one.partner_id,))).fetchall() == [([before],)]


async def test_a_part_with_messages_under_way_stays_its_workers_when_paused(conn, post, worker):
    one, key, token = await taken(conn, worker, await make_shop(conn))
    first = await parts.turn(conn, key, token, [], NOON, take=5)
    places = [person.place for person in first.people]
    await broadcasts.steer(conn, one.partner_id, one.id, "pause", NOON)
    held = await parts.turn(conn, key, token, [(place, parts.Fate.BEGUN) for place in places], NOON)
    assert (held.state, held.people) == ("paused", [])
    await parts.turn(conn, key, token, [(place, parts.Fate.SENT) for place in places], NOON)
    assert await worker.sums(one) == {"sent": 5, "waiting": 15}
    with pytest.raises(errors.Conflict, match="lease_lost"):
        await parts.turn(conn, key, token, [], NOON)


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


async def test_all_who_are_awake_of_the_first_go_out_before_the_rest(conn, post, worker, monkeypatch):
    monkeypatch.setattr(parts, "FIRST", 20)
    monkeypatch.setattr(parts, "PAGE", 30)
    shop = await make_shop(conn)
    crowded = await crowd(conn, shop.id, 50)
    people, evening = [*crowded], NOON + timedelta(hours=3)
    far = {"Asia/Omsk": people[:1], "Asia/Vladivostok": people[1:3], "Europe/Samara": people[3:6]}
    for zone, some in far.items():  # Omsk is awake and sleeps first, and in Vladivostok it is night
        await conn.execute("update users set time_zone = %s where id = any(%s)", (zone, some))
    one = await released(conn, shop, now=evening)
    worker.now = evening
    await worker.work()
    first = [tg_id for user_id, tg_id in [*crowded.items()][:20] if user_id not in people[1:3]]
    assert sorted(post.got) == first, "who sleeps proves nothing, and keeps nobody waiting"
    worker.now += parts.PROOF
    await worker.work()
    assert await worker.sums(one) == {"sent": 48, "waiting": 2}


@pytest.mark.parametrize("first", ["Omsk sleeps", "Moscow has it"])
async def test_who_falls_asleep_before_their_turn_keeps_nobody_waiting(conn, post, worker, monkeypatch, first):
    monkeypatch.setattr(parts, "FIRST", 20)
    monkeypatch.setattr(parts, "PAGE", 30)
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 50)]
    await conn.execute("update users set time_zone = 'Asia/Omsk' where id = any(%s)", (people[:3],))
    evening = NOON + timedelta(hours=5, minutes=59)  # a minute later it is nine in Omsk
    one = await released(conn, shop, now=evening)
    worker.now = evening
    await worker.step()
    jobs = "update jobs set run_at = run_at + interval '90 seconds' where task = 'part_client' and args ->> 'n' = %s"
    await conn.execute(jobs, ("1",) if first == "Moscow has it" else ("2",))
    await worker.work() if first == "Moscow has it" else None
    worker.now += timedelta(minutes=2)
    await worker.work()
    worker.now += parts.PROOF
    await worker.work()
    assert await worker.sums(one) == {"sent": 47, "waiting": 3}


async def test_the_first_parts_are_the_first_ones_again_after_a_pause(conn, post, worker, monkeypatch):
    monkeypatch.setattr(parts, "FIRST", 20)
    monkeypatch.setattr(parts, "PAGE", 30)
    shop = await make_shop(conn)
    people = [*await crowd(conn, shop.id, 50)]
    await conn.execute("update users set time_zone = 'Asia/Omsk' where id = any(%s)", (people[:3],))
    one = await released(conn, shop)
    await worker.step()
    for wish in ("pause", "resume"):
        await broadcasts.steer(conn, one.partner_id, one.id, wish, NOON)
    await worker.work()
    assert await worker.sums(one) == {"sent": 20, "waiting": 30}
    worker.now += parts.PROOF
    await worker.work()
    assert (await worker.sums(one), (await state(conn, one))[0]) == ({"sent": 50}, "done")


class KilledError(Exception):
    """The worker is gone."""


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
