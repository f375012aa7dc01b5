"""A user pays an invoice with test Stars: asks the bot first, then the bot gets word of the payment.

pay -> pre_checkout_query -> answered ok within 10 s: successful_payment -> paid
                          -> answered no: declined
                          -> not answered: expired
"""

import asyncio
import secrets

from dev.telegram import cast
from dev.telegram.methods.stars import CHECKOUT_SECONDS
from dev.telegram.people import Act, Person
from dev.telegram.records import CannotAct, Checkout, Json, Payment


def open_checkout(person: Person, message_id: int, link: str = "") -> tuple[Act, Checkout]:
    """Ask the bot if an invoice may be paid."""
    world, invoice, payload = person.world, *_invoice(person, message_id, link)
    number = str(secrets.randbelow(10**18))
    checkout = Checkout(person.bot.name, person.user["id"], invoice["total_amount"], payload, world.clock())
    world.checkouts[number] = checkout
    query = {
        "id": number,
        "from": cast.wire_user(person.user),
        "currency": "XTR",
        "total_amount": checkout.amount,
        "invoice_payload": payload,
    }
    update = world.add_update(person.bot, {"pre_checkout_query": query})
    checkout.update_id = update.update_id
    return Act([update], person.chat.messages.get(message_id)), checkout


async def finish(person: Person, checkout: Checkout, *, lost: bool = False) -> tuple[Act, Json]:
    """Wait for the bot's word and pay, or say why not; word of a lost payment never reaches the bot."""
    act, outcome = await _settle(person, checkout, lost)
    person.world.emit("payment", bot=checkout.bot, user_id=checkout.user_id, **outcome)
    return act, outcome


async def _settle(person: Person, checkout: Checkout, lost: bool) -> tuple[Act, Json]:
    try:
        await asyncio.wait_for(checkout.done.wait(), CHECKOUT_SECONDS)
    except TimeoutError:
        return Act(), {"status": "expired", "error_message": "The bot did not answer within 10 seconds."}
    verdict = checkout.verdict or {}
    if not verdict.get("ok"):
        return Act(), {"status": "declined", "error_message": verdict.get("error_message", "")}
    charge = "stx" + secrets.token_urlsafe(45)
    date = int(person.world.clock())
    person.world.keep_payment(Payment(charge, checkout.bot, checkout.user_id, checkout.amount, checkout.payload, date))
    if lost:
        return Act(), {"status": "paid", "charge_id": charge}
    told = {
        "currency": "XTR",
        "total_amount": checkout.amount,
        "invoice_payload": checkout.payload,
        "telegram_payment_charge_id": charge,
        "provider_payment_charge_id": f"{person.user['id']}_{secrets.randbelow(10**6)}",
    }
    return person.service({"successful_payment": told}), {"status": "paid", "charge_id": charge}


def _invoice(person: Person, message_id: int, link: str) -> tuple[Json, str]:
    kept = person.world.invoices.get(link)
    if kept and kept["bot"] == person.bot.name:
        return kept["invoice"], kept["payload"]
    posted = person.chat.messages.get(message_id)
    if posted is None or posted.deleted or "invoice" not in posted.message:
        raise CannotAct("no_invoice", f"Message {message_id} is no invoice.", 404)
    return posted.message["invoice"], posted.payload
