"""A task of the storm: a message to the chat, of the cheap kind that is claimed in batches."""

from datetime import timedelta

from bench.storm import calls
from lib import retry
from lib.jobs.run import Run

BACKOFF = retry.Backoff(base=timedelta(seconds=0.3), cap=timedelta(seconds=3))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Send it."""
    await calls.deliver(run, run.job.key, run.job.args["chat"])
