"""The figures of a region's days, which every region has of all: the platform's totals, a day late at the most."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from lib import config, db
from lib.loyalty.partners import PLATFORM

SQL = db.load("regions")


@dataclass(frozen=True)
class RegionDay:
    """What a region had on a day, and how much there was altogether at its end."""

    region: str
    day: date
    figures: dict[str, int]


async def read(conn: db.Connection, day: date) -> dict[str, int]:
    """Return what a day had in this region, and how much there is altogether."""
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    row = await SQL.day.within(PLATFORM).one(conn, dict, since=since, until=since + timedelta(days=1))
    return dict(row["figures"]) if row else {}


async def leave(conn: db.Connection, day: date) -> None:
    """Keep the figures of a day that is over, and have the other regions know; safe to repeat."""
    settings = config.get()
    body = {"region": settings.home_region, "day": day.isoformat(), "figures": await read(conn, day)}
    async with conn.transaction():
        await SQL.keep_day.run(conn, body=body)
        await SQL.tell.run(conn, others=[*settings.other_regions], kind="day", body=body)


async def told(conn: db.Connection, day: date) -> list[RegionDay]:
    """Return the figures that are known of a day, of each region that has told them."""
    return await SQL.days.all(conn, RegionDay, day=day)


def total(days: list[RegionDay]) -> dict[str, int]:
    """Add up the regions."""
    names = dict.fromkeys(name for one in days for name in one.figures)
    return {name: sum(one.figures.get(name, 0) for one in days) for name in names}
