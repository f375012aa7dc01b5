"""The files of a generation: what came in, what was made, and how Telegram already knows it."""

from dataclasses import dataclass
from datetime import datetime

from lib import db, errors

SQL = db.load("generation")


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


async def add_file(
    conn: db.Connection,
    user_id: int,
    kind: str,
    pathname: str,
    *,
    content_type: str,
    size: int,
    job_id: int | None = None,
    width: int | None = None,
    height: int | None = None,
) -> File:
    """Record a stored file; the same path again returns the first record, or is a Conflict if it is another's."""
    file = await SQL.add_file.one(
        conn,
        File,
        user_id=user_id,
        job_id=job_id,
        kind=kind,
        pathname=pathname,
        content_type=content_type,
        bytes=size,
        width=width,
        height=height,
    )
    if file is None:
        raise errors.Conflict("path_taken", pathname)
    return file


async def get_file(conn: db.Connection, file_id: int) -> File | None:
    """Return the record of a stored file."""
    return await SQL.get_file.one(conn, File, file_id=file_id)


async def remember_telegram_id(conn: db.Connection, file_id: int, bot: str, kind: str, telegram_file_id: str) -> None:
    """Remember how Telegram knows a file, so that it is uploaded once; `kind` is photo or document."""
    await SQL.remember_telegram_id.run(conn, file_id=file_id, bot=bot, kind=kind, telegram_file_id=telegram_file_id)


async def telegram_id(conn: db.Connection, file_id: int, bot: str, kind: str) -> str | None:
    """Return the id by which this bot can send the file without uploading it."""
    return await SQL.telegram_id.one(conn, str, file_id=file_id, bot=bot, kind=kind)
