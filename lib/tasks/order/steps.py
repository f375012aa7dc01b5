"""One run of an order: how far it goes before it waits."""

from datetime import timedelta

from lib import errors, log, retry
from lib.jobs.run import Run
from lib.tasks.order import batch, delivery, making, source
from lib.tasks.order.desk import Desk

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=5))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Bring the order one step further until it is done; raise Rejected when it can never be."""
    desk = Desk(run)
    if desk.order.is_batch:
        await batch.go_on(desk)
        return
    if not desk.is_made:
        async with desk.moving():
            await source.keep(desk)
            wait = await making.go_on(desk)
        if wait is not None:
            await desk.rest(wait)
            return
    try:
        await delivery.deliver(desk)
    except errors.Blocked:
        log.note(blocked=True)
