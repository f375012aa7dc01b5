"""Removes what is old, in small batches that hold up nobody: jobs finished more than 90 days ago with what providers
were asked for them and what was made, what clients and assistants said then, the parts of broadcasts, whose sums stay,
broadcasts that were never sent, the source pictures of orders after 30 days with the cuts that were made of another
one, and after a day the first cuts of photos and the logos that are in nobody's style. Files go from storage first and
then from the table.
"""

import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

from lib import config, db, log, retry, storage
from lib.assistant import requests, talks
from lib.jobs import table
from lib.jobs.run import Run
from lib.people import users
from lib.reach import broadcasts, parts
from lib.studio import cuts, spending
from lib.studio import files as stored_files

BACKOFF = retry.Backoff(base=timedelta(minutes=1))
LEASE = timedelta(seconds=60)
BATCH = 1000
FILES = 100
SOURCES_KEPT = timedelta(days=30)
RESULTS_KEPT = timedelta(days=92)  # a little longer than their orders, which are gone 90 days after they were finished
LOGOS_KEPT = timedelta(days=1)  # after a day no drawing can still be reading one that was replaced
OLD_FILES = (
    (functools.partial(stored_files.list_old_cuts, derived=SOURCES_KEPT), cuts.KEPT),
    (stored_files.list_old_logos, LOGOS_KEPT),
    (stored_files.list_old_sources, SOURCES_KEPT),
    (stored_files.list_old_results, RESULTS_KEPT),
)


async def run(run: Run) -> None:
    """Remove what is old; go on in another run when this one's time is up."""
    removed = files = 0
    while number := await db.run(lambda conn: table.forget_history(conn, BATCH)):
        removed += number
        if _is_late(run):
            break
    for forget in (users.forget_remembered, users.forget_traces, talks.forget_old, requests.forget_old):
        removed += await db.run(lambda conn, forget=forget: forget(conn, datetime.now(UTC)))  # type: ignore[misc]
    await db.run(spending.end_left)
    while not _is_late(run):
        if not await db.run(lambda conn: users.mark_people(conn, BATCH)):
            break
    for shrink in (parts.forget, broadcasts.forget_drafts):
        removed += await db.run(lambda conn, shrink=shrink: shrink(conn, datetime.now(UTC), BATCH))  # type: ignore[misc]
    for old in OLD_FILES:
        while not _is_late(run) and (number := await _forget_files(*old)):
            files += number
    if config.get().regions:
        await _leave_day(datetime.now(UTC).date() - timedelta(days=1))
    if _is_late(run):
        await run.wait(datetime.now(UTC) + timedelta(minutes=1))
    log.note(removed=removed, files=files)


async def _leave_day(day: date) -> None:
    """Keep the figures of the day that is over, for the other regions."""
    from lib.regions import days  # one region has nobody to tell

    await db.run(lambda conn: days.leave(conn, day))


def _is_late(run: Run) -> bool:
    return datetime.now(UTC) > run.until - timedelta(seconds=20)


async def _forget_files(find: Callable[..., Awaitable[list[stored_files.File]]], age: timedelta) -> int:
    """Delete some old files; a preview's database names production's files, which are left alone."""
    old = await db.run(lambda conn: find(conn, age, f"{config.get().key_prefix}/", FILES))
    await storage.delete(*(file.pathname for file in old))
    if old:
        await db.run(lambda conn: stored_files.forget_files(conn, [file.id for file in old]))
    return len(old)
