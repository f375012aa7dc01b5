"""What a shop's figures tell beyond sums: who comes back, when it is busy, and how many points are owed until when."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from lib import db
from lib.loyalty.partners import Partner, of
from lib.reach.periods import Period

SQL = db.load("analysis")

MONTHS = 6  # after the first visit, and as many cohorts before the running month
AHEAD = 12  # months of points that are shown one by one


@dataclass(frozen=True)
class Cohort:
    """The clients whose first purchase was in a month, and how many of them came in each of the months after it."""

    month: date
    clients: int
    back: list[int]

    def shares(self, today: date) -> list[int | None]:
        """Return the percentages of those who came; None for months that have not begun."""
        begun = (today.year - self.month.year) * 12 + today.month - self.month.month
        return [
            round(came * 100 / self.clients) if number <= begun else None for number, came in enumerate(self.back, 1)
        ]


@dataclass(frozen=True)
class BusyHour:
    """An hour of a weekday (0 is Monday) in which there were receipts."""

    weekday: int
    hour: int
    receipts: int
    turnover_minor: int


@dataclass(frozen=True)
class OwedMonth:
    """Points that expire in a month; None never do."""

    month: date | None
    points: int


@dataclass(frozen=True)
class OwedPoints:
    """What clients hold: month by month, then all that expires later, then what never does."""

    months: list[OwedMonth]
    later: int
    never: int

    @property
    def total(self) -> int:
        """All points together."""
        return sum(one.points for one in self.months) + self.later + self.never


async def cohorts(conn: db.Connection, shop: Partner, now: datetime) -> list[Cohort]:
    """Return the cohorts of the last months, the running one last; months in which nobody was new are left out."""
    today = now.astimezone(ZoneInfo(shop.tz)).date()
    since = months_on(today.replace(day=1), -MONTHS)
    return await SQL.cohorts.within(of(shop.id)).all(conn, Cohort, partner_id=shop.id, tz=shop.tz, since=since)


async def hours(conn: db.Connection, shop: Partner, period: Period) -> list[BusyHour]:
    """Return the hours of a period in which there were receipts, by weekday."""
    asked = {"partner_id": shop.id, "tz": shop.tz, "since": period.since, "until": period.until}
    return await SQL.hours.within(of(shop.id)).all(conn, BusyHour, **asked)


async def owed(conn: db.Connection, shop: Partner, now: datetime) -> OwedPoints:
    """Return the points that clients hold, by when they expire."""
    found = await SQL.owed.within(of(shop.id)).all(conn, OwedMonth, partner_id=shop.id, tz=shop.tz, now=now)
    dated = [one for one in found if one.month]
    never = sum(one.points for one in found if not one.month)
    return OwedPoints(dated[:AHEAD], sum(one.points for one in dated[AHEAD:]), never)


def grid(found: list[BusyHour]) -> list[tuple[int, list[int]]]:
    """Return the receipts of each weekday, for every hour from the first with any to the last."""
    if not found:
        return []
    known = {(one.hour, one.weekday): one.receipts for one in found}
    first, last = min(hour for hour, _ in known), max(hour for hour, _ in known)
    return [(hour, [known.get((hour, day), 0) for day in range(7)]) for hour in range(first, last + 1)]


def months_on(month: date, number: int) -> date:
    """Return the first day of the month so many months on, or back."""
    whole = month.year * 12 + month.month - 1 + number
    return date(whole // 12, whole % 12 + 1, 1)
