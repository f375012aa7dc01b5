"""A shop with its people behind the client's chats: what others do there is done through the ledger itself."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest

from lib import db
from lib.loyalty import members, offers, partners, points, staff
from tests import factories
from tests.flows.chat import Chat

_people = itertools.count(50_000_000)
_keys = itertools.count(1)


@dataclass
class Place:
    """A shop, and what its cashier does while a client looks on."""

    conn: Any
    id: int
    code: str
    title: str
    city: str
    owner_id: int
    cashier_id: int

    async def member(self, chat: Chat) -> members.Member:
        cursor = await self.conn.execute("select id from users where tg_id = %s", (chat.user["id"],))
        [user_id] = await cursor.fetchone()
        return await members.get_own(self.conn, self.id, user_id)

    async def sells(self, chat: Chat, rubles: int) -> points.Receipt:
        who = (await self.member(chat)).id
        key = f"test:{next(_keys)}"
        return await points.accrue(self.conn, self.id, who, self.cashier_id, bill_minor=rubles * 100, key=key)

    async def gives(self, chat: Chat, number: int, reason: str = "За терпение") -> points.Receipt:
        who = (await self.member(chat)).id
        key = f"test:{next(_keys)}"
        return await points.grant(self.conn, self.id, who, self.owner_id, points=number, reason=reason, key=key)

    async def spends(self, chat: Chat, number: int, *, bill: int) -> points.Receipt:
        who = (await self.member(chat)).id
        key = f"test:{next(_keys)}"
        return await points.redeem(
            self.conn, self.id, who, self.cashier_id, bill_minor=bill * 100, points=number, shown=True, key=key
        )

    async def hands_over(self, code: str) -> points.Voucher:
        return await points.use_voucher(self.conn, self.id, code, self.cashier_id)

    async def undoes(self, receipt: points.Receipt, reason: str = "Ошибка в сумме") -> None:
        key = f"test:{next(_keys)}"
        await points.reverse(self.conn, self.id, receipt.txn_id, self.owner_id, reason=reason, key=key)

    async def offers(self, title: str, price: int, **more: Any) -> int:
        made = await offers.add_service(
            self.conn, self.id, self.owner_id, title=title, price_points=price, category="cafe", **more
        )
        await offers.decide_service(self.conn, self.id, made, self.owner_id, "approved")
        return made

    async def announces(self, title: str, *, approved: bool = True, days: int = 7, **more: Any) -> int:
        today = date.today()
        fields = {"kind": "multiplier", "multiplier_bp": 20000, "starts_on": today} | more
        made = await offers.add_promotion(
            self.conn, self.id, self.owner_id, title=title, ends_on=today + timedelta(days=days), **fields
        )
        if approved:
            await offers.decide_promotion(self.conn, self.id, made, self.owner_id, "approved")
        return made


@pytest.fixture
async def conn(shop) -> AsyncIterator[db.Connection]:
    """Lend a connection to the stack's own database."""
    async with db.connect(shop.stack.owner_url) as conn:
        yield conn


@pytest.fixture
def opens(conn: db.Connection) -> Callable[..., Awaitable[Place]]:
    """Open approved shops: `await opens("Кофейня", city="Казань", welcome_points=100)`."""

    async def make(title: str = "Кофейня", *, city: str = "Казань", category: str = "cafe", **settings: Any) -> Place:
        owner = await factories.make_user(conn, tg_id=next(_people), first_name="Глеб")
        cashier = await factories.make_user(conn, tg_id=next(_people), first_name="Вера")
        shop_id = await partners.apply(conn, owner.id, title=title, city=city, category=category)
        await partners.decide(conn, shop_id, owner.id, "approved")
        await staff.accept(conn, cashier.id, await staff.invite(conn, shop_id, owner.id, "cashier"))
        if settings:
            await partners.change(conn, shop_id, owner.id, **settings)
        made = await partners.get(conn, shop_id)
        return Place(conn, made.id, made.code, title, city, owner.id, cashier.id)

    return make


@pytest.fixture
async def cafe(opens: Callable[..., Awaitable[Place]]) -> Place:
    return await opens("Кофейня «Зерно»", welcome_points=100)


@pytest.fixture
def visitor(shop) -> Callable[..., Awaitable[Chat]]:
    """Make people who open the client bot's chat."""

    async def make(**person: Any) -> Chat:
        user = {"first_name": "Борис", "language_code": "ru", **person}
        made = (await shop.http.post("/sim/users", json=user)).raise_for_status().json()
        return Chat(shop.http, "client", made)

    return make


@pytest.fixture
async def boris(visitor: Callable[..., Awaitable[Chat]]) -> Chat:
    return await visitor()


@pytest.fixture
def comes(visitor: Callable[..., Awaitable[Chat]]) -> Callable[..., Awaitable[Chat]]:
    """Make clients of a shop, who came by its link: `await comes(cafe)`."""

    async def make(place: Place, link: str = "", **person: Any) -> Chat:
        chat = await visitor(**person)
        await chat.says(f"/start {link or 'p_' + place.code}")
        await chat.presses("Принимаю")
        await chat.shares_phone()
        await chat.sees("карта")
        return chat

    return make
