"""Deletes the files of a person who was erased, and what orders that were under way have left since.

A file of another environment stays where it is: a preview's database is a copy of production's and names its files.
"""

from datetime import UTC, datetime, timedelta

from lib import config, db, log, retry, storage
from lib.assistant import pushes
from lib.jobs.run import Run
from lib.people import users
from lib.studio import files as stored_files

BACKOFF = retry.Backoff(base=timedelta(seconds=10), cap=timedelta(hours=1))
LEASE = timedelta(seconds=60)
PAGE = 100


async def run(run: Run) -> None:
    """Delete every file, then its row; an order under way is waited for, since it may still store one."""
    person = run.job.user_id
    if await db.run(lambda conn: users.forget_orders(conn, person)):
        await run.wait(datetime.now(UTC) + timedelta(seconds=20) * config.get().lease_scale)
        return
    await db.run(lambda conn: users.forget_operations(conn, person))
    await db.run(lambda conn: pushes.tell_of_erasure(conn, person))
    files = await db.run(lambda conn: stored_files.list_files(conn, person))
    for start in range(0, len(files), PAGE):
        page = files[start : start + PAGE]
        ours = [file.pathname for file in page if file.pathname.startswith(f"{config.get().key_prefix}/")]
        await storage.delete(*ours)
        await db.run(lambda conn, ids=[file.id for file in page]: stored_files.forget_files(conn, ids))  # type: ignore[misc]
    log.note(files=len(files))
