"""Does what falls due by the clock at a shop: points that become spendable or expire, reminders, birthdays.

All of it is in small batches that step over a client who is being served, and is safe to repeat.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib import db
from lib.loyalty.partners import Partner, of

SQL = db.load("loyalty_night")

BATCH = 100
MORNING, TELLING, EVENING = time(10), time(11), time(21)


@dataclass(frozen=True)
class Reminder:
    """Points of one client that expire together, soon."""

    member_id: int
    user_id: int
    wants_news: bool | None
    points: int
    expires_at: datetime
    lots: list[int]


@dataclass(frozen=True)
class Birthday:
    member_id: int
    user_id: int


def by_day(zone: str, at: datetime) -> datetime:
    """Return a moment in the middle of a shop's day as it is, and of one at night the next eleven o'clock."""
    local = at.astimezone(ZoneInfo(zone))
    if MORNING <= local.time() < EVENING:
        return at
    day = local.date() + timedelta(days=local.time() > TELLING)
    return datetime.combine(day, TELLING, ZoneInfo(zone))


async def shops(conn: db.Connection, now: datetime, *, after: int = 0) -> list[int]:
    """Return a page of the shops that may have something to do; `after` is the last id of the page before."""
    return await SQL.shops_due.all(conn, int, after=after, now=now)


async def settle(conn: db.Connection, partner_id: int, *, limit: int = BATCH, now: datetime | None = None) -> int:
    """Activate and expire the points of a batch of members whose date has come; return how many members that were."""
    return await SQL.settle_due.one(conn, int, partner_id=partner_id, limit=limit, now=now) or 0


async def catch_up(partner_id: int, *, batches: int = 50) -> None:
    """Settle what has fallen due at a shop, so that what is read next is so now: a few batches, not for ever.

    It takes no connection: it writes, and a reader may have one to a copy of the database.
    """

    async def work(conn: db.Connection) -> None:
        for _ in range(batches):
            if await settle(conn, partner_id) < BATCH:
                return

    await db.run(work)


async def reminders(conn: db.Connection, partner: Partner, now: datetime, *, limit: int = BATCH) -> list[Reminder]:
    """Return a batch of what expires within the shop's days of notice and nobody was told of."""
    if not partner.remind_days:
        return []
    until = now + timedelta(days=partner.remind_days)
    ids = {"partner_id": partner.id, "now": now, "until": until}
    return await SQL.reminders.within(of(partner.id)).all(conn, Reminder, **ids, limit=limit)


async def expiring(conn: db.Connection, partner_id: int, member_id: int, expires_at: datetime) -> int:
    """Return how many of a client's points are left that expire at a moment."""
    ids = {"partner_id": partner_id, "member_id": member_id, "expires_at": expires_at}
    return await SQL.expiring.within(of(partner_id)).one(conn, int, **ids) or 0


async def mark_reminded(conn: db.Connection, partner_id: int, told: list[Reminder]) -> None:
    """Remember that these were told."""
    lots = [lot for reminder in told for lot in reminder.lots]
    await SQL.mark_reminded.within(of(partner_id)).run(conn, partner_id=partner_id, lots=lots)


async def birthdays(conn: db.Connection, partner: Partner, now: datetime, *, limit: int = BATCH) -> list[Birthday]:
    """Return a batch of the clients whose birthday it is at the shop, and who have had no present this year."""
    if not partner.birthday_points or partner.status != "approved":
        return []
    today = now.astimezone(ZoneInfo(partner.tz)).date()
    days = [f"{today:%m-%d}"]
    if days == ["02-28"] and (today + timedelta(days=1)).month == 3:
        days.append("02-29")
    query = SQL.birthdays.within(of(partner.id))
    when = {"days": days, "year": str(today.year), "now": now}
    return await query.all(conn, Birthday, partner_id=partner.id, **when, limit=limit)


async def give_birthday(conn: db.Connection, partner: Partner, member_id: int, now: datetime) -> None:
    """Give a client the birthday's points, once a year."""
    key = f"birthday:{member_id}:{now.astimezone(ZoneInfo(partner.tz)).year}"
    ids = {"partner_id": partner.id, "member_id": member_id, "points": partner.birthday_points}
    await SQL.give_birthday.one(conn, int, **ids, key=key, now=now)
