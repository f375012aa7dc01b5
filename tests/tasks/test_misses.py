"""On Monday mornings the owner reads what clients asked for in vain, once, with the way to the list."""

from datetime import UTC, datetime, timedelta

import pytest

from lib.assistant import misses, talks
from lib.jobs import drain, table
from lib.jobs.table import NewJob
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from lib.tasks import TASKS
from tests.assistant.request_lab import told
from tests.factories import make_user
from tests.loyalty_lab import make_shop

MONDAY = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)  # eleven o'clock in Moscow
LATTE = MenuItem("1", "Кофе", "Латте", (Variant("", 25000),))


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture(autouse=True)
def nobody_to_kick(monkeypatch):
    async def kick():
        return None

    monkeypatch.setattr("lib.jobs.kick.drain", kick)


async def ask(conn, shop, user, words, at):
    heard = await talks.hear(conn, shop.id, user.id, words, once=f"{words}{at}", at=at)
    await talks.answer(conn, shop.id, heard.talk_id, heard.run_no, "—", at=at, missed=True)


async def morning(conn, now):
    """Run the hour's job; it may come twice."""
    for number in range(2):
        job = NewJob(None, f"misses:{now:%Y-%m-%dT%H:%M}:{number}", {"due": now.isoformat()})
        await table.create_free_jobs(conn, "misses", [job])
        await conn.execute("update jobs set run_at = now() where task = 'misses'")
        until = datetime.now(UTC) + timedelta(minutes=5)
        await drain.work(TASKS, until, only=["misses"], patience=timedelta(0))


async def test_the_owner_reads_on_monday_what_was_asked_in_vain(conn):
    shop, quiet, anna = await make_shop(conn), await make_shop(conn), await make_user(conn)
    await versions.publish(conn, shop.id, shop.owner.id, (LATTE,), seen=0)
    for days, words in ((1, "пельмени"), (2, "пельмени"), (3, "суши"), (2, "латте"), (9, "пицца")):
        await ask(conn, shop, anna, words, MONDAY - timedelta(days=days))
    assert shop.id not in await misses.shops(conn, MONDAY + timedelta(hours=1))
    assert shop.id not in await misses.shops(conn, MONDAY + timedelta(days=1))
    await morning(conn, MONDAY)
    [(key, fields, ways)] = await told(conn, shop.owner)
    assert key == "partner.told.misses"
    assert [one["fields"] for one in fields["lines"]["listed"]] == [
        {"words": "пельмени", "count": 2},
        {"words": "суши", "count": 1},
    ]
    assert ways == [[["partner.button.assistant_misses", f"assistant:misses:{shop.id}"]]]
    assert await told(conn, quiet.owner) == []
