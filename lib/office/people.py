"""Finds people by anything that is known of them, shows their orders and payments, shuts them out and lets them in."""

import re
from dataclasses import dataclass
from datetime import datetime

from lib import config, db, errors, typed
from lib.loyalty import phones
from lib.loyalty.partners import PLATFORM
from lib.people import users
from lib.telegram import fsm

SQL = db.load("admin")
PAGE = 10
_PROFILE = re.compile(r"^(?:https?://)?(?:www\.)?(?:t|telegram)\.me/", re.IGNORECASE)
MOST = 20  # words that a list can be narrowed down to


@dataclass(frozen=True)
class Hit:
    """Somebody who was found, and by what: tg_id, username, phone, order."""

    id: int
    tg_id: int
    first_name: str
    last_name: str
    username: str
    found_by: str


@dataclass(frozen=True)
class Dossier:
    """All that an administrator sees of a person on one screen; `owed` are credits."""

    id: int
    tg_id: int
    first_name: str
    last_name: str
    username: str
    language: str
    time_zone: str
    consent_at: datetime | None
    blocked_at: datetime | None
    created_at: datetime
    seen_at: datetime
    erased_at: datetime | None
    balance: int
    ban_reason: str | None
    banned_at: datetime | None
    orders: int
    payments: int
    owed: int


@dataclass(frozen=True)
class JobLine:
    """A job as a line of a list."""

    id: int
    user_id: int
    task: str
    price: int
    state: str
    attempts: int
    error_code: str | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Count:
    """How many lines of a list there are of one word."""

    word: str
    number: int


@dataclass(frozen=True)
class PaymentLine:
    """A payment as a line of a list."""

    id: int
    pack_id: int | None
    stars: int
    credits: int
    state: str
    owed: int
    paid_at: datetime


@dataclass(frozen=True)
class UnsettledPayment:
    """A payment that needs a look, and whose it is."""

    id: int
    user_id: int
    stars: int
    credits: int
    state: str
    owed: int
    paid_at: datetime


async def find(conn: db.Connection, words: str, *, limit: int = PAGE) -> list[Hit]:
    """Return the people who fit a Telegram id, @username, a client's phone or the number of an order."""
    line = _PROFILE.sub("", typed.plain(words))
    digits = "".join(line.lstrip("#№ ").split())
    number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else None
    username = typed.latin(line).removeprefix("@").partition("?")[0].rstrip("/").lower()[:64]
    facts = {"number": number, "username": username, "phones": _phones(line)}
    return await SQL.find_people.within(PLATFORM).all(conn, Hit, **facts, limit=limit)


async def get(conn: db.Connection, user_id: int) -> Dossier:
    """Return a person; Missing("no_user")."""
    user = await users.get_user(conn, user_id)
    if user is None:
        raise errors.Missing("no_user", str(user_id))
    person = await SQL.person.one(conn, Dossier, user_id=user_id, mark=users.ban_mark(user.tg_id))
    if person is None:
        raise errors.Missing("no_user", str(user_id))
    return person


async def orders(conn: db.Connection, user_id: int, *, before: int | None = None, limit: int = PAGE) -> list[JobLine]:
    """Return a page of what a person paid credits for, newest first."""
    return await SQL.person_orders.all(conn, JobLine, user_id=user_id, before=before, limit=limit)


async def payments(
    conn: db.Connection, user_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[PaymentLine]:
    """Return a page of a person's payments, newest first."""
    return await SQL.person_payments.all(conn, PaymentLine, user_id=user_id, before=before, limit=limit)


async def ban(conn: db.Connection, user_id: int, *, actor: str, reason: str) -> bool:
    """Shut a person out of every bot; False when they were. Denied("is_admin"): not one of ourselves.

    Denied("no_secret") where none is set: everybody would have the same mark.
    """
    user = await _known(conn, user_id)
    if user.tg_id in config.get().admin_ids:
        raise errors.Denied("is_admin", str(user.tg_id))
    if not users.ban_mark(user.tg_id):
        raise errors.Denied("no_secret", "APP_SECRET is not set")
    facts = {"mark": users.ban_mark(user.tg_id), "user_id": user_id, "actor": actor, "reason": reason}
    return await SQL.ban.one(conn, int, **facts) is not None


async def unban(conn: db.Connection, user_id: int, *, actor: str, reason: str) -> bool:
    """Let a person in again; False when they were not shut out."""
    user = await _known(conn, user_id)
    facts = {"mark": users.ban_mark(user.tg_id), "user_id": user_id, "actor": actor, "reason": reason}
    return await SQL.unban.one(conn, str, **facts) is not None


async def forget_state(tg_id: int) -> None:
    """Make every bot look the person up again at their next update, so that a ban holds from now on."""
    await fsm.forget_everywhere(tg_id)


async def unsettled(conn: db.Connection, *, before: int | None = None, limit: int = PAGE) -> list[UnsettledPayment]:
    """Return a page of the payments that need a look: unknown Stars, hanging refunds, debts."""
    return await SQL.unsettled_payments.all(conn, UnsettledPayment, before=before, limit=limit)


def _phones(words: str) -> list[str]:
    try:
        return phones.readings(words)
    except errors.Invalid:
        return []


async def _known(conn: db.Connection, user_id: int) -> users.User:
    user = await users.get_user(conn, user_id)
    if user is None or user.tg_id < 0:
        raise errors.Missing("no_user", str(user_id))
    return user
