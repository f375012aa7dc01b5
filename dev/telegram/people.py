"""The acts of a person in a chat: write, send files, press, share a contact, pay, block. Each act makes its updates."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from dev.telegram import cast, markup, media
from dev.telegram.records import Bot, CannotAct, Chat, Json, Posted, Press, Update
from dev.telegram.wire import Upload
from dev.telegram.world import World

TEXT_LIMIT = 4096  # a longer text leaves Telegram's apps as several messages
EDITABLE = {"text", "photo", "document", "video"}
UPLOAD_LIMIT = 200 * 1024 * 1024
INACCESSIBLE_SECONDS = 48 * 3600


@dataclass
class Act:
    """The outcome of an act."""

    updates: list[Update] = field(default_factory=list)
    posted: Posted | None = None
    callback_query_id: str | None = None


@dataclass
class Person:
    """A user in their chat with one bot."""

    world: World
    bot: Bot
    user: Json

    @property
    def chat(self) -> Chat:
        return self.world.chat(self.bot.name, self.user["id"])

    def text(self, text: str, reply_to: int = 0) -> Act:
        """Write; a text that is too long for one message becomes several, as in Telegram's apps."""
        text = text.strip()
        if not text:
            raise CannotAct("empty", "An empty message cannot be sent.")
        parts = [text[at : at + TEXT_LIMIT] for at in range(0, len(text), TEXT_LIMIT)]
        return self._say([self._worded(part, "text") for part in parts], reply_to)

    async def upload(self, files: list[Upload], kind: str, caption: str = "") -> Act:
        """Send files as photos, documents, a video, a sticker or a voice message; several are an album."""
        if not 1 <= len(files) <= 10:
            raise CannotAct("bad_count", "Between 1 and 10 files go into one message.")
        if any(not one.data or len(one.data) > UPLOAD_LIMIT for one in files):
            raise CannotAct("bad_file", "A file is empty or over 200 MB.")
        contents = [await self._content(one, kind) for one in files]
        contents[0] |= self._worded(caption.strip(), "caption") if caption.strip() else {}
        if len(contents) > 1:
            group = str(secrets.randbelow(10**17))
            contents = [{**one, "media_group_id": group} for one in contents]
        return self._say(contents)

    def press(self, message_id: int, data: str, *, old: bool = False) -> Act:
        """Press a button of a message; `old` makes the message one that the bot can no longer reach."""
        posted = self.chat.messages.get(message_id)
        if posted is None or posted.deleted:
            raise CannotAct("no_such_message", f"There is no message {message_id} in this chat.", 404)
        if not 1 <= len(data.encode()) <= 64:
            raise CannotAct("bad_data", "Callback data has 1 to 64 bytes.")
        number = str(secrets.randbelow(10**18))
        old = old or self.world.clock() - posted.message["date"] > INACCESSIBLE_SECONDS
        gone = {"chat": posted.message["chat"], "message_id": message_id, "date": 0}
        query = {
            "id": number,
            "from": cast.wire_user(self.user),
            "message": gone if old else dict(posted.message),
            "chat_instance": str(self.bot.account.id * 31 + self.user["id"]),
            "data": data,
        }
        press = Press(self.bot.name, self.user["id"], message_id, self.world.clock())
        self.world.presses[number] = press
        update = self.world.add_update(self.bot, {"callback_query": query})
        press.update_id = update.update_id
        return Act([update], posted, number)

    def contact(self) -> Act:
        """Share one's own phone number, as the contact button does."""
        shown = {name: self.user[name] for name in ("first_name", "last_name") if self.user.get(name)}
        return self._say([{"contact": {"phone_number": cast.phone(self.user), **shown, "user_id": self.user["id"]}}])

    def edit(self, message_id: int, text: str) -> Act:
        """Change one's own text, or the caption of one's own photo, video or file."""
        posted = self.chat.messages.get(message_id)
        if posted is None or not posted.outgoing or not posted.message.keys() & EDITABLE:
            raise CannotAct("not_editable", "Only an own text or caption can be edited.", 409)
        name = "text" if "text" in posted.message else "caption"
        posted.message |= {**self._worded(text, name), "edit_date": int(self.world.clock())}
        self.world.edited(self.chat, posted)
        update = self.world.add_update(self.bot, {"edited_message": dict(posted.message)})
        return Act([update], posted)

    def stop(self) -> Act:
        """Press the stop button of what the bot is writing; Telegram names the chat and the draft, and nobody."""
        if not self.chat.draft or not self.chat.can_stop:
            raise CannotAct("no_draft", "The bot is writing nothing that can be stopped.")
        stopped = {"chat": cast.wire_chat(self.user), "draft_id": self.chat.draft}
        self.world.end_draft(self.chat)
        return Act([self.world.add_update(self.bot, {"stopped_message_generation": stopped})])

    def block(self, *, blocked: bool) -> Act:
        """Block or unblock the bot; it hears of it by my_chat_member."""
        if self.chat.blocked == blocked:
            return Act()
        self.chat.blocked = blocked
        self.world.keep_chat(self.chat)
        self.world.emit("blocked", bot=self.bot.name, user_id=self.user["id"], blocked=blocked)
        change = {
            "chat": cast.wire_chat(self.user),
            "from": cast.wire_user(self.user),
            "date": int(self.world.clock()),
            "old_chat_member": self._member(kicked=not blocked),
            "new_chat_member": self._member(kicked=blocked),
        }
        return Act([self.world.add_update(self.bot, {"my_chat_member": change})])

    def raw(self, body: Any) -> Act:
        """Send any update as it is."""
        if not isinstance(body, dict) or not body or "update_id" in body:
            raise CannotAct("bad_update", "An update is an object with one kind in it and no update_id.")
        self.chat.started = self.chat.started or "message" in body
        try:
            return Act([self.world.add_update(self.bot, body)])
        except (KeyError, TypeError, ValueError) as error:
            raise CannotAct("bad_update", f"This update has no user or chat to deliver it for: {error!r}") from error

    def service(self, content: Json) -> Act:
        """Put a message into the chat that Telegram writes for the user, such as a payment."""
        return self._say([content])

    def _say(self, contents: list[Json], reply_to: int = 0) -> Act:
        if self.chat.blocked:
            raise CannotAct("blocked", "This user has blocked the bot: unblock it first.", 409)
        act = Act()
        replied = self.chat.messages.get(reply_to)
        answer = {"reply_to_message": dict(replied.message)} if replied else {}
        for content in contents:
            act.posted = self.world.post(self.chat, {**content, **answer}, outgoing=True)
            act.updates.append(self.world.add_update(self.bot, {"message": dict(act.posted.message)}))
        if self.chat.reply_keyboard and self.chat.reply_keyboard.get("one_time_keyboard"):
            self.world.set_reply_keyboard(self.chat, None)
        return act

    def _worded(self, text: str, name: str) -> Json:
        entities = markup.detect(text)
        listed = "entities" if name == "text" else "caption_entities"
        return {name: text, **({listed: entities} if entities else {})}

    def _member(self, *, kicked: bool) -> Json:
        state = {"status": "kicked", "until_date": 0} if kicked else {"status": "member"}
        return {"user": self.bot.account.user, **state}

    async def _content(self, file: Upload, kind: str) -> Json:
        files, user_id = self.world.files, self.user["id"]
        if kind == "photo":
            return {"photo": files.photo_json(self.bot, (await self._photo(file))[-1])}
        if kind == "document":
            stored = await files.document(file.data, file.name or "file", file.mime, user_id)
            return {"document": files.file_json(self.bot, stored)}
        if kind == "video":
            return {"video": files.file_json(self.bot, self._film(file))}
        if kind == "voice":
            stored = files.other("voice", file.data, "voice.oga", user_id, duration=max(1, len(file.data) // 4000))
            return {"voice": files.file_json(self.bot, stored)}
        if kind == "sticker":
            return {"sticker": files.file_json(self.bot, self._sticker(file))}
        raise CannotAct("bad_kind", "A file goes as photo, document, video, sticker or voice.")

    async def _photo(self, file: Upload) -> list[Any]:
        try:
            return await self.world.files.photo(file.data, self.user["id"])
        except media.Undecodable as error:
            words = f"{file.name or 'This file'} cannot be sent as a photo ({error}): send it as a file."
            raise CannotAct("not_a_photo", words) from error

    def _film(self, file: Upload) -> Any:
        try:
            wide, high, seconds = media.film(file.data)
        except media.Undecodable as error:
            words = f"{file.name or 'This file'} cannot be sent as a video ({error}): send it as a file."
            raise CannotAct("not_a_film", words) from error
        shape = {"width": wide, "height": high, "duration": seconds}
        return self.world.files.other("video", file.data, file.name or "video.mp4", self.user["id"], **shape)

    def _sticker(self, file: Upload) -> Any:
        try:
            wide, high = media.size(file.data)
        except media.Undecodable as error:
            raise CannotAct("not_a_sticker", f"This is no picture: {error}") from error
        return self.world.files.other("sticker", file.data, "sticker.webp", self.user["id"], width=wide, height=high)
