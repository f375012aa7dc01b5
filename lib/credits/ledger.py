"""Credits: whole numbers that pay for jobs. The ledger is the truth and the balance is written by it (sql/).

Charging belongs to the job (`jobs.create_job_and_consume_credit`); a job that fails or is cancelled gives its credits
back by itself. Everything else that moves credits is here: packs paid with Stars and their refunds, promo codes, and
grants by administrators. Each is written once, whatever is delivered twice, and each function is one statement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from lib import config, db, errors
from lib.credits import catalog
from lib.people import users

SQL = db.load("credits")

AI_STARTS = 1.5  # orders a second that a worker begins at the providers

CURRENCY = "XTR"


@dataclass(frozen=True)
class Entry:
    """One movement of credits; `product` is what was ordered, where it belongs to an order."""

    id: int
    kind: str
    amount: int
    balance_after: int
    created_at: datetime
    product: str


@dataclass(frozen=True)
class ProductOffer:
    """A product, what the person has, how long such orders took lately, and the line now.

    `models` and `own` are the seconds by who made them, None when there were too few to tell; `line` orders stand in
    line, and `line_seconds` is how long we would draw all of them. `halts` tells why each of the providers that were
    named cannot be asked now, '' when it can (lib/studio/spending). `design` is the cover that was chosen for
    the person's last card, '' when it was left to us; `music` is that of their last clip.
    """

    product: catalog.Product
    balance: int
    models: int | None
    own: int | None
    line: int
    line_seconds: int
    halts: list[str]
    design: str
    music: str

    def lasts(self, count: int, *, by_ai: bool) -> timedelta:
        """Return how long the making of so many will probably take, by a model or by our own renderer."""
        if by_ai:  # several are made side by side
            return timedelta(seconds=self.models or self.product.expected_seconds * (3 + count) / 4)
        return timedelta(seconds=self.own or self.product.own_seconds * count)

    def waits(self, *, by_ai: bool) -> timedelta:
        """Return how long it will probably be until the making begins."""
        return timedelta(seconds=self.line / AI_STARTS if by_ai else self.line_seconds)


@dataclass(frozen=True)
class Payment:
    """Stars that came: paid, refunding, refunded, or debt (taken back by Telegram when `owed` credits were spent).

    No credits: they fit nothing that we ever sold, and an administrator must look.
    """

    id: int
    charge_id: str
    bot: str
    user_id: int
    pack_id: int | None
    stars: int
    credits: int
    state: str
    owed: int
    paid_at: datetime
    told_at: datetime | None


@dataclass(frozen=True)
class RecordedPayment:
    """A payment and whether this call recorded it; `settled` of its credits paid off what the person owed."""

    payment: Payment
    created: bool
    balance: int
    settled: int


@dataclass(frozen=True)
class ReversedPayment:
    """A payment whose Stars went back, whether that is news, and how many credits were taken for it just now."""

    payment: Payment
    changed: bool
    taken: int
    balance: int


@dataclass(frozen=True)
class RedeemedCode:
    """The outcome of a promo code: taken, unknown, off, over, used (by this person) or used_up (by all)."""

    outcome: str
    credits: int | None
    balance: int


async def refund_credit(conn: db.Connection, job_id: int) -> int:
    """Give back what a finished job was charged and return how much.

    A job is refunded at most once: 0 means there was nothing (more) to give back, or that it may still run.
    """
    return await SQL.refund_credit.one(conn, int, job_id=job_id) or 0


async def safe_get_balance(conn: db.Connection, user_id: int) -> int:
    """Return the balance; 0 for somebody who has no account."""
    return await SQL.safe_get_balance.one(conn, int, user_id=user_id) or 0


async def debt(conn: db.Connection, user_id: int) -> int:
    """Return the credits that a person owes for refunded purchases: the next purchase repays them first."""
    return await SQL.debt.one(conn, int, user_id=user_id) or 0


async def offer(
    conn: db.Connection, user_id: int, product: str, count: int = 1, asked: Sequence[tuple[str, int]] = ()
) -> ProductOffer | None:
    """Return what so many of a product are to a person, and whether each of these (provider, cost) can be asked for it.

    None when there is no such product. One round trip.
    """
    doors = {"providers": [name for name, _ in asked], "costs": [cost for _, cost in asked]}
    facts = {"user_id": user_id, "product": product, "count": count, "accounts": config.get().accounts}
    row = await SQL.offer.one(conn, dict, **facts, **doors)
    if row is None:
        return None
    of_product = {field.name: row.pop(field.name) for field in fields(catalog.Product)}
    return ProductOffer(catalog.Product(**of_product), **row)


async def list_entries(conn: db.Connection, user_id: int, *, before: int | None = None, limit: int = 10) -> list[Entry]:
    """Return a page of a person's operations, newest first: those with an id below `before`."""
    return await SQL.list_entries.all(conn, Entry, user_id=user_id, before=before, limit=limit)


async def grant(
    conn: db.Connection, user_id: int, amount: int, *, key: str, actor: str, reason: str
) -> tuple[int, bool]:
    """Give credits by an administrator's word; return the balance and whether they were given now.

    The same key gives once. The audit log keeps who gave them and why.
    """
    if amount <= 0 or not reason.strip():
        raise errors.Invalid("odd_grant", "a grant needs a positive amount and a reason")
    row = await SQL.grant.one(conn, dict, user_id=user_id, amount=amount, key=key, actor=actor, reason=reason.strip())
    return (row["balance"], row["created"]) if row else (0, False)


async def redeem(conn: db.Connection, user_id: int, tg_id: int, code: str) -> RedeemedCode:
    """Give the credits of a promo code, in any letter case, as often as its limits allow."""
    found = None
    for kept in catalog.read_promos(code):
        found = await SQL.redeem.one(conn, RedeemedCode, user_id=user_id, code=kept, mark=users.mark(tg_id, "promo"))
        if found and found.outcome != "unknown":
            break
    return found or RedeemedCode("unknown", None, 0)


async def refuse_invoice(conn: db.Connection, user_id: int, *, currency: str, payload: str, stars: int) -> str:
    """Return why an invoice may not be paid: no_consent, no_pack, off or price; "" when it may. One round trip."""
    facts = await SQL.invoice.one(conn, dict, user_id=user_id, pack_id=catalog.pack_id(payload))
    if facts is None:
        return "no_pack"
    if not facts["may_buy"]:
        return "no_consent"
    if not facts["is_on"]:
        return "off"
    return "" if (currency, stars) == (CURRENCY, facts["stars"]) else "price"


async def record_payment(
    conn: db.Connection,
    user_id: int,
    *,
    bot: str,
    charge_id: str,
    payload: str,
    stars: int,
    facts: dict[str, Any] | None = None,
    paid_at: datetime | None = None,
) -> RecordedPayment:
    """Keep a payment and give its credits, in one statement and once for each charge id.

    The amount paid is the price that the pack was sold for, even if it is no longer on sale.
    """
    row = await SQL.record_payment.one(
        conn,
        dict,
        charge_id=charge_id,
        bot=bot,
        user_id=user_id,
        pack_id=catalog.pack_id(payload),
        stars=stars,
        facts={"payload": payload, **(facts or {})},
        paid_at=paid_at,
    )
    if row is None:
        raise errors.Missing("no_payment", charge_id)
    created, balance, settled = row.pop("created"), row.pop("balance"), row.pop("settled")
    return RecordedPayment(Payment(**row), created, balance, settled)


async def mark_told(conn: db.Connection, payment_id: int) -> bool:
    """Note that the payer has read of a payment; False when that was noted before."""
    return bool(await SQL.mark_told.run(conn, payment_id=payment_id))


async def get_payment(conn: db.Connection, payment_id: int) -> Payment | None:
    """Return a payment by our own id."""
    return await SQL.get_payment.one(conn, Payment, payment_id=payment_id)


async def list_payments(conn: db.Connection, user_id: int, limit: int = 5) -> list[Payment]:
    """Return a person's payments, newest first."""
    return await SQL.list_payments.all(conn, Payment, user_id=user_id, limit=limit)


async def list_refunding(conn: db.Connection, limit: int = 100) -> list[Payment]:
    """Return the payments whose refund was begun and not ended: Telegram's answer was lost."""
    return await SQL.list_refunding.all(conn, Payment, limit=limit)


async def begin_payment_refund(conn: db.Connection, payment_id: int, *, actor: str, reason: str) -> Payment:
    """Take a payment's credits back and note that its Stars go back; then ask Telegram, and end it.

    Raises ShortOfCredits, and changes nothing, when they are spent. A refund that was begun is returned as it is.
    """
    if not reason.strip():
        raise errors.Invalid("odd_refund", "a refund needs a reason")
    payment = await SQL.begin_payment_refund.one(
        conn, Payment, payment_id=payment_id, actor=actor, reason=reason.strip()
    )
    if payment is None:
        raise errors.Missing("no_payment", str(payment_id))
    return payment


async def end_payment_refund(conn: db.Connection, payment_id: int, *, refunded: bool, reason: str) -> bool:
    """End a refund: the Stars went back, or Telegram refused for good and the credits return. False: it had ended."""
    return bool(await SQL.end_payment_refund.one(conn, bool, payment_id=payment_id, refunded=refunded, reason=reason))


async def record_payment_refund(conn: db.Connection, charge_id: str, tg_id: int) -> ReversedPayment | None:
    """Learn from Telegram that Stars went back; None for a payment that we do not know yet, which will give no credits.

    If it was not our doing, the credits go as far as they are there; the rest is owed, and the next purchase pays it,
    also that of a later account of the same Telegram id.
    """
    mark = users.person_mark(tg_id)
    row = await SQL.record_payment_refund.one(conn, dict, charge_id=charge_id, mark=mark)
    if row is None:
        return None
    changed, taken, balance = row.pop("changed"), row.pop("taken"), row.pop("balance")
    return ReversedPayment(Payment(**row), changed, taken, balance)


async def walked(conn: db.Connection, bot: str) -> int:
    """Return how many of a bot's Star transactions have been compared with the payments."""
    return await SQL.walked.one(conn, int, bot=bot) or 0


async def walk_on(conn: db.Connection, bot: str, walked: int) -> None:
    """Remember how far the comparison has come."""
    await SQL.walk_on.run(conn, bot=bot, walked=walked)


async def list_audit(conn: db.Connection, *, subject: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
    """Return what was done by hand, newest first, to one subject ("user 5", "payment 3") or to all."""
    return await SQL.list_audit.all(conn, dict, subject=subject, limit=limit)
