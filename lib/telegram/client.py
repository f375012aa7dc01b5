"""The Bot API through python-telegram-bot's Bot, as the flows and tasks need it. Only this module imports it.

What the library leaves open is decided here: one TLS context for all bots, connections that survive an idle minute,
no getMe at cold start, and which of its errors can be tried again. "Message is not modified" is a success.
"""

import asyncio
import functools
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    LinkPreviewOptions,
    Message,
    error,
)
from telegram.constants import ParseMode
from telegram.request import HTTPXRequest

from lib import config, errors, fetch, log

DOWNLOAD_LIMIT = 20 * 1024 * 1024  # getFile serves no larger file

_PREVIEW_OFF = LinkPreviewOptions(is_disabled=True)


@dataclass(frozen=True)
class Button:
    """An inline button: it either sends `data` (1 to 64 bytes) or opens `url`. `style` is the Bot API's colour."""

    label: str
    data: str = ""
    url: str = ""
    style: str = ""

    def markup(self) -> InlineKeyboardButton:
        """Return the library's button."""
        target = {"url": self.url} if self.url else {"callback_data": self.data}
        return InlineKeyboardButton(self.label, **target, **({"style": self.style} if self.style else {}))  # type: ignore[arg-type]


type Keyboard = list[list[Button]]


@dataclass(frozen=True)
class Picture:
    """A picture or file to send: bytes to upload, or the file id that this bot got for them earlier."""

    name: str
    data: bytes = b""
    file_id: str = ""

    def content(self) -> str | bytes:
        """Return the file id, which needs no upload, or else the bytes."""
        return self.file_id or self.data


def bot(name: str) -> Bot:
    """Return the client of a bot for the running loop; raise Missing when the bot is off."""
    return _bot(name, config.get().bot_token(name), id(asyncio.get_running_loop()))


@functools.lru_cache(maxsize=8)
def _bot(name: str, token: str, loop: int) -> Bot:
    base = config.get().telegram_api_url
    request = HTTPXRequest(
        connect_timeout=5,
        read_timeout=12,
        write_timeout=12,
        pool_timeout=5,
        media_write_timeout=60,
        httpx_kwargs={"verify": fetch.tls(), "limits": fetch.LIMITS},
    )
    return Bot(
        token, base_url=f"{base}/bot", base_file_url=f"{base}/file/bot", request=request, get_updates_request=request
    )


async def call[T](request: Awaitable[T]) -> T:
    """Await a Bot API call; raise Unavailable, Rejected or Blocked in place of the library's errors."""
    log.count("telegram")
    try:
        return await request
    except error.RetryAfter as flood:
        wait = flood.retry_after
        seconds = wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
        raise errors.Unavailable("telegram_flood", retry_after=seconds) from flood
    except error.Forbidden as refusal:
        raise errors.Blocked(detail=refusal.message) from refusal
    except error.InvalidToken:
        raise errors.Unavailable("telegram_token", "Telegram does not accept the bot's token") from None
    except (error.BadRequest, error.ChatMigrated, error.Conflict) as refusal:
        raise errors.Rejected("telegram", refusal.message) from refusal
    except error.TelegramError as fault:
        raise errors.Unavailable("telegram", fetch.redact(fault.message)) from fault


@dataclass
class Chat:
    """A person's private chat with one bot. Texts are HTML; escape what a user wrote."""

    bot: str
    id: int
    sent: list[int] = field(default_factory=list)

    async def say(self, text: str, keyboard: Keyboard | None = None, *, reply_to: int | None = None) -> int:
        """Send a message; return its id."""
        message = await call(
            bot(self.bot).send_message(
                self.id,
                text,
                parse_mode=ParseMode.HTML,
                link_preview_options=_PREVIEW_OFF,
                reply_markup=_markup(keyboard),
                reply_to_message_id=reply_to,
                allow_sending_without_reply=True if reply_to else None,
            )
        )
        self.sent.append(message.message_id)
        return message.message_id

    async def edit(self, message_id: int, text: str, keyboard: Keyboard | None = None) -> bool:
        """Rewrite one of the bot's texts; False when it can no longer be edited."""
        return await self._edit(
            bot(self.bot).edit_message_text(
                text,
                self.id,
                message_id,
                parse_mode=ParseMode.HTML,
                link_preview_options=_PREVIEW_OFF,
                reply_markup=_markup(keyboard),
            )
        )

    async def strip(self, message_id: int) -> bool:
        """Take the buttons off a message; False when it can no longer be edited."""
        return await self._edit(bot(self.bot).edit_message_reply_markup(self.id, message_id))

    async def answer(self, press_id: str, text: str = "", *, alert: bool = False) -> None:
        """Stop a pressed button's spinner, with a toast or an alert. A press too old to answer is no error."""
        try:
            await call(bot(self.bot).answer_callback_query(press_id, text or None, show_alert=alert))
        except errors.Rejected as refusal:
            log.note(late_answer=refusal.detail)

    async def show_picture(self, message_id: int, picture: Picture, caption: str, keyboard: Keyboard) -> str:
        """Turn a status message into a picture, or send the picture when that message is gone; return its file id."""
        media = InputMediaPhoto(picture.content(), caption, ParseMode.HTML, filename=picture.name)
        edit = bot(self.bot).edit_message_media(media, self.id, message_id, reply_markup=_markup(keyboard))
        try:
            message = await call(edit)
        except errors.Blocked:
            raise
        except errors.Rejected as refusal:
            if "not modified" in refusal.detail:
                return picture.file_id
            message = await self._send_picture(picture, caption, keyboard)
        return message.photo[-1].file_id if isinstance(message, Message) and message.photo else ""

    async def _send_picture(self, picture: Picture, caption: str, keyboard: Keyboard) -> Message:
        return await call(
            bot(self.bot).send_photo(
                self.id,
                picture.content(),
                caption,
                parse_mode=ParseMode.HTML,
                reply_markup=_markup(keyboard),
                filename=picture.name,
            )
        )

    async def send_document(self, picture: Picture, caption: str, *, reply_to: int) -> str:
        """Send a file as it is, as an answer to a message; return its file id."""
        message = await call(
            bot(self.bot).send_document(
                self.id,
                picture.content(),
                filename=picture.name,
                caption=caption,
                parse_mode=ParseMode.HTML,
                disable_content_type_detection=True,
                reply_to_message_id=reply_to,
                allow_sending_without_reply=True,
            )
        )
        return message.document.file_id if message.document else ""

    async def _edit(self, request: Awaitable[object]) -> bool:
        try:
            await call(request)
        except errors.Blocked:
            raise
        except errors.Rejected as refusal:
            return "not modified" in refusal.detail
        return True


async def download(bot_name: str, file_id: str) -> bytes:
    """Return a file that a user sent to this bot; raise Rejected over 20 MB. The link holds the token: never log it."""
    file = await call(bot(bot_name).get_file(file_id))
    log.count("telegram")
    return await fetch.get_bytes(str(file.file_path), limit=DOWNLOAD_LIMIT)


def _markup(keyboard: Keyboard | None) -> InlineKeyboardMarkup | None:
    return InlineKeyboardMarkup([[button.markup() for button in row] for row in keyboard]) if keyboard else None
