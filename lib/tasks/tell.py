"""Says one sentence to one person through one bot: what `notify.tell` ordered.

The slot is booked for all instances, so that no bot writes faster than Telegram allows. Who cannot be reached through
this bot is noted and left in peace; a bot without a token is off, and what it had to say is dropped.
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import db, errors, jobs, limits, log, retry, text, users
from lib.telegram.client import Button, Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=60)
PATIENCE = timedelta(seconds=20)


async def run(run: jobs.Run) -> None:
    """Send it; Unavailable when Telegram, or the next free slot, wants it later."""
    told = run.job.args
    user = await db.run(lambda conn: users.get_user(conn, run.job.user_id))
    if user is None or user.tg_id <= 0:
        log.note(nobody_to_tell=True)
        return
    slot = await limits.reserve(told["bot"], user.tg_id, patience=PATIENCE)
    await slot.wait()
    words, keyboard = _words(user, told), _keyboard(user.language, told["ways"])
    try:
        await Chat(told["bot"], user.tg_id, paced=True).say(words, keyboard)
    except (errors.Missing, errors.Rejected) as refusal:  # off, blocked, never started
        log.note(not_told=str(refusal))
    except errors.Unavailable as flood:
        if flood.retry_after:
            await limits.pause(told["bot"], flood.retry_after, user.tg_id)
        raise


def _words(user: users.User, told: dict[str, Any]) -> str:
    said = {told["key"]: told["fields"], **told.get("more", {})}
    return "\n\n".join(
        text.say(user.language, key, **{name: _field(user, value) for name, value in fields.items()})
        for key, fields in said.items()
    )


def _field(user: users.User, value: Any) -> Any:
    if isinstance(value, dict) and "spoken" in value:
        return text.say(user.language, value["spoken"])
    if isinstance(value, dict) and "moment" in value:
        return datetime.fromisoformat(value["moment"]).astimezone(ZoneInfo(user.time_zone)).strftime("%d.%m.%Y %H:%M")
    return value


def _keyboard(language: str, ways: list[list[list[str]]]) -> list[list[Button]]:
    return [[_button(language, label, target) for label, target in row] for row in ways]


def _button(language: str, label: str, target: str) -> Button:
    words = text.say(language, label) if text.knows(label) else label
    return Button(words, url=target) if target.startswith("https://") else Button(words, target)
