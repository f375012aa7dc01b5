"""A photo of the staff goes from the partner bot's chat to the client's."""

from datetime import UTC, datetime, timedelta

from lib.jobs import drain, table
from lib.jobs.table import NewJob
from lib.people import users
from lib.tasks import TASKS, relay
from lib.telegram.client import Chat
from tests.factories import make_user


async def test_a_photo_is_fetched_by_one_bot_and_sent_by_another_and_to_nobody_who_is_gone(database, monkeypatch):
    sent = []

    async def download(bot, file_id):
        return f"{bot}:{file_id}".encode()

    async def send_photo(chat, picture, words, rows):
        sent.append((chat.bot, chat.id, picture.data, words, [row[0].data for row in rows]))

    monkeypatch.setattr(relay.client, "download", download)

    async def say(chat, words, rows):
        sent.append((words, rows[0][0].data))

    monkeypatch.setattr(Chat, "send_photo", send_photo)
    monkeypatch.setattr(Chat, "say", say)
    async with database.connect() as conn:
        anna, gone = await make_user(conn), await make_user(conn)
        fields = {"shop": "Кофейня", "words": "<вот>"}
        args = {"file_id": "f", "from": "partner", "to": "client", "key": "talk.told.photo", "fields": fields}
        args["ways"] = [[["talk.button.answer", "ask:1"]]]
        for one in (anna, gone):
            await table.create_free_jobs(conn, "relay", [NewJob(one.id, f"relay:{one.id}", args)], max_attempts=5)
        await users.erase(conn, gone.id, gone.tg_id)
        until = datetime.now(UTC) + timedelta(minutes=5)
        await drain.work(TASKS, until, only=["relay"], patience=timedelta(0))
        long = args | {"fields": {"shop": "Кофейня", "words": "я" * 1024}}
        await table.create_free_jobs(conn, "relay", [NewJob(anna.id, "relay:long", long)], max_attempts=5)
        await drain.work(TASKS, until, only=["relay"], patience=timedelta(0))
        found = await conn.execute("select args from job_history where task = 'relay' and state = 'done'")
        assert await found.fetchall() == [({"from": "partner", "to": "client", "key": "talk.told.photo"},)] * 2
    assert sent == [
        ("client", anna.tg_id, b"partner:f", "<b>Кофейня</b>:\n&lt;вот&gt;", ["ask:1"]),
        ("client", anna.tg_id, b"partner:f", "", []),  # a picture has no room for so many words
        ("<b>Кофейня</b>:\n" + "я" * 1024, "ask:1"),
    ]
