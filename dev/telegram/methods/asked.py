"""The arguments of a method's handler: who asks, with what, and the chat and message it is about."""

import re
from dataclasses import dataclass
from typing import Any

import httpx

from dev.telegram import keyboards, markup
from dev.telegram.records import Bot, Call, Chat, Json, Posted, Refused
from dev.telegram.wire import Params, Upload
from dev.telegram.world import World
from lib import fetch

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024
URL_LIMITS = {"photo": 5 * 1024 * 1024}


@dataclass
class Asked:
    """One call on its way through a handler."""

    world: World
    bot: Bot
    p: Params
    call: Call

    def chat(self) -> Chat:
        """Return the chat to write to; raise Refused when the bot may not."""
        number = self._chat_number()
        chat = self.world.chats.get((self.bot.name, number))
        if number not in self.world.users:
            raise Refused(400, "Bad Request: chat not found")
        if chat is None or not chat.started:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        if chat.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        return chat

    def _chat_number(self) -> int:
        given = self.p.text("chat_id").strip()
        if not given:
            raise Refused(400, "Bad Request: chat_id is empty")
        if not re.fullmatch(r"-?\d+", given):
            raise Refused(400, "Bad Request: chat not found")
        return int(given)

    def own(self, verb: str) -> tuple[Chat, Posted]:
        """Return the bot's message to edit or delete; raise Refused when it is not there or not the bot's."""
        chat = self.chat()
        posted = chat.messages.get(self.p.number("message_id"))
        if posted is None or posted.deleted:
            raise Refused(400, f"Bad Request: message to {verb} not found")
        if posted.outgoing and verb == "edit":
            raise Refused(400, "Bad Request: message can't be edited")
        return chat, posted

    def words(self, field: str, entities: str, source: Json | None = None) -> tuple[str, list[Json]]:
        """Return a text or caption with its entities, within Telegram's limits."""
        given = source if source is not None else self.p.values
        text = str(given.get(field) or "")
        listed = given.get(entities) if source is not None else self.p.json(entities)
        plain, found = markup.parse(text, str(given.get("parse_mode") or "") or None, listed)
        if len(plain) > (TEXT_LIMIT if field == "text" else CAPTION_LIMIT):
            raise Refused(
                400,
                "Bad Request: message is too long" if field == "text" else "Bad Request: message caption is too long",
            )
        return plain, found

    def caption(self, source: Json | None = None) -> Json:
        """Return the caption fields of a message; none for an empty caption."""
        plain, found = self.words("caption", "caption_entities", source)
        return ({"caption": plain} if plain else {}) | ({"caption_entities": found} if plain and found else {})

    def inline(self) -> Json | None:
        """Return the inline keyboard of an edit."""
        return keyboards.inline(self.p.json("reply_markup"))

    def say(self, content: Json, *, payload: str = "") -> Json:
        """Put the bot's new message into the chat, with its keyboard and the message it answers."""
        chat, wanted = self.chat(), self.p.json("reply_markup")
        answered = self._answered(chat)
        inline = keyboards.inline(wanted) if keyboards.is_inline(wanted) else None
        below = (
            keyboards.reply(wanted) if wanted and (wanted.get("keyboard") or wanted.get("remove_keyboard")) else None
        )
        if inline:
            content = {**content, "reply_markup": inline}
        if self.p.flag("protect_content"):
            content = {**content, "has_protected_content": True}
        posted = self.world.post(chat, {**content, **answered}, call=self.call, payload=payload)
        if below or (wanted and wanted.get("remove_keyboard")):
            self.world.set_reply_keyboard(chat, below)
        return posted.message

    def _answered(self, chat: Chat) -> Json:
        wanted = self.p.json("reply_parameters") or {}
        number = wanted.get("message_id") or self.p.number("reply_to_message_id")
        if not number:
            return {}
        posted = chat.messages.get(int(number))
        if posted and not posted.deleted:
            return {"reply_to_message": {k: v for k, v in posted.message.items() if k != "reply_to_message"}}
        if wanted.get("allow_sending_without_reply") or self.p.flag("allow_sending_without_reply"):
            return {}
        raise Refused(400, "Bad Request: message to be replied not found")

    async def file(self, field: str, given: Any = None) -> Upload | str:
        """Return an uploaded or fetched file, or the file id that was given instead."""
        value = given if given is not None else self.p.uploads.get(field) or self.p.values.get(field)
        if isinstance(value, Upload):
            return _full(value)
        text = str(value or "")
        if text.startswith("attach://"):
            attached = self.p.uploads.get(text.removeprefix("attach://"))
            if attached is None:
                raise Refused(400, f'Bad Request: attached file "{text.removeprefix("attach://")}" not found')
            return _full(attached)
        if not text:
            raise Refused(400, f"Bad Request: there is no {field} in the request")
        return await _fetch(field, text) if text.startswith(("http://", "https://")) else text


def _full(upload: Upload) -> Upload:
    if not upload.data:
        raise Refused(400, "Bad Request: file must be non-empty")
    return upload


async def _fetch(field: str, url: str) -> Upload:
    """Fetch a file by its address, as Telegram does for its senders."""
    try:
        async with httpx.AsyncClient(timeout=20, trust_env=False, verify=fetch.tls()) as client:
            answer = await client.get(url)
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Refused(400, "Bad Request: failed to get HTTP URL content") from None
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if not answer.is_success or (field != "document" and not kind.startswith((field, "image", "video"))):
        raise Refused(400, "Bad Request: wrong type of the web page content")
    if len(answer.content) > URL_LIMITS.get(field, 20 * 1024 * 1024):
        raise Refused(400, "Bad Request: file is too big")
    return Upload(url.partition("?")[0].rpartition("/")[2], kind, answer.content)
