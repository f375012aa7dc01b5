"""One backup: a folder named by its moment, with the database, the files, and what they must be when restored.

    2026-11-29T033000Z/
        database.dump.age    pg_dump's custom format, for age's recipients
        files.tar.gz.age     STORAGE_PATH, where files are kept in a folder
        settings.age         BACKUP_SETTINGS, the file of the server's settings: without APP_SECRET the rows do not help
        manifest.json        rows and hashes of every table at the dump's own snapshot, roles, settings; no secret

It is made beside its name and renamed when it is whole, so a folder with such a name is a whole backup.
"""

import contextlib
import fcntl
import json
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

from psycopg import sql
from psycopg.conninfo import make_conninfo

from lib import errors
from ops.backups import pipes
from ops.neon import checks, connect, hashes, roles, tools
from ops.neon.hashes import Buckets
from ops.neon.roles import Role

STAMP = "%Y-%m-%dT%H%M%SZ"
DATABASE, FILES, MANIFEST, RESTORED = "database.dump.age", "files.tar.gz.age", "manifest.json", "restored"
SETTINGS_FILE = "settings.age"

type Sums = dict[str, list[int]]

ROLES = "select rolname, rolcanlogin, rolcreaterole, rolbypassrls from pg_roles where rolname !~ '^pg_' order by 1"
# Roles as which functions run. Each must be allowed to make things where its function is put, while it is put there.
OWNERS = """
select distinct r.rolname
from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles r on r.oid = p.proowner
where n.nspname = 'public' and r.rolname <> current_user order by 1
"""
# Roles that the database cannot be restored without, and whether they own something in it.
NEEDS = """
select r.rolname, bool_or(d.deptype = 'o') from pg_shdepend d join pg_roles r on r.oid = d.refobjid
where d.refclassid = 'pg_authid'::regclass and d.dbid = (select oid from pg_database where datname = current_database())
group by 1 order by 1
"""
SETTINGS = """
select coalesce(d.datname, ''), coalesce(r.rolname, ''), s.setconfig
from pg_db_role_setting s left join pg_database d on d.oid = s.setdatabase left join pg_roles r on r.oid = s.setrole
where s.setdatabase = 0 or d.datname = current_database() order by 1, 2
"""


@dataclass(frozen=True)
class Manifest:
    """What a backup holds: of each table the number of its rows and the sum of their hashes."""

    at: str
    server: str
    tables: Sums
    files: int = 0
    roles: list[list[Any]] = field(default_factory=list)
    settings: list[list[Any]] = field(default_factory=list)
    owners: list[list[str]] = field(default_factory=list)
    needs: list[list[Any]] = field(default_factory=list)
    carried: list[dict[str, Any]] = field(default_factory=list)

    @property
    def wanted(self) -> list[Role]:
        """Return the roles that a server must have; an older manifest knows less of them."""
        if self.carried:
            return [Role(**facts | {"groups": tuple(facts["groups"])}) for facts in self.carried]
        known = {name: (login, makes, bypasses) for name, login, makes, bypasses in self.roles}
        found = [(name, *known.get(name, (False, False, False))) for name, _ in self.needs]
        return [Role(name, login=login, makes_roles=makes, bypasses=above) for name, login, makes, above in found]


@dataclass(frozen=True)
class Archive:
    """A whole backup on the disk."""

    folder: Path

    @property
    def at(self) -> datetime:
        """When it was made."""
        return datetime.strptime(self.folder.name, STAMP).replace(tzinfo=UTC)

    @property
    def manifest(self) -> Manifest:
        """What it holds; Rejected when that cannot be read."""
        try:
            return Manifest(**json.loads((self.folder / MANIFEST).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise errors.Rejected("backup", f"{self.folder.name}: its manifest cannot be read: {error}") from None

    @property
    def restored(self) -> bool:
        """Whether it has been restored and found equal."""
        return (self.folder / RESTORED).exists()

    @property
    def size(self) -> int:
        """Bytes of all of its files."""
        return sum(path.stat().st_size for path in self.folder.iterdir())

    def words(self) -> str:
        """Return one line about it."""
        rows = sum(number for number, _ in self.manifest.tables.values())
        proof = "restored and equal" if self.restored else "not restored yet"
        return f"{self.folder.name}  {self.size / 1e6:8.1f} MB  {rows:>12,} rows  {proof}"


def all_in(folder: Path) -> list[Archive]:
    """Return the backups of a folder, the newest first."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            Archive(path).at  # noqa: B018 - a name that is no moment is somebody else's
        except ValueError:
            continue
        found.append(Archive(path))
    return sorted(found, key=lambda one: one.at, reverse=True)


async def make(
    url: str, folder: Path, recipients: list[str], files: Path | None, now: datetime, *, env: Path | None = None
) -> Archive:
    """Make a backup; the dump and the sums are of one snapshot, whatever is written meanwhile."""
    with _alone(folder), connect.translated(url):
        return await _make(url, _beside(folder), recipients, files, now, env=env)


async def _make(
    url: str, beside: Path, recipients: list[str], files: Path | None, now: datetime, *, env: Path | None
) -> Archive:
    seal = ["age", *(part for one in recipients for part in ("-r", one))]
    try:
        async with connect.pinned(url) as conn:
            await _refuse_hidden(conn)
            await conn.execute("begin isolation level repeatable read read only")
            [snapshot] = await _row(conn, "select pg_export_snapshot()")
            manifest = Manifest(
                now.strftime(STAMP),
                str((await _row(conn, "show server_version"))[0]),
                await sums(conn),
                await _seal_files(files, beside / FILES, seal) if files else 0,
                await _rows(conn, ROLES),
                await _rows(conn, SETTINGS),
                await _rows(conn, OWNERS),
                await _rows(conn, NEEDS),
                [asdict(role) for role in await roles.read(conn)],
            )
            if env:
                await pipes.run(seal, source=env, into=beside / SETTINGS_FILE)
            await _dump(url, str(snapshot), beside / DATABASE, seal, conn.info.server_version // 10_000)
        return _finished(beside, manifest)
    except BaseException as error:
        shutil.rmtree(beside, ignore_errors=True)
        if isinstance(error, OSError):  # a full disk, most likely
            raise errors.Rejected("backup", str(error)) from error
        raise


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one backup at a time be made in a folder, and clear away what killed ones have left."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.Conflict("under_way", f"another backup is being made in {folder}") from None
        for left in folder.glob(".making-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


async def _refuse_hidden(conn: connect.Connection) -> None:
    if hidden := await checks.hidden(conn):
        raise errors.Conflict("not_ready", hidden)


def _beside(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(prefix=".making-", dir=folder))


def _finished(beside: Path, manifest: Manifest) -> Archive:
    (beside / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    return Archive(beside.rename(beside.parent / manifest.at))


async def _dump(url: str, snapshot: str, into: Path, seal: list[str], major: int) -> None:
    client = tools.choose(url, at_least=major)
    pressed = "--compress=zstd:1" if client.major >= 16 and client.tls else "--compress=1"
    command = [client.program("pg_dump"), "--format=custom", pressed, f"--snapshot={snapshot}", "--no-password"]
    await pipes.run(command, seal, env=connect.environment(url), into=into)


async def _seal_files(files: Path, into: Path, seal: list[str]) -> int:
    """Pack a folder for the recipients and return how many files it has; they are never changed once they lie there."""
    with tempfile.TemporaryDirectory(dir=into.parent) as name:
        packed = Path(name) / "files.tar.gz"
        number = _pack(files, packed)
        await pipes.run(seal, source=packed, into=into)
    return number


def _pack(files: Path, into: Path) -> int:
    found = [path for path in sorted(files.rglob("*")) if path.is_file() and not path.name.startswith(".")]
    with tarfile.open(into, "w:gz", compresslevel=1) as tar:
        for path in found:
            tar.add(path, str(path.relative_to(files)))
    return len(found)


async def sums(conn: connect.Connection) -> Sums:
    """Return of each table the number of its rows and the sum of their hashes, modulo 2**63 to be a JSON number."""
    return {table.name: _sum(await hashes.buckets(conn, table)) for table in await hashes.tables(conn)}


def _sum(found: Buckets) -> list[int]:
    numbers, totals = zip(*found.values(), strict=True) if found else ((), ())
    return [sum(numbers), sum(totals) % 2**53]


def differences(expected: Sums, found: Sums) -> list[str]:
    """Name what a restored database has not as it was."""
    lines = [f"{name}: not there" for name in expected.keys() - found.keys()]
    lines += [f"{name}: not in the backup" for name in found.keys() - expected.keys()]
    for name in expected.keys() & found.keys():
        (rows, total), (there, other) = expected[name], found[name]
        if rows != there:
            lines.append(f"{name}: {rows} rows, restored {there}")
        elif total != other:
            lines.append(f"{name}: {rows} rows, but not the same")
    return sorted(lines)


@dataclass(frozen=True)
class Restored:
    """What became of a restore: what differs from what was saved, new roles' passwords, and what was refused."""

    differences: list[str]
    passwords: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


async def restore(archive: Archive, url: str, identity: Path) -> Restored:
    """Restore the database into an empty one, with the roles that it needs."""
    with connect.translated(url):
        return await _restore(archive, url, identity)


async def _restore(archive: Archive, url: str, identity: Path) -> Restored:
    async with connect.pinned(url) as conn:
        major = conn.info.server_version // 10_000
        if await hashes.tables(conn):
            raise errors.Conflict("not_empty", f"{connect.mask(url)} has tables; restore into an empty database")
    client = tools.choose(url, at_least=major)
    fill = [client.program("pg_restore"), "--exit-on-error", "--no-password", "--dbname", connect.read(url)["dbname"]]
    opened = ["age", "--decrypt", "-i", str(identity), str(archive.folder / DATABASE)]
    async with connect.pinned(url) as conn:
        passwords, remarks = await _make_roles(conn, archive)
        await _let_make(conn, archive, "grant create on schema public to {}")
        await pipes.run(opened, fill, env=connect.environment(url))
        await _let_make(conn, archive, "revoke create on schema public from {}")
        return Restored(differences(archive.manifest.tables, await sums(conn)), passwords, remarks)


async def _make_roles(conn: connect.Connection, archive: Archive) -> tuple[dict[str, str], list[str]]:
    """Make the roles that a new server lacks; Conflict names those that nobody but its own superuser can make."""
    there = {name for (name,) in await _rows(conn, "select rolname from pg_roles")}
    manifest = archive.manifest
    carried = [role for role in manifest.wanted if role.carried]
    lacking = [name for name, _ in manifest.needs if name not in there | {role.name for role in carried}]
    if lacking:
        words = "what is restored belongs to roles that cannot be made here"
        raise errors.Conflict("no_role", f"{words}: {', '.join(sql.Identifier(name).as_string() for name in lacking)}")
    made = await roles.make(conn, [role for role in carried if role.name not in there])
    await roles.refuse_strangers(conn, {name for name, owns in manifest.needs if owns})
    return made


async def _let_make(conn: connect.Connection, archive: Archive, statement: LiteralString) -> None:
    for (owner,) in archive.manifest.owners:
        await conn.execute(sql.SQL(statement).format(sql.Identifier(owner)))


async def unpack(archive: Archive, into: Path, identity: Path) -> list[str]:
    """Unpack the files into a folder, over what is there, and return what differs from what was saved."""
    sealed = archive.folder / FILES
    if not sealed.exists():
        return []
    with tempfile.TemporaryDirectory() as name:
        packed = Path(name) / "files.tar.gz"
        await pipes.run(["age", "--decrypt", "-i", str(identity), str(sealed)], into=packed)
        with tarfile.open(packed) as tar:
            tar.extractall(into, filter="data")
            number = sum(one.isfile() for one in tar)
    wanted = archive.manifest.files
    return [] if number == wanted else [f"files: {wanted}, unpacked {number}"]


async def prove(archive: Archive, url: str, identity: Path) -> list[str]:
    """Restore into a scratch database beside `url`'s, drop it again, and return what differs."""
    scratch = f"lotok_restore_{archive.at:%Y%m%d%H%M%S}"
    with connect.translated(url):
        return await _prove(archive, url, identity, scratch)


async def _prove(archive: Archive, url: str, identity: Path, scratch: str) -> list[str]:
    async with connect.pinned(url) as conn:
        await conn.execute(sql.SQL("drop database if exists {} (force)").format(sql.Identifier(scratch)))
        await conn.execute(sql.SQL("create database {} template template0").format(sql.Identifier(scratch)))
        try:
            found = (await restore(archive, make_conninfo(url, dbname=scratch), identity)).differences
            with tempfile.TemporaryDirectory() as folder:
                found += await unpack(archive, Path(folder), identity)
        finally:
            await conn.execute(sql.SQL("drop database if exists {} (force)").format(sql.Identifier(scratch)))
    if not found:
        (archive.folder / RESTORED).touch()
    return found


async def _row(conn: connect.Connection, query: str) -> tuple[Any, ...]:
    return (await (await conn.execute(query)).fetchone()) or (None,)  # type: ignore[arg-type]


async def _rows(conn: connect.Connection, query: str) -> list[list[Any]]:
    return [list(row) for row in await (await conn.execute(query)).fetchall()]  # type: ignore[arg-type]
