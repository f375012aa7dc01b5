"""Tells a person that their order failed or was stopped, whose fault it was, and how to have it after all.

An order of the studio also says that the credits are back; a file of a shop costs nothing and is just asked for again.
"""

from datetime import timedelta

from lib import db, errors, log, retry, text
from lib.credits import ledger
from lib.jobs import table
from lib.jobs.run import Run
from lib.jobs.table import Job
from lib.loyalty import staff
from lib.people import users
from lib.people.users import User
from lib.reach import promises
from lib.studio import brands, cuts, listing, mends, moderation
from lib.telegram.client import Button, Chat, Keyboard

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=30)

PHOTO = ("picture_", "source_gone", "rules", "telegram")  # what another photo can help against
WORDS = ("rules", "words_refused")  # what other words can
PROMISES = (brands.TASK, listing.TASK)  # what a message of the studio has promised, free
FILES = ("chart", "sheet", "poster", "analysis")  # what somebody has made by a job
TOUCHED = {"cut_empty": "studio.touch.empty", "cut_gone": "studio.touch.gone", "source_gone": "studio.touch.gone"}
AGAIN = {"orders": "history:file", "every_order": "orders:home"}


async def run(run: Run) -> None:
    """Say it in the chat where it was ordered; jobs that nobody waits for end in silence."""
    failed = await db.run(lambda conn: table.get_job_by_id(conn, run.job.args["job_id"]))
    try:
        if failed is not None and (failed.task == cuts.TOUCH or "pieces" in failed.args):
            await _tell_of_touch(failed)
        elif failed is not None and failed.task == cuts.TASK:
            await _tell_of_cut(failed)
        elif failed is not None and "chat_id" in failed.args:
            await _tell_of_order(failed)
        elif failed is not None and failed.task in FILES and failed.args:
            await _tell_of_file(failed)
        elif failed is not None and failed.task in PROMISES and failed.args:
            await _tell_of_promise(failed)
        else:
            log.note(nobody_to_tell=True)
    except errors.Blocked:
        log.note(blocked=True)


async def _tell_of_order(failed: Job) -> None:
    """Turn the order's status message into the reason, the new balance and a way on.

    A person who stopped an order was promised word of it, and nobody sees an edit of a message further up.
    """
    order, language = failed.args, failed.args["language"]
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, failed.user_id))
    words, keyboard = _words(failed, language, balance), _ways(failed)
    if order.get("mends"):
        words, keyboard = await _of_mend(failed, words)
    chat = Chat(order["bot"], order["chat_id"], paced=True)
    if failed.state == "cancelled":
        await chat.edit(order["message_id"], mends.cancelled_above(language, failed))
        await chat.say(words, keyboard)
    elif not await chat.edit(order["message_id"], words, keyboard):
        await chat.say(words, keyboard)


def _ways(failed: Job) -> Keyboard:
    """Return the ways on from an order that is not to be had: another photo, other words, or the same again."""
    language = failed.args["language"]
    way = ("button.other_photo", "retry") if str(failed.error_code).startswith(PHOTO) else ("making.again", "again")
    again = Button(text.say(language, way[0]), f"order:{way[1]}:{failed.id}")
    keyboard = [
        [again if failed.price else Button(text.say(language, "menu.resume"), "order:resume")],
        [Button(text.say(language, "button.menu"), "menu:home")],
    ]
    if failed.error_code in WORDS and failed.price:
        keyboard[1:1] = _other_words(failed)
    return keyboard


def _other_words(failed: Job) -> Keyboard:
    """Return the way to the words that were refused: those of a card, or the wishes of what bears none."""
    order, language = failed.args, failed.args["language"]
    said = [order.get("title", ""), *order.get("benefits", []), *order.get("titles", [])]
    if mends.shows_words(failed) or moderation.check_words(said):
        return [[Button(text.say(language, "button.words"), f"order:edit:{failed.id}")]]
    wishes = Button(text.say(language, "studio.change.wishes"), f"order:rewish:{failed.id}")
    return [[wishes]] if order.get("wishes") else []


async def _of_mend(failed: Job, words: str) -> tuple[str, Keyboard]:
    """Return the words and the ways on from a free change: its order and, after a bad result, the credits back."""
    language, root = failed.args["language"], mends.root(failed)
    paid = await db.run(lambda conn: table.get_job_by_id(conn, root)) if mends.is_redo(failed) else None
    keyboard = [
        [Button(text.say(language, "mend.to_order", number=root), f"history:open:{root}")],
        [Button(text.say(language, "button.menu"), "menu:home")],
    ]
    price = mends.worth(paid) if paid else 0
    if price:
        keyboard.insert(0, [Button(text.say(language, "mend.bad.back", price=price), f"order:back:{root}")])
    if failed.state == "cancelled":
        return words, keyboard
    follows = "mend.bad.failed" if price else "mend.failed"
    return f"{words}\n\n{text.say(language, follows, number=root)}", keyboard


def _words(failed: Job, language: str, balance: int) -> str:
    if failed.state == "cancelled":
        return mends.cancelled(language, failed, balance)
    key = f"error.{failed.error_code}"
    order = failed.args
    said = [order.get("title", ""), *order.get("benefits", []), order.get("wishes", ""), *order.get("titles", [])]
    refused = moderation.check_words(said)
    reason = text.say(language, key if text.knows(key) else "error.internal", detail=refused, limit=0)
    if mends.delivered_for(failed):
        return f"{reason}\n\n{mends.cancelled(language, failed, balance)}"
    back = text.say(language, "card.refunded", price=failed.price, balance=balance)
    return f"{reason}\n\n{back}" if failed.price else reason


async def _tell_of_cut(failed: Job) -> None:
    """Say in the message that promised a cut what is wrong with the photo; our own faults are of no interest."""
    asked = failed.args
    if "message_id" not in asked:
        return
    key = f"error.{failed.error_code}"
    is_photo = str(failed.error_code).startswith("picture_") and text.knows(key)
    words = text.say(asked["language"], key if is_photo else "studio.cut.none", detail="", limit=0)
    await Chat(asked["bot"], asked["chat_id"], paced=True).edit(asked["message_id"], words)


async def _tell_of_touch(failed: Job) -> None:
    """Say below the picture of a cut that its pieces are as they were, and why where the seller can help it."""
    asked, key = failed.args, TOUCHED.get(str(failed.error_code), "studio.touch.failed")
    await Chat(asked["bot"], asked["chat_id"], paced=True).say(text.say(asked["language"], key))


async def _tell_of_promise(failed: Job) -> None:
    """Say in the message that promised it that it will not come."""
    asked = failed.args
    menu = Button(text.say(asked["language"], "button.menu"), "menu:home")
    words = text.say(asked["language"], "error.try_again")
    await Chat(asked["bot"], asked["chat"], paced=True).edit(asked["message_id"], words, [[menu]])


async def _tell_of_file(failed: Job) -> None:
    """Name what will not come, with a button that orders it again; say nothing to a person who was let go.

    A message that promised a screen says it itself, unless its reader has gone on in it: then they miss nothing.
    """
    asked = failed.args
    title, user = await _reader(failed)
    if user is None:
        return
    what, again = _named(failed)
    keyboard = [
        [Button(text.say(user.language, "partner.button.again"), again, style="primary")],
        [Button(text.say(user.language, "button.menu"), "menu:home")],
    ]
    words = text.say(user.language, f"partner.failed.{what}", title=title)
    chat = Chat(asked["bot"], user.tg_id, paced=True)
    if failed.task == "analysis":
        if not await promises.has_gone_on(asked, user.tg_id):
            await chat.edit(asked["message_id"], words, keyboard)
        return
    if half_done := failed.checkpoint.get("message_id"):  # it says how far the file is
        await chat.delete(half_done)
    await chat.say(words, keyboard)


async def _reader(failed: Job) -> tuple[str, User | None]:
    """Return the title of the shop, and who may still hear of it: its manager; of an order of the studio its seller."""
    if "partner_id" not in failed.args:
        user = await db.run(lambda conn: users.get_user(conn, failed.user_id))
        return "", user if user and user.tg_id > 0 and not user.banned else None
    found = await db.run(lambda conn: staff.shop_and_manager(conn, failed.args["partner_id"], failed.user_id))
    return (found[0].title, found[1]) if found else ("", None)


def _named(failed: Job) -> tuple[str, str]:
    """Return what a failed file is called, and the button that orders it again."""
    asked = failed.args
    what = str(asked.get("what", failed.task))
    if what in AGAIN:
        return "orders", AGAIN[what]
    if failed.task == "sheet":
        return what, f"exports:pick:{what}:{asked.get('form', 'csv')}"
    if failed.task not in ("chart", "analysis"):
        return what, f"figures:{what}"
    screen = f"chart:{asked['partner_id']}:{what}" if failed.task == "chart" else f"{what}:{asked['partner_id']}"
    screen = f"pdf:{asked['partner_id']}" if what == "pdf" else screen
    return "pdf" if what == "pdf" else failed.task, f"compare:{screen}:{asked.get('period', '')}".rstrip(":")
