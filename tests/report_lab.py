"""A shop with a week behind it, for the tests of reports: three clients, a week and the one before, a bad review."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import db
from lib.loyalty import members, partners
from lib.loyalty.partners import Partner
from lib.reach import periods
from lib.reach.periods import Period
from tests.loyalty.test_points import accrue, redeem, reverse
from tests.loyalty_lab import Shop, make_member, make_shop

ZONE = "Europe/Moscow"
# Monday, ten in the morning in Moscow; the week is 9 to 15 March 2026, which the people of the lab join on the 10th
MONDAY = datetime(2026, 3, 16, 7, 0, tzinfo=UTC)


def at(day: int, hour: int = 12, month: int = 3) -> datetime:
    """Return an hour of a day of March 2026 at the shop."""
    return datetime(2026, month, day, hour, tzinfo=ZoneInfo(ZONE))


def week() -> Period:
    """Return the week of the lab."""
    return periods.closed("week", MONDAY, ZONE)


async def old_shop(conn: db.Connection, **settings: Any) -> Shop:
    """Return a shop that was approved long ago."""
    shop = await make_shop(conn, **settings)
    await conn.execute(
        "update partners set decided_at = '2026-01-01', created_at = '2026-01-01' where id = %s", (shop.id,)
    )
    return shop


async def partner(conn: db.Connection, shop: Shop) -> Partner:
    """Return the shop's row."""
    return await partners.get(conn, shop.id)


async def joined_in(conn: db.Connection, shop: Shop, when: datetime, **more: Any) -> members.Member:
    """Return a client who has had the card since then."""
    member = await make_member(conn, shop, **more)
    await conn.execute("update members set joined_at = %s where id = %s", (when, member.id))
    return member


async def busy_week(conn: db.Connection, **settings: Any) -> Shop:
    """Return a shop whose week beats the one before: 3,000 roubles in 4 bills against 1,000 in 2."""
    shop = await old_shop(conn, **settings)
    anna = await joined_in(conn, shop, at(1, month=2), name="Анна")
    boris = await joined_in(conn, shop, at(2, month=2), name="Борис")
    vera = await joined_in(conn, shop, at(11), name="Вера")
    await accrue(conn, shop, anna, 50_000, now=at(3))
    await accrue(conn, shop, boris, 50_000, now=at(4))
    visit = await accrue(conn, shop, anna, 100_000, now=at(10, 9))
    await accrue(conn, shop, vera, 50_000, now=at(11, 9))
    await redeem(conn, shop, anna, 50, bill_minor=120_000, now=at(14, 18))
    await accrue(conn, shop, boris, 30_000, now=at(14, 9))
    # neither the largest bill, taken back, nor what came after the week counts
    await reverse(conn, shop, await accrue(conn, shop, boris, 900_000, now=at(13, 9)), now=at(13, 10))
    await accrue(conn, shop, boris, 700_000, now=at(16, 0))
    await rated(conn, shop, anna, visit.txn_id, 3, "Долго ждал\nи остыло", at(10, 20))
    return shop


async def rated(
    conn: db.Connection, shop: Shop, who: members.Member, txn_id: int, score: int, words: str, when: datetime
) -> None:
    """Keep a review."""
    await conn.execute(
        "insert into ratings (partner_id, txn_id, member_id, score, words, created_at) values (%s, %s, %s, %s, %s, %s)",
        (shop.id, txn_id, who.id, score, words, when),
    )


def ago(days: int) -> datetime:
    """Return a moment so many days before the Monday of the lab."""
    return MONDAY - timedelta(days=days)
