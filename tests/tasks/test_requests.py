"""A request that nobody accepts is told of again, and a day's requests are summed up in the morning, once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lib.assistant import pushes
from lib.jobs import drain
from lib.tasks import TASKS
from tests.assistant.request_lab import make_bakery, send, told
from tests.factories import make_user


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture(autouse=True)
def nobody_to_kick(monkeypatch):
    async def kick():
        return None

    monkeypatch.setattr("lib.jobs.kick.drain", kick)


async def work(conn):
    """Let what waits be due."""
    await conn.execute("update jobs set run_at = now() where task = 'requests'")
    return await drain.work(TASKS, datetime.now(UTC) + timedelta(minutes=5), only=["requests"], patience=timedelta(0))


async def keys(conn, user):
    return [key for key, *_ in await told(conn, user)]


async def test_a_request_that_nobody_accepts_is_told_of_to_the_staff_and_then_to_owner_and_client(conn):
    shop, anna = await make_bakery(conn), await make_user(conn)
    await send(conn, shop, anna)
    await work(conn)
    assert await keys(conn, shop.cashier) == ["request.told.new", "request.told.waits"]
    assert await keys(conn, anna) == []
    for _ in range(2):
        await work(conn)
    assert await keys(conn, shop.cashier) == ["request.told.new", "request.told.waits"]
    assert await keys(conn, shop.owner) == ["request.told.new", "request.told.waits", "request.told.waits"]
    assert await keys(conn, anna) == ["request.told.unanswered"]


async def test_of_an_accepted_request_nobody_is_reminded(conn):
    shop, anna = await make_bakery(conn), await make_user(conn)
    request = await send(conn, shop, anna)
    await pushes.move(conn, shop.id, request.id, shop.owner.id, "accepted")
    await work(conn)
    assert await keys(conn, shop.cashier) == ["request.told.new"]
    assert await keys(conn, anna) == ["request.told.accepted"]


async def test_the_owner_hears_of_yesterday_at_nine_where_the_shop_is(conn):
    shop, anna = await make_bakery(conn), await make_user(conn)
    await send(conn, shop, anna)
    tomorrow = (datetime.now(ZoneInfo("Europe/Moscow")) + timedelta(days=1)).replace(hour=9, minute=0)
    for at, number in ((tomorrow - timedelta(hours=1), 0), (tomorrow, 1), (tomorrow + timedelta(minutes=30), 1)):
        await conn.execute(
            "insert into jobs (task, key, turn, args) values ('requests', %s, 1, jsonb_build_object('due', %s::text))",
            (f"test:{at}", at.isoformat()),
        )
        await work(conn)
        sums = [fields for key, fields, _ in await told(conn, shop.owner) if key == "request.told.day"]
        assert len(sums) == number
    assert [sums[0][name] for name in ("placed", "done", "open")] == [1, 0, 1]
