"""Takes a number off an account whose holder has had a day to say that it is still theirs."""

from datetime import timedelta

from lib import db, log, retry
from lib.jobs.run import Run
from lib.loyalty import releases

BACKOFF = retry.Backoff(base=timedelta(seconds=10), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=30)


async def run(run: Run) -> None:
    """Do it, once: what was kept, or done before, is nothing to do."""
    done = await db.run(lambda conn: releases.finish(conn, run.job.args["id"]))
    log.note(released=done)
