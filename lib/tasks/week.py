"""Tells the administrators of the platform's week, each Monday at ten in Moscow."""

from datetime import datetime, timedelta

from lib import db, retry
from lib.jobs.run import Run
from lib.office import week
from lib.people import notify
from lib.reach import periods, wording

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(hours=1))
LEASE = timedelta(minutes=2)


async def run(run: Run) -> None:
    """Read the week that is over and send it."""
    period = periods.closed("week", datetime.fromisoformat(run.job.args["due"]), week.ZONE)
    (now, before), as_of = await db.read(lambda conn: week.read(conn, period))

    def worded(language: str) -> dict[str, object]:
        said = wording.as_of(as_of, week.ZONE, language)
        return {**week.fields(language, period, now, before), "as_of": f"\n{said}" if said else ""}

    await notify.alert_admins("studio", "alert.week", worded)
