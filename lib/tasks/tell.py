"""Says one sentence to one person through one bot: what `notify.tell` ordered.

The slot is booked for all instances, so that no bot writes faster than Telegram allows. A letter too long for one
message comes as several, each with its writer's name. A person who has stopped this bot, or never started it, is noted
and left in peace. A bot without a token is off, and what it had to say is dropped, as is a reminder that nobody wants
by now. Any other refusal is a fault of ours: the job fails, and an administrator sees it.
"""

from datetime import date, datetime, timedelta
from typing import Any

from lib import db, errors, log, retry, text
from lib.jobs.run import Run
from lib.people import users
from lib.reach import reminders
from lib.telegram.client import Button, Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Send it, in parts when it is long; Unavailable when Telegram, or the next free slot, wants it later."""
    told = run.job.args
    user = await db.run(lambda conn: users.get_user(conn, run.job.user_id))
    if user is None or user.tg_id <= 0:
        log.note(nobody_to_tell=True)
        return
    if user.banned and told["bot"] == "partner":  # a shop's matters; what is said of their own points still comes
        log.note(shut_out=True)
        return
    reminds = told.get("reminds")
    changed = await db.run(lambda conn: reminders.renewed(conn, user.id, reminds)) if reminds else {}
    if changed is None:
        log.note(no_longer=True)
        return
    try:
        await _say(run, Chat(told["bot"], user.tg_id, paced=True), user, {**told, "fields": told["fields"] | changed})
    except (errors.Missing, errors.Blocked) as refusal:  # the bot is off, was stopped, or was never started
        log.note(not_told=str(refusal))


async def _say(run: Run, chat: Chat, user: users.User, told: dict[str, Any]) -> None:
    """Say what has not been said yet; the buttons hang on the last part."""
    messages = _messages(user, told)
    for number, words in enumerate(messages, 1):
        if number <= run.checkpoint.get("said", 0):
            continue
        last = number == len(messages)
        await chat.say(words, _keyboard(user.language, told["ways"]) if last else None)
        if not last:
            await run.save(said=number)


def _messages(user: users.User, told: dict[str, Any]) -> list[str]:
    """Return the sentence and what follows it: in one message, or in several when they are long."""
    said = text.parts(user.language, told["key"], **_fields(user, told["fields"]))
    for key, fields in told.get("more", {}).items():
        parts = text.parts(user.language, key, **_fields(user, fields))
        together = "\n\n".join([said[-1], parts[0]])
        said = [*said[:-1], together, *parts[1:]] if text.fits(together) else [*said, *parts]
    return said


def _fields(user: users.User, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _field(user, value) for name, value in fields.items()}


def _field(user: users.User, value: Any) -> Any:
    if isinstance(value, dict) and "spoken" in value:
        return text.say(user.language, value["spoken"], **value.get("fields", {}))
    if isinstance(value, dict) and "listed" in value:
        return text.HtmlSentence("\n".join(_field(user, one) for one in value["listed"]))
    if isinstance(value, dict) and "moment" in value:
        return text.moment(user.language, users.local(datetime.fromisoformat(value["moment"]), user.time_zone))
    if isinstance(value, dict) and "day" in value:
        return date.fromisoformat(value["day"])
    return value


def _keyboard(language: str, ways: list[list[list[str]]]) -> list[list[Button]]:
    return [[_button(language, label, target) for label, target in row] for row in ways]


def _button(language: str, label: str, target: str) -> Button:
    words = text.say(language, label) if text.knows(label) else label
    return Button(words, url=target) if target.startswith("https://") else Button(words, target)
