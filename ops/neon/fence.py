"""How the application is kept out of a database: its roles may not log in, and their sessions are ended.

`default_transaction_read_only` is no fence: a session that is open goes on writing, and a new one takes it back with
one SET. A role without LOGIN cannot come back, through a pooler neither.
"""

import asyncio
import time

from psycopg import sql

from lib import errors
from ops.neon import connect, roles

SESSIONS = """
select a.pid from pg_stat_activity a
where a.datname = current_database() and a.usename = any(%s) and a.pid <> pg_backend_pid()
"""


async def application(conn: connect.Connection) -> list[str]:
    """Return the roles that the application may log in as: those that log in, but ourselves."""
    found = await roles.read(conn)
    return [role.name for role in found if role.login and role.carried and role.name != conn.info.user]


async def may(conn: connect.Connection, names: list[str]) -> list[str]:
    """Say why these roles could not be kept out by us; try it in a transaction that is taken back."""
    if not names:
        return ["no role of the application is known: it logs in as the role that moves, or name it by --app-role"]
    said = []
    for name in names:
        try:
            with connect.translated():
                async with conn.transaction(force_rollback=True):
                    await conn.execute(sql.SQL("alter role {} nologin").format(sql.Identifier(name)))
                held = await conn.execute(
                    "select pg_has_role(%s, 'usage') or pg_has_role('pg_signal_backend', 'usage')", [name]
                )
                row = await held.fetchone()
                if not (row and row[0]):
                    said.append(f"its sessions cannot be ended by us: grant {name} to {conn.info.user}")
        except errors.Rejected as refused:
            said.append(f"{name} cannot be kept out by {conn.info.user}: {refused.detail}")
    return said


async def shut(conn: connect.Connection, names: list[str], seconds: float = 10) -> int:
    """Keep the roles out and end their sessions; Unavailable when one of them does not end."""
    with connect.translated():
        for name in names:
            await conn.execute(sql.SQL("alter role {} nologin").format(sql.Identifier(name)))
    ended, deadline = 0, time.monotonic() + seconds
    while pids := await _sessions(conn, names):
        if time.monotonic() > deadline:
            raise errors.Unavailable("fence", f"{len(pids)} sessions of {', '.join(names)} do not end")
        with connect.translated():
            await conn.execute("select pg_terminate_backend(pid) from unnest(%s::int[]) pid", [pids])
        ended = max(ended, len(pids))
        await asyncio.sleep(0.01)
    return ended


async def open_again(conn: connect.Connection, names: list[str]) -> None:
    """Let the roles log in again."""
    with connect.translated():
        for name in names:
            await conn.execute(sql.SQL("alter role {} login").format(sql.Identifier(name)))


async def _sessions(conn: connect.Connection, names: list[str]) -> list[int]:
    with connect.translated():
        return [pid for (pid,) in await (await conn.execute(SESSIONS, [names])).fetchall()]
