"""Removes jobs that were finished more than 90 days ago, in small batches that hold up nobody."""

from datetime import UTC, datetime, timedelta

from lib import db, jobs, log, retry

BACKOFF = retry.Backoff(base=timedelta(minutes=1))
LEASE = timedelta(seconds=60)
BATCH = 1000


async def run(run: jobs.Run) -> None:
    """Remove what is old; go on in another run when this one's time is up."""
    removed = 0
    while number := await db.run(lambda conn: jobs.forget_history(conn, BATCH)):
        removed += number
        if datetime.now(UTC) > run.until - timedelta(seconds=20):
            await run.wait(datetime.now(UTC) + timedelta(minutes=1))
            break
    log.note(removed=removed)
