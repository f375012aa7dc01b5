"""Sends the result of an order once more, out of our storage: Telegram does not know its files by an id any longer."""

from datetime import timedelta

from lib import db, errors, log, retry, storage, text
from lib.jobs import table
from lib.jobs.run import Run
from lib.studio import placed
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=5))
LEASE = timedelta(minutes=2)


async def run(run: Run) -> None:
    """Send it, or say that it is gone."""
    wanted = run.job.args
    chat = Chat(wanted["bot"], wanted["chat_id"])
    order = await db.run(lambda conn: table.get_job_by_id(conn, wanted["order"]))
    try:
        if order is None or order.user_id != run.job.user_id:
            await chat.say(text.say(wanted["language"], "studio.result_gone"))
            return
        pieces = await db.run(lambda conn: placed.list_pieces(conn, order, wanted["bot"]))
        try:
            whole = await placed.filled(pieces, storage.get)
        except errors.Missing:
            whole = []
        if not whole:
            await chat.say(text.say(wanted["language"], "studio.result_gone"))
            return
        await placed.send(chat, order, whole, text.say(wanted["language"], "studio.sent_again", number=order.id))
    except errors.Blocked:
        log.note(blocked=True)
