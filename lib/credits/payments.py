"""Stars between Telegram and the ledger: what a lost message leaves open, and what an administrator gives back.

The rows decide (lib/credits/ledger.py); here they are brought together with what Telegram says, in an order that a
crash cannot spoil: credits are taken before the Stars are asked back, and given when Telegram shows that Stars came.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from lib import db, errors, log, text
from lib.credits import ledger
from lib.people import notify, users
from lib.telegram import client
from lib.telegram.client import Button, Chat, Keyboard, Stars

SELLERS = ("studio",)  # the bots that sell for Stars
PAGE = 100

type Ours = Callable[[int], Awaitable[bool]]


async def _everybody(_: int) -> bool:
    return True


async def refund(payment_id: int, *, actor: str, reason: str) -> ledger.Payment:
    """Give a payment's Stars back and take its credits; return it as it is then.

    Raises ShortOfCredits when the credits are spent, Conflict when the Stars went back already, and Rejected when
    Telegram refuses: then the credits are back. Unavailable leaves it under way, and the hourly walk ends it.
    """
    payment = await db.run(lambda conn: ledger.begin_payment_refund(conn, payment_id, actor=actor, reason=reason))
    return await end_refund(payment)


async def end_refund(payment: ledger.Payment) -> ledger.Payment:
    """Ask Telegram for a refund that was begun, and end it by the answer."""
    user = await db.run(lambda conn: users.get_user(conn, payment.user_id))
    try:
        if user is None or user.tg_id < 0:
            raise errors.Rejected("erased", "the payer was erased, Telegram cannot be told whom to pay")
        await Chat(payment.bot, user.tg_id).refund(payment.charge_id)
    except errors.Rejected as refusal:
        words = str(refusal)
        await db.run(lambda conn: ledger.end_payment_refund(conn, payment.id, refunded=False, reason=words))
        raise
    await db.run(lambda conn: ledger.end_payment_refund(conn, payment.id, refunded=True, reason="refundStarPayment"))
    found = await db.run(lambda conn: ledger.get_payment(conn, payment.id))
    return found or payment


async def end_hanging_refunds() -> None:
    """End the refunds whose answer from Telegram was lost."""
    for payment in await db.run(ledger.list_refunding):
        try:
            await end_refund(payment)
        except errors.Rejected as refusal:
            await notify.alert_admins(payment.bot, "alert.refund", payment=payment.id, error=str(refusal))


async def walk(bot: str, is_ours: Ours = _everybody) -> int:
    """Compare a bot's Star transactions with the payments, from where the last walk ended; return how many are new.

    A payment that Telegram knows and we do not is credited now, and the payer is told. A second walk changes nothing.
    `is_ours` says by the Telegram id whether somebody's credits are in this database: a bot may serve several.
    """
    offset = await db.run(lambda conn: ledger.walked(conn, bot))
    missed = 0
    while page := await client.star_transactions(bot, offset, PAGE):
        for one in page:
            missed += await _compare(bot, one) if one and await is_ours(one.tg_id) else False
        offset += len(page)
        await db.run(functools.partial(ledger.walk_on, bot=bot, walked=offset))
        if len(page) < PAGE:
            break
    return missed


async def _compare(bot: str, one: Stars) -> bool:
    if one.refunded:
        back = await db.run(lambda conn: ledger.record_payment_refund(conn, one.charge_id, one.tg_id))
        if back:
            await warn(bot, back)
        return bool(back and back.changed)
    user = await _payer(one)
    facts: dict[str, Any] = {"charge_id": one.charge_id, "payload": one.payload, "stars": one.amount}
    paid = await db.run(lambda conn: ledger.record_payment(conn, user.id, bot=bot, paid_at=one.at, **facts))
    if paid.created:
        log.event("payment_found", bot=bot, payment=paid.payment.id)
    if paid.payment.told_at is None and paid.payment.user_id == user.id:
        await _tell(bot, user, paid)
    return paid.created


async def _payer(one: Stars) -> users.User:
    user = await db.run(lambda conn: users.get_user_by_tg_id(conn, one.tg_id))
    if user:
        return user
    return await db.run(lambda conn: users.get_or_create_user(conn, one.tg_id, first_name=one.first_name))


async def _tell(bot: str, user: users.User, paid: ledger.RecordedPayment) -> None:
    try:
        await Chat(bot, user.tg_id).say(*receipt(user.language, paid))
    except errors.Rejected as refusal:  # they have blocked the bot; the credits are theirs all the same
        log.note(payer_not_told=str(refusal))
    if not paid.payment.credits and paid.payment.state == "paid":
        await notify.alert_admins(bot, "alert.unmatched", payment=paid.payment.id, stars=paid.payment.stars)
    await db.run(lambda conn: ledger.mark_told(conn, paid.payment.id))


def receipt(language: str, paid: ledger.RecordedPayment) -> tuple[str, Keyboard]:
    """Return what the payer reads, and where they can go on."""
    payment = paid.payment
    facts = {"stars": payment.stars, "credits": payment.credits, "balance": paid.balance, "owed": payment.owed}
    key = "studio.paid" if payment.credits else "studio.paid.unmatched"
    if payment.state in ("refunded", "debt"):  # Telegram told of the refund first, or tells of the payment once more
        key = "studio.refunded.owed" if payment.owed else "studio.refunded"
    lines = [text.say(language, key, **facts)]
    if paid.settled:
        lines.append(text.say(language, "studio.paid.settled", settled=paid.settled))
    ways = [("button.new", "order:new"), ("button.menu", "menu:home")]
    return "\n\n".join(lines), [[Button(text.say(language, key), data) for key, data in ways]]


async def warn(bot: str, back: ledger.ReversedPayment) -> None:
    """Tell the administrators that Stars went back, if that is news and was not their doing."""
    payment = back.payment
    if not back.changed or not (back.taken or payment.owed):
        return
    await notify.alert_admins(
        bot, "alert.chargeback", payment=payment.id, stars=payment.stars, taken=back.taken, owed=payment.owed
    )
