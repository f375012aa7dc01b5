"""Carries a photo from the chat of one bot to a person in another: a file's id works for the bot that got it alone.

Words that are too long to stand below it, with their writer's name, follow it.
"""

from datetime import timedelta

from lib import db, errors, log, retry, text
from lib.jobs.run import Run
from lib.people import users
from lib.telegram import client
from lib.telegram.client import Button, Chat, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=5))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Fetch it and send it with its words; to nobody who is gone or has stopped the bot."""
    wanted = run.job.args
    user = await db.run(lambda conn: users.get_user(conn, run.job.user_id or 0))
    if user is None or user.tg_id <= 0:
        log.note(nobody_to_tell=True)
        return
    rows = [[Button(text.say(user.language, key), data) for key, data in row] for row in wanted["ways"]]
    words = text.say(user.language, wanted["key"], **wanted["fields"])
    below = text.fits(words, text.CAPTION)
    chat = Chat(wanted["to"], user.tg_id, paced=True)
    try:
        if not run.checkpoint.get("shown"):
            data = await client.download(wanted["from"], wanted["file_id"])
            await chat.send_photo(Picture("photo.jpg", data), words if below else "", rows if below else [])
        if not below:
            await run.save(shown=True)
            await chat.say(words, rows)
    except (errors.Missing, errors.Blocked) as refusal:
        log.note(not_told=str(refusal))
