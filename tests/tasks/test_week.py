"""The platform's week on its way to the administrators."""

from datetime import UTC, datetime, timedelta

import pytest

from lib import config
from lib.jobs import drain
from lib.people import users
from lib.tasks import TASKS
from lib.telegram.client import Chat


@pytest.fixture
def said(database, monkeypatch):
    """What two administrators are told."""
    monkeypatch.setenv("ADMIN_IDS", "7, 8")
    config.get.cache_clear()
    told = {}

    async def say(chat, words, *_, **__):
        told[chat.id] = words
        return 1

    monkeypatch.setattr(Chat, "say", say)
    yield told
    monkeypatch.undo()
    config.get.cache_clear()


async def test_each_administrator_reads_the_week_in_their_own_language(database, said):
    async with database.connect() as conn:
        await users.get_or_create_user(conn, 8, language="en")
        args = '{"due": "2026-03-16T07:00:00+00:00"}'
        await conn.execute("insert into jobs (task, key, turn, args) values ('week', 'week:night', 1, %s)", (args,))
    until = datetime.now(UTC) + timedelta(minutes=5)
    assert (await drain.work(TASKS, until, only=["week"], patience=timedelta(0))).done == 1
    assert said[7].startswith("📊 Неделя 9–15 марта")
    assert "Тревоги: нет" in said[7]
    assert said[8].startswith("📊 The week")
    assert "Alarms: none" in said[8]
