"""A task of the storm: tells the chat of an order that it failed and that the credits are back."""

from datetime import timedelta

from bench.storm import calls
from lib import db, retry
from lib.jobs import table
from lib.jobs.run import Run

BACKOFF = retry.Backoff(base=timedelta(seconds=0.3), cap=timedelta(seconds=3))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Say so, in the chat that the failed order names."""
    failed = await db.run(lambda conn: table.get_job_by_id(conn, run.job.args["job_id"]))
    assert failed
    await calls.deliver(run, run.job.key, failed.args["chat"])
