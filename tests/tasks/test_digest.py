"""A shop's digest comes once to everybody who still manages it, and to nobody when the shop is closed."""

from datetime import UTC, datetime, timedelta

import pytest

from lib import errors
from lib.jobs import drain
from lib.loyalty import partners, staff
from lib.reach import digests
from lib.tasks import TASKS
from lib.telegram.client import Chat
from tests import factories
from tests.report_lab import MONDAY, busy_week, old_shop


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


class Post:
    """The partner bot: who was told what; `refuses` gives an error once, by Telegram id."""

    def __init__(self):
        self.told = []
        self.refuses = {}

    async def say(self, chat, words, rows=None, **_):
        if chat.id in self.refuses:
            raise self.refuses.pop(chat.id)
        self.told.append((chat.bot, chat.id, words, rows))
        return 1

    @property
    def readers(self):
        return [tg_id for _, tg_id, *_ in self.told]


@pytest.fixture
def post(monkeypatch):
    found = Post()

    async def say(chat, words, rows=None, **more):
        return await found.say(chat, words, rows, **more)

    async def kick():
        return None

    monkeypatch.setattr(Chat, "say", say)
    monkeypatch.setattr("lib.jobs.kick.drain", kick)
    return found


async def hour(conn, now):
    """Let an hour's run be due."""
    await conn.execute(
        "insert into jobs (task, key, turn, args) values ('digest', %s, 1, jsonb_build_object('due', %s::text))"
        " on conflict do nothing",
        (f"digest:{now}", now.isoformat()),
    )


async def work(conn):
    await conn.execute("update jobs set run_at = now(), turn = coalesce(turn, 1) where task = 'digest'")
    until = datetime.now(UTC) + timedelta(minutes=5)
    return await drain.work({"digest": TASKS["digest"]}, until, only=["digest"], patience=timedelta(0))


@pytest.fixture(autouse=True)
def real_time_for_the_worker(monkeypatch):
    """The worker's own clock is the wall's; only the task looks at the lab's Monday."""
    monkeypatch.setattr("lib.tasks.digest.clock", type("Clock", (), {"now": staticmethod(lambda: MONDAY)}))


async def test_a_weeks_digest_comes_once_to_the_owner_and_the_managers(conn, post):
    shop = await busy_week(conn)
    olga = await factories.make_user(conn, first_name="Ольга", language="en")
    await staff.accept(conn, olga.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    for _ in range(2):
        await hour(conn, MONDAY)
        await work(conn)
        await work(conn)
    assert sorted(post.readers) == sorted([shop.owner.tg_id, olga.tg_id])
    words = {tg_id: said for _, tg_id, said, _ in post.told}
    assert "Оборот: <b>3\u00a0000\u00a0₽</b> ↑\u00a0200\u00a0%" in words[shop.owner.tg_id]
    assert "Turnover: <b>3,000\u00a0₽</b>" in words[olga.tg_id]
    assert {bot for bot, *_ in post.told} == {"partner"}


async def test_at_another_hour_nobody_hears_anything(conn, post):
    await busy_week(conn)
    await hour(conn, MONDAY + timedelta(hours=1))
    await work(conn)
    assert post.told == []


async def test_a_reader_let_go_and_a_shop_blocked_between_the_queue_and_the_sending_get_none(conn, post):
    shop, closed = await busy_week(conn), await old_shop(conn)
    olga = await factories.make_user(conn)
    await staff.accept(conn, olga.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    await digests.queue(conn, MONDAY)
    await staff.remove(conn, shop.id, shop.owner.id, olga.id)
    await partners.decide(conn, closed.id, closed.owner.id, "blocked", "жалобы")
    await work(conn)
    assert post.readers == [shop.owner.tg_id]


async def test_a_pause_of_telegrams_repeats_nobodys_digest(conn, post):
    shop = await busy_week(conn)
    olga = await factories.make_user(conn)
    await staff.accept(conn, olga.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    post.refuses[olga.tg_id] = errors.Unavailable("telegram_flood", "slow down")
    await digests.queue(conn, MONDAY)
    await work(conn)
    assert post.readers == [shop.owner.tg_id]
    await work(conn)
    assert post.readers == [shop.owner.tg_id, olga.tg_id]


async def test_a_reader_who_stopped_the_bot_keeps_nobody_else_from_theirs(conn, post):
    shop = await busy_week(conn)
    olga = await factories.make_user(conn)
    await staff.accept(conn, olga.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    post.refuses[shop.owner.tg_id] = errors.Blocked("blocked")
    await digests.queue(conn, MONDAY)
    await work(conn)
    assert post.readers == [olga.tg_id]


async def test_a_shop_that_began_after_the_week_hears_nothing_of_it(conn, post):
    shop = await old_shop(conn)
    await conn.execute("update partners set decided_at = %s where id = %s", (MONDAY, shop.id))
    await digests.queue(conn, MONDAY)
    await work(conn)
    assert post.told == []


async def test_a_week_without_a_bill_is_one_line(conn, post):
    await old_shop(conn)
    await digests.queue(conn, MONDAY)
    await work(conn)
    [(_, _, said, rows)] = post.told
    assert said == "<b>Кофейня</b>, 9–15 марта: за неделю ни одного чека и ни одной новой карты."
    assert len(rows) == 1


async def test_a_digest_that_telegram_refuses_fails_after_everybody_else_has_theirs(conn, post):
    shop = await busy_week(conn)
    olga = await factories.make_user(conn)
    await staff.accept(conn, olga.id, await staff.invite(conn, shop.id, shop.owner.id, "manager"))
    post.refuses[shop.owner.tg_id] = errors.Rejected("telegram", "can't parse entities")
    await digests.queue(conn, MONDAY)
    await work(conn)
    assert post.readers == [olga.tg_id]
    rows = await (await conn.execute("select state from every_job where task = 'digest'")).fetchall()
    assert rows == [("failed",)]
