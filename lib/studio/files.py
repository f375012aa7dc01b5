"""The files of a generation: what came in, what was made, and how Telegram already knows it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lib import db, errors, storage

SQL = db.load("generation")

GRACE = 5.0  # seconds in which a job that is told to stop ends what it has begun to store
_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "video/mp4": "mp4",
    "application/octet-stream": "bin",
    "application/zip": "zip",
}


@dataclass(frozen=True)
class File:
    """A stored file. `pathname` is a path in storage, never a URL."""

    id: int
    user_id: int
    job_id: int | None
    kind: str
    pathname: str
    content_type: str
    bytes: int
    width: int | None
    height: int | None
    created_at: datetime


@dataclass(frozen=True)
class NewFile:
    """A file about to be stored, in memory or, at `path`, on the disk; `seconds` is how long a clip lasts."""

    kind: str
    data: bytes
    content_type: str
    width: int = 0
    height: int = 0
    seconds: int = 0
    path: Path | None = None

    @property
    def row(self) -> dict[str, Any]:
        """The columns of its row, without the path."""
        size = self.path.stat().st_size if self.path else len(self.data)
        shape = {"bytes": size, "width": self.width or None, "height": self.height or None}
        return {"kind": self.kind, "content_type": self.content_type, **shape}


async def keep(user_id: int, job_id: int, files: Sequence[NewFile]) -> list[File]:
    """Store a job's files and record them; Gone, and none is kept, when the person was erased.

    A job that is told to stop meanwhile brings this to its end first, so that no file is left without a row.
    """
    work = asyncio.ensure_future(_keep(user_id, job_id, files))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work}, timeout=GRACE)
        raise


async def _keep(user_id: int, job_id: int, files: Sequence[NewFile]) -> list[File]:
    paths = await asyncio.gather(*(_put(job_id, file) for file in files))
    listed = [file.row | {"pathname": path} for file, path in zip(files, paths, strict=True)]
    try:
        return await db.run(lambda conn: add_files(conn, user_id, job_id, listed))
    except errors.Gone:
        await storage.delete(*paths)
        raise


async def _put(job_id: int, file: NewFile) -> str:
    ending = _ENDINGS[file.content_type]
    return await storage.put(
        file.kind, file.path or file.data, job_id=job_id, ext=ending, content_type=file.content_type
    )


async def add_files(conn: db.Connection, user_id: int, job_id: int, files: list[dict[str, Any]]) -> list[File]:
    """Record stored files of one job in one round trip.

    Each has kind, pathname, content_type, bytes, width and height; a path that is taken fails them all.
    """
    return await SQL.add_files.all(conn, File, user_id=user_id, job_id=job_id, listed={"files": files})


async def remember_telegram_ids(conn: db.Connection, bot: str, kind: str, ids: dict[int, str]) -> None:
    """Remember how Telegram knows files, so that each is uploaded once; `kind` is photo, document or video."""
    await SQL.remember_telegram_ids.run(
        conn, file_ids=list(ids), telegram_file_ids=list(ids.values()), bot=bot, kind=kind
    )


async def telegram_ids(conn: db.Connection, file_ids: list[int], bot: str) -> dict[tuple[int, str], str]:
    """Return the ids by which this bot can send the files without uploading them, by file and kind."""
    rows = await SQL.telegram_ids.all(conn, dict, file_ids=file_ids, bot=bot)
    return {(row["file_id"], row["kind"]): row["telegram_file_id"] for row in rows}


async def find_files(conn: db.Connection, user_id: int, file_ids: list[int]) -> list[File]:
    """Return those of the files that are this person's."""
    return await SQL.find_files.all(conn, File, user_id=user_id, file_ids=file_ids)


async def source(user_id: int, file_id: int) -> tuple[File, bytes]:
    """Return a person's kept picture; raise Rejected when it is not theirs, or was removed with its 30 days."""
    found = await db.run(lambda conn: find_files(conn, user_id, [file_id]))
    if not found:
        raise errors.Rejected("source_gone", str(file_id))
    return found[0], await read_source(found[0].pathname)


async def read_source(pathname: str) -> bytes:
    """Return a kept picture by its path; raise Rejected when it was removed."""
    try:
        return await storage.get(pathname)
    except errors.Missing:
        raise errors.Rejected("source_gone", pathname) from None


async def list_files(conn: db.Connection, user_id: int) -> list[File]:
    """Return all files of a person."""
    return await SQL.list_files.all(conn, File, user_id=user_id)


async def list_old_sources(conn: db.Connection, age: timedelta, prefix: str, limit: int) -> list[File]:
    """Return source pictures and stills that are older than `age` and whose path begins so, the oldest first."""
    return await SQL.list_old_sources.all(conn, File, age=age, prefix=prefix, limit=limit)


async def bytes_kept(conn: db.Connection, prefix: str) -> int:
    """Return how many bytes of ours lie in the store."""
    return await SQL.bytes_kept.one(conn, int, prefix=prefix) or 0


async def list_old_results(conn: db.Connection, age: timedelta, prefix: str, limit: int) -> list[File]:
    """Return what was made for orders, under the same conditions."""
    return await SQL.list_old_results.all(conn, File, age=age, prefix=prefix, limit=limit)


async def list_old_cuts(
    conn: db.Connection, age: timedelta, prefix: str, limit: int, *, derived: timedelta
) -> list[File]:
    """Return what was cut out of photos, under the same conditions; what was made of an earlier cut has its own age."""
    return await SQL.list_old_cuts.all(conn, File, age=age, derived=derived, prefix=prefix, limit=limit)


async def list_old_logos(conn: db.Connection, age: timedelta, prefix: str, limit: int) -> list[File]:
    """Return logos that nobody's style has any longer, under the same conditions."""
    return await SQL.list_old_logos.all(conn, File, age=age, prefix=prefix, limit=limit)


async def forget_files(conn: db.Connection, file_ids: list[int]) -> None:
    """Forget files that are gone from storage."""
    await SQL.forget_files.run(conn, file_ids=file_ids)
