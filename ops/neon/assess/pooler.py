"""What stands between a client and its server, and what a connection keeps from one statement to the next.

Two connections take turns: while one is inside a transaction, it holds the server's process that the other had a moment
ago, if a pooler in transaction mode hands them out. So what the other one left there is seen, and is cleared away.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psycopg

from lib import db, errors
from ops.neon.assess.door import Door

SQL = db.load("assess")
SECONDS = 3.0
type Conn = psycopg.AsyncConnection
type Trial = Callable[[Conn, Conn], Awaitable[bool]]


@dataclass(frozen=True)
class Behaviour:
    """How connections behave. A trial that could not be made is None."""

    mode: str  # direct, proxy, session pooler, transaction pooler
    startup_options: bool
    prepared: bool | None = None
    settings: bool | None = None
    listen: bool | None = None
    advisory_locks: bool | None = None

    @property
    def lost(self) -> list[str]:
        """What this connection does not keep."""
        kept = {
            "prepared statements": self.prepared,
            "session settings": self.settings,
            "LISTEN": self.listen,
            "advisory locks of a session": self.advisory_locks,
        }
        return [name for name, works in kept.items() if works is False]


async def look(door: Door) -> Behaviour | None:
    """Try out how connections behave; None when the server has no room for two."""
    try:
        async with door.open() as one, door.open() as other:
            mode = await _mode(one, other)
    except TimeoutError:  # room for one: the other had to wait for the end of a transaction, as it would in every trial
        return Behaviour("transaction pooler", door.asks)
    except (errors.Unavailable, psycopg.Error):
        return None
    kept = {name: await _try(door, trial) for name, trial in TRIALS.items()}
    return Behaviour(mode, door.asks, **kept)


async def _mode(one: Conn, other: Conn) -> str:
    """Compare the server's processes that two connections meet when they take turns."""
    met: dict[Conn, set[int]] = {one: set(), other: set()}
    async with asyncio.timeout(SECONDS):
        for outer, inner in ((one, other), (other, one), (one, other), (other, one)):
            async with outer.transaction():
                met[outer].add(await _backend(outer))
                async with inner.transaction():
                    met[inner].add(await _backend(inner))
    if any(len(processes) > 1 for processes in met.values()) or met[one] & met[other]:
        return "transaction pooler"
    return "direct" if one.info.backend_pid in met[one] else "proxy"


async def _backend(conn: Conn) -> int:
    return await SQL.backend.one(conn, int) or 0


async def _try(door: Door, trial: Trial) -> bool | None:
    """Make one trial on two fresh connections; None when it could not be made."""
    try:
        async with asyncio.timeout(SECONDS), door.open() as one, door.open() as other:
            return await trial(one, other)
    except (TimeoutError, errors.AppError, psycopg.Error):
        return None


async def _prepared(one: Conn, other: Conn) -> bool:
    try:
        for _ in range(3):
            await one.execute("select 1", prepare=True)
            async with other.transaction():
                await _backend(other)
                await one.execute("select 1", prepare=True)
    except psycopg.Error:
        return False
    return True


async def _settings(one: Conn, other: Conn) -> bool:
    value = secrets.token_hex(8)
    await SQL.keep_setting.one(one, str, value=value)
    async with other.transaction():
        leaked = await SQL.kept_setting.one(other, str) == value
        kept = await SQL.kept_setting.one(one, str) == value
        if leaked:
            await SQL.keep_setting.one(other, str, value="")
    return kept and not leaked


async def _listen(one: Conn, other: Conn) -> bool:
    channel = f"lotok_{secrets.token_hex(6)}"
    await one.execute(f"listen {channel}")
    async with other.transaction():
        await _backend(other)
        await SQL.call_out.one(one, str, channel=channel)
        await other.execute("unlisten *")
    async for _ in one.notifies(timeout=0.3, stop_after=1):
        return True
    return False


async def _advisory(one: Conn, other: Conn) -> bool:
    key = secrets.randbelow(2**62)
    await SQL.keep_lock.one(one, bool, key=key)
    async with other.transaction():
        leaked = await SQL.give_lock_back.one(other, bool, key=key)
    kept = await SQL.give_lock_back.one(one, bool, key=key)
    return bool(kept) and not leaked


TRIALS: dict[str, Trial] = {
    "prepared": _prepared,
    "settings": _settings,
    "listen": _listen,
    "advisory_locks": _advisory,
}
