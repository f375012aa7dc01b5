"""A broadcast that Telegram wants to rest goes on when the rest is over, and only then."""

from datetime import timedelta

import pytest

from lib import errors, limits
from lib.loyalty import partners, staff
from lib.people import notify
from lib.reach import broadcasts
from tests.factories import make_user
from tests.loyalty_lab import make_shop
from tests.reach_lab import NOON, Postbox, Worker, crowd, released

REST = timedelta(minutes=20)


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


@pytest.fixture(autouse=True)
def alerts(monkeypatch):
    heard = []

    async def alert(through, key, worded, **fields):
        heard.append(worded("ru")["minutes"])

    monkeypatch.setattr(notify, "alert_admins", alert)
    return heard


@pytest.fixture
def flood(monkeypatch, post, worker):
    """Telegram, which wants a rest of so long from the test's now on, or none."""
    clock = limits._now()  # stands still

    def wish(rest):
        at = (worker.now - NOON + rest) // timedelta(milliseconds=1)
        limits._local.free["pause:client"] = clock + at
        monkeypatch.setattr(limits, "_now", lambda: clock + (worker.now - NOON) // timedelta(milliseconds=1))

    async def reserve(bot, slots, **_):
        if rest := limits.resting(bot):
            raise errors.Unavailable("too_many_messages", retry_after=rest)
        return limits.Slot(0.0)

    monkeypatch.setattr(limits, "reserve_block", reserve)
    return wish


async def resting(conn, worker, flood):
    """Return a shop and its broadcast to twenty people, which Telegram lets rest."""
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await worker.step()
    flood(REST)
    await worker.work()
    assert await state(conn, one) == ("paused", "flood")
    return shop, one


async def state(conn, one):
    found = await broadcasts.get(conn, one.partner_id, one.id)
    return found.state, found.reason


async def test_it_goes_on_when_the_rest_is_over(conn, worker, flood, alerts):
    _, one = await resting(conn, worker, flood)
    worker.now += REST - timedelta(seconds=1)
    await worker.work()
    assert await state(conn, one) == ("paused", "flood")
    worker.now += timedelta(seconds=1)
    await worker.work()
    assert (await state(conn, one), await worker.sums(one), alerts) == (("done", ""), {"sent": 20}, [20])


async def test_a_worker_that_dies_while_it_pauses_leaves_no_pause_without_an_end(conn, worker, flood, monkeypatch):
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await worker.step()
    flood(REST)
    with monkeypatch.context() as patch:

        async def die(*_, **__):
            raise RuntimeError("killed")

        patch.setattr("lib.jobs.table.create_free_jobs", die)
        with pytest.raises(RuntimeError):
            await worker.work()
    assert await state(conn, one) == ("running", "")
    await worker.bury()
    await worker.work()
    worker.now += REST
    await worker.work()
    assert (await state(conn, one), await worker.sums(one)) == (("done", ""), {"sent": 20})


async def test_a_rest_that_got_longer_meanwhile_is_waited_for_once(conn, worker, flood, alerts):
    _, one = await resting(conn, worker, flood)
    worker.now += REST
    flood(2 * REST)
    await worker.work()
    assert (await state(conn, one), alerts) == (("paused", "flood"), [20])
    worker.now += 2 * REST
    await worker.work()
    assert await state(conn, one) == ("done", "")


async def test_the_end_of_an_earlier_rest_does_not_end_the_next_one(conn, worker, flood, alerts):
    shop, one = await resting(conn, worker, flood)
    worker.now += timedelta(minutes=5)
    flood(2 * REST)
    await broadcasts.steer(conn, shop.id, one.id, "resume", worker.now)
    await worker.work()
    assert (await state(conn, one), alerts) == (("paused", "flood"), [20, 40])
    worker.now += REST
    await worker.work()
    assert (await state(conn, one), alerts) == (("paused", "flood"), [20, 40])
    worker.now += REST
    await worker.work()
    assert await state(conn, one) == ("done", "")


@pytest.mark.parametrize("wish", ["pause", "cancel"])
async def test_what_somebody_decided_meanwhile_stands(conn, worker, flood, wish):
    shop, one = await resting(conn, worker, flood)
    if wish == "pause":
        flood(timedelta(0))
        await broadcasts.steer(conn, shop.id, one.id, "resume", NOON)
    await broadcasts.steer(conn, shop.id, one.id, wish, NOON)
    before = await state(conn, one)
    worker.now += REST
    await worker.work()
    assert (await state(conn, one), await worker.sums(one)) == (before, {"waiting": 20})


async def test_it_does_not_go_on_for_a_shop_that_was_closed(conn, worker, flood):
    shop, one = await resting(conn, worker, flood)
    admin = await make_user(conn, first_name="Дина")
    await partners.decide(conn, shop.id, admin.id, "blocked", reason="жалобы")
    worker.now += REST
    await worker.work()
    assert await state(conn, one) == ("paused", "closed")


async def test_it_does_not_go_on_in_the_name_of_who_was_let_go(conn, worker, flood):
    shop, one = await resting(conn, worker, flood)
    other = await make_user(conn, first_name="Вера")
    await staff.accept(conn, other.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    await conn.execute("update broadcasts set created_by = %s where id = %s", (other.id, one.id))
    await staff.remove(conn, shop.id, shop.owner.id, other.id)
    worker.now += REST
    await worker.work()
    assert await state(conn, one) == ("paused", "left")
