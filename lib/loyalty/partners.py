"""Shops: applying for one, its settings, its moderation, the catalogue that clients look through, who did what.

apply -> pending -> approved <-> blocked
                 -> rejected -> approved
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import db, errors
from lib.loyalty import hours
from lib.loyalty.hours import OpeningHours
from lib.people import users

SQL = db.load("loyalty_partners")

CATEGORIES = ("cafe", "restaurant", "beauty", "fitness", "shop", "flowers", "auto", "health", "education", "other")
# Where a shop may be: its days begin there, and its people write phone numbers as that country does.
ZONES: Mapping[str, str] = {
    **dict.fromkeys(users.ZONES, "RU"),
    "Europe/Minsk": "BY",
    "Europe/Chisinau": "MD",
    "Asia/Tbilisi": "GE",
    "Asia/Yerevan": "AM",
    "Asia/Baku": "AZ",
    "Asia/Almaty": "KZ",
    "Asia/Bishkek": "KG",
    "Asia/Dushanbe": "TJ",
    "Asia/Tashkent": "UZ",
}
PLATFORM = db.Scope(platform=True)
PAGE = 10

# The settings that the owner and the managers may change, with the type of each.
SETTINGS: dict[str, type] = {
    **dict.fromkeys(("title", "about", "city", "address", "category", "contact", "photo", "tz"), str),
    **dict.fromkeys(("minor_per_point", "earn_bp", "max_pay_pct", "max_bill_minor", "hold_days", "expire_days"), int),
    **dict.fromkeys(("remind_days", "welcome_points", "birthday_points", "referral_levels"), int),
    **dict.fromkeys(("referral_hold_days", "referral_cap_receipt", "referral_cap_month"), int),
    **dict.fromkeys(("earn_on_rest", "confirm_spending"), bool),
    "hours": dict,
    "referral_bp": list,
    "quick_amounts": list,
}


@dataclass(frozen=True)
class Partner:
    """A shop and the rules of its programme. Shares are in basis points: 500 is 5 %."""

    id: int
    code: str
    owner_id: int
    title: str
    about: str
    city: str
    address: str
    category: str
    contact: str
    photo: str
    status: str
    reason: str
    tz: str
    minor_per_point: int
    earn_bp: int
    max_pay_pct: int
    earn_on_rest: bool
    max_bill_minor: int
    hold_days: int
    expire_days: int
    remind_days: int
    welcome_points: int
    birthday_points: int
    referral_levels: int
    referral_bp: list[int]
    referral_hold_days: int
    referral_cap_receipt: int
    referral_cap_month: int
    quick_amounts: list[int]
    confirm_spending: bool
    created_at: datetime
    decided_at: datetime | None

    @property
    def gone(self) -> bool:
        """Whether it is closed for good, as its owner was erased."""
        return self.reason == "owner_erased"


@dataclass(frozen=True)
class ShopCount:
    """A city or a category of the catalogue, and how many shops it has."""

    name: str
    number: int


@dataclass(frozen=True)
class ShopDeed:
    """A line of the audit trail: who did what to whom."""

    id: int
    partner_id: int | None
    title: str
    actor_id: int | None
    actor: str
    action: str
    subject: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    created_at: datetime


def country(zone: str) -> str:
    """Return the country of a shop's time zone, as two letters; Russia for any other."""
    return ZONES.get(zone, "RU")


def of(partner_id: int) -> db.Scope:
    """Return the scope of one shop."""
    return db.Scope(tenant=partner_id)


async def apply(conn: db.Connection, owner_id: int, *, title: str, city: str, category: str, **more: str) -> int:
    """Apply for a shop and return its id; it waits for approval, and the applicant is its owner.

    `more`: about, address, contact, photo, tz.
    """
    fields = {"title": title.strip(), "city": city.strip(), "category": category, **more}
    return await _checked(SQL.apply_partner.one(conn, int, owner_id=owner_id, fields=_checked_fields(fields))) or 0


async def get(conn: db.Connection, partner_id: int) -> Partner:
    """Return a shop; Missing("no_partner")."""
    return _found(await SQL.get_partner.within(of(partner_id)).one(conn, Partner, partner_id=partner_id), partner_id)


async def get_by_code(conn: db.Connection, code: str) -> Partner | None:
    """Return the shop of a link p_<code>, whatever its status, or None."""
    return await SQL.get_partner_by_code.within(db.Scope()).one(conn, Partner, code=code)


async def list_approved(
    conn: db.Connection, *, city: str | None = None, category: str | None = None, after: int = 0, limit: int = PAGE
) -> list[Partner]:
    """Return a page of the catalogue; `after` is the id of the last shop of the page before."""
    return await SQL.list_partners.within(db.Scope()).all(
        conn, Partner, city=city, category=category, after=after, limit=limit
    )


async def list_by_status(conn: db.Connection, status: str, *, after: int = 0, limit: int = PAGE) -> list[Partner]:
    """Return a page of the shops in one status, for moderation."""
    return await SQL.list_partners_by_status.within(PLATFORM).all(
        conn, Partner, status=status, after=after, limit=limit
    )


async def find(conn: db.Connection, words: str, *, after: int = 0, limit: int = PAGE) -> list[Partner]:
    """Return shops by a part of the title, by code or by id, for administrators."""
    literal = words.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return await SQL.find_partners.within(PLATFORM).all(conn, Partner, words=literal, after=after, limit=limit)


async def cities(conn: db.Connection, *, limit: int = 30) -> list[ShopCount]:
    """Return the cities that have shops, the biggest first."""
    return await SQL.cities.within(db.Scope()).all(conn, ShopCount, limit=limit)


async def categories(conn: db.Connection, city: str | None = None, *, limit: int = 30) -> list[ShopCount]:
    """Return the categories that have shops in a city, the biggest first."""
    return await SQL.categories.within(db.Scope()).all(conn, ShopCount, city=city, limit=limit)


async def change(conn: db.Connection, partner_id: int, actor_id: int, **fields: Any) -> None:
    """Change some settings, by the owner or a manager. Denied("role_too_low"); Invalid("bad_setting", name)."""
    fields = _checked_fields(fields)
    changed = await _checked(
        SQL.change_partner.within(of(partner_id)).one(
            conn, int, partner_id=partner_id, actor_id=actor_id, fields=fields
        )
    )
    if changed is None:
        raise errors.Denied("role_too_low", str(actor_id))


async def opening_hours(conn: db.Connection, partner_id: int) -> OpeningHours:
    """Return when a shop is open; change it by `change(hours=hours.dump(...))`."""
    stored = await SQL.opening_hours.within(of(partner_id)).one(conn, dict, partner_id=partner_id)
    return hours.read(stored["hours"] if stored else {})


async def decide(
    conn: db.Connection,
    partner_id: int,
    actor_id: int,
    status: str,
    reason: str = "",
    *,
    was: str | None = None,
    seen: str | None = None,
) -> bool:
    """Approve, reject or block a shop, by an administrator; False when it stood so already, or is gone.

    Only from the status `was`, and as its words were when they were `seen` (`digest`), if these are given.
    """
    if status not in ("approved", "rejected", "blocked", "pending"):
        raise errors.Invalid("unknown_status", status)
    await get(conn, partner_id)
    ids = {"partner_id": partner_id, "actor_id": actor_id}
    done = await SQL.decide_partner.within(PLATFORM).one(
        conn, int, **ids, status=status, reason=reason[:300], was=was, seen=seen
    )
    return done is not None


def digest(title: str, about: str, photo: str) -> str:
    """Return a mark of what is published, so that a decision is about what its maker has seen."""
    return hashlib.md5("\x1f".join((title, about, photo)).encode(), usedforsecurity=False).hexdigest()


async def trail(
    conn: db.Connection, *, partner_id: int | None = None, before: int | None = None, limit: int = PAGE
) -> list[ShopDeed]:
    """Return a page of the audit trail, newest first; of one shop, or for administrators of all."""
    scope = PLATFORM if partner_id is None else of(partner_id)
    return await SQL.trail.within(scope).all(conn, ShopDeed, partner_id=partner_id, before=before, limit=limit)


def _checked_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in fields.items():
        if name not in SETTINGS or type(value) is not SETTINGS[name]:
            raise errors.Invalid("bad_setting", name)
        if name == "category" and value not in CATEGORIES:
            raise errors.Invalid("bad_setting", name)
        if name == "tz" and not _is_zone(str(value)):
            raise errors.Invalid("bad_setting", name)
        if type(value) is int and abs(value) > 1_000_000_000:
            raise errors.Invalid("bad_setting", name)
        if isinstance(value, list) and not all(type(one) is int and 0 <= one <= 1_000_000_000 for one in value):
            raise errors.Invalid("bad_setting", name)
    return dict(fields)


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError on some systems' data
        return False
    except KeyError:
        return False
    return True


async def _checked(work: Any) -> Any:
    """Turn a refusal of the table into Invalid("bad_setting") with the column's name."""
    try:
        return await work
    except db.CheckViolation as error:
        column = (error.diag.constraint_name or "").removeprefix("partners_").removesuffix("_check")
        raise errors.Invalid("bad_setting", column) from error


def _found(partner: Partner | None, partner_id: int) -> Partner:
    if partner is None:
        raise errors.Missing("no_partner", str(partner_id))
    return partner
