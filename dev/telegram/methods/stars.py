"""Methods of Telegram Stars: invoices, the answer before a payment, refunds, transactions. Only test Stars."""

import secrets

from dev.telegram import cast
from dev.telegram.methods.asked import Asked
from dev.telegram.records import Json, Payment, Refused

CHECKOUT_SECONDS = 10.0


async def send_invoice(asked: Asked) -> Json:
    asked.chat()
    invoice = _invoice(asked)
    if not (asked.p.json("reply_markup") or {}).get("inline_keyboard"):
        button = {"text": f"Заплатить ⭐️{invoice['total_amount']}", "pay": True}
        asked.p.values["reply_markup"] = {"inline_keyboard": [[button]]}
    elif not asked.p.json("reply_markup")["inline_keyboard"][0][0].get("pay"):
        raise Refused(400, "Bad Request: PAY_BUTTON_MISSING")
    return asked.say({"invoice": invoice}, payload=asked.p.text("payload"))


async def create_invoice_link(asked: Asked) -> str:
    link = f"https://t.me/${secrets.token_urlsafe(12)}"
    kept = {"link": link, "bot": asked.bot.name, "payload": asked.p.text("payload"), "invoice": _invoice(asked)}
    asked.world.keep_invoice(kept)
    return link


async def answer_pre_checkout_query(asked: Asked) -> bool:
    """Let a payment through or stop it, within ten seconds."""
    checkout = asked.world.checkouts.get(asked.p.text("pre_checkout_query_id"))
    late = checkout is not None and asked.world.clock() - checkout.at > CHECKOUT_SECONDS
    if checkout is None or checkout.bot != asked.bot.name or checkout.verdict is not None or late:
        raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
    if not asked.p.flag("ok") and not asked.p.text("error_message"):
        raise Refused(400, "Bad Request: error message must be specified")
    checkout.verdict = {"ok": asked.p.flag("ok"), "error_message": asked.p.text("error_message")}
    checkout.done.set()
    return True


async def refund_star_payment(asked: Asked) -> bool:
    """Give a whole payment back; the chat gets a message that says so."""
    world = asked.world
    payment = world.payments.get(asked.p.text("telegram_payment_charge_id"))
    if payment is None or (payment.bot, payment.user_id) != (asked.bot.name, asked.p.number("user_id")):
        raise Refused(400, "Bad Request: CHARGE_NOT_FOUND")
    if payment.refunded_at:
        raise Refused(400, "Bad Request: CHARGE_ALREADY_REFUNDED")
    payment.refunded_at = int(world.clock())
    world.keep_payment(payment)
    told = {
        "currency": "XTR",
        "total_amount": payment.amount,
        "invoice_payload": payment.payload,
        "telegram_payment_charge_id": payment.charge_id,
    }
    posted = world.post(world.chat(payment.bot, payment.user_id), {"refunded_payment": told}, call=asked.call)
    world.add_update(asked.bot, {"message": posted.message})
    return True


async def get_star_transactions(asked: Asked) -> Json:
    """List payments and refunds, oldest first; a refund has its payment's id and a receiver in place of a source."""
    world = asked.world
    entries: list[Json] = []
    for payment in world.payments.values():
        if payment.bot == asked.bot.name:
            entries.append(_transaction(world.users[payment.user_id], payment, "source", payment.date))
            if payment.refunded_at:
                entries.append(_transaction(world.users[payment.user_id], payment, "receiver", payment.refunded_at))
    entries.sort(key=lambda one: one["date"])
    offset, limit = asked.p.number("offset"), min(max(asked.p.number("limit", 100), 1), 100)
    return {"transactions": entries[offset : offset + limit]}


async def get_my_star_balance(asked: Asked) -> Json:
    kept = [one.amount for one in asked.world.payments.values() if one.bot == asked.bot.name and not one.refunded_at]
    return {"amount": sum(kept) - -(-asked.world.paid_messages[asked.bot.name] // 10)}


def _transaction(user: Json, payment: Payment, side: str, date: int) -> Json:
    partner = {
        "type": "user",
        "transaction_type": "invoice_payment",
        "user": cast.wire_user(user),
        "invoice_payload": payment.payload,
    }
    return {"id": payment.charge_id, "amount": payment.amount, "date": date, side: partner}


def _invoice(asked: Asked) -> Json:
    p, prices = asked.p, asked.p.json("prices") or []
    if p.text("currency") != "XTR":
        raise Refused(
            400, "Bad Request: PAYMENT_PROVIDER_INVALID" if p.has("currency") else "Bad Request: CURRENCY_INVALID"
        )
    if p.text("provider_token"):
        raise Refused(400, "Bad Request: STARS_INVOICE_INVALID")
    if len(prices) != 1 or int(prices[0].get("amount", 0)) < 1:
        raise Refused(
            400, "Bad Request: STARS_INVOICE_INVALID" if prices else "Bad Request: can't parse prices JSON object"
        )
    for name, least, most in (("title", 1, 32), ("description", 1, 255)):
        if not least <= len(p.text(name)) <= most:
            raise Refused(400, f"Bad Request: INVOICE_{name.upper()}_INVALID")
    if not 1 <= len(p.text("payload").encode()) <= 128:
        raise Refused(400, "Bad Request: INVOICE_PAYLOAD_INVALID")
    return {
        "title": p.text("title"),
        "description": p.text("description"),
        "start_parameter": p.text("start_parameter"),
        "currency": "XTR",
        "total_amount": int(prices[0]["amount"]),
    }


METHODS = {
    "sendInvoice": send_invoice,
    "createInvoiceLink": create_invoice_link,
    "answerPreCheckoutQuery": answer_pre_checkout_query,
    "refundStarPayment": refund_star_payment,
    "getStarTransactions": get_star_transactions,
    "getMyStarBalance": get_my_star_balance,
}
