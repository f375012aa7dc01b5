"""Removes what is old, in small batches that hold up nobody: jobs finished more than 90 days ago with what providers
were asked for them, and the source pictures of orders after 30 days, from storage first and then from the table.
"""

from datetime import UTC, datetime, timedelta

from lib import config, db, generation, jobs, log, retry, storage

BACKOFF = retry.Backoff(base=timedelta(minutes=1))
LEASE = timedelta(seconds=60)
BATCH = 1000
FILES = 100
KEPT = timedelta(days=30)


async def run(run: jobs.Run) -> None:
    """Remove what is old; go on in another run when this one's time is up."""
    removed = files = 0
    while number := await db.run(lambda conn: jobs.forget_history(conn, BATCH)):
        removed += number
        if _is_late(run):
            break
    while not _is_late(run) and (number := await _forget_sources()):
        files += number
    if _is_late(run):
        await run.wait(datetime.now(UTC) + timedelta(minutes=1))
    log.note(removed=removed, files=files)


def _is_late(run: jobs.Run) -> bool:
    return datetime.now(UTC) > run.until - timedelta(seconds=20)


async def _forget_sources() -> int:
    """Delete some source pictures; a preview's database names production's files, which are left alone."""
    old = await db.run(lambda conn: generation.list_old_sources(conn, KEPT, f"{config.get().key_prefix}/", FILES))
    await storage.delete(*(file.pathname for file in old))
    if old:
        await db.run(lambda conn: generation.forget_files(conn, [file.id for file in old]))
    return len(old)
