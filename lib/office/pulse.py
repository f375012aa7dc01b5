"""Tells whether anything is wrong, and how much there is of everything. Each is one statement."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lib import db, errors

SQL = db.load("admin")

WAITS_LONG = timedelta(minutes=5)  # the minute's tick and a busy line explain less


@dataclass(frozen=True)
class Pulse:
    """The counts that need a look. `waiting_since` is when the oldest untaken job fell due; `held` are credits."""

    waiting_since: datetime | None
    queued: int
    running: int
    held: int
    finished: int
    failed: int
    failing_task: str | None
    last_finished_at: datetime | None
    letters: int
    refunding: int
    debts: int
    unmatched: int

    def stuck(self, now: datetime | None = None) -> bool:
        """Whether jobs wait and nobody seems to take them."""
        return bool(self.waiting_since and (now or datetime.now(UTC)) - self.waiting_since > WAITS_LONG)

    @property
    def is_failing(self) -> bool:
        """Whether more of the last hour's jobs failed than a bad photo now and then explains."""
        return self.failed >= 3 and self.failed * 10 >= self.finished


@dataclass(frozen=True)
class PlatformFigures:
    """The platform in numbers; a week and a month are the last seven and thirty days."""

    people: int
    people_week: int
    seen_day: int
    banned: int
    orders_day: int
    orders_week: int
    failed_week: int
    payments_month: int
    stars_month: int
    sold_month: int
    unspent: int


async def look(conn: db.Connection) -> Pulse:
    """Return what may be wrong right now."""
    return _found(await SQL.pulse.one(conn, Pulse))


async def figures(conn: db.Connection) -> PlatformFigures:
    """Return the platform in numbers."""
    return _found(await SQL.figures.one(conn, PlatformFigures))


def _found[T](row: T | None) -> T:
    if row is None:  # a statement without a table to begin from has one row
        raise errors.Missing("no_figures")
    return row
