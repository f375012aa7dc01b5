"""A shop with its people, for the tests of loyalty: what matters is shown, the rest is made up."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lib import db
from lib.loyalty import members, offers, partners, points, staff
from lib.people import users
from tests import factories

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Shop:
    """An approved shop, its owner and one cashier."""

    id: int
    owner: users.User
    cashier: users.User


async def make_shop(conn: db.Connection, **settings: Any) -> Shop:
    """Return an approved shop: 5 % earned, half of a bill payable in points, nothing held, a year to live."""
    owner, cashier = await factories.make_user(conn), await factories.make_user(conn)
    shop = await partners.apply(conn, owner.id, title="Кофейня", city="Казань", category="cafe")
    await partners.decide(conn, shop, owner.id, "approved")
    await staff.accept(conn, cashier.id, await staff.invite(conn, shop, owner.id, "cashier"))
    if settings:
        await partners.change(conn, shop, owner.id, **settings)
    return Shop(shop, owner, cashier)


async def make_client(conn: db.Connection, *, name: str = "Анна", phone: str | None = None) -> users.User:
    """Return a registered client."""
    user = await factories.make_user(conn, first_name=name)
    number = phone or f"+7900{next(_numbers):07}"
    await members.register(conn, user.id, name=name, city="Казань", phone=number)
    return user


async def make_member(conn: db.Connection, shop: Shop, *, has: int = 0, **more: Any) -> members.Member:
    """Return a new client of the shop who has so many points."""
    referrer = more.pop("referrer", None)
    user = await make_client(conn, **more)
    joined = await members.join(conn, shop.id, user.id, referrer_card=referrer.card_no if referrer else None, now=NOW)
    if has:
        await points.grant(
            conn, shop.id, joined.member_id, shop.owner.id, points=has, reason="-", key=new_key(), now=NOW
        )
    return await members.get(conn, shop.id, joined.member_id)


async def make_service(conn: db.Connection, shop: Shop, *, price: int = 50, **more: Any) -> int:
    """Return a reward of the shop that clients can have now."""
    fields = {"title": "Кофе", "category": "cafe", **more}
    made = await offers.add_service(conn, shop.id, shop.owner.id, price_points=price, **fields)
    await offers.decide_service(conn, shop.id, made, shop.owner.id, "approved")
    return made


def new_key() -> str:
    """Return a key that nobody has used."""
    return f"key:{next(_numbers)}"
