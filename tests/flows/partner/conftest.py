"""A café with its people in the partner bot's chats, and clients who hold its card."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dev.stack import Stack
from lib import config, db
from lib.loyalty import cards, members, offers, partners, points, staff
from lib.people import users
from tests.flows.chat import Chat
from tests.flows.conftest import Shop
from tests.loyalty_lab import new_key


@dataclass
class Cafe:
    """An approved café: its owner Глеб, its cashier Вера, and the rows behind the chats."""

    shop: Shop
    id: int
    owner: Chat
    cashier: Chat
    newcomer: Callable[..., Awaitable[Chat]]

    async def run(self, work: Callable[[db.Connection], Awaitable[Any]]) -> Any:
        async with db.connect(self.shop.stack.owner_url) as conn:
            return await work(conn)

    async def client(
        self, name: str = "Борис", phone: str = "", *, has: int = 0, invited_by: members.Member | None = None
    ) -> members.Member:
        """Return a person with a card of this café and so many points."""
        card = invited_by.card_no if invited_by else None
        chat = await self.newcomer(first_name=name)
        owner = await user_id(self.shop, self.owner)

        async def join(conn: db.Connection) -> members.Member:
            user = await users.get_or_create_user(conn, chat.user["id"], first_name=name)
            await members.register(conn, user.id, name=name, city="Казань", phone=phone or f"+7900{user.id:07}")
            joined = await members.join(conn, self.id, user.id, referrer_card=card)
            if has:
                await points.grant(conn, self.id, joined.member_id, owner, points=has, reason="-", key=new_key())
            return await members.get(conn, self.id, joined.member_id)

        return await self.run(join)

    async def balance(self, member: members.Member) -> points.Balance:
        return await self.run(lambda conn: points.balance(conn, member.partner_id, member.id))

    async def set(self, **settings: Any) -> None:
        owner = await user_id(self.shop, self.owner)
        await self.run(lambda conn: partners.change(conn, self.id, owner, **settings))

    async def promotion(self, title: str, **terms: Any) -> None:
        """Let an approved promotion run this month."""
        owner, today = await user_id(self.shop, self.owner), datetime.now(UTC).date()
        dates = {"starts_on": today - timedelta(days=1), "ends_on": today + timedelta(days=30)}

        async def add(conn: db.Connection) -> None:
            made = await offers.add_promotion(conn, self.id, owner, kind="multiplier", title=title, **dates, **terms)
            await offers.decide_promotion(conn, self.id, made, owner, "approved")

        await self.run(add)

    async def decide(self, status: str, reason: str = "") -> None:
        owner = await user_id(self.shop, self.owner)
        await self.run(lambda conn: partners.decide(conn, self.id, owner, status, reason))

    async def client_chat(self, member: members.Member) -> Chat:
        """Return the client's own chat with the client bot, where what is told is read."""
        [row] = await self.shop.rows("select tg_id as id from users where id = %s", member.user_id)
        chat = Chat(self.shop.http, "client", row)
        await chat.says("/start")
        return chat

    async def told(self, member: members.Member) -> list[dict[str, Any]]:
        """Return what the client has been, or will be, told: its key; the fields are forgotten once it was."""
        rows = await self.shop.rows(
            "select args from every_job where task = 'tell' and user_id = %s order by id", member.user_id
        )
        return [row["args"] for row in rows]


async def user_id(shop: Shop, chat: Chat) -> int:
    [row] = await shop.rows("select id from users where tg_id = %s", chat.user["id"])
    return int(row["id"])


@pytest.fixture(autouse=True)
def as_the_stack(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sign cards and keep their digits as the running functions do."""
    for name in ("APP_SECRET", "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"):
        monkeypatch.setenv(name, stack.settings[name])
    config.get.cache_clear()
    yield
    config.get.cache_clear()


@pytest.fixture
def staffer(shop: Shop, newcomer: Callable[..., Awaitable[Chat]]) -> Callable[..., Awaitable[Chat]]:
    """Make people who have consented in the partner bot."""

    async def make(name: str) -> Chat:
        chat = Chat(shop.http, "partner", (await newcomer(first_name=name)).user)
        await chat.says("/start")
        await chat.presses("Принимаю")
        return chat

    return make


@pytest.fixture
async def cafe(
    shop: Shop, staffer: Callable[..., Awaitable[Chat]], newcomer: Callable[..., Awaitable[Chat]]
) -> AsyncIterator[Cafe]:
    owner, cashier = await staffer("Глеб"), await staffer("Вера")
    made = await make_cafe(shop, owner, cashier, newcomer, title="Кофейня «Зерно»")
    await owner.says("/menu")
    await cashier.says("/menu")
    yield made
    buried = await shop.rows(
        "select error from dead_letters where payload::text like any(%s)",
        [f"%{chat.user['id']}%" for chat in (owner, cashier)],
    )
    assert buried == [], "no update of theirs may fail for good"


async def make_cafe(
    shop: Shop, owner: Chat, cashier: Chat, newcomer: Callable[..., Awaitable[Chat]], *, title: str
) -> Cafe:
    boss, till = await user_id(shop, owner), await user_id(shop, cashier)
    made = Cafe(shop, 0, owner, cashier, newcomer)

    async def found(conn: db.Connection) -> int:
        place = await partners.apply(conn, boss, title=title, city="Казань", category="cafe")
        await partners.decide(conn, place, boss, "approved")
        await staff.accept(conn, till, await staff.invite(conn, place, boss, "cashier"))
        return place

    made.id = await made.run(found)
    return made


def qr(member: members.Member) -> str:
    """Return what a scanned QR code sends to the partner bot."""
    return f"/start {cards.issue(member.partner_id, member.id)}"
