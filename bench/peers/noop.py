"""The job that does nothing, as a task of the product."""

from datetime import timedelta

from bench.peers.driver import seen
from lib import retry
from lib.jobs.run import Run

BACKOFF = retry.Backoff()
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Note that it ran."""
    seen.job(run.job.args.get("sent"))
