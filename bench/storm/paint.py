"""A task of the storm: a provider makes something, which takes a while; then the chat gets it."""

from datetime import UTC, datetime, timedelta

from bench.storm import calls
from lib import errors, retry
from lib.jobs.run import Run

BACKOFF = retry.Backoff(base=timedelta(seconds=0.3), cap=timedelta(seconds=3))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Order, wait, deliver."""
    soon = datetime.now(UTC) + timedelta(seconds=0.4)
    if "order" not in run.checkpoint:
        order = await calls.call("start", key=run.job.key)
        await run.wait(soon, order=order["id"])
        return
    found = await calls.call("look", id=run.checkpoint["order"])
    if found["key"] is None:
        await run.wait(soon)
    elif found["key"] != run.job.key:
        raise errors.Rejected("mixed_up", found["key"])
    else:
        await calls.deliver(run, run.job.key, run.job.args["chat"])
