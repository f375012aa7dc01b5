"""The few shapes of what a bot sends that flows and tasks need: buttons, keys, pictures, films, invoices."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from telegram import (
    InputFile,
    InputMediaPhoto,
    InputMediaVideo,
    LabeledPrice,
    Message,
    StarTransaction,
    TransactionPartnerUser,
)
from telegram.constants import ParseMode

from lib import typed


@dataclass(frozen=True)
class Button:
    """An inline button: it sends `data` (1 to 64 bytes), opens `url`, opens the Mini App at `app`, or pays an invoice.

    `style` is the Bot API's colour: primary, success, danger.
    """

    label: str
    data: str = ""
    url: str = ""
    style: str = ""
    app: str = ""
    pay: bool = False

    @classmethod
    def read(cls, shown: dict[str, Any]) -> "Button":
        """Return the button that the Bot API shows on a message: the inverse of `markup`."""
        app = (shown.get("web_app") or {}).get("url", "")
        known = {
            "url": shown.get("url", ""),
            "style": shown.get("style", ""),
            "app": app,
            "pay": shown.get("pay", False),
        }
        return cls(shown["text"], shown.get("callback_data", ""), **known)

    def markup(self) -> dict[str, Any]:
        """Return the button as the Bot API takes it."""
        label = typed.visible(self.label)
        shown = {"text": label, "style": self.style} if self.style else {"text": label}
        if self.pay:
            return {**shown, "pay": True}
        if self.app:
            return {**shown, "web_app": {"url": self.app}}
        return {**shown, "url": self.url} if self.url else {**shown, "callback_data": self.data}


type Keyboard = list[list[Button]]


@dataclass(frozen=True)
class Key:
    """A key below the input field: it says its label for the person or, with `contact`, shares their phone number."""

    label: str
    contact: bool = False


@dataclass(frozen=True)
class Keys:
    """Rows of keys below the input field, gone after one press. No rows take away the keys that are there.

    A message that brings or removes keys can never be edited again, nor have inline buttons.
    """

    rows: list[list[Key]] = field(default_factory=list)
    placeholder: str = ""

    def markup(self) -> dict[str, Any]:
        """Return the keyboard as the Bot API takes it."""
        if not self.rows:
            return {"remove_keyboard": True}
        rows = [
            [{"text": key.label} | ({"request_contact": True} if key.contact else {}) for key in row]
            for row in self.rows
        ]
        shown = {"keyboard": rows, "resize_keyboard": True, "one_time_keyboard": True}
        return shown | ({"input_field_placeholder": self.placeholder} if self.placeholder else {})


@dataclass(frozen=True)
class Picture:
    """A picture or file to send: bytes to upload, or a file on the disk, or the file id that this bot got earlier."""

    name: str
    data: bytes = b""
    file_id: str = ""
    path: Path | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[str | InputFile]:
        """Return the file id, or the file as it is handed over: in pieces, not copied as a whole again and again."""
        if self.file_id:
            yield self.file_id
        else:
            with self.path.open("rb") if self.path else io.BytesIO(self.data) as file:
                yield InputFile(file, self.name, read_file_handle=False)

    def content(self) -> str | bytes:
        """Return the file id, which needs no upload, or else the bytes."""
        return self.file_id or self.data


@dataclass(frozen=True)
class Film:
    """A video to send, MP4, with what a player must know of it beforehand."""

    file: Picture
    width: int
    height: int
    seconds: int
    cover: Picture | None = None

    def facts(self) -> dict[str, Any]:
        """Return what the library's methods take beside the file."""
        asked = {"width": self.width, "height": self.height, "duration": self.seconds}
        known: dict[str, Any] = {name: value for name, value in asked.items() if value}
        return known | {"supports_streaming": True} | ({"cover": self.cover.content()} if self.cover else {})


@dataclass(frozen=True)
class Invoice:
    """An invoice in Telegram Stars: title of 32 characters, description of 255, payload of 128 bytes."""

    title: str
    description: str
    payload: str
    stars: int

    def fields(self) -> dict[str, Any]:
        """Return what the library's methods take."""
        return {
            "title": self.title,
            "description": self.description,
            "payload": self.payload,
            "provider_token": "",
            "currency": "XTR",
            "prices": [LabeledPrice(self.title, self.stars)],
        }


@dataclass(frozen=True)
class SentMessage:
    """A message that went out; `file_id` is what this bot may send its file by from now on, empty without a file."""

    message_id: int
    file_id: str = ""


@dataclass(frozen=True)
class Stars:
    """A person's Stars that came for an invoice or, `refunded`, went back; both have the payment's charge id."""

    charge_id: str
    tg_id: int
    first_name: str
    amount: int
    payload: str
    at: datetime
    refunded: bool


def stars(one: StarTransaction) -> Stars | None:
    """Return a transaction that belongs to an invoice; None for a gift, a withdrawal or what else there is."""
    partner = one.receiver or one.source
    if not isinstance(partner, TransactionPartnerUser) or partner.transaction_type != "invoice_payment":
        return None
    person, payload = partner.user, partner.invoice_payload or ""
    back = one.receiver is not None
    return Stars(one.id, person.id, person.first_name, one.amount, payload, one.date, refunded=back)


def sent(message: Message) -> SentMessage:
    """Return what there is to know of a message that went out."""
    file = message.photo[-1] if message.photo else message.video or message.document
    return SentMessage(message.message_id, file.file_id if file else "")


def markup(keyboard: Keyboard | Keys | None) -> dict[str, Any]:
    """Return the parameter for the buttons below a message, or for the keys below the input field."""
    if isinstance(keyboard, Keys):
        return {"reply_markup": keyboard.markup()}
    rows = [[button.markup() for button in row] for row in keyboard or ()]
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def below(caption: str, keyboard: Keyboard | None, *, paid: bool = False) -> dict[str, Any]:
    """Return what stands below a picture or file, and whether it may be paid for."""
    words = {"caption": caption, "parse_mode": ParseMode.HTML} if caption else {}
    return words | markup(keyboard) | manner(paid=paid)


def manner(*, silent: bool = False, paid: bool = False) -> dict[str, Any]:
    """Return how a message goes out: without a sound, and for Stars above the free pace."""
    return ({"disable_notification": True} if silent else {}) | ({"allow_paid_broadcast": True} if paid else {})


def reply(message_id: int | None) -> dict[str, Any]:
    """Return what makes a message an answer to another, which may be gone."""
    answered = {"message_id": message_id, "allow_sending_without_reply": True}
    return {"reply_parameters": answered} if message_id else {}


def in_album(item: Picture | Film, caption: str) -> InputMediaPhoto | InputMediaVideo:
    """Return the library's item of an album. A cover goes as the thumbnail: there the library uploads no covers."""
    if isinstance(item, Film):
        known = item.facts()
        known.pop("cover", None)
        if item.cover:
            known["cover" if item.cover.file_id else "thumbnail"] = item.cover.content()
        return InputMediaVideo(item.file.content(), filename=item.file.name, **known, **below(caption, None))
    return InputMediaPhoto(item.content(), filename=item.name, **below(caption, None))
