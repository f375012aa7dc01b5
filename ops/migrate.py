"""Apply the migrations that the database does not have yet, or show where each one stands.

  python -m ops migrate             apply what is pending; several at once are fine, each file is applied once
  python -m ops migrate --status    change nothing, list every migration
  python -m ops migrate --app-password    then let the functions' role log in with the password in their address, as
                                          containers do, where nobody has a console
  python -m ops migrate --check     ask no database: refuse a new migration that the code before it does not survive

It uses DATABASE_URL_UNPOOLED, as a pooler in transaction mode is no place for a migration, or DATABASE_URL where that
is all there is. With --url it reads no setting at all.
"""

import argparse

from psycopg import conninfo, sql

from lib import config, db, errors, migrations
from ops import contract
from ops.regions import numbers

APP = "lotok_app"  # the role of the functions
SHORTEST = 16  # characters of its password


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--status", action="store_true", help="only list the migrations; exit code 1 if one was edited")
    parser.add_argument("--check", action="store_true", help="only read the files; exit code 1 for a breaking one")
    parser.add_argument("--app-password", action="store_true", help="let lotok_app log in as DATABASE_URL says")
    parser.add_argument("--url", help="the database, instead of DATABASE_URL_UNPOOLED")


async def run(args: argparse.Namespace) -> int:
    if args.check:
        return _check()
    given = _as_whom() if args.app_password else None
    async with db.connect(args.url or config.get().database_url_unpooled) as conn:
        if args.status:
            return await _show(conn)
        await _apply(conn)
        if given:
            await _let_in(conn, *given)
        return 0


def _as_whom() -> tuple[str, str]:
    """Return the role and the password in the functions' address; refuse a password that could be guessed."""
    parts = conninfo.conninfo_to_dict(config.get().database_url)
    role, password = str(parts.get("user", "")), str(parts.get("password", ""))
    if role.startswith(APP) and len(password) < SHORTEST:
        raise errors.Misconfigured(detail=f"the password in DATABASE_URL must have at least {SHORTEST} characters")
    return role, password


async def _let_in(conn: db.Connection, role: str, password: str) -> None:
    """Have the functions' role log in; one that the migrations have not made keeps the password that it has."""
    ours = f"{APP}{await migrations.SQL.roles_end.one(conn, str)}"
    if role != ours:
        print(f"note: the functions come as {role or 'nobody'}; row-level security is made for {ours}")
        return
    await conn.execute(sql.SQL("alter role {} login password {}").format(sql.Identifier(role), password))
    print(f"{role} logs in with the password of the functions' address")


def _check() -> int:
    found = contract.check(migrations.available())
    for one in found:
        print(f"{one.migration} {one.what}: {one.statement}")
        print("    say above it: -- contract: <why no older code needs it>")
    if not found:
        print("no new migration breaks the code before it")
    return 1 if found else 0


async def _show(conn: db.Connection) -> int:
    found = await migrations.status(conn)
    for entry in found:
        print(f"{entry.state:<8}  {entry.name}" + (f"  {entry.applied_at:%Y-%m-%d %H:%M}" if entry.applied_at else ""))
    return 1 if any(entry.state == "edited" for entry in found) else 0


async def _apply(conn: db.Connection) -> None:
    applied = await migrations.apply(conn)
    if config.get().regions:
        await numbers.begin(conn, config.get().home_region)
    for name in applied:
        print(f"applied   {name}")
    if not applied:
        print("nothing to apply; the database is up to date")
