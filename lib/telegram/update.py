"""An update from Telegram in the few words that a flow needs: parsed strictly, or not at all.

Read from the JSON itself: the library would make an object of every part first, a tenth of an update's time.
"""

import json
import re
from dataclasses import dataclass, field, fields, replace
from typing import Any

from lib import errors, typed
from lib.telegram.outgoing import Button, Keyboard

MOST_ID = 2**52  # what the Bot API promises for ids of people
MOST_NUMBER = 2**63  # what Postgres holds
MOST_AMOUNT = 2**31  # what it holds of an amount

# The kinds of content that a person sends on purpose beside words, pictures, files and contacts. Any other message is a
# service message, such as word of a pinned message, a timer or a new background: nobody waits for an answer to that.
SENT = {
    *("animation", "audio", "checklist", "dice", "document", "game", "giveaway", "invoice", "live_photo", "location"),
    *("paid_media", "photo", "poll", "rich_message", "sticker", "story", "venue", "video", "video_note", "voice"),
}

type Part = dict[str, Any]


@dataclass(frozen=True)
class Sender:
    """The person who wrote or pressed."""

    id: int
    first_name: str
    last_name: str
    username: str
    language_code: str


@dataclass(frozen=True)
class Attachment:
    """A picture or file; `file_id` works for the bot that received it only. `size` is in bytes, 0 when unknown.

    `width` and `height` are told of a photo, in pixels; of a document they are 0.
    """

    kind: str
    file_id: str
    unique_id: str
    size: int
    mime: str
    album: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class StarPayment:
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
    stopped (a draft that the person has stopped: `text` = its id) · voice (`voice`) ·
    press (`press_id`, `text` = the button's data, `message_id` = the message it hangs on, `rows` = that message's
    buttons, none if it is too old to be shown) · contact (`phone`, and `own_phone`: it is the person's own) ·
    checkout, paid, refunded (`payment`) · blocked · unblocked ·
    other (a sticker, anything else that has no use here; of a video also `video`, `caption`: broadcasts take one)
    `edited`: the person has changed a text, or the caption of a photo or document, that came before.
    """

    update_id: int
    kind: str
    person: Sender
    message_id: int = 0
    text: str = ""
    command: str = ""
    press_id: str = ""
    rows: Keyboard = field(default_factory=list)
    attachment: Attachment | None = None
    phone: str = ""
    own_phone: bool = False
    payment: StarPayment | None = None
    edited: bool = False
    voice: Attachment | None = None
    seconds: int = 0
    video: Attachment | None = None
    caption: str = ""


def parse(raw: bytes) -> Incoming | None:
    """Return what came, None when nobody waits for an answer: a group, a channel, word of a pinned message.

    Raises Invalid when it is no update.

    An update that we could not store counts as none, too: ids that no column holds, a NUL, half of a surrogate pair.
    Such a body would fail at every try, and Telegram would bring it for a day.
    """
    try:
        found = json.loads(raw)
        if not isinstance(found, dict) or type(found.get("update_id")) is not int:
            raise errors.Invalid("no_update")
        came = _incoming(found["update_id"], found)
        if came:
            _check(came)
            _check(came.person)
            _check(came.attachment)
            _check(came.payment)
            _check(came.voice)
            _check(came.video)
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise errors.Invalid("no_update", f"{type(error).__name__}") from error
    return came


def _check(part: Incoming | Sender | Attachment | StarPayment | None) -> None:
    """Raise TypeError or ValueError for a value that is not of its type, or that we could not store."""
    for name in fields(part) if part else ():
        value = getattr(part, name.name)
        if name.type is str:
            if "\0" in value.encode().decode():
                raise ValueError(name.name)
        elif name.type is int and not (type(value) is int and 0 <= value < MOST_NUMBER):
            raise ValueError(name.name)
    if isinstance(part, Sender) and not 0 < part.id < MOST_ID:
        raise ValueError("person")
    if isinstance(part, StarPayment) and part.amount >= MOST_AMOUNT:
        raise ValueError("amount")


def _part(whole: Part, name: str) -> Part | None:
    """Return an object within another, None when there is none; raise TypeError for anything that is not an object."""
    found = whole.get(name)
    if found is not None and not isinstance(found, dict):
        raise TypeError(name)
    return found


def _incoming(update_id: int, update: Part) -> Incoming | None:
    if press := _part(update, "callback_query"):
        return _press(update_id, press)
    if query := _part(update, "pre_checkout_query"):
        return _checkout(update_id, query)
    if (change := _part(update, "my_chat_member")) and change["chat"]["type"] == "private":
        kind = "blocked" if change["new_chat_member"]["status"] == "kicked" else "unblocked"
        return Incoming(update_id, kind, _person(change["from"]))
    if stopped := _part(update, "stopped_message_generation"):
        return _stopped(update_id, stopped)
    edited = _part(update, "edited_message")
    message = edited or _part(update, "message")
    if not message or not message.get("from") or message["chat"]["type"] != "private":
        return None
    came = _message(update_id, message, _writer(message))
    return _mended(came) if edited else came


def _mended(came: Incoming | None) -> Incoming | None:
    """Return an edit of words; what else changes, as a live location does all the time, is nothing to answer."""
    return replace(came, edited=True) if came and came.kind in ("text", "photo", "document") else None


def _writer(message: Part) -> Sender:
    """Return whose chat it is; word of a refund is the bot's own message, and a private chat has its person's id."""
    if not message["from"].get("is_bot"):
        return _person(message["from"])
    chat = message["chat"]
    return Sender(chat["id"], _words(chat, "first_name"), _words(chat, "last_name"), "", "")


def _press(update_id: int, press: Part) -> Incoming:
    message = _part(press, "message")
    message_id = message["message_id"] if message else 0
    below = _part(message or {}, "reply_markup") or {}
    rows = [[Button.read(one) for one in row] for row in below.get("inline_keyboard", ())]
    data = press.get("data") or ""
    return Incoming(update_id, "press", _person(press["from"]), message_id, data, press_id=press["id"], rows=rows)


def _stopped(update_id: int, stopped: Part) -> Incoming | None:
    """Return which draft was stopped; nobody is named, and a private chat has its person's id."""
    chat = stopped["chat"]
    if chat["type"] != "private":
        return None
    person = Sender(chat["id"], _words(chat, "first_name"), _words(chat, "last_name"), "", "")
    return Incoming(update_id, "stopped", person, text=str(int(stopped["draft_id"])))


def _checkout(update_id: int, query: Part) -> Incoming:
    payment = StarPayment(query["currency"], query["total_amount"], query["invoice_payload"], query_id=query["id"])
    return Incoming(update_id, "checkout", _person(query["from"]), payment=payment)


def _message(update_id: int, message: Part, person: Sender) -> Incoming | None:
    message_id, text = message["message_id"], _words(message, "text")
    if paid := _part(message, "successful_payment"):
        return Incoming(update_id, "paid", person, message_id, payment=_paid(paid))
    if given_back := _part(message, "refunded_payment"):
        return Incoming(update_id, "refunded", person, message_id, payment=_refunded(given_back))
    if contact := _part(message, "contact"):
        return _shared(update_id, message_id, person, contact)
    attachment = _attachment(message)
    if attachment:
        caption = _words(message, "caption")
        return Incoming(update_id, attachment.kind, person, message_id, caption, attachment=attachment)
    if voice := _part(message, "voice"):
        ids, size = (voice["file_id"], voice["file_unique_id"]), voice.get("file_size") or 0
        heard = Attachment("voice", *ids, size, voice.get("mime_type") or "", "")
        return Incoming(update_id, "voice", person, message_id, voice=heard, seconds=voice["duration"])
    if video := _part(message, "video"):
        film = _video(video)
        return Incoming(update_id, "other", person, message_id, video=film, caption=_words(message, "caption"))
    if not text:
        sent = "text" in message or SENT & message.keys()
        return Incoming(update_id, "other", person, message_id) if sent else None
    if text.startswith("/"):
        command, *rest = re.split(r"\s", text[1:], maxsplit=1)
        name = command.partition("@")[0].lower()
        return Incoming(update_id, "command", person, message_id, "".join(rest).strip(), name)
    return Incoming(update_id, "text", person, message_id, text)


def _words(part: Part, name: str) -> str:
    """Return what a person wrote, without the marks that nobody sees."""
    return typed.visible(part.get(name) or "")


def _paid(paid: Part) -> StarPayment:
    return StarPayment(
        paid["currency"],
        paid["total_amount"],
        paid["invoice_payload"],
        charge_id=paid["telegram_payment_charge_id"],
        until=paid.get("subscription_expiration_date") or 0,
        renewal=bool(paid.get("is_recurring") and not paid.get("is_first_recurring")),
    )


def _refunded(paid: Part) -> StarPayment:
    charge_id = paid["telegram_payment_charge_id"]
    return StarPayment(paid["currency"], paid["total_amount"], paid["invoice_payload"], charge_id=charge_id)


def _shared(update_id: int, message_id: int, person: Sender, contact: Part) -> Incoming:
    """Take a phone number of anybody; it counts as the person's own only when Telegram says so."""
    own = contact.get("user_id") == person.id
    return Incoming(update_id, "contact", person, message_id, phone=contact["phone_number"], own_phone=own)


def _attachment(message: Part) -> Attachment | None:
    album = message.get("media_group_id") or ""
    if message.get("photo"):
        file = max(message["photo"], key=lambda size: size["width"] * size["height"])
        ids, size = (file["file_id"], file["file_unique_id"]), file.get("file_size") or 0
        return Attachment("photo", *ids, size, "image/jpeg", album, file["width"], file["height"])
    document = _part(message, "document")
    if document and not message.get("animation"):
        size, mime = document.get("file_size") or 0, document.get("mime_type") or ""
        return Attachment("document", document["file_id"], document["file_unique_id"], size, mime, album)
    return None


def _video(video: Part) -> Attachment:
    ids, size = (video["file_id"], video["file_unique_id"]), video.get("file_size") or 0
    return Attachment("video", *ids, size, video.get("mime_type") or "", "", video["width"], video["height"])


def _person(user: Part) -> Sender:
    name = _words(user, "last_name"), user.get("username") or "", user.get("language_code") or ""
    return Sender(user["id"], typed.visible(user["first_name"]), *name)
