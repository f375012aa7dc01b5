"""A talk that the staff leave alone for two hours goes back to the assistant, and the client hears of it once."""

from datetime import UTC, datetime, timedelta

import pytest

from lib.assistant import handover, talks
from lib.jobs import drain
from lib.tasks import TASKS
from tests.assistant.request_lab import told
from tests.factories import make_user
from tests.loyalty_lab import make_shop


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture(autouse=True)
def nobody_to_kick(monkeypatch):
    async def kick():
        return None

    monkeypatch.setattr("lib.jobs.kick.drain", kick)


@pytest.mark.parametrize(
    ("done", "key"), [("nothing", "talk.told.nobody"), ("taken", "talk.told.nobody"), ("answered", "talk.told.quiet")]
)
async def test_it_goes_back_after_two_hours_and_not_before(conn, done, key):
    shop, anna, now = await make_shop(conn), await make_user(conn), datetime.now(UTC)
    heard = await talks.hear(conn, shop.id, anna.id, "Где заказ?", once="1", at=now)
    await handover.call(conn, shop.id, heard.talk_id, "asked", at=now)
    if done != "nothing":
        await talks.take(conn, shop.id, heard.talk_id, shop.owner.id, at=now)
    if done == "answered":
        await talks.reply(conn, shop.id, heard.talk_id, shop.owner.id, "В пути", once="2", at=now)

    async def work():
        await conn.execute("update jobs set run_at = now() where task = 'handback'")
        until = datetime.now(UTC) + timedelta(minutes=5)
        await drain.work(TASKS, until, only=["handback"], patience=timedelta(0))
        return [key for key, *_ in await told(conn, anna)]

    assert await work() == []
    await conn.execute("update talks set person_until = now() - interval '1 second'")
    assert await work() == [key]
    assert await work() == [key]
    assert (await talks.get(conn, shop.id, heard.talk_id)).closed_at is not None
