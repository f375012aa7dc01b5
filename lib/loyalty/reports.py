"""The figures of a shop. Shares are basis points; what cannot be told yet is None."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from lib import db
from lib.loyalty.partners import Partner, of

SQL = db.load("loyalty_reports")

MANY = 5000  # operations; to sum as many takes about 40 ms
GROUPS = ("new", "loyal", "champion", "sleeping", "at_risk", "lost")


@dataclass(frozen=True)
class ShopSummary:
    """A shop's period. Clients, buyers, repeaters, lost, available, pending and expiring are as of its end."""

    receipts: int
    turnover_minor: int
    money_minor: int
    active: int
    issued: int
    redeemed: int
    expired: int
    referral_points: int
    reversals: int
    clients: int
    new_clients: int
    buyers: int
    repeaters: int
    lost: int
    returning_clients: int
    available: int
    pending: int
    expiring: int
    ratings: int
    promoters: int
    detractors: int
    minor_per_point: int

    @property
    def average_bill_minor(self) -> int | None:
        """The mean of the bills, rounded down to a kopeck."""
        return self.turnover_minor // self.receipts if self.receipts else None

    @property
    def liability_minor(self) -> int:
        """The money that all points together would pay."""
        return (self.available + self.pending) * self.minor_per_point

    @property
    def redemption_bp(self) -> int | None:
        """How much was spent of what was given in the period."""
        return _share(self.redeemed, self.issued)

    @property
    def churn_bp(self) -> int | None:
        """How many of those who ever bought have stayed away for twice their own rhythm, and a month at least."""
        return _share(self.lost, self.buyers)

    @property
    def nps(self) -> int | None:
        """Promoters (9, 10) minus detractors (0 to 6), -100 to 100."""
        return round((self.promoters - self.detractors) * 100 / self.ratings) if self.ratings else None


@dataclass(frozen=True)
class Day:
    """One day at the shop, for a chart."""

    day: date
    receipts: int
    turnover_minor: int
    clients: int


@dataclass(frozen=True)
class Group:
    """Clients of one kind (one of GROUPS) among those who came within 180 days."""

    name: str
    clients: int
    spent_minor: int


@dataclass(frozen=True)
class StaffRow:
    """One person's work at the counter; one_client: the most operations with a single client."""

    user_id: int
    name: str
    operations: int
    turnover_minor: int
    given: int
    reversals: int
    grants: int
    one_client: int

    @property
    def odd(self) -> str:
        """Why somebody should look: "reversals", "one_client", "grants", or nothing."""
        if self.reversals >= 3 and self.reversals * 10 > self.operations:
            return "reversals"
        if self.operations >= 10 and self.one_client * 10 > self.operations * 4:
            return "one_client"
        return "grants" if self.grants >= 5 and self.grants * 5 > self.operations else ""


async def summary(conn: db.Connection, partner: Partner, since: datetime, until: datetime) -> ShopSummary:
    """Return a shop's figures from `since` up to `until`."""
    [found] = await summaries(conn, partner, [(since, until)])
    return found


async def summaries(
    conn: db.Connection, partner: Partner, spans: Sequence[tuple[datetime, datetime]]
) -> list[ShopSummary]:
    """Return a shop's figures of several periods, each from its `since` up to its `until`, in one statement."""
    sinces, untils = [since for since, _ in spans], [until for _, until in spans]
    asked = {"sinces": sinces, "untils": untils, "first": min(sinces), "last": max(untils)}
    query = SQL.summaries.within(of(partner.id))
    return await query.all(conn, ShopSummary, partner_id=partner.id, **asked, minor_per_point=partner.minor_per_point)


async def is_long(conn: db.Connection, partner_id: int, since: datetime) -> bool:
    """Whether there are more operations since then than somebody should wait for to be summed."""
    return bool(await SQL.is_long.within(of(partner_id)).one(conn, bool, partner_id=partner_id, since=since, most=MANY))


async def days(conn: db.Connection, partner: Partner, since: datetime, until: datetime) -> list[Day]:
    """Return the shop's days of a period, each once, also those without a receipt."""
    period = {"partner_id": partner.id, "since": since, "until": until, "tz": partner.tz}
    return await SQL.days.within(of(partner.id)).all(conn, Day, **period)


async def groups(conn: db.Connection, partner_id: int, now: datetime) -> list[Group]:
    """Return how many clients of each kind there are, in the order of GROUPS; kinds without clients are left out."""
    found = await SQL.groups.within(of(partner_id)).all(conn, Group, partner_id=partner_id, now=now)
    return sorted(found, key=lambda group: GROUPS.index(group.name))


async def staff(conn: db.Connection, partner_id: int, since: datetime, until: datetime) -> list[StaffRow]:
    """Return what everybody at a shop did in a period, the busiest first; `odd` marks who stands out."""
    period = {"partner_id": partner_id, "since": since, "until": until}
    return await SQL.staff.within(of(partner_id)).all(conn, StaffRow, **period)


def _share(part: int, whole: int) -> int | None:
    return part * 10_000 // whole if whole else None
