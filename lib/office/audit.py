"""Checks on a live database what must always hold for credits, jobs and points. Each check is one statement,
so what moves meanwhile confuses none of them.
"""

from dataclasses import dataclass

from lib import db

SQL = db.load("audit")

# Every shop's rows: without this the audit would look at nothing, and find nothing.
ALL = db.Scope(platform=True)

CHECKS = {
    "the balance is not the sum of the ledger": SQL.balance_is_not_the_sum,
    "the entries of a ledger do not follow on each other": SQL.entry_is_wrong,
    "an order was not charged its price": SQL.order_without_charge,
    "a charge has no order": SQL.charge_without_order,
    "an order was charged or refunded twice": SQL.moved_twice,
    "an order that came to nothing was not refunded": SQL.order_without_refund,
    "a refund does not reverse a finished order's charge": SQL.refund_without_reason,
    "a payment did not give its credits": SQL.payment_without_purchase,
    "a refund took other credits than its payment's": SQL.payment_refunded_wrong,
    "a promo code's uses are not its entries": SQL.promo_uses_wrong,
    "a refund of Stars hangs for more than a day": SQL.refund_hangs,
    "nobody told the user of a failure": SQL.failure_without_notice,
    "a finished job is still among the unfinished": SQL.finished_in_the_line,
    "two jobs have one key": SQL.key_twice,
    "a job had more attempts than it may have": SQL.too_many_attempts,
    "a job is due for more than an hour and nobody takes it": SQL.job_left_lying,
    "a call of a provider has been under way for more than a day": SQL.call_left_open,
    "history is older than it may be": SQL.history_too_old,
    "a guard of the tables is missing or switched off": SQL.guard_is_off,
    "the entries of points do not sum to zero": SQL.points_not_nought.within(ALL),
    "an operation did not move its points": SQL.points_without_entries.within(ALL),
    "a balance of points is not the sum of its entries": SQL.points_balance_wrong.within(ALL),
    "a balance of points is not what its lots hold": SQL.points_lots_wrong.within(ALL),
    "what was taken out of lots is not what was spent": SQL.points_uses_wrong.within(ALL),
    "a lot holds other than what came less what went": SQL.points_lot_history_wrong.within(ALL),
    "a shop's books of points do not close": SQL.points_books_wrong.within(ALL),
    "what is owed is not what reversals could not take": SQL.points_owed_wrong.within(ALL),
    "what was owed was repaid with points of another kind": SQL.points_repaid_wrong.within(ALL),
    "who was welcomed with points is not known for it": SQL.welcome_not_remembered.within(ALL),
    "a reversed receipt's reward was not taken back": SQL.points_reward_kept.within(ALL),
    "points were due two days ago": SQL.points_left_lying.within(ALL),
    "a guard of the points is missing or switched off": SQL.points_guard_is_off,
}


@dataclass(frozen=True)
class Finding:
    """One thing that must never be: how often, and a few of the culprits."""

    check: str
    number: int
    examples: list[str]


async def check(conn: db.Connection) -> list[Finding]:
    """Return what is wrong; nothing, as a rule."""
    found = []
    for sentence, query in CHECKS.items():
        rows = await query.all(conn, dict)
        if rows:
            found.append(Finding(sentence, rows[0]["number"], [row["subject"] for row in rows]))
    return found
