"""People: who they are in Telegram, what they agreed to, how they want to be spoken to."""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from lib import config, db, errors, links

SQL = db.load("users")

TRIAL_CREDITS = 2

# The time zones to choose from, each with its hours ahead of UTC: none of them has had summer time since 2014.
ZONES: Mapping[str, int] = {
    "Europe/Kaliningrad": 2,
    "Europe/Moscow": 3,
    "Europe/Samara": 4,
    "Asia/Yekaterinburg": 5,
    "Asia/Omsk": 6,
    "Asia/Novosibirsk": 7,
    "Asia/Irkutsk": 8,
    "Asia/Yakutsk": 9,
    "Asia/Vladivostok": 10,
    "Asia/Magadan": 11,
    "Asia/Kamchatka": 12,
}
ZONE = "Europe/Moscow"  # until another is chosen


def hours_ahead(zone: str) -> int:
    """Return how many hours a time zone is ahead of UTC."""
    return ZONES.get(zone, ZONES[ZONE])


def local(at: datetime, zone: str) -> datetime:
    """Return a time as a clock of that time zone shows it."""
    return at.astimezone(timezone(timedelta(hours=hours_ahead(zone))))


@dataclass(frozen=True)
class User:
    """A person and the balance of their account."""

    id: int
    tg_id: int
    first_name: str
    last_name: str
    username: str
    language: str
    language_chosen: bool
    time_zone: str
    consent_at: datetime | None
    blocked_at: datetime | None
    created_at: datetime
    seen_at: datetime
    balance: int
    banned: bool = False  # shut out of every bot; get_user_by_tg_id does not ask


async def get_or_create_user(
    conn: db.Connection,
    tg_id: int,
    *,
    first_name: str = "",
    last_name: str | None = None,
    username: str | None = None,
    language: str = "ru",
) -> User:
    """Return the person behind an update, up to date, in one round trip; a new one gets an empty account.

    Somebody who writes to us has not blocked us. `language` is a guess, followed until the person chooses one.
    """
    user = await SQL.get_or_create_user.one(
        conn,
        User,
        tg_id=tg_id,
        first_name=first_name,
        last_name=last_name or "",
        username=username or "",
        language=language,
        ban=ban_mark(tg_id),
        mark=person_mark(tg_id),
    )
    return _found(user)


async def get_user(conn: db.Connection, user_id: int) -> User | None:
    """Return the person with our own id."""
    return await SQL.get_user.one(conn, User, user_id=user_id)


async def get_user_by_tg_id(conn: db.Connection, tg_id: int) -> User | None:
    """Return the person with this Telegram id."""
    return await SQL.get_user_by_tg_id.one(conn, User, tg_id=tg_id)


async def accept_consent(conn: db.Connection, user_id: int, tg_id: int) -> User:
    """Record the consent and give the trial credits, both once in a lifetime however often it is pressed."""
    ids = {"user_id": user_id, "tg_id": tg_id, "mark": mark(tg_id)}
    return _found(await SQL.accept_consent.one(conn, User, **ids, trial=TRIAL_CREDITS))


async def introduce(conn: db.Connection, user_id: int, bot: str) -> bool:
    """Tell whether a bot has yet to say what it is to this person; from now on it has said so."""
    return await SQL.introduce.run(conn, user_id=user_id, bot=bot) > 0


async def set_language(conn: db.Connection, user_id: int, language: str) -> None:
    """Keep the language a person chose, whatever Telegram says later."""
    if language not in ("ru", "en"):
        raise errors.Invalid("unknown_language", language)
    if not await SQL.set_language.run(conn, user_id=user_id, language=language):
        raise errors.Missing("no_user", str(user_id))


async def set_time_zone(conn: db.Connection, user_id: int, zone: str) -> None:
    """Keep the time zone a person chose, one of ZONES."""
    if zone not in ZONES:
        raise errors.Invalid("unknown_zone", zone)
    if not await SQL.set_time_zone.run(conn, user_id=user_id, zone=zone):
        raise errors.Missing("no_user", str(user_id))


async def mark_blocked(conn: db.Connection, tg_id: int, bot: str, blocked: bool) -> None:
    """Remember that a person blocked a bot, or came back to it; a stranger is no error."""
    await SQL.mark_blocked.run(conn, tg_id=tg_id, bot=bot, blocked=blocked)


async def hears(conn: db.Connection, user_id: int, bot: str) -> bool:
    """Tell whether a person lets this bot write to them, as far as we know."""
    return bool(await SQL.hears.one(conn, bool, user_id=user_id, bot=bot))


async def export(conn: db.Connection, user_id: int) -> dict[str, Any]:
    """Return all that is kept of a person, ready for a JSON file: profile, credits, orders, files with their links."""
    row = await SQL.export.one(conn, dict, user_id=user_id)
    if row is None:
        raise errors.Gone("erased", f"user {user_id}")
    data, now = dict(row["data"]), datetime.now(UTC)
    for file in data["files"]:
        if link := links.make(file["pathname"], now):
            file["link"] = link
    return data


async def erase(conn: db.Connection, user_id: int, tg_id: int, *, others: Collection[str] | None = None) -> None:
    """Forget a person, once; their ledger stays, and belongs to nobody. The files go by a job, `erase`.

    A person who comes back is a stranger, yet gets no second trial, and debts and blocks still hold. The `others` are
    the regions that are to forget them as well: without a word all that there are.
    """
    told = [*(config.get().other_regions if others is None else others)]
    marks = {"mark": mark(tg_id), "person_mark": person_mark(tg_id)}
    await SQL.erase.run(conn, user_id=user_id, tg_id=tg_id, others=told, **marks)


@dataclass(frozen=True)
class PromisedMessage:
    """A message that says what is being made for a person, and becomes it."""

    bot: str
    chat_id: int
    message_id: int


async def list_promised(conn: db.Connection, user_id: int) -> list[PromisedMessage]:
    """Return the messages that a person's unfinished jobs are to fill."""
    return await SQL.list_promised.all(conn, PromisedMessage, user_id=user_id)


async def forget_orders(conn: db.Connection, user_id: int) -> int:
    """Empty the finished orders of a person who was erased; return how many are still under way."""
    return await SQL.forget_orders.one(conn, int, user_id=user_id) or 0


def mark(known: int | str, what: str = "trial") -> bytes:
    """Return what is remembered of a Telegram id or a phone: enough to know it again, too little to find it out."""
    secret = config.get().app_secret
    if not secret:
        raise errors.Misconfigured(detail="APP_SECRET is not set; without it a trial could be had twice")
    return hmac.digest(secret.encode(), f"{what}:{known}".encode(), hashlib.sha256)


def ban_mark(tg_id: int) -> bytes:
    """Return the mark by which a person who was shut out is known; nothing without a secret, which it needs."""
    return mark(tg_id, "ban") if config.get().app_secret else b""


def person_mark(tg_id: int) -> bytes | None:
    """Return the mark by which a person is known beyond their account; nothing without a secret."""
    return mark(tg_id, "person") if config.get().app_secret else None


def phone_mark(phone: str) -> bytes | None:
    """Return the mark by which a phone number is known beyond an account; nothing without a secret."""
    return mark(phone, "phone") if config.get().app_secret else None


async def mark_people(conn: db.Connection, limit: int) -> int:
    """Mark people who have no mark yet, as they came before there were any; return how many."""
    found = await SQL.list_unmarked.all(conn, tuple, limit=limit) if config.get().app_secret else []
    marks = {user_id: (person_mark(tg_id), phone_mark(phone) if phone else None) for user_id, tg_id, phone in found}
    if marks:
        people, phones = zip(*marks.values(), strict=True)
        await SQL.mark_people.run(conn, user_ids=list(marks), marks=list(people), phone_marks=list(phones))
    return len(marks)


async def forget_operations(conn: db.Connection, user_id: int) -> None:
    """Take the Telegram id, and the words about them, out of the operations of a person who was erased."""
    await SQL.forget_operations.run(conn, user_id=user_id)


async def forget_traces(conn: db.Connection, now: datetime) -> int:
    """Forget what outages and failed updates have left for long enough; return how many rows."""
    return await SQL.forget_traces.one(conn, int, now=now) or 0


async def forget_remembered(conn: db.Connection, now: datetime) -> int:
    """Forget what was remembered of people for as long as it was needed; return how many rows."""
    return await SQL.forget_remembered.one(conn, int, now=now) or 0


def _found(user: User | None) -> User:
    if user is None:
        raise errors.Missing("no_user")
    return user
