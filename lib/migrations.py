"""Which migrations there are, which are applied, and applying the rest.

One transaction and one lock per file: several runners can start at once and each file is applied by exactly one.
A file that has landed is never edited; its hash is kept and checked.
"""

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime

from lib import db, errors

SQL = db.load("migrations")


@dataclass(frozen=True)
class Migration:
    name: str
    text: str

    @property
    def sha256(self) -> str:
        """The name by which this file is known once it is applied."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class AppliedMigration:
    name: str
    sha256: str
    applied_at: datetime


@dataclass(frozen=True)
class Status:
    """Where one migration stands: applied, pending, edited (since it was applied) or unknown (no file here)."""

    name: str
    state: str
    applied_at: datetime | None = None


def available() -> list[Migration]:
    """Return the migrations of this checkout, oldest first."""
    files = sorted((db.SQL_FOLDER / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [Migration(file.stem, file.read_text(encoding="utf-8")) for file in files]


async def status(conn: db.Connection) -> list[Status]:
    """Return where each migration stands, without changing anything."""
    known = await SQL.applied.all(conn, AppliedMigration) if await SQL.exists.one(conn, bool) else []
    return assess(available(), known)


def assess(files: list[Migration], known: list[AppliedMigration]) -> list[Status]:
    """Compare the files with what a database has recorded."""
    applied = {row.name: row for row in known}
    found = [_assess_file(file, applied.get(file.name)) for file in files]
    names = {file.name for file in files}
    found += [Status(row.name, "unknown", row.applied_at) for row in known if row.name not in names]
    return sorted(found, key=lambda entry: entry.name)


def _assess_file(file: Migration, row: AppliedMigration | None) -> Status:
    if row is None:
        return Status(file.name, "pending")
    return Status(file.name, "applied" if row.sha256 == file.sha256 else "edited", row.applied_at)


async def apply(conn: db.Connection) -> list[str]:
    """Apply what is pending, in order, and return the names of what this call applied."""
    return [file.name for file in available() if await _apply_one(conn, file)]


async def _apply_one(conn: db.Connection, file: Migration) -> bool:
    async with conn.transaction():
        await SQL.turn.run(conn)
        await SQL.prepare.run(conn)
        known = await SQL.applied.all(conn, AppliedMigration)
        if not _is_due(file, known):
            return False
        await SQL.limit_locks.run(conn)
        started = time.perf_counter()
        await db.script(conn, await _text(conn, file))
        ms = round((time.perf_counter() - started) * 1000)
        await SQL.record.run(conn, name=file.name, sha256=file.sha256, ms=ms)
    return True


async def _text(conn: db.Connection, file: Migration) -> str:
    """Return the statements with the names that the two roles have in this database."""
    end = await SQL.roles_end.one(conn, str)
    return re.sub(r"\blotok_(app|till)\b", rf"lotok_\1{end}", file.text)


def _is_due(file: Migration, known: list[AppliedMigration]) -> bool:
    state = _assess_file(file, next((row for row in known if row.name == file.name), None)).state
    if state == "edited":
        raise errors.Conflict("migration_edited", f"{file.name} was edited after it was applied; write a new one")
    if state == "pending" and known and file.name < known[-1].name:
        raise errors.Conflict(
            "migration_late", f"{file.name} comes before {known[-1].name}, which is applied; renumber it"
        )
    return state == "pending"
