"""Shops, their services and promotions as an administrator judges them: what waits, one of them, the decision.

A decision leaves the status that was seen and is about the words that were seen, so two administrators cannot decide
twice, and nobody approves what a shop has put there meanwhile. The owner is told by the same transaction, and of a
shop that is suspended or opened again its whole team.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import db, errors
from lib.loyalty import offers, partners, staff
from lib.loyalty.partners import PLATFORM, Partner
from lib.people import notify

SQL = db.load("admin")
PAGE = 10
KINDS = ("partner", "service", "promotion")

type Thing = Partner | offers.Service | offers.Promotion


@dataclass(frozen=True)
class PendingDecisions:
    """How many of each wait for an administrator."""

    partners: int
    services: int
    promotions: int
    broadcasts: int = 0


@dataclass(frozen=True)
class Facts:
    """A shop in numbers."""

    members: int
    staff: int
    available: int
    pending: int
    last_at: datetime | None


@dataclass(frozen=True)
class ShopsFigures:
    """All shops in numbers; the liability is in kopecks."""

    shops: int
    blocked: int
    members: int
    liability_minor: int


async def to_decide(conn: db.Connection) -> PendingDecisions:
    """Return how many of each wait."""
    return await SQL.to_decide.within(PLATFORM).one(conn, PendingDecisions) or PendingDecisions(0, 0, 0)


async def facts(conn: db.Connection, partner_id: int) -> Facts:
    """Return a shop in numbers."""
    found = await SQL.shop_facts.within(PLATFORM).one(conn, Facts, partner_id=partner_id)
    return found or Facts(0, 0, 0, 0, None)


async def figures(conn: db.Connection) -> ShopsFigures:
    """Return all shops in numbers."""
    return await SQL.loyalty_figures.within(PLATFORM).one(conn, ShopsFigures) or ShopsFigures(0, 0, 0, 0)


async def waiting(conn: db.Connection, kind: str, *, after: int = 0, limit: int = PAGE) -> Sequence[Thing]:
    """Return a page of what waits, the oldest first."""
    if kind == "service":
        return await offers.services_by_status(conn, "pending", after=after, limit=limit)
    if kind == "promotion":
        return await offers.promotions_by_status(conn, "pending", after=after, limit=limit)
    return await partners.list_by_status(conn, "pending", after=after, limit=limit)


async def get(conn: db.Connection, kind: str, partner_id: int, thing_id: int) -> Thing:
    """Return a shop, or one of its services or promotions; Missing."""
    if kind == "service":
        return await offers.get_service(conn, partner_id, thing_id)
    if kind == "promotion":
        return await offers.get_promotion(conn, partner_id, thing_id)
    return await partners.get(conn, partner_id)


def seen(thing: Thing) -> str:
    """Return the mark of the words that a decision is about."""
    return partners.digest(thing.title, thing.about, thing.photo)


async def decide(
    conn: db.Connection,
    kind: str,
    partner_id: int,
    thing_id: int,
    *,
    actor_id: int,
    status: str,
    was: str,
    mark: str | None = None,
    reason: str = "",
    key: str,
) -> None:
    """Decide and tell the owner, all or nothing. Conflict("decided_already"), Conflict("words_changed")."""
    shop = await partners.get(conn, partner_id)
    thing = await get(conn, kind, partner_id, thing_id)
    facts: dict[str, Any] = {"status": status, "reason": reason, "was": was, "seen": mark}
    async with conn.transaction():
        if kind == "service":
            done = await offers.decide_service(conn, partner_id, thing_id, actor_id, **facts)
        elif kind == "promotion":
            done = await offers.decide_promotion(conn, partner_id, thing_id, actor_id, **facts)
        else:
            done = await partners.decide(conn, partner_id, actor_id, **facts)
        if not done:
            changed = thing.status == was and mark is not None and seen(thing) != mark
            raise errors.Conflict("words_changed" if changed else "decided_already", thing.status)
        told = {"title": thing.title, **({"reason": reason} if reason else {})}
        again = ".again" if (was, status) == ("blocked", "approved") else ""
        sentence = f"admin.tell.{kind}.{status}{again}"
        ways = [[("button.menu", f"menu:shop:{partner_id}")]]
        once = f"decided:{key}"
        await notify.tell(conn, shop.owner_id, "partner", sentence, told, ways, once=once)
        if kind == "partner" and "blocked" in (was, status):
            said = sentence if again else f"{sentence}.team"
            await staff.tell_team(conn, partner_id, said, {"title": shop.title}, ways, once=once)
