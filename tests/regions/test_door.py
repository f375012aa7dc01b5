"""An update finds its region, and with one region nothing of this is there."""

import asyncio
import json

import pytest

from dev.faults import Fault
from lib import cache, config, db, errors
from lib.regions import directory, door
from lib.telegram import dispatch, fsm, instance
from lib.telegram.dispatch import Outcome
from tests.loyalty_lab import make_shop
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401
from tests.region_lab import be, other_region, update  # noqa: F401

FLOWS = None  # the updates here end at the door


@pytest.fixture(autouse=True)
async def here(redis, database, eu, monkeypatch):
    """Write down what is handled in this region."""
    handled = []

    async def handle(bot, raw, flows, *, begun=None):
        handled.append((bot, raw))
        if begun and (held := await begun):
            await fsm.end(held, held.state)
        return Outcome(200)

    monkeypatch.setattr(dispatch, "handle", handle)
    monkeypatch.setattr(fsm, "own", instance.OwnTurns())
    yield handled
    await db.close()


async def places(database):
    async with database.connect() as conn:
        rows = await (await conn.execute("select bot, tg_id, region from chat_regions order by 1, 2")).fetchall()
        events = await (await conn.execute("select region, kind from region_events order by id")).fetchall()
    return rows, events


async def put(database, bot, tg_id, region):
    async with database.connect() as conn:
        await conn.execute("select place_chat(%s, %s, %s, '{}')", (bot, tg_id, region))


async def test_what_nothing_is_said_of_is_handled_in_the_first_region(here, eu, database):
    assert (await door.handle("client", update(1, 7, "hello"), FLOWS)).status == 200
    assert [bot for bot, _ in here] == ["client"]
    assert (eu.came, (await places(database))) == ([], ([], []))


async def test_a_chat_of_another_region_is_handled_there_byte_by_byte(here, eu, database):
    await put(database, "client", 7, "eu")
    raw = update(1, 7, "привет")
    assert (await door.handle("client", raw, FLOWS)).status == 200
    assert (here, eu.came) == ([], [("client", "sure", raw)])
    await door.handle("studio", raw, FLOWS)
    assert here == [("studio", raw)]


@pytest.mark.parametrize(("status", "told"), [(200, 200), (500, 500), (503, 503), (403, 503), (404, 503)])
async def test_the_status_there_is_telegrams_answer_and_a_strange_one_brings_it_again(eu, database, status, told):
    await put(database, "client", 7, "eu")
    eu.status, eu.headers = status, {"Retry-After": "9"}
    outcome = await door.handle("client", update(1, 7, "hello"), FLOWS)
    assert outcome.status == told
    if told == 503:
        assert outcome.retry_after.total_seconds() == 9


async def test_where_a_chat_is_is_looked_up_once_and_then_without_a_trip_of_its_own(here, redis, database):
    await door.handle("client", update(1, 7, "hello"), FLOWS)
    async with database.connect() as conn:
        await conn.execute("insert into chat_regions (bot, tg_id, region) values ('client', 7, 'eu')")
    await cache.get("anything")  # what the first look-up found rides along with the next request
    redis.requests = redis.commands = 0
    await dispatch.handle("client", update(2, 7, "hello"), FLOWS, begun=fsm.begin("client", 7, 2))
    alone = redis.requests, redis.commands
    redis.requests = redis.commands = 0
    await door.handle("client", update(3, 7, "hello"), FLOWS)
    assert (len(here), redis.requests, redis.commands) == (3, alone[0], alone[1] + 1)


async def test_the_turn_of_an_update_that_goes_elsewhere_is_given_back_at_once(here, eu, database, redis):
    await put(database, "client", 7, "eu")
    await door.handle("client", update(1, 7, "hello"), FLOWS)
    await door.handle("regions", envelope("client", "ask", update(2, 7, "x")), FLOWS)
    assert await cache.get("turn:client:7") is None
    assert fsm.own.takes("client", 7, 0.0, 0.0)


async def test_an_update_goes_elsewhere_though_its_turn_here_cannot_be_had(here, eu, database, redis):
    await put(database, "client", 7, "eu")
    redis.faults.now = Fault("500")
    assert (await door.handle("client", update(1, 7, "hello"), FLOWS)).status == 200
    assert [hop for _, hop, _ in eu.came] == ["sure"]


async def test_a_shops_link_takes_the_chat_to_the_shop_and_all_regions_hear_of_it(here, eu, redis, database):
    async with database.connect() as conn:
        shop = await make_shop(conn)
        [code] = await (await conn.execute("select code from partners where id = %s", (shop.id,))).fetchone()
        await conn.execute("insert into shop_regions (code, number, region) values ('cafe42', 1000000000001, 'eu')")
    await door.handle("client", update(1, 7, "/start p_cafe42"), FLOWS)
    await door.handle("client", update(2, 8, "/start r_cafe42_12345678"), FLOWS)
    await door.handle("partner", update(3, 7, "/start s_1000000000001_secret"), FLOWS)
    await door.handle("client", update(4, 7, "hello"), FLOWS)
    assert (len(eu.came), here) == (4, [])
    rows, events = await places(database)
    assert rows == [("client", 7, "eu"), ("client", 8, "eu"), ("partner", 7, "eu")]
    assert events == [("eu", "chat")] * 3
    await door.handle("client", update(5, 7, f"/start p_{code}"), FLOWS)
    assert len(here) == 1
    assert ("client", 7, "ru") in (await places(database))[0]


async def test_the_region_that_a_chat_leaves_hears_it_before_its_next_update_is_handled(here, eu, database):
    await put(database, "client", 7, "eu")
    async with database.connect() as conn:
        await conn.execute("insert into shop_regions (code, number, region) values ('cafe42', 5, 'ru')")
    eu.status = door.HEARD
    assert (await door.handle("client", update(1, 7, "/start p_cafe42"), FLOWS)).status == 200
    [(bot, _, body)] = eu.came
    [event] = json.loads(body)["events"]
    assert (bot, event["kind"], event["body"]["region"], len(here)) == ("regions", "chat", "ru", 1)
    assert (await places(database))[1] == []


async def test_a_region_that_is_down_while_a_chat_leaves_it_hears_it_later(here, database, monkeypatch):
    be(monkeypatch, "ru")
    await put(database, "client", 7, "eu")
    async with database.connect() as conn:
        await conn.execute("insert into shop_regions (code, number, region) values ('cafe42', 5, 'ru')")
    assert (await door.handle("client", update(1, 7, "/start p_cafe42"), FLOWS)).status == 200
    assert (len(here), (await places(database))[1]) == (1, [("eu", "chat")])


async def test_a_link_to_a_region_takes_a_newcomer_there_and_nobody_with_credits(here, eu, database, make_user):
    async with database.connect() as conn:
        await conn.execute("insert into users (tg_id) values (8)")
    for person in (7, 8):
        await door.handle("studio", update(person, person, "/start at_eu"), FLOWS)
    await door.handle("admin", update(9, 8, "/start at_eu"), FLOWS)
    await door.handle("admin", update(10, 9, "/start at_mars"), FLOWS)
    assert (await places(database))[0] == [("admin", 8, "eu"), ("studio", 7, "eu")]
    assert [bot for bot, _ in here] == ["studio", "admin"]


async def test_an_update_that_is_no_update_is_answered_here(here, eu):
    for raw in (b"{", b'{"update_id": 1}', b'"\\ud800"'):
        assert (await door.handle("client", raw, FLOWS)).status == 200
    assert (len(here), eu.came) == (3, [])


async def test_a_region_that_is_down_makes_its_people_wait_and_nobody_else(here, database, monkeypatch):
    be(monkeypatch, "ru")
    await put(database, "client", 7, "eu")
    for number in range(4):
        assert (await door.handle("client", update(number, 7, "hello"), FLOWS)).status == 503
    assert door._breakers["eu"].failures == 3  # the fourth was not even tried
    assert (await door.handle("client", update(9, 8, "hello"), FLOWS)).status == 200
    assert len(here) == 1


async def test_without_a_directory_the_others_are_asked_who_have_copies(here, eu, redis, monkeypatch):
    async def away(*_):
        raise errors.Unavailable("database")

    redis.faults.now = Fault("500")
    monkeypatch.setattr(db, "run", away)
    raw = update(1, 7, "hello")
    assert (await door.handle("client", raw, FLOWS)).status == 200
    assert eu.came == [("client", "ask", raw)]
    eu.status = door.MISDIRECTED
    assert (await door.handle("client", raw, FLOWS)).status == 503
    assert here == []


def envelope(bot, hop, body):
    return json.dumps({"bot": bot, "hop": hop}).encode() + b"\n" + body


async def test_what_another_region_sends_is_looked_up_only_when_it_asks(here, eu, redis, database):
    await put(database, "client", 7, "eu")
    raw = update(1, 7, "hello")
    asked = redis.requests
    assert (await door.handle("regions", envelope("client", "sure", raw), FLOWS)).status == 200
    assert (here, redis.requests) == ([("client", raw)], asked)
    assert (await door.handle("regions", envelope("client", "ask", raw), FLOWS)).status == door.MISDIRECTED
    assert (await door.handle("regions", envelope("client", "ask", update(2, 8, "x")), FLOWS)).status == 200
    assert (len(here), eu.came) == (2, [])


async def test_only_what_was_heard_is_told_no_more(eu, database):
    await directory.place("client", 7, "eu")
    for status, waits in ((200, True), (503, True), (door.HEARD, False)):
        eu.status = status
        assert (await door.tell() is not None) is waits
    told = json.dumps({"from": "eu", "events": []}).encode()
    assert (await door.handle("regions", envelope("regions", "sure", told), FLOWS)).status == door.HEARD
    for odd in (b"{}", told.replace(b"eu", b"xx")):
        assert (await door.handle("regions", envelope("regions", "sure", odd), FLOWS)).status == 500


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]\nx", b'{"bot": "client"}\n{}', b"\xff\n"])
async def test_what_is_no_envelope_is_refused(raw):
    with pytest.raises(errors.Invalid):
        await door.handle("regions", raw, FLOWS)


async def test_looks_at_once_ask_the_database_once():
    asked = []
    run = db.run

    async def counted(work):
        asked.append(work)
        return await run(work)

    directory.db.run, back = counted, run
    try:
        assert [*await asyncio.gather(*(directory.of_chat("client", 7) for _ in range(5)))] == ["ru"] * 5
    finally:
        directory.db.run = back
    assert len(asked) == 1


def test_a_region_is_one_of_those_that_are_named():
    with pytest.raises(errors.Misconfigured):
        config.Config({"REGIONS": "ru=https://a.example,eu=https://b.example"}).home_region  # noqa: B018
