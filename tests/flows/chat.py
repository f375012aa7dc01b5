"""A person in a chat, driven over the simulator's HTTP API: flow tests read as a conversation."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

LABEL = 20  # characters that a phone shows of a button with another beside it
PATIENCE = 90.0  # seconds for what a worker does; a webhook's answer is waited for by itself
RECENT = 30  # messages among which a phone shows the last few


async def until(look: Callable[[], Awaitable[Any]], *, within: float = 60.0) -> None:
    """Look again and again until it is so."""
    async with asyncio.timeout(within):
        while not await look():  # noqa: ASYNC110 - what processes do is no event here
            await asyncio.sleep(0.02)


def plain(said: str) -> str:
    """Words as an eye sees them: a space that does not break a line looks like any other."""
    return said.replace("\u00a0", " ")


def words(message: dict[str, Any]) -> str:
    """All that a person reads on a message."""
    return plain(message.get("text") or message.get("caption") or "")


def named(name: str, label: str) -> bool:
    """Whether a button's name has the label, not inside of a longer number or a time: "50" is not in "09:50"."""
    before = r"(?<![\d:.,])" if label[0].isdigit() else ""
    after = r"(?!:?\d)" if label[-1].isdigit() else ""
    return bool(re.search(before + re.escape(plain(label)) + after, plain(name)))


def buttons(message: dict[str, Any]) -> dict[str, str]:
    """The message's buttons: what each sends (or opens), by label."""
    rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
    return {plain(one["text"]): one.get("callback_data") or one.get("url", "") for row in rows for one in row}


@dataclass
class Chat:
    """One person's chat with one bot."""

    http: httpx.AsyncClient
    bot: str
    user: dict[str, Any]
    toast: dict[str, Any] | None = None
    delivery: dict[str, Any] = field(default_factory=dict)
    update_ids: list[int] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/sim/chats/{self.bot}/{self.user['id']}"

    async def says(self, text: str) -> None:
        await self._act("text", json={"text": text})

    async def mends(self, before: str, after: str) -> None:
        """Edit the newest message of one's own that says `before`, in its text or its caption."""
        shown = (await self.http.get(self.path)).raise_for_status().json()["messages"]
        mine = [one["message_id"] for one in shown if one["sim"]["outgoing"] and words(one) == before]
        await self._act("edit", json={"message_id": mine[-1], "text": after})

    async def sends_photo(self, *photos: bytes, caption: str = "") -> None:
        await self._upload("photo", [("photo.jpg", photo, "image/jpeg") for photo in photos], caption)

    async def sends_file(self, data: bytes, name: str, mime: str, caption: str = "") -> None:
        await self._upload("document", [(name, data, mime)], caption)

    async def sends_sticker(self, data: bytes) -> None:
        await self._upload("sticker", [("sticker.webp", data, "image/webp")], "")

    async def stops(self) -> None:
        """Press the stop button of what the bot is writing."""
        await self._act("stop")

    async def presses(self, label: str, *, on: dict[str, Any] | None = None, old: bool = False) -> None:
        """Press the button of that label on the newest message that has it, or on the given one.

        Of an `old` message Telegram tells the bot only the number.
        """
        message = on or await self.message_with(label)
        data = next(data for name, data in buttons(message).items() if named(name, label))
        await self._act("press", json={"message_id": message["message_id"], "data": data, "old": old})

    async def shares_phone(self) -> None:
        await self._act("contact", json={})

    async def blocks(self) -> None:
        await self._act("block", json={})

    async def comes_back(self) -> None:
        await self._act("unblock", json={})

    async def messages(self, last: int = 0) -> list[dict[str, Any]]:
        """The messages that the bot has written and not deleted, oldest first; `last`: among so many of the chat."""
        answer = await self.http.get(self.path, params={"last": last})
        shown = answer.raise_for_status().json()["messages"]
        mine = [one for one in shown if not one["sim"]["outgoing"] and not one["sim"].get("deleted")]
        if self.bot == "studio":
            assert not [label for one in mine for label in buttons(one) if len(label) > LABEL], "a label too long"
        return mine

    async def last(self) -> dict[str, Any]:
        return (await self.messages(RECENT) or await self.messages())[-1]

    async def again(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message as it stands now."""
        return next(one for one in await self.messages() if one["message_id"] == message["message_id"])

    async def message_with(self, label: str) -> dict[str, Any]:
        for last in (RECENT, 0):
            for message in reversed(await self.messages(last)):
                if any(named(name, label) for name in buttons(message)):
                    return message
        raise AssertionError(f"no button {label!r}; the chat: {[words(one) for one in await self.messages()]}")

    async def turns_to(self, pattern: str) -> dict[str, Any]:
        """Turn the pages of the list that was shown last until one matches: what other tests left stands there, too."""
        page = next(one for one in reversed(await self.messages()) if re.search(r"^1\. ", words(one), re.MULTILINE))
        while not re.search(plain(pattern), words(page)):
            await self.presses("Дальше", on=page)
            page = next(one for one in await self.messages() if one["message_id"] == page["message_id"])
        return page

    async def sees(self, pattern: str, *, within: float = PATIENCE) -> dict[str, Any]:
        """Wait until one of the bot's last three messages matches, and return it."""
        until, pause = time.monotonic() + within, 0.03
        while True:
            shown = (await self.messages(RECENT))[-3:]
            for message in reversed(shown):
                if re.search(plain(pattern), words(message), re.DOTALL):
                    return message
            if time.monotonic() > until:
                raise AssertionError(f"never saw {pattern!r}; the chat ends with {[words(one) for one in shown]}")
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, 0.3)  # each look costs what a small update does

    async def _upload(self, kind: str, files: list[tuple[str, bytes, str]], caption: str) -> None:
        parts = [("files", file) for file in files]
        await self._act("upload", files=parts, data={"as": kind, "caption": caption})

    async def _act(self, action: str, **body: Any) -> dict[str, Any]:
        answer = await self.http.post(f"{self.path}/{action}", params={"wait": "1"}, timeout=60, **body)
        assert answer.status_code < 300, answer.text
        told = answer.json()
        self.toast, self.delivery = told.get("callback_answer"), told.get("delivery") or {}
        self.update_ids = told.get("update_ids") or [told["update_id"]]
        return dict(told)

    async def pays(self, invoice: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Pay an invoice with test Stars; return how it ended. With lost=True the bot never hears of the payment."""
        told = await self._act("pay", json={"message_id": invoice["message_id"], **options})
        return dict(told["payment"])

    async def gets(self, content: dict[str, Any]) -> None:
        """Let Telegram say something in this chat, such as a payment."""
        person = {"id": self.user["id"], "is_bot": False, "first_name": self.user["first_name"]}
        chat = {"id": self.user["id"], "type": "private", "first_name": self.user["first_name"]}
        message = {"message_id": 900_000, "date": int(time.time()), "chat": chat, "from": person, **content}
        await self._act("update", json={"message": message})

    async def asks_to_pay(self, query: dict[str, Any]) -> None:
        """Let Telegram ask whether something may be paid, as a forged or forgotten invoice would have it ask."""
        person = {"id": self.user["id"], "is_bot": False, "first_name": self.user["first_name"]}
        await self._act("update", json={"pre_checkout_query": {"from": person, **query}})

    async def forges(self, data: str) -> None:
        """Press a button that is on no message, as a changed client could."""
        await self._act("press", json={"message_id": (await self.last())["message_id"], "data": data})
