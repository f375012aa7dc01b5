"""Tells the administrators of the platform's week, each Monday at ten in Moscow."""

from datetime import datetime, timedelta

from lib import db, retry, text
from lib.jobs.run import Run
from lib.office import week
from lib.people import notify
from lib.reach import periods, wording

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(hours=1))
LEASE = timedelta(minutes=2)
LANGUAGE = text.LANGUAGES[0]


async def run(run: Run) -> None:
    """Read the week that is over and send it."""
    period = periods.closed("week", datetime.fromisoformat(run.job.args["due"]), week.ZONE)
    (now, before), as_of = await db.read(lambda conn: week.read(conn, period))
    said = wording.as_of(as_of, week.ZONE, LANGUAGE)
    fields = week.fields(LANGUAGE, period, now, before)
    await notify.alert_admins("studio", "alert.week", **fields, as_of=f"\n{said}" if said else "")
