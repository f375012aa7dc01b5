"""How far a broadcast is, in one message of its author's chat, until it stops."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from lib.jobs.run import Run
from lib.reach import broadcasts, promises
from lib.tasks import progress
from lib.telegram import fsm
from lib.telegram.client import Chat
from lib.telegram.conversation import State
from tests.loyalty_lab import make_shop
from tests.reach_lab import Postbox, Worker, crowd, released


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
def edits(monkeypatch):
    made = []

    async def edit(chat, message_id, words, keyboard=None):
        made.append((chat.bot, chat.id, message_id, words, [key.data for row in keyboard for key in row]))
        return True

    monkeypatch.setattr(Chat, "edit", edit)
    return made


async def looked(one, round, now=None):
    args = {"partner": one.partner_id, "broadcast": one.id, "round": round}
    run = Run(SimpleNamespace(id=1, task="progress", args=args), (now or datetime.now(UTC)) + timedelta(minutes=1))
    await progress.run(run)
    return run


async def test_one_message_is_rewritten_until_the_broadcast_stops(conn, edits, monkeypatch):
    Postbox(monkeypatch)
    worker = Worker(conn, monkeypatch)
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await broadcasts.show_progress_in(conn, one, 77)
    await worker.step()
    assert (await looked(one, 1)).waits_until, "it runs, so it is looked at again"
    await worker.work()
    assert not (await looked(one, 1)).waits_until
    assert [(bot, person, message) for bot, person, message, *_ in edits] == [("partner", shop.owner.tg_id, 77)] * 2
    (*_, running, ways), (*_, done, rest) = edits
    assert "идёт" in running
    assert f"cast:pause:{one.id}" in ways
    assert "закончена" in done
    assert "доставлено: 20" in done
    assert f"cast:pause:{one.id}" not in rest
    assert not (await looked(one, 0)).waits_until, "a look of an earlier round says nothing"
    assert len(edits) == 2


async def test_at_night_it_says_when_it_goes_on_and_looks_again_then(conn, edits, monkeypatch):
    """Where some people are awake an audience is cut, and all of it may wait for another zone's morning."""
    night = datetime(2026, 11, 30, 3, 0, tzinfo=ZoneInfo("Europe/Moscow"))
    worker = Worker(conn, monkeypatch, night)
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 3)
    one = await released(conn, shop, night)
    await broadcasts.show_progress_in(conn, one, 77)
    await worker.step()
    assert (await looked(one, 1, night)).waits_until == night + progress.ASLEEP
    ((*_, words, _),) = edits
    assert "🕙 Следующие сообщения уйдут 30 ноября 2026, 10:00." in words
    worker.now = night + timedelta(hours=6, minutes=30)
    assert (await looked(one, 1, worker.now)).waits_until == night + timedelta(hours=7), "and no later than they wake"
    worker.now = night + timedelta(hours=8)
    await looked(one, 1, worker.now)
    assert "🕙" not in edits[-1][3]


async def test_an_author_who_looks_at_something_else_hears_of_the_end_in_another_message(conn, edits, monkeypatch):
    """The list that they had gone back to was once overwritten every five seconds."""
    said, shown = [], {"screen": 77}

    async def say(chat, words, keyboard=None):
        said.append(words)
        return 78

    async def read(bot, user_id):
        return State(data=shown, saved_at=5.0)

    monkeypatch.setattr(Chat, "say", say)
    monkeypatch.setattr(fsm, "read", read)
    Postbox(monkeypatch)
    worker = Worker(conn, monkeypatch)
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await broadcasts.show_progress_in(conn, one, 77)
    await worker.step()
    assert (await looked(one, 1)).waits_until
    assert (edits, said) == ([], [])
    await worker.work()
    assert not (await looked(one, 1)).waits_until
    assert edits == []
    assert ["закончена" in words for words in said] == [True]
    shown["awaits"] = promises.of_broadcast(one.id)
    assert not (await looked(one, 1)).waits_until
    assert len(edits) == 1, "who has come back sees it there"


async def test_an_author_who_is_no_manager_any_more_sees_no_further(conn, edits, monkeypatch):
    Postbox(monkeypatch)
    shop = await make_shop(conn)
    await crowd(conn, shop.id, 20)
    one = await released(conn, shop)
    await broadcasts.show_progress_in(conn, one, 77)
    await Worker(conn, monkeypatch).step()
    await conn.execute("update broadcasts set created_by = %s where id = %s", [shop.cashier.id, one.id])
    assert not (await looked(one, 1)).waits_until
    assert edits == []
