"""Tells the user that an order failed, whose fault it was, and that the credits are back."""

from datetime import timedelta

from lib import credits, db, errors, jobs, log, retry, text
from lib.telegram.client import Button, Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=30)


async def run(run: jobs.Run) -> None:
    """Turn the failed order's status message into the reason, the new balance and a way on."""
    failed = await db.run(lambda conn: jobs.get_job_by_id(conn, run.job.args["job_id"]))
    if failed is None or "chat_id" not in failed.args:
        log.note(nobody_to_tell=True)
        return
    order, language = failed.args, failed.args["language"]
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, failed.user_id))
    key = f"error.{failed.error_code}"
    reason = text.say(language, key if text.knows(key) else "error.internal", detail="", limit=0)
    back = text.say(language, "card.refunded", price=failed.price, balance=balance)
    words = f"{reason}\n\n{back}" if failed.price else reason
    keyboard = [
        [Button(text.say(language, "button.other_photo"), f"card:retry:{failed.id}")],
        [Button(text.say(language, "button.menu"), "menu:home")],
    ]
    chat = Chat(order["bot"], order["chat_id"], paced=True)
    try:
        if not await chat.edit(order["message_id"], words, keyboard):
            await chat.say(words, keyboard)
    except errors.Blocked:
        log.note(blocked=True)
