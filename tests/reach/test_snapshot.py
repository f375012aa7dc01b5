"""What a worker leaves of Postgres' figures."""

from datetime import UTC, datetime, timedelta

from lib.reach import snapshot
from tests import factories
from tests.loyalty.test_points import accrue
from tests.loyalty_lab import make_member, make_shop
from tests.reach_lab import written


async def test_a_job_is_late_once_its_time_has_come(conn, make_user, make_job):
    alice = await make_user(credits=9)
    await make_job(alice, task="tell", price=0, run_at=datetime.now(UTC) + timedelta(hours=5))
    found = await snapshot.take(conn)
    assert found.lag(found.at) == 0
    assert [one["number"] for one in found.jobs if (one["task"], one["state"]) == ("tell", "queued")] == [1]
    await make_job(alice, task="card", run_at=datetime.now(UTC) - timedelta(minutes=3))
    found = await snapshot.take(conn)
    assert 180 <= found.lag(found.at) < 240
    assert found.lag(found.at + 60) >= 240, "and later by now"


async def test_credits_and_points_are_those_of_a_day(conn, make_user):
    before = await snapshot.take(conn)
    alice = await make_user()
    await factories.grant(conn, alice.id, 7)
    shop = await make_shop(conn)
    await accrue(conn, shop, await make_member(conn, shop), 100_000, now=datetime.now(UTC))
    found = await snapshot.take(conn)
    assert found.credits["grant"] - before.credits.get("grant", 0) == 7
    assert found.points["accrue"] > before.points.get("accrue", 0), "of all shops"
    assert found.migration >= "0021"
    assert {one["provider"]: one["halt"] for one in found.providers} == {"kie": "off", "openai": "off", "local": ""}


async def test_a_broadcast_for_which_many_stopped_the_bot_is_counted_for_a_day(conn):
    async def disliked():
        return (await snapshot.take(conn)).counts["disliked"]

    before = await disliked()
    shop = await make_shop(conn)
    sums = "update broadcasts set state = 'done', finished_at = now() - %s, sums = %s where id = %s"
    for age, sent, blocked, adds in ((1, 97, 3, 0), (1, 96, 4, 1), (25, 50, 50, 1), (2, 40, 9, 1), (2, 40, 10, 2)):
        one = await written(conn, shop)
        await conn.execute(sums, (timedelta(hours=age), [0, 0, sent, blocked, 0, 0, 0], one.id))
        await conn.execute("update broadcasts set reason = 'kept' where id = %s", (one.id,))
        assert await disliked() == before + adds, (age, sent, blocked)


async def test_the_size_of_the_database_is_known(conn):
    assert (await snapshot.take(conn)).size > 1_000_000
