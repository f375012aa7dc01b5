"""A screen of a shop's figures is put where it was promised, unless its reader has gone on to something else there."""

import pytest

from lib import text
from lib.loyalty import partners, reports
from lib.reach import promises
from lib.tasks import analysis
from lib.telegram import fsm
from lib.telegram.conversation import State
from tests.report_lab import ZONE, at, busy_week

PROMISE = {"bot": "partner", "message_id": 50, "awaits": 7, "at": 1000.0}


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.mark.parametrize(
    ("data", "saved_at", "gone_on"),
    [
        ({"screen": 50, "awaits": 7}, 1001.0, False),
        ({"screen": 50}, 1001.0, True),  # they went back
        ({"screen": 50, "awaits": 8}, 1001.0, True),  # they asked for another screen
        ({"screen": 50}, 999.0, False),  # the promise itself is not saved yet
        ({"screen": 61}, 1001.0, False),  # nothing has rewritten the message since
        ({}, 0.0, False),  # Redis is away, or an hour is over
    ],
)
async def test_whether_a_reader_has_gone_on(monkeypatch, data, saved_at, gone_on):
    async def read(bot, user_id):
        assert (bot, user_id) == ("partner", 1004)
        return State(data=data, saved_at=saved_at)

    monkeypatch.setattr(fsm, "read", read)
    assert await promises.has_gone_on(PROMISE, 1004) is gone_on


async def test_a_job_from_before_promises_were_kept_shows_its_screen():
    assert not await promises.has_gone_on({"bot": "partner", "message_id": 50}, 1004)


async def test_the_figures_of_a_busy_shop_are_read_by_a_job(conn, monkeypatch):
    shop = await busy_week(conn)
    partner = await partners.get(conn, shop.id)
    words = await analysis._words(conn, partner, "home", "7", at(16), "ru")
    assert "за 7 дней" in words
    assert f"Оборот: <b>10\u00a0000\u00a0₽</b> (+{text.percent('ru', 90_000)})" in words
    assert "Чеков: 5, средний 2\u00a0000\u00a0₽" in words
    assert partner.tz == ZONE
    monkeypatch.setattr(reports, "MANY", 3)
    assert await reports.is_long(conn, shop.id, at(9))
    assert not await reports.is_long(conn, shop.id, at(16))
