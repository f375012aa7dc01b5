"""A shop's offers: services for points, promotions (more points, or news), tiers. New words wait for moderation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lib import db, errors
from lib.loyalty.partners import PAGE, PLATFORM, of

SQL = db.load("loyalty_offers")


@dataclass(frozen=True)
class Service:
    """Something to be had for points. Status: pending, approved, rejected; `photo` is a file id or a pathname."""

    partner_id: int
    id: int
    category: str
    title: str
    about: str
    photo: str
    price_points: int
    status: str
    reason: str
    shown: bool
    created_at: datetime
    partner: str
    city: str


@dataclass(frozen=True)
class Promotion:
    """Multiplied points (20000 is twice), extra points, or news. Bit 0 of weekdays is Monday; both dates count.

    daily_limit: for how many bills of one client a day it counts; None for all of them.
    """

    partner_id: int
    id: int
    kind: str
    title: str
    about: str
    photo: str
    multiplier_bp: int
    extra_points: int
    starts_on: date
    ends_on: date
    weekdays: int
    min_bill_minor: int
    daily_limit: int | None
    city: str | None
    status: str
    reason: str
    shown: bool
    created_at: datetime
    partner: str
    partner_city: str


@dataclass(frozen=True)
class Tier:
    """From so much spent on, a bill earns at this rate."""

    title: str
    min_spent_minor: int
    earn_bp: int
    id: int = 0


async def add_service(
    conn: db.Connection,
    partner_id: int,
    actor_id: int,
    *,
    title: str,
    price_points: int,
    category: str,
    about: str = "",
    photo: str = "",
) -> int:
    """Offer a service for points and return its id; it waits for moderation. Denied("role_too_low")."""
    fields = {"title": title.strip(), "about": about.strip(), "photo": photo, "category": category}
    ids = {"partner_id": partner_id, "actor_id": actor_id}
    work = SQL.add_service.within(of(partner_id)).one(conn, int, **ids, **fields, price_points=price_points)
    return _allowed(await _checked(work), actor_id)


async def get_service(conn: db.Connection, partner_id: int, service_id: int) -> Service:
    """Return a service of this shop; Missing("no_service")."""
    ids = {"partner_id": partner_id, "service_id": service_id}
    return _found(await SQL.get_service.within(of(partner_id)).one(conn, Service, **ids), "no_service")


async def list_services(conn: db.Connection, partner_id: int, *, after: int = 0, limit: int = PAGE) -> list[Service]:
    """Return a page of a shop's own services, whatever their status."""
    return await SQL.list_services.within(of(partner_id)).all(
        conn, Service, partner_id=partner_id, after=after, limit=limit
    )


async def browse_services(
    conn: db.Connection,
    *,
    city: str | None = None,
    category: str | None = None,
    partner_id: int | None = None,
    after: int = 0,
    limit: int = PAGE,
) -> list[Service]:
    """Return a page of what clients can have."""
    filters = {"city": city, "category": category, "partner_id": partner_id}
    return await SQL.browse_services.within(db.Scope()).all(conn, Service, **filters, after=after, limit=limit)


async def services_by_status(conn: db.Connection, status: str, *, after: int = 0, limit: int = PAGE) -> list[Service]:
    """Return a page of every shop's services in one status, for moderation."""
    return await SQL.services_by_status.within(PLATFORM).all(conn, Service, status=status, after=after, limit=limit)


async def change_service(
    conn: db.Connection,
    partner_id: int,
    actor_id: int,
    service_id: int,
    *,
    title: str | None = None,
    about: str | None = None,
    photo: str | None = None,
    category: str | None = None,
    price_points: int | None = None,
    shown: bool | None = None,
) -> None:
    """Change what is named; new words or a new picture wait for moderation again. Denied("role_too_low")."""
    fields = {"title": title, "about": about, "photo": photo, "category": category, "shown": shown}
    ids = {"partner_id": partner_id, "actor_id": actor_id, "service_id": service_id}
    work = SQL.change_service.within(of(partner_id)).one(conn, int, **ids, **fields, price_points=price_points)
    done = await _checked(work)
    if done is None:
        await get_service(conn, partner_id, service_id)
    _allowed(done, actor_id)


async def decide_service(
    conn: db.Connection,
    partner_id: int,
    service_id: int,
    actor_id: int,
    status: str,
    reason: str = "",
    *,
    was: str | None = None,
    seen: str | None = None,
) -> bool:
    """Approve or reject a service, by an administrator; False when it stood so already.

    Only from the status `was`, and as its words were when they were `seen` (partners.digest), if these are given.
    """
    ids = {"partner_id": partner_id, "service_id": service_id, "actor_id": actor_id}
    await get_service(conn, partner_id, service_id)
    fields = {"status": _status(status), "reason": reason[:300], "was": was, "seen": seen}
    return await SQL.decide_service.within(PLATFORM).one(conn, int, **ids, **fields) is not None


async def add_promotion(
    conn: db.Connection,
    partner_id: int,
    actor_id: int,
    *,
    kind: str,
    title: str,
    starts_on: date,
    ends_on: date,
    about: str = "",
    photo: str = "",
    multiplier_bp: int = 10000,
    extra_points: int = 0,
    weekdays: int = 127,
    min_bill_minor: int = 0,
    daily_limit: int | None = None,
    city: str | None = None,
) -> int:
    """Announce a promotion ("multiplier", "extra" or "news") and return its id; it waits for moderation.

    Extra points count for one bill of a client a day unless `daily_limit` says more. Denied("role_too_low");
    Invalid("bad_setting") for what does not fit together.
    """
    words = {"kind": kind, "title": title.strip(), "about": about.strip(), "photo": photo, "city": city or None}
    when = {"starts_on": starts_on, "ends_on": ends_on, "weekdays": weekdays, "min_bill_minor": min_bill_minor}
    limit = daily_limit or (1 if kind == "extra" else None)
    gain = {"multiplier_bp": multiplier_bp, "extra_points": extra_points, "daily_limit": limit}
    ids = {"partner_id": partner_id, "actor_id": actor_id}
    work = SQL.add_promotion.within(of(partner_id)).one(conn, int, **ids, **words, **when, **gain)
    return _allowed(await _checked(work), actor_id)


async def get_promotion(conn: db.Connection, partner_id: int, promotion_id: int) -> Promotion:
    """Return a promotion of this shop; Missing("no_promotion")."""
    ids = {"partner_id": partner_id, "promotion_id": promotion_id}
    return _found(await SQL.get_promotion.within(of(partner_id)).one(conn, Promotion, **ids), "no_promotion")


async def list_promotions(
    conn: db.Connection, partner_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[Promotion]:
    """Return a page of a shop's own promotions, newest first."""
    return await SQL.list_promotions.within(of(partner_id)).all(
        conn, Promotion, partner_id=partner_id, before=before, limit=limit
    )


async def browse_promotions(
    conn: db.Connection,
    *,
    today: date,
    city: str | None = None,
    category: str | None = None,
    partner_id: int | None = None,
    before: int | None = None,
    limit: int = PAGE,
) -> list[Promotion]:
    """Return a page of what clients see: approved and not over, newest first."""
    filters = {"today": today, "city": city, "category": category, "partner_id": partner_id}
    return await SQL.browse_promotions.within(db.Scope()).all(conn, Promotion, **filters, before=before, limit=limit)


async def promotions_by_status(
    conn: db.Connection, status: str, *, after: int = 0, limit: int = PAGE
) -> list[Promotion]:
    """Return a page of every shop's promotions in one status, for moderation."""
    return await SQL.promotions_by_status.within(PLATFORM).all(conn, Promotion, status=status, after=after, limit=limit)


async def show_promotion(
    conn: db.Connection, partner_id: int, actor_id: int, promotion_id: int, *, shown: bool
) -> None:
    """Pause a promotion or let it go on, by a manager. Denied("role_too_low")."""
    ids = {"partner_id": partner_id, "actor_id": actor_id, "promotion_id": promotion_id}
    done = await SQL.show_promotion.within(of(partner_id)).one(conn, int, **ids, shown=shown)
    if done is None:
        await get_promotion(conn, partner_id, promotion_id)
    _allowed(done, actor_id)


async def decide_promotion(
    conn: db.Connection,
    partner_id: int,
    promotion_id: int,
    actor_id: int,
    status: str,
    reason: str = "",
    *,
    was: str | None = None,
    seen: str | None = None,
) -> bool:
    """Approve or reject a promotion, by an administrator; False when it stood so already.

    Only from the status `was`, and as its words were when they were `seen` (partners.digest), if these are given.
    """
    ids = {"partner_id": partner_id, "promotion_id": promotion_id, "actor_id": actor_id}
    await get_promotion(conn, partner_id, promotion_id)
    fields = {"status": _status(status), "reason": reason[:300], "was": was, "seen": seen}
    return await SQL.decide_promotion.within(PLATFORM).one(conn, int, **ids, **fields) is not None


async def tiers(conn: db.Connection, partner_id: int) -> list[Tier]:
    """Return a shop's tiers, the lowest first; none is fine: then the shop's own rate holds."""
    return await SQL.list_tiers.within(of(partner_id)).all(conn, Tier, partner_id=partner_id)


async def set_tiers(conn: db.Connection, partner_id: int, actor_id: int, wanted: Sequence[Tier]) -> None:
    """Replace a shop's tiers, ten at most, by a manager. Denied("role_too_low"), Invalid("bad_setting")."""
    if len(wanted) > 10 or len({tier.min_spent_minor for tier in wanted}) != len(wanted):
        raise errors.Invalid("bad_setting", "tiers")
    work = SQL.set_tiers.within(of(partner_id)).one(
        conn,
        int,
        partner_id=partner_id,
        actor_id=actor_id,
        titles=[tier.title.strip() for tier in wanted],
        spents=[tier.min_spent_minor for tier in wanted],
        rates=[tier.earn_bp for tier in wanted],
    )
    _allowed(await _checked(work), actor_id)


def _status(status: str) -> str:
    if status not in ("approved", "rejected", "pending"):
        raise errors.Invalid("unknown_status", status)
    return status


def _allowed(done: int | None, actor_id: int) -> int:
    if done is None:
        raise errors.Denied("role_too_low", str(actor_id))
    return done


def _found[T](row: T | None, code: str) -> T:
    if row is None:
        raise errors.Missing(code)
    return row


async def _checked(work: Any) -> Any:
    try:
        return await work
    except db.CheckViolation as error:
        raise errors.Invalid("bad_setting", error.diag.constraint_name or "") from error
