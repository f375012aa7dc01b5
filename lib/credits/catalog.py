"""The things for sale, as rows: products and their prices, packs of credits, promo codes. Nothing else decides a price.

A pack is promised as it is: an invoice names it by its id and can be paid for years. So another price makes another
row of the same code, and the old one is switched off. Every change says who made it and why (`audit_log`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import db, errors, typed

SQL = db.load("catalog")

STARS_LIMIT = 10_000
_PACK = re.compile(r"[a-z0-9]{1,16}")
_PROMO = re.compile(r"[A-Z0-9А-ЯЁ_-]{3,32}")


@dataclass(frozen=True)
class Product:
    """A kind of order: `price` is for one result. One takes `expected_seconds` by a model, `own_seconds` without."""

    code: str
    task: str
    price: int
    position: int
    is_on: bool
    expected_seconds: int
    params: dict[str, Any]
    own_seconds: int

    def total(self, count: int) -> int:
        """Return what so many results cost as one order."""
        return int(self.params.get("prices", {}).get(str(count), self.price * count))

    def own_total(self, count: int) -> int:
        """Return what so many cost when we draw them ourselves because no model can be asked."""
        return min(self.total(count), int(self.params.get("own_price", self.price)) * count)


@dataclass(frozen=True)
class Pack:
    """So many credits for so many Stars."""

    id: int
    code: str
    stars: int
    credits: int
    is_on: bool

    @property
    def payload(self) -> str:
        """The payload of an invoice: which pack it is for, and nothing else."""
        return f"pack:{self.id}"


@dataclass(frozen=True)
class Promo:
    """A code that gives credits. `total` is how often it can be used by all, None for as often as there are people."""

    code: str
    credits: int
    total: int | None
    used: int
    per_person: int
    until: datetime | None
    is_on: bool


async def list_products(conn: db.Connection, *, hidden: bool = False) -> list[Product]:
    """Return what can be ordered, in the order of the shelf; with hidden=True also what is off."""
    return await SQL.list_products.all(conn, Product, hidden=hidden)


async def get_product(conn: db.Connection, code: str) -> Product | None:
    """Return a product, on sale or not."""
    return await SQL.get_product.one(conn, Product, code=code)


async def change_product(
    conn: db.Connection,
    code: str,
    *,
    actor: str,
    reason: str,
    price: int | None = None,
    is_on: bool | None = None,
    expected_seconds: int | None = None,
    several: Mapping[str, int] | None = None,
) -> Product:
    """Change what is given; orders that were placed keep their price. Raise Invalid for a price of nothing.

    A new price ends the prices of `several` as one order that are not given with it: they follow from it again.
    """
    if min((one for one in (price, *(several or {}).values()) if one is not None), default=1) < 1:
        raise errors.Invalid("odd_price", f"{code}: a price is a whole number from 1 on")
    several = {} if several is None and price is not None else several
    facts = {"price": price, "is_on": is_on, "expected_seconds": expected_seconds, "several": several}
    changed = await SQL.change_product.one(conn, Product, code=code, actor=actor, reason=reason, **facts)
    return _found(changed, "no_product", code)


async def list_packs(conn: db.Connection, *, hidden: bool = False) -> list[Pack]:
    """Return the packs on sale, the smallest first; with hidden=True also the former ones."""
    return await SQL.list_packs.all(conn, Pack, hidden=hidden)


async def get_pack(conn: db.Connection, pack_id: int) -> Pack | None:
    """Return a pack, on sale or not."""
    return await SQL.get_pack.one(conn, Pack, pack_id=pack_id)


async def put_pack(conn: db.Connection, code: str, stars: int, credits: int, *, actor: str, reason: str) -> Pack:
    """Sell a pack under this code from now on; the one that had it is sold no longer."""
    if not _PACK.fullmatch(code) or not 1 <= stars <= STARS_LIMIT or credits < 1:
        raise errors.Invalid(
            "odd_pack", f"{code}: a short code in small letters, 1 to {STARS_LIMIT} Stars, some credits"
        )
    async with conn.transaction():
        await SQL.switch_pack_off.run(conn, code=code, actor=actor, reason=reason)
        facts = {"code": code, "stars": stars, "credits": credits}
        return _found(await SQL.add_pack.one(conn, Pack, **facts, actor=actor, reason=reason), "no_pack", code)


async def drop_pack(conn: db.Connection, code: str, *, actor: str, reason: str) -> Pack:
    """Sell this pack no longer."""
    return _found(await SQL.switch_pack_off.one(conn, Pack, code=code, actor=actor, reason=reason), "no_pack", code)


def pack_id(payload: str) -> int:
    """Return the pack that an invoice's payload names; 0 when it names none."""
    kind, _, number = payload.partition(":")
    return int(number) if kind == "pack" and number.isdecimal() and number.isascii() and len(number) < 10 else 0


def read_promo(code: str) -> str:
    """Return a promo code as it is kept; "" for what can be none."""
    return next(iter(read_promos(code)), "")


def read_promos(code: str) -> list[str]:
    """Return what a typed promo code may be, the likeliest first, as letters of two alphabets look alike."""
    found = typed.plain(code).upper()
    return typed.spellings(found) if _PROMO.fullmatch(found) else []


async def add_promo(
    conn: db.Connection,
    code: str,
    credits: int,
    *,
    actor: str,
    reason: str,
    total: int | None = None,
    per_person: int = 1,
    until: datetime | None = None,
) -> Promo:
    """Make a code; raise Invalid for an odd one and Conflict for one that exists."""
    kept = read_promo(code)
    if not kept or min(credits, per_person, 1 if total is None else total) < 1:
        raise errors.Invalid("odd_promo", f"{code}: 3 to 32 letters, digits, - or _, and no number below 1")
    facts = {"code": kept, "credits": credits, "total": total, "per_person": per_person, "until": until}
    made = await SQL.add_promo.one(conn, Promo, **facts, actor=actor, reason=reason)
    if made is None:
        raise errors.Conflict("promo_exists", kept)
    return made


async def list_promos(conn: db.Connection, limit: int = 50) -> list[Promo]:
    """Return the codes, the newest first."""
    return await SQL.list_promos.all(conn, Promo, limit=limit)


async def switch_promo(conn: db.Connection, code: str, is_on: bool, *, actor: str, reason: str) -> Promo:
    """Let a code be used, or no longer."""
    facts = {"code": read_promo(code), "is_on": is_on, "actor": actor, "reason": reason}
    return _found(await SQL.switch_promo.one(conn, Promo, **facts), "no_promo", code)


def _found[T](row: T | None, code: str, detail: str) -> T:
    if row is None:
        raise errors.Missing(code, detail)
    return row
