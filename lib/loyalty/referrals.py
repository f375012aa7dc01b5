"""Invitations: who came by whom, and what the shop pays for the receipts of those who came.

    receipt of an invited client --job--> each level: paid (waits the return period)
                                                      held      looks arranged; the shop decides: paid or refused
                                                      refused   staff, or the referrer is gone
                                                      capped    the caps per receipt and per month are used up
    receipt reversed --job--> reversed

Paid from real receipts only. A ring is impossible: a referrer is set when the member is made, exists by then, and is
never changed.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from lib import db, errors
from lib.loyalty import members, partners
from lib.loyalty.partners import PAGE, of

SQL = db.load("loyalty_referrals")


@dataclass(frozen=True)
class Reward:
    """One referrer's points for one receipt of an invited client. `reason` says why it is not simply paid."""

    receipt_id: int
    level: int
    referrer_id: int
    referrer: str
    points: int
    status: str
    reason: str
    created_at: datetime
    bill_minor: int
    member_id: int
    invited: str


@dataclass(frozen=True)
class PaidReward:
    """A reward that somebody has got; the points can be spent from `active_at`."""

    level: int
    points: int
    user_id: int
    active_at: datetime


@dataclass(frozen=True)
class Level:
    """The sum that the invitations of one level have brought so far."""

    level: int
    invited: int
    buyers: int
    points: int
    held: int


def link(partner: partners.Partner, card_no: int) -> str:
    """Return the start payload for the client bot that invites to a shop in a member's name, r_<code>_<card>."""
    return f"r_{partner.code}_{card_no}"


def read_link(payload: str) -> tuple[str, int | None]:
    """Return the shop's code and the referrer's card of a payload: r_<code>_<card>, or p_<code> with nobody's.

    Invalid("link_unreadable") for anything else.
    """
    found = re.fullmatch(r"p_([a-z0-9]{6,16})|r_([a-z0-9]{6,16})_(\d{8})", payload, re.ASCII)
    if found is None:
        raise errors.Invalid("link_unreadable", payload[:64])
    return (found[1], None) if found[1] else (found[2], int(found[3]))


async def settle(conn: db.Connection, partner_id: int, receipt_id: int, *, now: datetime | None = None) -> int:
    """Pay what a receipt brings its referrers, or take it back once the receipt is reversed; return how many.

    Each level of a receipt is decided once, so it is safe to repeat.
    """
    ids = {"partner_id": partner_id, "receipt_id": receipt_id}
    return await SQL.settle_referrals.one(conn, int, **ids, now=now) or 0


async def results(conn: db.Connection, partner_id: int, member_id: int) -> list[Level]:
    """Return what a member's invitations have brought, levels 1 to 3."""
    ids = {"partner_id": partner_id, "member_id": member_id}
    return await SQL.results.within(of(partner_id)).all(conn, Level, **ids)


async def rewards(
    conn: db.Connection, partner_id: int, member_id: int, *, before: datetime | None = None, limit: int = PAGE
) -> list[Reward]:
    """Return a page of a referrer's rewards, newest first; `before` is the created_at of the page before's last."""
    ids = {"partner_id": partner_id, "member_id": member_id}
    return await SQL.rewards.within(of(partner_id)).all(conn, Reward, **ids, before_at=before, limit=limit)


async def paid(conn: db.Connection, partner_id: int, receipt_id: int) -> list[PaidReward]:
    """Return what a receipt has brought its referrers, the nearest first."""
    return await SQL.paid.within(of(partner_id)).all(conn, PaidReward, partner_id=partner_id, receipt_id=receipt_id)


async def held(
    conn: db.Connection, partner_id: int, *, after: tuple[int, int] = (0, 0), limit: int = PAGE
) -> list[Reward]:
    """Return a page of the rewards that wait for the shop's decision; `after` is (receipt_id, level)."""
    page = {"after_receipt": after[0], "after_level": after[1], "limit": limit}
    return await SQL.held.within(of(partner_id)).all(conn, Reward, partner_id=partner_id, **page)


async def review(
    conn: db.Connection,
    partner_id: int,
    receipt_id: int,
    level: int,
    actor_id: int,
    *,
    pays: bool,
    now: datetime | None = None,
) -> str:
    """Pay or refuse a held reward, by a manager; return its status.

    Missing("no_reward"), Conflict("already_decided"), Denied("role_too_low").
    """
    ids = {"partner_id": partner_id, "receipt_id": receipt_id, "level": level, "actor_id": actor_id}
    return str(await SQL.review.one(conn, str, **ids, pays=pays, now=now))


async def join(
    conn: db.Connection, user_id: int, payload: str, *, now: datetime | None = None
) -> tuple[partners.Partner, members.JoinedCard]:
    """Join the shop of a link, invited by its referrer if it names one. Missing("no_partner") for an unknown code."""
    code, card = read_link(payload)
    partner = await partners.get_by_code(conn, code)
    if partner is None:
        raise errors.Missing("no_partner", code)
    return partner, await members.join(conn, partner.id, user_id, referrer_card=card, now=now)
