"""The ledger of points. Each operation is one round trip, happens once for its key, and is whole or not at all.

The key is made when the confirm screen is drawn. The same key with the same request answers as it did the first time
(`repeated`); with another request it is Conflict("key_reused").

    bill --accrue--> [pending, for the shop's hold days] --> available --redeem, buy_service--> spent
                                                                       --expiry--> gone
    reverse: spent points go back into the lots they came from; new ones are taken back as far as they are there. What
    is missing is owed: the next purchase's points repay it, or the spent ones when they come back (decision 0015)

Operations refuse with Denied not_staff, role_too_low, partner_blocked, partner_not_approved, member_blocked;
Missing no_partner, no_member, no_service, no_operation; Invalid amount_zero, amount_over_limit (detail: the limit in
kopecks), bill_too_small, points_zero, over_share (detail: the most points); Conflict short_of_points (detail: what is
there), price_changed (detail: the price now), key_reused, already_reversed, not_reversible, voucher_used,
voucher_expired.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from lib import db, errors
from lib.loyalty.partners import PAGE, of

SQL = db.load("loyalty_points")

VOUCHER_DAYS = 30
TIMES = ("active_at", "expires_at", "created_at")


@dataclass(frozen=True)
class Receipt:
    """The outcome of an operation, and the balance after it.

    points: of the operation itself; earned: new points, also those for the rest of a bill; missing: what a reversal
    could not take back, as it was spent; recovered: of the points that came, those that repaid it; code: of a voucher.
    """

    txn_id: int
    member_id: int
    user_id: int
    kind: str
    points: int
    earned: int
    missing: int
    bill_minor: int
    paid_minor: int
    available: int
    pending: int
    promotion_id: int | None
    active_at: datetime | None
    expires_at: datetime | None
    created_at: datetime
    code: str | None
    repeated: bool
    recovered: int


@dataclass(frozen=True)
class Quote:
    """What a bill would earn, by which promotion, and how much of it points may pay: at most, and with these.

    owed: of the points, those that an earlier reversal could not take back.
    """

    points: int
    owed: int
    promotion_id: int | None
    most: int
    payable: int
    available: int
    promotion: str | None


@dataclass(frozen=True)
class Operation:
    """A line of a history."""

    id: int
    member_id: int
    name: str
    kind: str
    points: int
    missing: int
    bill_minor: int
    paid_minor: int
    reason: str
    actor_id: int | None
    created_at: datetime
    active_at: datetime | None
    expires_at: datetime | None
    available_after: int
    pending_after: int
    reverses_id: int | None
    parent_id: int | None
    reversed_by: int | None
    service: str | None
    promotion: str | None


@dataclass(frozen=True)
class Balance:
    available: int
    pending: int


@dataclass(frozen=True)
class Lot:
    """Points that expire together (never, if expires_at is None), or wait until active_at."""

    points: int
    pending: bool
    active_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True)
class Voucher:
    """A service that was paid in points; the code is shown at the counter."""

    partner_id: int
    txn_id: int
    member_id: int
    service_id: int
    code: str
    title: str
    points: int
    name: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    cancelled_at: datetime | None
    blocked: bool = False  # the card is, meanwhile
    user_id: int = 0  # whose card it is by now, where it is looked up by its code


async def accrue(
    conn: db.Connection,
    partner_id: int,
    member_id: int,
    actor_id: int,
    *,
    bill_minor: int,
    key: str,
    again: bool = True,
    now: datetime | None = None,
) -> Receipt:
    """Give the points that a bill earns: rounded down once, at the tier's rate, with the best promotion.

    Unless it may be there `again`, the same bill of this client within two minutes is Conflict("bill_again").
    """
    ids = {"partner_id": partner_id, "member_id": member_id, "actor_id": actor_id}
    return _done(await SQL.accrue.one(conn, dict, **ids, key=key, bill_minor=bill_minor, again=again, now=now))


async def redeem(
    conn: db.Connection,
    partner_id: int,
    member_id: int,
    actor_id: int,
    *,
    bill_minor: int,
    points: int,
    key: str,
    shown: bool = False,
    again: bool = True,
    now: datetime | None = None,
) -> Receipt:
    """Pay a part of a bill with points, those that expire first; the rest of it earns points if the shop wants so.

    Unless the card was `shown` for it, the client has to agree first (lib/loyalty/spending.py), or the shop to do
    without: Denied("not_confirmed"). `again` as of `accrue`.
    """
    ids = {"partner_id": partner_id, "member_id": member_id, "actor_id": actor_id}
    what = {"bill_minor": bill_minor, "points": points, "shown": shown, "again": again}
    return _done(await SQL.redeem.one(conn, dict, **ids, **what, key=key, now=now))


async def buy_service(
    conn: db.Connection,
    partner_id: int,
    member_id: int,
    user_id: int,
    *,
    service_id: int,
    price: int,
    key: str,
    now: datetime | None = None,
) -> Receipt:
    """Pay for a service with points, by the client; the receipt's `code` is the voucher for the counter.

    `price` is what the client has agreed to: at any other price nothing is sold, Conflict("price_changed").
    """
    ids = {"partner_id": partner_id, "member_id": member_id, "user_id": user_id, "service_id": service_id}
    return _done(await SQL.buy_service.one(conn, dict, **ids, key=key, price=price, days=VOUCHER_DAYS, now=now))


async def grant(
    conn: db.Connection,
    partner_id: int,
    member_id: int,
    actor_id: int,
    *,
    points: int,
    reason: str,
    key: str,
    now: datetime | None = None,
) -> Receipt:
    """Give points by hand, by the owner or a manager, with a reason."""
    ids = {"partner_id": partner_id, "member_id": member_id, "actor_id": actor_id}
    return _done(await SQL.grant.one(conn, dict, **ids, key=key, points=points, reason=reason, now=now))


async def reverse(
    conn: db.Connection,
    partner_id: int,
    txn_id: int,
    actor_id: int,
    *,
    reason: str,
    key: str,
    now: datetime | None = None,
) -> Receipt:
    """Take an operation back, once; a cashier only their own of the last hour.

    The points that the rest of a bill earned go back with the redemption, referral rewards a little later. `missing`
    of the receipt is what had been spent meanwhile: the balance never falls below zero.
    """
    ids = {"partner_id": partner_id, "txn_id": txn_id, "actor_id": actor_id}
    return _done(await SQL.reverse.one(conn, dict, **ids, key=key, reason=reason, now=now))


async def quote(
    conn: db.Connection, partner_id: int, member_id: int, actor_id: int, bill_minor: int, *, now: datetime | None = None
) -> Quote:
    """Return what a bill would earn and how much of it points may pay; Missing("no_member")."""
    ids = {"partner_id": partner_id, "member_id": member_id, "actor_id": actor_id}
    found = await SQL.quote.within(of(partner_id)).one(conn, Quote, **ids, bill_minor=bill_minor, now=now)
    if found is None:
        raise errors.Missing("no_member", str(member_id))
    return found


async def history(
    conn: db.Connection, partner_id: int, *, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[Operation]:
    """Return a page of a shop's operations, newest first; `before` is (created_at, id) of the page before's last."""
    at, number = before or (None, None)
    page = {"before_at": at, "before_id": number, "limit": limit}
    return await SQL.history.within(of(partner_id)).all(conn, Operation, partner_id=partner_id, **page)


async def recent_of(
    conn: db.Connection, partner_id: int, actor_id: int, since: datetime, *, limit: int = PAGE
) -> list[Operation]:
    """Return what a person at the counter has accrued and redeemed since a moment, newest first."""
    ids = {"partner_id": partner_id, "actor_id": actor_id}
    return await SQL.recent_of.within(of(partner_id)).all(conn, Operation, **ids, since=since, limit=limit)


async def member_history(
    conn: db.Connection, partner_id: int, member_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[Operation]:
    """Return a page of one client's operations at one shop, newest first; `before` is the last id."""
    ids = {"partner_id": partner_id, "member_id": member_id}
    return await SQL.member_history.within(of(partner_id)).all(conn, Operation, **ids, before=before, limit=limit)


async def get(conn: db.Connection, partner_id: int, txn_id: int) -> Operation:
    """Return one operation of this shop; Missing("no_operation")."""
    found = await SQL.get_operation.within(of(partner_id)).one(conn, Operation, partner_id=partner_id, txn_id=txn_id)
    if found is None:
        raise errors.Missing("no_operation", str(txn_id))
    return found


async def taken_with_rest(conn: db.Connection, partner_id: int, txn_id: int) -> int:
    """Return the points that were taken back of what a purchase had earned on what its points did not pay."""
    ids = {"partner_id": partner_id, "txn_id": txn_id}
    return await SQL.taken_with_rest.within(of(partner_id)).one(conn, int, **ids) or 0


async def balance(conn: db.Connection, partner_id: int, member_id: int) -> Balance:
    """Return what a member has; Missing("no_member")."""
    ids = {"partner_id": partner_id, "member_id": member_id}
    found = await SQL.balance.within(of(partner_id)).one(conn, Balance, **ids)
    if found is None:
        raise errors.Missing("no_member", str(member_id))
    return found


async def expiring(conn: db.Connection, partner_id: int, member_id: int, *, limit: int = PAGE) -> list[Lot]:
    """Return what a member's points are made of: what expires first comes first, then what still waits."""
    ids = {"partner_id": partner_id, "member_id": member_id}
    return await SQL.expiring.within(of(partner_id)).all(conn, Lot, **ids, limit=limit)


async def vouchers(
    conn: db.Connection, partner_id: int, member_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[Voucher]:
    """Return a client's vouchers at a shop, newest first; `before` is the last txn_id."""
    ids = {"partner_id": partner_id, "member_id": member_id}
    return await SQL.member_vouchers.within(of(partner_id)).all(conn, Voucher, **ids, before=before, limit=limit)


async def voucher(conn: db.Connection, partner_id: int, code: str) -> Voucher:
    """Return the voucher with this code at this shop; Missing("no_voucher")."""
    found = await SQL.voucher.within(of(partner_id)).one(conn, Voucher, partner_id=partner_id, code=code)
    if found is None:
        raise errors.Missing("no_voucher")
    return found


async def use_voucher(
    conn: db.Connection, partner_id: int, code: str, actor_id: int, *, now: datetime | None = None
) -> Voucher:
    """Hand over what a voucher stands for, once; a second call gets Conflict("voucher_used").

    Denied("member_blocked") while the shop has suspended the card: the voucher stays good.
    """
    ids = {"partner_id": partner_id, "code": code, "actor_id": actor_id}
    done = await SQL.use_voucher.within(of(partner_id)).one(conn, int, **ids, now=now)
    found = await voucher(conn, partner_id, code)
    if done is None:
        if found.used_at or found.cancelled_at:
            raise errors.Conflict("voucher_used" if found.used_at else "voucher_cancelled")
        if found.expires_at <= (now or datetime.now(found.expires_at.tzinfo)):
            raise errors.Conflict("voucher_expired")
        if found.blocked:
            raise errors.Denied("member_blocked", code)
        raise errors.Denied("not_staff", str(actor_id))
    return found


def _done(row: dict[str, Any] | None) -> Receipt:
    """Read a receipt. It comes as one JSON value: a row of so many columns costs Postgres more."""
    if row is None:  # the functions answer with a row or an error
        raise errors.Missing("no_operation")
    told = row["receipt"]
    found = {one.name: told[one.name] for one in fields(Receipt)}  # a newer database may tell more
    return Receipt(**found | {name: datetime.fromisoformat(told[name]) for name in TIMES if told[name]})
