"""Save the database and the files, encrypted, and prove that they can be restored.

  python -m ops backup make                        one backup more; the old ones go: 7 days, 4 weeks, 6 months stay
  python -m ops backup list
  python -m ops backup test                        restore the newest into a scratch database and compare every row
  python -m ops backup test 2026-11-29T033000Z --key key.txt
  python -m ops backup restore 2026-11-29T033000Z --into postgresql://... --files /opt/lotok/files --key key.txt

They lie in BACKUP_PATH, encrypted by age for BACKUP_RECIPIENTS: public keys (age1...), separated by commas, of which
one may be the server's own (BACKUP_KEY names its file), so that `test` can run there. The owner's secret key stays
elsewhere: a server that is gone, or taken over, must not be the only one that can read its backups. `restore` makes
the roles that a new server lacks, as `copy` does: those that log in get new passwords, shown once.
A backup counts when it was restored; when none was for eight days, the administrators hear of it. One that could not
be made, or is not good, they hear of at once, once an hour.
"""

import argparse
import contextlib
import os
import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from lib import cache, config, errors, fetch
from lib.people import notify
from lib.reach import alerts
from ops.backups import archive, keeping, pipes
from ops.backups.archive import Archive
from ops.neon import addresses

MARK_KEPT = timedelta(days=400)
AGAIN = timedelta(hours=1)  # after that a fault is told once more


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("verb", choices=("make", "list", "test", "restore"))
    parser.add_argument("name", nargs="?", help="which one; the newest without it")
    parser.add_argument("--key", type=Path, help="the file with age's secret key; BACKUP_KEY without it")
    parser.add_argument("--into", help="an empty database to restore into: its address, or '$NAME' of one")
    parser.add_argument("--files", type=Path, help="a folder to restore the files into")


async def run(args: argparse.Namespace) -> int:
    folder = Path(os.environ.get("BACKUP_PATH") or "/opt/lotok/backups")
    found = archive.all_in(folder)
    if args.verb == "list":
        print("\n".join(one.words() for one in found) or f"no backups in {folder}")
        return 0
    try:
        return await _do(args, folder, found)
    except (errors.AppError, psycopg.Error, OSError) as error:
        if args.verb != "restore":
            await _tell(args.verb, getattr(error, "detail", "") or str(error) or type(error).__name__)
        raise
    finally:
        await fetch.close()


async def _tell(verb: str, reason: str) -> None:
    """Have the administrators know of a backup that is not there, or is not good; without Redis each time."""
    with contextlib.suppress(errors.AppError):
        if not await cache.once(f"alerted:backup_{verb}", AGAIN):
            return
    said = " ".join(pipes.clean(reason).split())[:300]
    with contextlib.suppress(errors.AppError):
        await notify.alert_admins("studio", f"alert.alarm_backup_{verb}", reason=said)


async def _do(args: argparse.Namespace, folder: Path, found: list[Archive]) -> int:
    if args.verb == "make":
        return await _make(folder, found)
    chosen = _chosen(found, args.name, folder)
    key = args.key or Path(os.environ.get("BACKUP_KEY") or "/etc/lotok/backup.key")
    if not key.is_file():
        raise errors.Misconfigured(detail=f"no secret key in {key}; name its file by --key")
    return await (_test(chosen, key) if args.verb == "test" else _restore(chosen, key, args))


def _chosen(found: list[Archive], name: str | None, folder: Path) -> Archive:
    for one in found:
        if name in (None, one.folder.name):
            return one
    raise errors.Missing("no_backup", f"{name or 'none'} in {folder}")


async def _make(folder: Path, before: list[Archive]) -> int:
    recipients = [one for one in re.split(r"[,\s]+", os.environ.get("BACKUP_RECIPIENTS", "")) if one]
    if not recipients:
        raise errors.Misconfigured(detail="BACKUP_RECIPIENTS is not set: the public key of `age-keygen -o key.txt`")
    settings = config.get()
    files = Path(settings.storage_path) if settings.storage_type == "local" else None
    now, env = datetime.now(UTC), _settings_file()
    made = await archive.make(settings.database_url_unpooled, folder, recipients, files, now, env=env)
    print(made.words())
    (folder / "last-good").touch()
    await _mark(alerts.SAVED)
    everything = [made, *before]
    stay = keeping.kept([one.at for one in everything], next((one.at for one in everything if one.restored), None))
    for one in everything:
        if one.at not in stay:
            with contextlib.suppress(FileNotFoundError):  # another run has deleted it
                shutil.rmtree(one.folder)
            print(f"{one.folder.name}  deleted: newer ones are enough")
    return 0


def _settings_file() -> Path | None:
    """Return the file of the server's settings, which a backup holds too; None where there is none."""
    file = Path(os.environ.get("BACKUP_SETTINGS") or "/etc/lotok/env")
    return file if file.is_file() else None


async def _test(chosen: Archive, key: Path) -> int:
    began = time.monotonic()
    found = await archive.prove(chosen, config.get().database_url_unpooled, key)
    for line in found:
        print(f"differs  {line}")
    if found:
        print(f"{chosen.folder.name}: this backup is NOT good")
        await _tell("test", f"{chosen.folder.name}: {'; '.join(found)}")
        return 1
    (chosen.folder.parent / "last-restored").touch()
    tables = chosen.manifest.tables
    rows = sum(number for number, _ in tables.values())
    print(f"{chosen.folder.name}: {len(tables)} tables, {rows:,} rows, all equal, {time.monotonic() - began:.0f} s")
    await _mark(alerts.BACKUP)
    return 0


async def _mark(key: str) -> None:
    """Let the alerts know that it is done."""
    try:
        await cache.set(key, str(int(time.time())), MARK_KEPT)
    except errors.AppError as error:
        print(f"not told to the alerts: {error}")


async def _restore(chosen: Archive, key: Path, args: argparse.Namespace) -> int:
    if not args.into and not args.files:
        raise errors.Invalid("no_target", "say where: --into an empty database, --files a folder, or both")
    restored = await archive.restore(chosen, addresses.resolve(args.into), key) if args.into else archive.Restored([])
    for name, password in restored.passwords.items():
        print(f"new password  {name}  {password}")
    for remark in restored.remarks:
        print(remark)
    found = restored.differences
    found += await archive.unpack(chosen, args.files, key) if args.files else []
    for line in found:
        print(f"differs  {line}")
    if not found:
        print(f"{chosen.folder.name}: restored, and all is as it was")
        made = "write the new passwords into the settings, then " if restored.passwords else ""
        if args.into:
            print(f"next: {made}ops migrate")
    return 1 if found else 0
