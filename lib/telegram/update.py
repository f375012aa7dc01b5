"""What came from Telegram, in the few words that a flow needs: parsed strictly, or not at all."""

import json
from dataclasses import dataclass, fields

from telegram import CallbackQuery, Contact, Message, PreCheckoutQuery, RefundedPayment, SuccessfulPayment, Update, User

from lib import errors

MOST_ID = 2**52  # what the Bot API promises for ids of people
MOST_NUMBER = 2**63  # what Postgres holds


@dataclass(frozen=True)
class Person:
    """Who wrote or pressed."""

    id: int
    first_name: str
    last_name: str
    username: str
    language_code: str


@dataclass(frozen=True)
class Attachment:
    """A picture or file; `file_id` works for the bot that received it only. `size` is in bytes, 0 when unknown."""

    kind: str
    file_id: str
    unique_id: str
    size: int
    mime: str
    album: str


@dataclass(frozen=True)
class Payment:
    """Stars that are about to be paid (`query_id`: answer within ten seconds), were paid, or were given back.

    `payload` is what the invoice was made with; `charge_id` is the payment's own key, empty before it is made.
    `until` is the Unix time at which a subscription ends, 0 for none; `renewal`: it was paid for before.
    """

    currency: str
    amount: int
    payload: str
    query_id: str = ""
    charge_id: str = ""
    until: int = 0
    renewal: bool = False


@dataclass(frozen=True)
class Incoming:
    """One update of one person. `kind` says which of the other fields are filled.

    command (`command`, `text` = its argument) · text · photo and document (`attachment`, `text` = the caption) ·
    press (`press_id`, `text` = the button's data, `message_id` = the message it hangs on) · contact (`phone`, and
    `own_phone`: it is the person's own) · checkout, paid, refunded (`payment`) · blocked · unblocked ·
    other (a sticker, a voice, anything else that has no use here)
    """

    update_id: int
    kind: str
    person: Person
    message_id: int = 0
    text: str = ""
    command: str = ""
    press_id: str = ""
    attachment: Attachment | None = None
    phone: str = ""
    own_phone: bool = False
    payment: Payment | None = None


def parse(raw: bytes) -> Incoming | None:
    """Return what came, None when it is nothing of ours (a group, a channel); raise Invalid when it is no update.

    What we could not store is no update either: ids that no column holds, a NUL, half of a surrogate pair. Such a body
    would fail at every try, and Telegram would bring it for a day.
    """
    try:
        found = json.loads(raw)
        if not isinstance(found, dict) or type(found.get("update_id")) is not int:
            raise errors.Invalid("no_update")
        came = _incoming(Update.de_json(found, None))
        if came:
            _check(came)
            _check(came.person)
            _check(came.attachment)
            _check(came.payment)
    except (ArithmeticError, AttributeError, LookupError, OSError, RecursionError, TypeError, ValueError) as error:
        raise errors.Invalid("no_update", f"{type(error).__name__}") from error
    return came


def _check(part: Incoming | Person | Attachment | Payment | None) -> None:
    """Raise TypeError or ValueError for a value that is not of its type, or that we could not store."""
    for name in fields(part) if part else ():
        value = getattr(part, name.name)
        if name.type is str:
            if "\0" in value.encode().decode():
                raise ValueError(name.name)
        elif name.type is int and not (type(value) is int and 0 <= value < MOST_NUMBER):
            raise ValueError(name.name)
    if isinstance(part, Person) and not 0 < part.id < MOST_ID:
        raise ValueError("person")


def _incoming(update: Update) -> Incoming | None:
    if update.callback_query:
        return _press(update.update_id, update.callback_query)
    if update.pre_checkout_query:
        return _checkout(update.update_id, update.pre_checkout_query)
    if update.my_chat_member and update.my_chat_member.chat.type == "private":
        status = update.my_chat_member.new_chat_member.status
        kind = "blocked" if status == "kicked" else "unblocked"
        return Incoming(update.update_id, kind, _person(update.my_chat_member.from_user))
    message = update.message
    if message is None or message.from_user is None or message.chat.type != "private":
        return None
    return _message(update.update_id, message, _writer(message, message.from_user))


def _writer(message: Message, user: User) -> Person:
    """Return whose chat it is; word of a refund is the bot's own message, and a private chat has its person's id."""
    if not user.is_bot:
        return _person(user)
    return Person(message.chat.id, message.chat.first_name or "", message.chat.last_name or "", "", "")


def _press(update_id: int, press: CallbackQuery) -> Incoming:
    message_id = press.message.message_id if press.message else 0
    person = _person(press.from_user)
    return Incoming(update_id, "press", person, message_id, press.data or "", press_id=press.id)


def _checkout(update_id: int, query: PreCheckoutQuery) -> Incoming:
    payment = Payment(query.currency, query.total_amount, query.invoice_payload, query_id=query.id)
    return Incoming(update_id, "checkout", _person(query.from_user), payment=payment)


def _message(update_id: int, message: Message, person: Person) -> Incoming:
    if message.successful_payment:
        paid = _paid(message.successful_payment)
        return Incoming(update_id, "paid", person, message.message_id, payment=paid)
    if message.refunded_payment:
        given_back = _refunded(message.refunded_payment)
        return Incoming(update_id, "refunded", person, message.message_id, payment=given_back)
    if message.contact:
        return _shared(update_id, message.message_id, person, message.contact)
    attachment = _attachment(message)
    if attachment:
        caption = message.caption or ""
        return Incoming(update_id, attachment.kind, person, message.message_id, caption, attachment=attachment)
    if message.text is None:
        return Incoming(update_id, "other", person, message.message_id)
    if message.text.startswith("/"):
        command, _, argument = message.text[1:].partition(" ")
        name = command.partition("@")[0].lower()
        return Incoming(update_id, "command", person, message.message_id, argument.strip(), name)
    return Incoming(update_id, "text", person, message.message_id, message.text)


def _paid(paid: SuccessfulPayment) -> Payment:
    return Payment(
        paid.currency,
        paid.total_amount,
        paid.invoice_payload,
        charge_id=paid.telegram_payment_charge_id,
        until=round(paid.subscription_expiration_date.timestamp()) if paid.subscription_expiration_date else 0,
        renewal=bool(paid.is_recurring and not paid.is_first_recurring),
    )


def _refunded(paid: RefundedPayment) -> Payment:
    return Payment(paid.currency, paid.total_amount, paid.invoice_payload, charge_id=paid.telegram_payment_charge_id)


def _shared(update_id: int, message_id: int, person: Person, contact: Contact) -> Incoming:
    """Take a phone number: whoever's it is, only that of the contact's own Telegram account counts as one's own."""
    own = contact.user_id == person.id
    return Incoming(update_id, "contact", person, message_id, phone=contact.phone_number, own_phone=own)


def _attachment(message: Message) -> Attachment | None:
    album = message.media_group_id or ""
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        size = largest.file_size or 0
        return Attachment("photo", largest.file_id, largest.file_unique_id, size, "image/jpeg", album)
    file = message.document
    if file and not message.animation:
        mime = file.mime_type or ""
        return Attachment("document", file.file_id, file.file_unique_id, file.file_size or 0, mime, album)
    return None


def _person(user: User) -> Person:
    return Person(user.id, user.first_name, user.last_name or "", user.username or "", user.language_code or "")
