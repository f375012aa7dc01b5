"""Tells people what they did not ask for: the administrators, what needs a look; anybody, what others did for them.

A message of `tell` is a job of its own (lib/tasks/tell.py): it is sent once the caller's transaction is committed, in
the receiver's language, within what Telegram allows. Kick the drain after the commit, so that it comes at once.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lib import config, db, errors, log, text
from lib.jobs import table
from lib.jobs.table import NewJob
from lib.telegram.client import Button, Chat, Keyboard

SQL = db.load("admin")

# The kinds of alerts, by which an administrator mutes them: what alert.<kind> or alert.<kind>_<more> says, and the
# findings of the nightly audit.
ALERTS = (
    "alarm",
    "buried",
    "audit",
    "provider",
    "refund",
    "chargeback",
    "unmatched",
    "letter",
    "waiting",
    "broadcast",
    "week",
)

# Rows of buttons: what each says (a sentence's key, or else the label itself) and the data that it sends or the
# https link that it opens.
type Ways = Sequence[Sequence[tuple[str, str]]]

# Fields that are words of a language themselves.
type Worded = Callable[[str], Mapping[str, object]]


@dataclass(frozen=True)
class Admin:
    """An administrator's id in Telegram, and the language they read."""

    id: int
    language: str


async def alert_admins(
    through: str, key: str, worded: Worded | None = None, /, *, ways: Ways = (), **fields: object
) -> bool:
    """Send a sentence to every administrator who wants to hear of this kind of thing; its key is alert.<kind>.

    Each reads it in their own language; `worded` gives the fields that are words of that language.

    False when somebody wants to hear it and nobody could be told: then it has not been said.

    It goes through the admin bot when there is one; an administrator who has not started it is reached through
    `through`, and one who has started neither hears nothing. When it is not known who muted this kind, everybody is
    told. `ways` lead on within the admin bot.
    """
    log.event("alert", key=key, **{name: value for name, value in fields.items() if str(value).isascii()})
    wanted, told = await _hand_out(through, key, ways, lambda said: {**fields, **(worded(said) if worded else {})})
    return told > 0 or wanted == 0


async def hand_to_admins(through: str, key: str, *, ways: Ways = (), **fields: object) -> int:
    """Send them what a person wrote, which no log keeps; return how many have it."""
    return (await _hand_out(through, key, ways, lambda _: fields))[1]


async def _hand_out(through: str, key: str, ways: Ways, worded: Worded) -> tuple[int, int]:
    """Return how many want to hear of it, and how many have it now."""
    wanted = await hearers(key.partition(".")[2].partition("_")[0])
    parts = {language: text.parts(language, key, **worded(language)) for language in {one.language for one in wanted}}
    return len(wanted), sum(
        await asyncio.gather(*(_hand(one, through, parts[one.language], _rows(one.language, ways)) for one in wanted))
    )


def _rows(language: str, ways: Ways) -> Keyboard:
    return [[Button(text.say(language, label), target) for label, target in row] for row in ways]


async def _hand(admin: Admin, through: str, parts: list[str], rows: Keyboard) -> bool:
    """Send all parts through one bot; a message counts as sent when all of its parts are."""
    for bot in dict.fromkeys(("admin", through)):
        with contextlib.suppress(errors.AppError):
            for words in parts:
                last = bot == "admin" and words is parts[-1]
                await Chat(bot, admin.id, paced=True).say(words, rows if last else None)
            return True
    return False


async def hearers(kind: str) -> list[Admin]:
    """Return the administrators who want to hear of this kind of thing; all of them when that cannot be known."""
    admins, language = sorted(config.get().admin_ids), text.LANGUAGES[0]
    with contextlib.suppress(errors.AppError):
        asked = {"admins": admins, "kind": kind, "language": language}
        return list(await db.run(lambda conn: SQL.who_hears.all(conn, Admin, **asked)))
    return [Admin(one, language) for one in admins]


async def tell(
    conn: db.Connection,
    user_id: int,
    bot: str,
    key: str,
    fields: Mapping[str, Any],
    ways: Ways = (),
    *,
    once: str,
    at: datetime | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
    reminds: Mapping[str, Any] | None = None,
) -> bool:
    """Have a sentence sent to a person through a bot, once for this key, now or at a moment; False when it was before.

    A field is a word or a number, `spoken(key)` for a word of the receiver's language, `listed` for lines of such,
    `day(on)` for a date, or `moment(at)` for a time in their zone; `more` are sentences that follow, each with its
    fields. `reminds` is what lib/reach/reminders.py looks at again before it goes. A person who has blocked the bot, or
    never started it, hears nothing, and that is no error. Inside a transaction it needs a key that is new with what the
    transaction does: one that is known fails the statement.
    """
    args = {"bot": bot, "key": key, "fields": dict(fields), "ways": [[list(way) for way in row] for row in ways]}
    args |= {"more": {key: dict(said) for key, said in more.items()}} if more else {}
    args |= {"reminds": dict(reminds)} if reminds else {}
    order = NewJob(user_id, f"tell:{once}", args)
    try:
        return bool(await table.create_free_jobs(conn, "tell", [order], max_attempts=20, run_at=at))
    except errors.Conflict:  # it was said in other words, with an older balance say: once is once
        return False


async def withdraw(conn: db.Connection, once: str) -> bool:
    """Take back what `tell` has not said yet; False when there is nothing of the kind."""
    return bool(await SQL.withdraw.run(conn, key=f"tell:{once}"))


def spoken(key: str, **fields: Any) -> dict[str, Any]:
    """Return a field of `tell` that is a sentence of its own, in the receiver's language."""
    return {"spoken": key, "fields": fields} if fields else {"spoken": key}


def listed(sentences: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a field of `tell` that is several sentences (`spoken`), each in a line of its own."""
    return {"listed": list(sentences)}


def day(on: date) -> dict[str, str]:
    """Return a field of `tell` that is a date, which no zone moves, for `{field:date}`."""
    return {"day": f"{on:%Y-%m-%d}"}


def moment(at: datetime) -> dict[str, str]:
    """Return a field of `tell` that is a time, in the receiver's zone."""
    return {"moment": at.isoformat()}
