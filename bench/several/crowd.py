"""The people of `python -m bench instances`: sellers who order cards, readers, and cashiers who give points.

Each acts as a person does: the next act comes when the bot has answered the last, after a pause.
"""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bench.results import Failed
from bench.several.fleet import Site
from dev.telegram.records import Update
from lib import cache, db
from lib.loyalty import members, partners, staff
from lib.people import users

PHOTO = Path(__file__).parents[2] / "dev" / "samples" / "coffee.jpg"
CLIENTS = 6
PATIENCE = 60.0
HAND = 1.0  # seconds


@dataclass(frozen=True)
class Size:
    """How many do what, and for how long."""

    readers: int = 24
    sellers: int = 6
    cashiers: int = 3
    seconds: float = 30
    pause: float = 1.5


@dataclass
class Crowd:
    """The people of one shop and its town; `given` and `ordered` are what they were told has been done."""

    site: Site
    http: httpx.AsyncClient
    size: Size
    dice: random.Random
    cashiers: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    until: float = 0
    bills: Iterator[int] = field(default_factory=itertools.count)  # the same one twice would be asked about
    given: int = 0
    ordered: int = 0

    async def settle(self) -> None:
        """Make a shop with its cashiers and clients, as an evening before would have."""
        names = ["owner", *["cashier"] * self.size.cashiers, *["client"] * CLIENTS]
        numbers = [await self._person(f"{name} {number}") for number, name in enumerate(names)]
        async with db.connect(self.site.owner_url) as conn:
            owner, *others = [await _known(conn, number) for number in numbers]
            shop = await partners.apply(conn, owner, title="Зерно", city="Казань", category="cafe")
            await partners.decide(conn, shop, owner, "approved")
            for cashier in others[: self.size.cashiers]:
                await staff.accept(conn, cashier, await staff.invite(conn, shop, owner, "cashier"))
            for number, client in enumerate(others[self.size.cashiers :]):
                self.phones.append(f"+7900{self.dice.randrange(10**6):06}{number}")
                await members.register(conn, client, name="Борис", city="Казань", phone=self.phones[-1])
                await members.join(conn, shop, client)
        for client in numbers[1 + self.size.cashiers :]:
            await self._act(f"/sim/chats/client/{client}", "text", json={"text": "/start"})
        self.cashiers = [f"/sim/chats/partner/{number}" for number in numbers[1 : 1 + self.size.cashiers]]

    async def live(self) -> None:
        """Act for the time that the size says; return when the last has been answered."""
        self.until = time.monotonic() + self.size.seconds
        async with asyncio.TaskGroup() as together:
            for _ in range(self.size.sellers):
                together.create_task(self._sell())
            for _ in range(self.size.readers):
                together.create_task(self._read())
            for chat in self.cashiers:
                together.create_task(self._serve(chat))

    async def knock(self) -> Update:
        """Let a newcomer write, and return the update as soon as the webhook has it in hand."""
        person = await self._person("Новый")
        (await self.http.post(f"/sim/chats/studio/{person}/text", json={"text": "/start"})).raise_for_status()
        [update] = [one for one in self.site.world.updates.values() if one.user_id == person]
        while not (update.attempts or await cache.get(f"turn:studio:{person}")):  # noqa: ASYNC110 - Redis knows
            await asyncio.sleep(0.01)
        return update

    async def _sell(self) -> None:
        """Meet the bot, order a card, and look what has become of it."""
        chat = await self._meet()
        await self._act(
            chat, "upload", files=[("files", ("a.jpg", PHOTO.read_bytes(), "image/jpeg"))], data={"as": "photo"}
        )
        await self._act(chat, "text", json={"text": "Кофе в зёрнах\nСвежая обжарка\n100% арабика"})
        for data in ("order:product:card", "order:preset:wb", "order:confirm"):
            await self._press(chat, data)
        self.ordered += 1
        await self._look(chat)

    async def _read(self) -> None:
        await self._look(await self._meet())

    async def _look(self, chat: str) -> None:
        while await self._pause():
            await self._act(chat, "text", json={"text": self.dice.choice(["/history", "/balance", "/help", "/start"])})

    async def _serve(self, chat: str) -> None:
        """Give one client after the other points."""
        await self._act(chat, "text", json={"text": "/start"})
        await self._press(chat, "menu:home")
        while await self._pause():
            await self._press(chat, "till:find")
            await self._act(chat, "text", json={"text": self.dice.choice(self.phones)})
            await self._act(chat, "text", json={"text": f"{350 + next(self.bills)}"})
            await self._press(chat, "till:give")
            self.given += 1

    async def _meet(self) -> str:
        """Come some time in the first third, and consent."""
        await asyncio.sleep(self.dice.uniform(0, self.size.seconds / 3))
        chat = f"/sim/chats/studio/{await self._person('Продавец')}"
        await self._act(chat, "text", json={"text": "/start"})
        await self._press(chat, "start:accept")
        return chat

    async def _pause(self) -> bool:
        """Wait a moment; say whether there is time for more."""
        await asyncio.sleep(self.dice.uniform(0.5, 1.5) * self.size.pause)
        return time.monotonic() < self.until

    async def _person(self, name: str) -> int:
        made = await self.http.post("/sim/users", json={"first_name": name, "language_code": "ru"})
        return int(made.raise_for_status().json()["id"])

    async def _press(self, chat: str, data: str) -> None:
        """Press the newest button of this kind, as soon as it is there: a screen may follow the webhook's answer."""
        until = time.monotonic() + PATIENCE
        while (message_id := await self._button(chat, data)) is None:
            if time.monotonic() > until:
                last = (await self.http.get(chat)).json()["messages"][-4:]
                raise Failed(f"no button {data} in {chat}: {json.dumps(last, ensure_ascii=False)[:3000]}")
            await asyncio.sleep(0.1)
        await self._act(chat, "press", json={"message_id": message_id, "data": data})

    async def _button(self, chat: str, data: str) -> int | None:
        """Return the message with this button below what the person wrote last: those above are of other screens."""
        for message in reversed((await self.http.get(chat)).raise_for_status().json()["messages"]):
            rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
            if any(button.get("callback_data") == data for row in rows for button in row):
                return int(message["message_id"])
            if message["sim"]["outgoing"]:
                break
        return None

    async def _act(self, chat: str, action: str, **body: Any) -> None:
        """Do one thing, no sooner than people do: who sends more than 60 updates a minute is not heard."""
        await asyncio.sleep(HAND)
        (await self.http.post(f"{chat}/{action}", params={"wait": "1"}, **body)).raise_for_status()


async def _known(conn: db.Connection, tg_id: int) -> int:
    user = await users.get_or_create_user(conn, tg_id, first_name="Алиса")
    return (await users.accept_consent(conn, user.id, tg_id)).id
