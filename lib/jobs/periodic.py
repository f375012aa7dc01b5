"""Jobs that fall due by the clock. A tick queues one job for each due time, whatever the number of ticks.

The expression alone says when a schedule is due; the database says up to when it was queued. So the next tick makes
good for one that was missed, as the schedule says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from lib import db

SQL = db.load("jobs")

EVERY_MINUTE, EVERY_HOUR, EVERY_DAY = "* * * * *", "0 * * * *", "0 0 * * *"
# How many missed times are caught up at most, the newest of them.
CATCH_UP_LIMIT = 1000
# By how much two good clocks differ at most.
AHEAD = timedelta(minutes=1)


@dataclass(frozen=True)
class Schedule:
    """When a periodic job falls due: a cron expression in a time zone, which also knows summer time.

    Times that were missed are caught up one by one, or all but the last are skipped.
    """

    cron: str
    zone: str = "UTC"
    catch_up: bool = False

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Return the due times after a moment, in UTC, without end."""
        from cronsim import CronSim  # the worker's alone

        return (due.astimezone(UTC) for due in CronSim(self.cron, moment.astimezone(ZoneInfo(self.zone))))

    def missed(self, since: datetime, now: datetime) -> list[datetime]:
        """Return the due times after `since` up to `now` that are to be queued."""
        times: list[datetime] = []
        for due in self.after(since):
            if due > now:
                break
            times.append(due)
            del times[: -CATCH_UP_LIMIT if self.catch_up else -1]
        return times


async def tick(conn: db.Connection, schedules: Mapping[str, Schedule], now: datetime) -> int:
    """Queue what fell due since the last tick; return how many jobs are new. A schedule begins at its first tick."""
    names = list(schedules)
    known = {row["task"]: row["queued_until"] for row in await SQL.schedules.all(conn, dict, tasks=names)}
    due = [(name, at) for name in names if name in known for at in schedules[name].missed(known[name], now)]
    ahead = any(until > now + AHEAD for until in known.values())  # of a clock that was wrong: it is cut to now
    if not due and not ahead and len(known) == len(names):
        return 0
    args: list[dict[str, Any]] = [{"due": at.isoformat()} for _, at in due]
    return (
        await SQL.queue_periodic_jobs.one(
            conn,
            int,
            schedules=names,
            untils=[now] * len(names),
            tasks=[name for name, _ in due],
            keys=[f"{name}:{at:%Y-%m-%dT%H:%MZ}" for name, at in due],
            args=args,
        )
        or 0
    )


def next_due(schedules: Mapping[str, Schedule], now: datetime) -> datetime | None:
    """Return when the next periodic job falls due, without asking the database."""
    return min((at for schedule in schedules.values() for at in islice(schedule.after(now), 1)), default=None)
