"""A shop's digest: what its owner reads of a day, a week or a month that is over, and who reads it.

    hourly -> the shops where it is ten o'clock -> a job for each digest that somebody there wants -> its readers

A digest is one job by shop and period, so nothing comes twice. An empty period is one line; after three empty ones
only the week's line still comes.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from lib import db, errors
from lib.jobs import table
from lib.jobs.table import NewJob
from lib.loyalty import reports
from lib.loyalty.partners import PLATFORM, Partner, of
from lib.loyalty.reports import ShopSummary
from lib.reach import periods, reminders
from lib.reach.periods import Period

SQL = db.load("digests")

TASK = "digest"
KINDS = ("day", "week", "month")
HOUR = 10  # at the shop
PATIENCE = 3  # empty periods
PAGE = 500


@dataclass(frozen=True)
class DueShop:
    """A shop where it is time, and the kinds of digest that somebody there wants."""

    partner_id: int
    owner_id: int
    tz: str
    kinds: list[str]


@dataclass(frozen=True)
class DigestReader:
    """Somebody who gets a digest."""

    user_id: int
    tg_id: int
    language: str


@dataclass(frozen=True)
class Highlights:
    """What stands out in a period, and what may be done about those who stay away."""

    best_day: date | None
    best_day_minor: int | None
    best_hour: int | None
    best_hour_minor: int | None
    bad_score: int | None
    bad_words: str | None
    best_clients: list[dict[str, Any]]
    away: int
    invites_back: bool


@dataclass(frozen=True)
class Digest:
    """A period of a shop, the one before it, and what stands out; `as_of` when it was read from a copy."""

    shop: Partner
    period: Period
    now: ShopSummary
    before: ShopSummary
    best: Highlights
    as_of: datetime | None = None

    @property
    def suggests(self) -> str:
        """The one thing that it suggests: "away", "poster", "birthday", or nothing."""
        if self.best.away and not self.best.invites_back:
            return "away"
        if not self.now.new_clients:
            return "poster"
        return "" if self.shop.birthday_points else "birthday"


def is_empty(found: ShopSummary) -> bool:
    """Whether nothing happened at the shop."""
    return not (found.receipts or found.new_clients or found.ratings or found.redeemed)


def kinds_at(local: datetime) -> set[str]:
    """Return which digests are due at a shop on this day."""
    found = {"day"}
    found |= {"week"} if local.weekday() == 0 else set()
    return found | {"month"} if local.day == 1 else found


async def queue(conn: db.Connection, now: datetime, *, after: int = 0) -> tuple[int, int]:
    """Queue what is due at a page of shops; return the last of them, 0 after the last page, and how many are new."""
    asked = {"now": now, "hour": HOUR, "after": after, "limit": PAGE}
    shops = await SQL.due.within(PLATFORM).all(conn, DueShop, **asked)
    orders = [
        order(shop.partner_id, shop.owner_id, periods.closed(kind, now, shop.tz))
        for shop in shops
        for kind in sorted(kinds_at(now.astimezone(ZoneInfo(shop.tz))).intersection(shop.kinds))
    ]
    made = await table.create_free_jobs(conn, TASK, orders, max_attempts=20) if orders else 0
    return shops[-1].partner_id if len(shops) == PAGE else 0, made


def order(partner_id: int, owner_id: int, period: Period) -> NewJob:
    """Return the job of a digest: one for a shop and a period."""
    args = {"partner_id": partner_id, "period": period.code}
    return NewJob(owner_id, f"{TASK}:{partner_id}:{period.code}", args)


async def read(conn: db.Connection, shop: Partner, period: Period, now: datetime) -> Digest:
    """Return what a digest says of a period, in two statements."""
    spans = [(period.since, period.until), (period.before_since, period.before_until)]
    found, before = await reports.summaries(conn, shop, spans)
    asked = {"partner_id": shop.id, "since": period.since, "until": period.until, "tz": shop.tz, "now": now}
    best = await SQL.highlights.within(PLATFORM).one(conn, Highlights, **asked, away=reminders.AWAY)
    assert best is not None
    return Digest(shop, period, found, before, best)


async def is_quiet(conn: db.Connection, digest: Digest) -> bool:
    """Whether nothing is to be said: an empty period after three empty ones, of those since the shop began."""
    if not is_empty(digest.now) or digest.period.code.startswith("w"):
        return False
    before = [periods.earlier(digest.period, number) for number in range(1, PATIENCE + 1)]
    began = digest.shop.decided_at or digest.shop.created_at
    if before[-1].until <= began:
        return False
    found = await reports.summaries(conn, digest.shop, [(one.since, one.until) for one in before])
    return all(map(is_empty, found))


async def readers(conn: db.Connection, partner_id: int, kind: str) -> list[DigestReader]:
    """Return who gets a shop's digests of a kind now."""
    return await SQL.readers.within(of(partner_id)).all(conn, DigestReader, partner_id=partner_id, kind=kind)


async def wanted(conn: db.Connection, partner_id: int, user_id: int) -> list[str]:
    """Return which digests of a shop a person gets."""
    found = await SQL.wanted.within(of(partner_id)).one(conn, tuple, partner_id=partner_id, user_id=user_id)
    return list(found[0]) if found else []


async def choose(conn: db.Connection, partner_id: int, user_id: int, kind: str, *, wants: bool) -> list[str]:
    """Switch a kind on or off for one of those who manage a shop; Missing("no_digest"), Denied("role_too_low")."""
    if kind not in KINDS:
        raise errors.Missing("no_digest", kind)
    asked = {"partner_id": partner_id, "user_id": user_id, "kind": kind, "wants": wants}
    found = await SQL.choose.within(of(partner_id)).one(conn, tuple, **asked)
    if found is None:
        raise errors.Denied("role_too_low", str(user_id))
    return list(found[0])


def kind_of(period: Period) -> str:
    """Return the kind of digest of a period that is over."""
    return {"d": "day", "w": "week", "m": "month"}[period.code[0]]
