"""Tells the user that an order failed or was stopped, whose fault it was, and that the credits are back."""

from datetime import timedelta

from lib import credits, db, errors, jobs, log, retry, text
from lib.telegram.client import Button, Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=30)

PHOTO = ("picture_", "source_gone", "rules", "telegram")  # what another photo can help against


async def run(run: jobs.Run) -> None:
    """Turn the order's status message into the reason, the new balance and a way on."""
    failed = await db.run(lambda conn: jobs.get_job_by_id(conn, run.job.args["job_id"]))
    if failed is None or "chat_id" not in failed.args:
        log.note(nobody_to_tell=True)
        return
    order, language = failed.args, failed.args["language"]
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, failed.user_id))
    words = _words(failed, language, balance)
    way = ("button.other_photo", "retry") if str(failed.error_code).startswith(PHOTO) else ("making.again", "again")
    again = Button(text.say(language, way[0]), f"order:{way[1]}:{failed.id}")
    keyboard = [
        [again if failed.price else Button(text.say(language, "menu.resume"), "order:resume")],
        [Button(text.say(language, "button.menu"), "menu:home")],
    ]
    chat = Chat(order["bot"], order["chat_id"], paced=True)
    try:
        if not await chat.edit(order["message_id"], words, keyboard):
            await chat.say(words, keyboard)
    except errors.Blocked:
        log.note(blocked=True)


def _words(failed: jobs.Job, language: str, balance: int) -> str:
    if failed.state == "cancelled":
        return text.say(language, "cancel.order", balance=balance)
    key = f"error.{failed.error_code}"
    reason = text.say(language, key if text.knows(key) else "error.internal", detail="", limit=0)
    back = text.say(language, "card.refunded", price=failed.price, balance=balance)
    return f"{reason}\n\n{back}" if failed.price else reason
