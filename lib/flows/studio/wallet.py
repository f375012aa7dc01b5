"""A person's credits: the balance, packs for Stars, promo codes, all operations. Leaves a draft as it is.

home -> [top up] -> packs -> [a pack] -> an invoice -> (checkout) -> (paid) -> receipt
home -> [operations] -> pages          home -> [promo code] -> a text -> credits

An invoice names a pack and nothing else. Before it is paid, the database says whether it may be; a payment is credited
by its charge id, whatever is delivered twice; a refund that Telegram tells of is told to the person, too.
"""

from datetime import timedelta
from typing import Any

from lib import db, errors, limits, log
from lib import text as sentences
from lib.credits import catalog, ledger, payments
from lib.flows import when
from lib.flows.studio import ordering
from lib.people import notify
from lib.telegram import screen
from lib.telegram.client import Button, Invoice, Keyboard
from lib.telegram.dispatch import Turn
from lib.telegram.update import StarPayment

PAGE = 10
ATTEMPTS = limits.Limit("promo", 5, timedelta(minutes=10))


async def handle(turn: Turn) -> None:
    """Answer a command, a button, a promo code, or what Telegram says of a payment."""
    came = turn.came
    if came.payment:
        await PAYMENTS[came.kind](turn, came.payment)
        return
    ordering.listen(turn)
    if came.kind == "command" and came.command == "start":
        await (_redeem(turn, came.text[len("promo_") :]) if came.text.startswith("promo_") else _packs(turn))
    elif came.kind == "command" and came.command == "promo":
        await (_redeem(turn, came.text) if came.text else _ask_promo(turn))
    elif came.kind == "text":
        await _redeem(turn, came.text)
    else:
        wanted, argument = screen.pressed(turn)
        await _pressed(turn, wanted, argument)


async def _pressed(turn: Turn, wanted: str, argument: str) -> None:
    number = int(argument) if argument.isdecimal() and argument.isascii() and len(argument) < 19 else 0
    if wanted == "operations":
        await _operations(turn, number or None)
    elif wanted == "buy":
        await _buy(turn, number)
    else:
        await SCREENS.get(wanted, _home)(turn)


async def _home(turn: Turn, note: str = "") -> None:
    user_id = turn.state.who["id"]
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, user_id))
    words = screen.paragraphs(turn.text("studio.wallet", balance=balance), await _debt(turn))
    rows = [
        *_resume(turn),
        [screen.button(turn, "studio.top_up", "wallet:packs", style="success")],
        [
            screen.button(turn, "studio.operations", "wallet:operations"),
            screen.button(turn, "studio.promo", "wallet:promo"),
        ],
        [screen.button(turn, "studio.payments", "support:home"), *screen.home(turn)],
    ]
    await turn.show(screen.paragraphs(note, words), rows)


async def _packs(turn: Turn) -> None:
    packs = await db.run(catalog.list_packs)
    lines = [turn.text("studio.pack", credits=pack.credits, stars=pack.stars) for pack in packs]
    words = "\n".join([turn.text("studio.packs" if packs else "studio.no_packs"), "", *lines]).strip()
    buttons = [
        [Button(turn.text("studio.buy", credits=pack.credits, stars=pack.stars), f"wallet:buy:{pack.id}")]
        for pack in packs
    ]
    await turn.show(screen.paragraphs(words, await _debt(turn)), [*buttons, screen.home(turn, "wallet:home")])


async def _debt(turn: Turn) -> str:
    """Return what of the next pack goes into a debt, "" without one: nobody pays before they have read it."""
    user_id = turn.state.who["id"]
    owed = await db.run(lambda conn: ledger.debt(conn, user_id))
    return turn.text("studio.debt", owed=owed) if owed else ""


async def _buy(turn: Turn, pack_id: int) -> None:
    pack = await db.run(lambda conn: catalog.get_pack(conn, pack_id))
    if pack is None or not pack.is_on:
        await turn.answer(turn.text("studio.checkout.off"), alert=True)
        await _packs(turn)
        return
    await turn.answer()
    title = turn.text("studio.invoice.title", credits=pack.credits)
    invoice = Invoice(title, turn.text("studio.invoice.about"), pack.payload, pack.stars)
    pay = Button(turn.text("studio.pay", stars=pack.stars), pay=True)
    await turn.chat.send_invoice(invoice, [[pay], screen.home(turn, "wallet:packs")])


async def _checkout(turn: Turn, asked: StarPayment) -> None:
    """Let an invoice be paid when the person, the pack, its price and the currency are what the database says."""
    facts: dict[str, Any] = {"currency": asked.currency, "payload": asked.payload, "stars": asked.amount}
    reason = await db.run(lambda conn: ledger.refuse_invoice(conn, turn.state.who["id"], **facts))
    log.note(checkout=reason or "ok")
    try:
        await turn.chat.answer_checkout(asked.query_id, turn.text(f"studio.checkout.{reason}") if reason else "")
    except errors.Rejected as late:  # Telegram waits for ten seconds; nothing was paid
        log.note(late_checkout=late.detail)


async def _paid(turn: Turn, paid: StarPayment) -> None:
    """Credit a payment once, and say so at each delivery: the first one's answer may have been lost."""
    user_id, bot = turn.state.who["id"], turn.chat.bot
    facts: dict[str, Any] = {"charge_id": paid.charge_id, "payload": paid.payload, "stars": paid.amount}
    found = await db.run(lambda conn: ledger.record_payment(conn, user_id, bot=bot, **facts))
    words, keyboard = payments.receipt(turn.language, found)
    await turn.chat.say(words, [*_resume(turn), *keyboard])
    told = await db.run(lambda conn: ledger.mark_told(conn, found.payment.id))
    if told and not found.payment.credits and found.payment.state == "paid":
        await notify.alert_admins(bot, "alert.unmatched", payment=found.payment.id, stars=found.payment.stars)


async def _refunded(turn: Turn, given_back: StarPayment) -> None:
    charge_id, tg_id = given_back.charge_id, turn.came.person.id
    found = await db.run(lambda conn: ledger.record_payment_refund(conn, charge_id, tg_id))
    if found is None:
        log.event("refund_before_payment", charge_id=charge_id)
        return
    await payments.warn(turn.chat.bot, found)
    facts = {"stars": found.payment.stars, "credits": found.payment.credits, "owed": found.payment.owed}
    key = "studio.refunded.owed" if found.payment.owed else "studio.refunded"
    ways = [screen.button(turn, "studio.wallet.open", "wallet:home"), *screen.home(turn)]
    await turn.chat.say(turn.text(key, balance=found.balance, **facts), [ways])


async def _operations(turn: Turn, before: int | None) -> None:
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: ledger.list_entries(conn, user_id, before=before, limit=PAGE + 1))
    page, more = found[:PAGE], len(found) > PAGE
    lines = [_entry(turn, entry) for entry in page]
    words = "\n".join([turn.text("studio.operations.title"), "", *(lines or [turn.text("studio.operations.none")])])
    way = [screen.button(turn, "studio.newest", "wallet:operations")] if before else []
    way += [screen.button(turn, "studio.older", f"wallet:operations:{page[-1].id}")] if more else []
    await turn.show(words, [*([way] if way else []), screen.home(turn, "wallet:home")])


def _entry(turn: Turn, entry: ledger.Entry) -> str:
    product = f"studio.product.{entry.product}"
    what = turn.text(f"studio.entry.{entry.kind}")
    if entry.product and sentences.knows(product):
        what = f"{what}: {turn.text(product)}"
    amount = f"{'+' if entry.amount > 0 else '−'}{sentences.number(turn.language, abs(entry.amount))}"
    at = when.short_moment(turn, entry.created_at)
    return turn.text("studio.entry", at=at, amount=amount, what=what, balance=entry.balance_after)


async def _ask_promo(turn: Turn) -> None:
    turn.state.step = "wallet:promo"
    await turn.show(turn.text("studio.promo.ask"), [screen.home(turn, "wallet:home")])


async def _redeem(turn: Turn, code: str) -> None:
    """Take a promo code; guessing is slowed down."""
    user_id, tg_id = turn.state.who["id"], turn.chat.id
    wait = await limits.wait(turn.chat.id, ATTEMPTS)
    if wait:
        await _home(turn, turn.text("studio.promo.too_fast", n=-(-wait // 60)))
        return
    found = await db.run(lambda conn: ledger.redeem(conn, user_id, tg_id, code))
    log.note(promo=found.outcome)
    if found.outcome == "unknown":
        turn.state.step = "wallet:promo"
    await _home(turn, turn.text(f"studio.promo.{found.outcome}", credits=found.credits or 0))


def _resume(turn: Turn) -> Keyboard:
    if not ordering.DRAFT.of(turn.state):
        return []
    return [[screen.button(turn, "menu.resume", "order:resume", style="success")]]


SCREENS = {"home": _home, "packs": _packs, "promo": _ask_promo}
PAYMENTS = {"checkout": _checkout, "paid": _paid, "refunded": _refunded}
