"""The Bot API through python-telegram-bot's Bot, as the flows and tasks need it. Only this module imports it.

This module decides what the library leaves open: one TLS context for all bots, connections that survive an idle minute,
no getMe at cold start, and which of its errors can be tried again. "Message is not modified" is a success.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from telegram import (
    Bot,
    InputMediaDocument,
    LinkPreviewOptions,
    Message,
    error,
)
from telegram.constants import ParseMode
from telegram.request import HTTPXRequest, RequestData

from lib import cache, config, errors, fetch, limits, log, tally, wire
from lib.telegram import outgoing
from lib.telegram.outgoing import Button, Film, Invoice, Key, Keyboard, Keys, Picture, SentMessage, Stars

__all__ = ["Bot", "Button", "Chat", "Film", "Invoice", "Key", "Keyboard", "Keys", "Picture", "SentMessage", "Stars"]

ANSWER = timedelta(seconds=12)
DOWNLOAD_LIMIT = 20 * 1024 * 1024  # getFile serves no larger file

_IDS = ("message_id", "date", "chat", "photo", "video", "document")
_JSON = (("Content-Type", "application/json"),)
_PREVIEW_OFF = LinkPreviewOptions(is_disabled=True)


def bot(name: str) -> "_Bot":
    """Return the client of a bot for the running loop; raise Missing when the bot is off."""
    return _bot(name, config.get().bot_token(name), id(asyncio.get_running_loop()))


@functools.lru_cache(maxsize=8)
def _bot(name: str, token: str, loop: int) -> "_Bot":
    base = config.get().telegram_api_url
    request = _FileRequest(
        connect_timeout=5,
        read_timeout=12,
        write_timeout=12,
        pool_timeout=5,
        media_write_timeout=60,
        httpx_kwargs={"verify": fetch.tls(), "limits": fetch.LIMITS},
    )
    return _Bot(
        token, base_url=f"{base}/bot", base_file_url=f"{base}/file/bot", request=request, get_updates_request=request
    )


class _Bot(Bot):
    """The library's bot, but it makes no Message of what is only asked for its ids: that takes longer than the call."""

    async def _post(self, endpoint: str, data: dict[str, Any] | None = None, **options: Any) -> Any:
        result = await super()._post(endpoint, data, **options)
        if endpoint in ("editMessageText", "editMessageReplyMarkup"):
            return True
        if isinstance(result, dict) and "message_id" in result:
            return {name: result[name] for name in _IDS if name in result}
        return result

    async def say(self, said: dict[str, Any]) -> int:
        """Send a text, given as the Bot API takes it, and return its id."""
        return int((await self._post("sendMessage", said))["message_id"])


class _NobodyThere(error.NetworkError):
    """No connection: the call has not been made."""


class _FileRequest(HTTPXRequest):
    """The library's way to Telegram for files; what has none goes over `wire`, at a twentieth of the time."""

    async def do_request(
        self, url: str, method: str, request_data: RequestData | None = None, *timeouts: Any, **named: Any
    ) -> tuple[int, bytes]:
        if method != "POST" or request_data is None or request_data.contains_files:
            return await super().do_request(url, method, request_data, *timeouts, **named)
        try:
            answer = await wire.post(url, request_data.json_payload, _JSON, ANSWER)
        except TimeoutError:
            raise error.TimedOut from None
        except wire.NoConnection as fault:
            raise _NobodyThere(str(fault)) from None
        except OSError as fault:
            raise error.NetworkError(str(fault)) from None
        return answer.status, answer.body


UNKNOWN = "chat not found"  # a 400 for somebody whom this bot has never met: as much out of reach as who stopped it


async def call[T](request: Awaitable[T]) -> T:
    """Await a Bot API call; raise Unavailable, Rejected or Blocked in place of the library's errors."""
    log.count("telegram")
    try:
        return await request
    except error.RetryAfter as flood:
        wait = flood._retry_after  # the public name warns at each use that it will be this timedelta one day
        raise errors.Unavailable("telegram_flood", retry_after=wait) from flood
    except error.Forbidden as refusal:
        raise errors.Blocked(detail=refusal.message) from refusal
    except error.InvalidToken:
        raise errors.Unavailable("telegram_token", "Telegram does not accept the bot's token") from None
    except (error.BadRequest, error.ChatMigrated, error.Conflict) as refusal:
        if UNKNOWN in refusal.message.lower():
            raise errors.Blocked(detail=refusal.message) from refusal
        raise errors.Rejected("telegram", refusal.message) from refusal
    except _NobodyThere as fault:
        raise errors.Unavailable("telegram_away", fetch.redact(fault.message)) from fault
    except error.TelegramError as fault:
        raise errors.Unavailable("telegram", fetch.redact(fault.message)) from fault


@dataclass
class Chat:
    """A person's private chat with one bot. Texts are HTML; escape what a user wrote.

    A `paced` chat sends when the bot and the chat have a free slot, among all instances: for messages that nobody waits
    for, such as those of workers. An answer to an update goes at once. Where Telegram asks for a pause, everybody keeps
    it.
    """

    bot: str
    id: int
    sent: list[int] = field(default_factory=list)
    paced: bool = False
    paid: bool = False  # for Stars of the bot's, above the free pace
    wrote: int = 0  # how many messages were sent or changed

    async def say(
        self, text: str, markup: Keyboard | Keys | None = None, *, reply_to: int | None = None, silent: bool = False
    ) -> int:
        """Send a message, `silent` without a sound; return its id."""
        known = {"parse_mode": ParseMode.HTML, "link_preview_options": _PREVIEW_OFF}
        said = {"chat_id": self.id, "text": text, **known, **outgoing.markup(markup), **outgoing.reply(reply_to)}
        said |= outgoing.manner(silent=silent, paid=self.paid)
        message_id = await self._in_turn(bot(self.bot).say(said))
        self.sent.append(message_id)
        return message_id

    async def edit(self, message_id: int, text: str, keyboard: Keyboard | None = None) -> bool:
        """Rewrite one of the bot's texts; False when it can no longer be edited."""
        return await self._edit(
            bot(self.bot).edit_message_text(
                text,
                self.id,
                message_id,
                parse_mode=ParseMode.HTML,
                link_preview_options=_PREVIEW_OFF,
                **outgoing.markup(keyboard),
            )
        )

    async def draft(self, draft_id: int, words: str) -> bool:
        """Show plain words that are still being written, with a stop button; False where the chat takes no drafts.

        A pause that Telegram asks for is the caller's to keep: it is for drafts alone.
        """
        shown = {"chat_id": self.id, "draft_id": draft_id, "text": words, "can_stop": True}
        try:
            await call(bot(self.bot)._post("sendMessageDraft", shown))
        except errors.Blocked:
            raise
        except errors.Rejected as refusal:
            log.note(no_drafts=refusal.detail)
            return False
        return True

    async def say_plain(
        self, words: str, entities: Sequence[dict[str, Any]] = (), keyboard: Keyboard | None = None
    ) -> int:
        """Send words that are no HTML, with their entities; return the message's id."""
        known = {"entities": list(entities), "link_preview_options": _PREVIEW_OFF}
        message_id = await self._in_turn(
            bot(self.bot).say({"chat_id": self.id, "text": words, **known, **outgoing.markup(keyboard)})
        )
        self.sent.append(message_id)
        return message_id

    async def edit_plain(
        self, message_id: int, words: str, entities: Sequence[dict[str, Any]] = (), keyboard: Keyboard | None = None
    ) -> bool:
        """Rewrite a text with words that are no HTML; False when it can no longer be edited."""
        said = {"chat_id": self.id, "message_id": message_id, "text": words, "entities": list(entities)}
        said |= {"link_preview_options": _PREVIEW_OFF, **outgoing.markup(keyboard)}
        return await self._edit(bot(self.bot)._post("editMessageText", said))

    async def strip(self, message_id: int) -> bool:
        """Take the buttons off a message; False when it can no longer be edited."""
        return await self._edit(bot(self.bot).edit_message_reply_markup(self.id, message_id))

    async def mark(self, message_id: int, keyboard: Keyboard) -> bool:
        """Give a message other buttons; False when it can no longer be edited."""
        marked = bot(self.bot).edit_message_reply_markup(self.id, message_id, **outgoing.markup(keyboard))
        return await self._edit(marked)

    async def answer(self, press_id: str, text: str = "", *, alert: bool = False) -> None:
        """Stop a pressed button's spinner, with a toast or an alert. A press too old to answer is no error."""
        try:
            await self._call(bot(self.bot).answer_callback_query(press_id, text or None, show_alert=alert))
        except errors.Rejected as refusal:
            log.note(late_answer=refusal.detail)

    async def show_picture(self, message_id: int, picture: Picture | Film, caption: str, keyboard: Keyboard) -> str:
        """Turn a status message into a picture or a video, or send it when that message is gone; return its file id."""
        media = outgoing.in_album(picture, caption)
        edit = bot(self.bot).edit_message_media(media, self.id, message_id, **outgoing.markup(keyboard))
        try:
            message = await self._call(edit)
        except errors.Blocked:
            raise
        except errors.Rejected as refusal:
            if "not modified" in refusal.detail:
                return (picture.file if isinstance(picture, Film) else picture).file_id
            if isinstance(picture, Film):
                return (await self.send_video(picture, caption, keyboard)).file_id
            return (await self.send_photo(picture, caption, keyboard)).file_id
        return outgoing.sent(message).file_id if isinstance(message, Message) else ""

    async def send_photo(
        self, picture: Picture, caption: str = "", keyboard: Keyboard | None = None, *, reply_to: int | None = None
    ) -> SentMessage:
        """Send a picture, which Telegram compresses."""
        photo = bot(self.bot).send_photo(
            self.id,
            picture.content(),
            filename=picture.name,
            **outgoing.below(caption, keyboard, paid=self.paid),
            **outgoing.reply(reply_to),
        )
        return await self._send(photo)

    async def send_document(
        self, picture: Picture, caption: str = "", keyboard: Keyboard | None = None, *, reply_to: int | None = None
    ) -> SentMessage:
        """Send a file as it is; a large one is handed over in pieces, not copied as a whole again and again."""
        with picture.opened() as file:
            document = bot(self.bot).send_document(
                self.id,
                file,
                filename=picture.name,
                disable_content_type_detection=True,
                **outgoing.below(caption, keyboard),
                **outgoing.reply(reply_to),
            )
            return await self._send(document)

    async def send_video(
        self, film: Film, caption: str = "", keyboard: Keyboard | None = None, *, reply_to: int | None = None
    ) -> SentMessage:
        """Send a video that plays in the chat."""
        video = bot(self.bot).send_video(
            self.id,
            film.file.content(),
            filename=film.file.name,
            **film.facts(),
            **outgoing.below(caption, keyboard, paid=self.paid),
            **outgoing.reply(reply_to),
        )
        return await self._send(video)

    async def send_album(self, items: Sequence[Picture | Film], caption: str = "") -> list[SentMessage]:
        """Send 2 to 10 pictures and videos as one album; it can have no buttons. The caption is the first one's."""
        media = [outgoing.in_album(item, "" if index else caption) for index, item in enumerate(items)]
        messages = await self._in_turn(bot(self.bot).send_media_group(self.id, media))
        self.sent += [message.message_id for message in messages]
        return [outgoing.sent(message) for message in messages]

    async def send_documents(self, files: Sequence[Picture], caption: str = "") -> list[SentMessage]:
        """Send 2 to 10 files as one album, each as it is. The caption is the last one's, which stands below all."""
        last = len(files) - 1
        media = [
            InputMediaDocument(
                file.content(), filename=file.name, **outgoing.below(caption if index == last else "", None)
            )
            for index, file in enumerate(files)
        ]
        messages = await self._in_turn(bot(self.bot).send_media_group(self.id, media))
        self.sent += [message.message_id for message in messages]
        return [outgoing.sent(message) for message in messages]

    async def send_invoice(self, invoice: Invoice, keyboard: Keyboard | None = None) -> SentMessage:
        """Ask for Stars; the keyboard's first button, if there is one, must be the one that pays.

        A person who gets it forwarded cannot pay it: they come to the bot with "/start pay".
        """
        asked = bot(self.bot).send_invoice(
            self.id, **invoice.fields(), start_parameter="pay", **outgoing.markup(keyboard)
        )
        return await self._send(asked)

    async def answer_checkout(self, query_id: str, refusal: str = "") -> None:
        """Let a payment through, or stop it with a sentence; Telegram waits for ten seconds."""
        query = bot(self.bot).answer_pre_checkout_query(query_id, not refusal, refusal or None)
        await self._call(query)

    async def refund(self, charge_id: str) -> None:
        """Give the Stars of a payment back; one that was given back already is no error."""
        try:
            await self._call(bot(self.bot).refund_star_payment(self.id, charge_id))
        except errors.Rejected as refusal:
            if "already_refunded" not in refusal.detail.lower():  # the library changes the case
                raise

    async def act(self, action: str = "typing") -> None:
        """Show for five seconds what the bot is doing: typing, upload_photo, upload_video, upload_document."""
        await self._call(bot(self.bot).send_chat_action(self.id, action))

    async def delete(self, message_id: int) -> bool:
        """Delete a message; False when that is no longer possible."""
        return await self._edit(bot(self.bot).delete_message(self.id, message_id))

    async def _send(self, request: Coroutine[Any, Any, Message]) -> SentMessage:
        message = await self._in_turn(request)
        self.sent.append(message.message_id)
        return outgoing.sent(message)

    async def _in_turn[T](self, request: Coroutine[Any, Any, T]) -> T:
        """Await a call that sends, in its slot when the chat is paced."""
        self.wrote += 1
        if self.paced:
            try:
                slot = await limits.reserve(self.bot, self.id)
                await slot.wait()
            except BaseException:
                request.close()
                raise
        return await self._call(request, "message")

    async def _call[T](self, request: Awaitable[T], what: str = "other") -> T:
        """Await a call; a pause that Telegram asks for is kept by all instances.

        It is this chat's, unless the chat's own pace was kept: then the bot as a whole was too fast.
        """
        fate = "failed"
        try:
            answer = await call(request)
            fate = "done"
            return answer
        except errors.Rejected as refusal:
            fate = "blocked" if isinstance(refusal, errors.Blocked) else "refused"
            raise
        except errors.Unavailable as flood:
            fate = "flood" if flood.code == "telegram_flood" else "failed"
            if flood.code == "telegram_flood" and flood.retry_after:
                await limits.pause(self.bot, flood.retry_after, None if self.paced else self.id)
            raise
        finally:
            tally.add(f"call|{self.bot}|{what}|{fate}")

    async def _edit(self, request: Awaitable[object]) -> bool:
        self.wrote += 1
        try:
            await self._call(request)
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


async def star_transactions(bot_name: str, offset: int, limit: int = 100) -> list[Stars | None]:
    """Return what a bot's Stars did, the oldest first; None stands for what no invoice of ours was the reason of."""
    listed = await call(bot(bot_name).get_star_transactions(offset=offset, limit=limit))
    return [outgoing.stars(one) for one in listed.transactions]


async def start_link(name: str, payload: str) -> str:
    """Return the link that opens a bot with a payload, t.me/<bot>?start=<payload>.

    The bot's name is asked for once a day for all instances; while Redis is out of reach, once for each link.
    """
    key = f"bot_name:{name}"
    try:
        known = await cache.get(key)
    except errors.Unavailable:
        known = None
    if known is None:
        known = str((await call(bot(name).get_me())).username)
        with contextlib.suppress(errors.Unavailable):
            await cache.set(key, known, timedelta(days=1))
    return f"https://t.me/{known}?start={payload}"
