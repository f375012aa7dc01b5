"""Cuts the audience of a broadcast into parts, page by page, and has them sent; it goes on where it was stopped."""

from datetime import UTC, datetime, timedelta

from lib import db, errors, log, retry
from lib.jobs import kick
from lib.jobs.run import Run
from lib.reach import broadcasts, parts
from lib.reach.broadcasts import Broadcast

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=5))
LEASE = timedelta(seconds=60)
SPARE = timedelta(seconds=15)


async def run(run: Run) -> None:
    """Cut until a page is not full; what time does not allow goes on in another run."""
    ids = run.job.args["partner"], run.job.args["broadcast"]
    page, wanted = 0, 0
    while page == wanted:
        if page and datetime.now(UTC) > run.until - SPARE:
            await run.wait(datetime.now(UTC) + SPARE)
            await kick.drain()
            return
        try:
            one = await db.run(lambda conn: broadcasts.get(conn, *ids))
        except errors.Missing:  # it became a draft again, and was deleted
            log.note(deleted=True)
            return
        page, wanted = await _cut(one, run.now), parts.page_size(one)
        if page < 0:  # it was cancelled, or another run has cut it
            return
    await db.run(lambda conn: parts.begin(conn, one, run.now))
    log.note(people=one.audience + page)
    await kick.drain()


async def _cut(one: Broadcast, now: datetime) -> int:
    return await db.run(lambda conn: parts.cut(conn, one, now))
