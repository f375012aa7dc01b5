"""What regions tell each other is heard at least once, counts once, and waits for a region that is down."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from dev.faults import Fault
from lib import cache, config, db, errors
from lib.people import users
from lib.regions import days, directory, events
from lib.telegram import fsm
from lib.telegram.conversation import State
from tests import factories
from tests.loyalty_lab import make_member, make_shop
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401
from tests.region_lab import be

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC).isoformat()


@pytest.fixture(autouse=True)
async def regions(redis, database, monkeypatch):
    be(monkeypatch, "ru")
    yield
    await db.close()


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


class Post:
    """The other region's door, which hears or does not."""

    def __init__(self, hears=True):
        self.hears, self.bodies = hears, []

    async def __call__(self, region, body):
        self.bodies.append((region, json.loads(body)))
        return self.hears


def told(*told, region="eu"):
    """Return what another region posts."""
    return json.dumps(
        {"from": region, "events": [{"id": n, "kind": kind, "body": body} for n, kind, body in told]}
    ).encode()


def chat(region, at=NOW, tg_id=7):
    return {"bot": "client", "tg_id": tg_id, "region": region, "at": at}


async def rows(conn, query):
    return await (await conn.execute(query)).fetchall()


async def test_what_was_heard_is_forgotten_and_the_rest_waits(conn):
    assert await directory.place("client", 7, "eu")
    assert not await directory.place("client", 7, "eu")
    deaf, hears = Post(hears=False), Post()
    assert await events.tell(deaf) is not None
    [late] = await events.lags(conn)
    assert (late.region, late.number) == ("eu", 1)
    assert await events.tell(hears) is None
    [(region, body)] = hears.bodies
    assert (region, body["from"], body["events"][0]["kind"]) == ("eu", "ru", "chat")
    assert deaf.bodies == hears.bodies
    assert await events.tell(hears) is None
    assert (len(hears.bodies), await events.lags(conn)) == (1, [])


async def test_more_than_a_page_is_told_in_order(conn):
    await conn.execute("select place_chat('client', n, 'eu', '{eu}') from generate_series(1, 250) n")
    post = Post()
    assert await events.tell(post) is None
    assert [len(body["events"]) for _, body in post.bodies] == [100, 100, 50]
    assert [one["body"]["tg_id"] for _, body in post.bodies for one in body["events"]] == [*range(1, 251)]


async def test_a_page_is_never_longer_than_the_other_door_reads(conn):
    body = Jsonb({"bot": "client", "tg_id": 7, "state": "x" * 90_000})
    for _ in range(12):
        await conn.execute("select tell_regions('{eu}', 'state', %s)", (body,))
    post = Post()
    assert await events.tell(post) is None
    assert [len(told["events"]) for _, told in post.bodies] == [5, 5, 2]
    await cache.set("user_state:client:7", "x" * 200_000, timedelta(minutes=1))
    assert await events.states([("client", 7)]) == []


async def test_an_event_counts_once_however_often_it_is_told(conn):
    page = told((1, "chat", chat("eu")), (2, "day", {"region": "eu", "day": "2026-03-09", "figures": {"people": 4}}))
    assert [await events.hear(page), await events.hear(page)] == [2, 0]
    assert await rows(conn, "select region from chat_regions") == [("eu",)]
    assert await events.hear(told((1, "chat", chat("eu", tg_id=8)), region="eu")) == 0


async def test_of_two_places_of_a_chat_the_later_holds_in_whatever_order_they_come(conn):
    later = datetime(2026, 3, 11, tzinfo=UTC).isoformat()
    await events.hear(told((2, "chat", chat("ru", at=later)), (1, "chat", chat("eu"))))
    assert await rows(conn, "select region from chat_regions") == [("ru",)]


async def test_a_look_up_sees_what_was_heard_and_what_was_placed(conn):
    assert await directory.of_chat("client", 7) == "ru"
    await events.hear(told((1, "chat", chat("eu"))))
    assert await directory.of_chat("client", 7) == "eu"
    await directory.place("client", 7, "ru")
    assert await directory.of_chat("client", 7) == "ru"
    assert await directory.of_shop(code="cafe42") == "ru"
    await events.hear(told((2, "shop", {"code": "cafe42", "number": 5, "region": "eu", "at": NOW})))
    assert [await directory.of_shop(code="cafe42"), await directory.of_shop(number=5)] == ["eu", "eu"]


async def test_a_shop_that_nothing_is_said_of_is_where_its_number_was_given():
    assert [await directory.of_shop(number=n) for n in (5, directory.STRIDE + 5)] == ["ru", "eu"]


async def test_a_shop_that_opens_in_another_region_than_the_first_is_made_known(conn, monkeypatch):
    await make_shop(conn)
    post = Post()
    await events.tell(post)
    assert post.bodies == []
    be(monkeypatch, "eu")
    await events.tell(post)
    [(region, body)] = post.bodies
    assert (region, [one["kind"] for one in body["events"]]) == ("ru", ["shop"])
    await events.tell(post)
    assert len(post.bodies) == 1


async def test_a_job_that_came_with_its_shop_is_queued_once(conn):
    alice = await factories.make_user(conn)
    job = {
        **{"tg_id": alice.tg_id, "task": "referrals", "key": "referrals:5", "args": {"partner_id": 5}},
        **{"checkpoint": {}, "priority": 0, "run_at": NOW, "attempts": 1, "max_attempts": 5},
    }
    await events.hear(told((1, "job", job), (2, "job", job), (3, "job", {**job, "key": "x", "tg_id": None})))
    found = await rows(conn, "select user_id, task, key, attempts from jobs order by key")
    assert found == [(alice.id, "referrals", "referrals:5", 1), (None, "referrals", "x", 1)]


async def test_a_conversation_that_came_with_its_shop_goes_on_once(conn):
    stored = State("till:bill", {"member": 5}, {"id": 7, "consent": True}).dump()
    await cache.set("user_state:partner:7", stored, timedelta(minutes=1))
    [body] = await events.states([("partner", 7), ("client", 8)])
    page = told((1, "state", body))
    await events.hear(page)
    state = await fsm.read("partner", 7)
    assert (state.step, state.data, state.who) == ("till:bill", {"member": 5}, {})
    await cache.set("user_state:partner:7", State("till:confirm").dump(), timedelta(minutes=1))
    await events.hear(page)
    assert (await fsm.read("partner", 7)).step == "till:confirm"


@pytest.mark.parametrize(
    ("kind", "body", "where"),
    [
        ("shop", {"code": "cafe42", "number": 5, "region": "eu", "at": NOW}, lambda: directory.of_shop(code="cafe42")),
        ("chat", chat("eu"), lambda: directory.of_chat("client", 7)),
    ],
)
async def test_a_move_is_not_heard_while_look_ups_of_before_cannot_be_forgotten(redis, conn, kind, body, where):
    page = told((1, kind, body))
    assert await where() == "ru"
    redis.faults.now = Fault("500")
    with pytest.raises(errors.Unavailable):
        await events.hear(page)
    redis.faults.now = None
    assert await events.hear(page) == 0
    assert await where() == "eu"


async def test_who_is_erased_is_erased_in_every_region_but_no_shop_ends_unsaid(conn):
    alice, shop = await factories.make_user(conn), await make_shop(conn)
    await directory.place("client", alice.tg_id, "eu")
    assert await directory.of_chat("client", alice.tg_id) == "eu"
    page = told((1, "erased", {"tg_id": alice.tg_id}), (2, "erased", {"tg_id": shop.owner.tg_id}))
    assert [await events.hear(page), await events.hear(page)] == [2, 0]
    gone = "select id from users where erased_at is not null"
    assert await rows(conn, gone) == [(alice.id,)]
    assert await rows(conn, "select tg_id from chat_regions") == []
    assert (users.mark(alice.tg_id),) in await rows(conn, "select mark from spent_trials")
    assert await directory.of_chat("client", alice.tg_id) == "ru"
    assert await rows(conn, "select kind from region_events where kind = 'erased'") == []


async def test_who_was_erased_elsewhere_begins_from_nothing_here_and_stays_when_that_is_told_again(conn):
    alice = await factories.make_user(conn)
    state = State("order:confirm", who={"id": alice.id})
    await cache.set(f"user_state:studio:{alice.tg_id}", state.dump(), timedelta(hours=1))
    page = told((1, "erased", {"tg_id": alice.tg_id}))
    assert await events.hear(page) == 1
    assert await cache.get(f"user_state:studio:{alice.tg_id}") is None
    back = await users.get_or_create_user(conn, alice.tg_id)
    await cache.set(f"user_state:studio:{alice.tg_id}", state.dump(), timedelta(hours=1))
    assert await events.hear(page) == 0
    assert (await users.get_user_by_tg_id(conn, alice.tg_id)).id == back.id
    assert await cache.get(f"user_state:studio:{alice.tg_id}") is not None


async def test_an_erasure_here_is_told_with_it_and_with_one_region_nobody_is_told(conn, monkeypatch):
    alice, bob = await factories.make_user(conn), await factories.make_user(conn)
    await directory.place("client", alice.tg_id, "eu")
    await users.erase(conn, alice.id, alice.tg_id)
    told_of = await rows(conn, "select body ->> 'tg_id' from region_events where kind = 'erased'")
    assert told_of == [(str(alice.tg_id),)]
    assert await rows(conn, "select tg_id from chat_regions") == []
    monkeypatch.delenv("REGIONS")
    config.get.cache_clear()
    await users.erase(conn, bob.id, bob.tg_id)
    assert await rows(conn, "select count(*) from region_events where kind = 'erased'") == [(1,)]


async def test_an_export_says_where_the_chats_are(conn):
    alice = await factories.make_user(conn)
    await directory.place("client", alice.tg_id, "eu")
    [one] = (await users.export(conn, alice.id))["regions"]
    assert (one["bot"], one["region"]) == ("client", "eu")


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"[]", b'{"from": "eu"}', b'{"from": "eu", "events": [{"id": "x"}]}'),
        *(
            told((1, "party", {})),
            told((1, "chat", chat("eu")), region="mars"),
            told((1, "chat", chat("eu")), region="ru"),
        ),
        told((1, "chat", "eu")),
    ],
)
async def test_what_is_no_event_of_another_region_is_refused(raw, conn):
    with pytest.raises(errors.Invalid):
        await events.hear(raw)
    assert await rows(conn, "select count(*) from heard_events") == [(0,)]


async def test_every_region_knows_the_day_of_all(conn):
    shop = await make_shop(conn)
    await make_member(conn, shop, has=50)
    day = date(2026, 3, 9)
    await days.leave(conn, day)
    await days.leave(conn, day)
    figures = {"people": 2, "points": 7, "turnover_minor": 100}
    await events.hear(told((1, "day", {"region": "eu", "day": "2026-03-09", "figures": figures})))
    known = await days.told(conn, day)
    assert [one.region for one in known] == ["eu", "ru"]
    total = days.total(known)
    assert (total["people"], total["points"], total["cards"], total["shops"]) == (5, 57, 1, 1)
    sent = await rows(conn, "select body from region_events where kind = 'day'")
    assert {body["day"] for (body,) in sent} == {"2026-03-09"}
