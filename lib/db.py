"""Postgres: pooled connections, named queries, and the one place where its errors become ours.

Fit for a pooler in transaction mode and for functions that are frozen and thawed: autocommit (one statement is one
round trip), no prepared statements, tiny pools, nothing that lives in a session.
"""

import asyncio
import contextlib
import functools
import json
import os
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import BaseRowFactory, class_row, dict_row, scalar_row, tuple_row
from psycopg.types.json import JsonbDumper
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from lib import config, errors, log

type Connection = psycopg.AsyncConnection[Any]
type Pool = AsyncConnectionPool[psycopg.AsyncConnection[Any]]
type Pools = dict[str, Pool]

SQL_FOLDER = Path(__file__).parents[1] / "sql"

CheckViolation = psycopg.errors.CheckViolation

_CONNECT: dict[str, Any] = {"autocommit": True, "prepare_threshold": None, "connect_timeout": 10}
# A sleeping Neon wakes in well under a second; longer than this and the caller is better off with an error.
CHECKOUT_SECONDS = 8.0
# A copy of the database that has not said a word for so long, while a report is read from it, is given up.
SILENCE_SECONDS = 60.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SCALARS = (bool, int, float, str, datetime, UUID)

# Keyed by loop: a pool's workers die with the loop that made them, and the next checkout would hang.
_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, Pools] = WeakKeyDictionary()

psycopg.adapters.register_dumper(dict, JsonbDumper)


@contextlib.asynccontextmanager
async def connection(url: str = "") -> AsyncIterator[Connection]:
    """Lend a pooled autocommit connection, to another database by its address; Unavailable when it is not reached."""
    pool = await _pool(url)
    try:
        conn = await pool.getconn()
    except psycopg.OperationalError as error:
        raise _translate(error) from error
    try:
        yield conn
    finally:
        await pool.putconn(conn)


async def run[T](work: Callable[[Connection], Awaitable[T]]) -> T:
    """Do `work(conn)`, once more if the connection turns out dead; so `work` must be safe to repeat.

    Checking every connection beforehand would cost a round trip each time; this costs nothing until a database that
    slept or restarted has left dead connections behind, and then drops them all at once.
    """
    try:
        async with connection() as conn:
            return await work(conn)
    except (errors.Unavailable, psycopg.OperationalError) as error:
        cause = error.__cause__ if isinstance(error, errors.Unavailable) else error
        if not isinstance(cause, psycopg.Error) or isinstance(cause, PoolTimeout):
            raise
    await (await _pool()).check()
    async with connection() as conn:
        return await work(conn)


@contextlib.asynccontextmanager
async def reading() -> AsyncIterator[tuple[Connection, datetime | None]]:
    """Lend a connection for reports and exports: to the copy at DATABASE_READ_URL, with the time its data is of.

    None stands for the time where there is no copy, or it cannot be reached: the data is that of now. Nothing that
    decides about money or jobs reads here, as a copy may be behind.
    """
    url, sql = config.get().database_read_url, load("replica")
    async with contextlib.AsyncExitStack() as stack:
        if url:
            try:
                copy = await stack.enter_async_context(connection(url))
                as_of = await _in_time(copy, sql.as_of.one(copy, datetime), CHECKOUT_SECONDS)
            except errors.Unavailable as fault:
                log.event("copy_away", error=fault.detail[:200])
            else:
                yield copy, as_of
                return
        yield await stack.enter_async_context(connection()), None


async def read[T](work: Callable[[Connection], Awaitable[T]]) -> tuple[T, datetime | None]:
    """Do `work(conn)` where reports are read, and return the time that its data is of, as `reading` has it."""
    async with reading() as (conn, as_of):
        return await work(conn), as_of


@contextlib.asynccontextmanager
async def snapshot(*, copy: bool = True) -> AsyncIterator[tuple[Connection, datetime | None]]:
    """Lend a connection of its own that sees one moment of the database and writes nothing: for files of minutes.

    It reads the copy at DATABASE_READ_URL and says the time that its data is of, as `reading` does, unless told not to:
    a copy may end a long read so as to keep up. One that falls silent in the middle is Unavailable within
    SILENCE_SECONDS; the next try should read the database itself.
    """
    url = config.get().database_read_url if copy else ""
    async with contextlib.AsyncExitStack() as stack:
        try:
            conn = await stack.enter_async_context(connect(url or config.get().database_url))
        except errors.Unavailable as fault:
            if not url:
                raise
            log.event("copy_away", error=fault.detail[:200])
            url = ""
            conn = await stack.enter_async_context(connect(config.get().database_url))
        await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
        await conn.set_read_only(True)
        await stack.enter_async_context(conn.transaction())
        yield conn, await load("replica").as_of.one(conn, datetime) if url else None


class _CopyConnection(psycopg.AsyncConnection[Any]):
    """A connection to the copy at DATABASE_READ_URL: no single word of it is waited for longer than a minute."""

    async def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        return await _in_time(self, super().wait(gen, *args, **kwargs), SILENCE_SECONDS)


def _kind(url: str) -> type[psycopg.AsyncConnection[Any]]:
    return _CopyConnection if url and url == config.get().database_read_url else psycopg.AsyncConnection


async def _in_time[T](conn: Connection, asked: Coroutine[Any, Any, T], seconds: float) -> T:
    """Await what is asked of a server; of one that has fallen silent on an open connection the connection is cut.

    To cancel would wait as well, as it asks the server to.
    """
    asking = asyncio.ensure_future(asked)
    if not (await asyncio.wait([asking], timeout=seconds))[0]:
        with socket.socket(fileno=os.dup(conn.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)
    return await asking


@contextlib.asynccontextmanager
async def connect(url: str) -> AsyncIterator[Connection]:
    """Open one connection outside the pool, for scripts; Unavailable when the database cannot be reached."""
    try:
        conn = await _kind(url).connect(_conninfo(url), **_CONNECT)
    except psycopg.OperationalError as error:
        raise _translate(error) from error
    try:
        yield conn
    finally:
        await conn.close()


async def close() -> None:
    """Close this loop's pools, if it has any."""
    for pool in _pools.pop(asyncio.get_running_loop(), {}).values():
        await pool.close()


@dataclass(frozen=True)
class Scope:
    """Whose rows a statement may see where tables have row-level security: a shop's, a person's own, or all."""

    tenant: int | None = None
    person: int | None = None
    platform: bool = False

    @property
    def names(self) -> dict[str, object]:
        """The settings that policies read."""
        return {"tenant": self.tenant or "", "person": self.person or "", "platform": "on" if self.platform else ""}


class Query:
    """One named statement of sql/queries. Each call is one round trip, in a scope or without one."""

    def __init__(self, name: str, text: str, scope: Scope | None = None) -> None:
        self.name = name
        self._text = text.encode()
        self._scope = scope

    def within(self, scope: Scope) -> "Query":
        """Return the same statement, which then sees the rows of this scope only."""
        return Query(self.name, self._text.decode(), scope)

    async def one[T](self, conn: Connection, row: type[T], **params: Any) -> T | None:
        """Return the first row as `row` (a dataclass, dict, tuple or scalar type), or None."""
        cursor = await self._execute(conn, _factory(row), params)
        found: T | None = await cursor.fetchone()
        return found

    async def all[T](self, conn: Connection, row: type[T], **params: Any) -> list[T]:
        """Return every row as `row` (a dataclass, dict, tuple or scalar type)."""
        cursor = await self._execute(conn, _factory(row), params)
        found: list[T] = await cursor.fetchall()
        return found

    async def pages(self, conn: Connection, size: int, **params: Any) -> AsyncIterator[list[tuple[Any, ...]]]:
        """Yield every row in pages, by a cursor of the server's: in a transaction of the caller's, one at a time."""
        log.count("sql")
        try:
            if self._scope is not None:
                await conn.execute(load("scope").enter._text, self._scope.names)
            async with conn.cursor(name=self.name, row_factory=tuple_row) as cursor:
                await cursor.execute(self._text, params)
                while page := await cursor.fetchmany(size):
                    yield page
            if self._scope is not None:
                await conn.execute(load("scope").leave._text)
        except psycopg.Error as error:
            raise _translate(error, dead=conn.broken) from error

    async def run(self, conn: Connection, **params: Any) -> int:
        """Return how many rows the statement touched."""
        return (await self._execute(conn, dict_row, params)).rowcount

    async def _execute(
        self, conn: Connection, factory: BaseRowFactory[Any], params: dict[str, Any]
    ) -> psycopg.AsyncCursor[Any]:
        log.count("sql")
        cursor = conn.cursor(row_factory=factory)
        try:
            if self._scope is None:
                return await cursor.execute(self._text, params)
            return await _scoped(conn, self._scope, cursor, self._text, params)
        except psycopg.Error as error:
            raise _translate(error, dead=conn.broken) from error


class Queries:
    """The statements of one file of sql/queries, as attributes."""

    def __init__(self, name: str) -> None:
        text = (SQL_FOLDER / "queries" / f"{name}.sql").read_text(encoding="utf-8")
        parts = re.split(r"^-- name: *(\w+) *\n", text, flags=re.MULTILINE)
        self._queries = {
            title: Query(title, re.sub(r"^\s*--.*\n", "", body, flags=re.MULTILINE).strip())
            for title, body in zip(parts[1::2], parts[2::2], strict=True)
        }

    def __getattr__(self, name: str) -> Query:
        if name.startswith("_") or name not in self._queries:
            raise AttributeError(name)
        return self._queries[name]

    def __iter__(self) -> Any:
        return iter(self._queries.values())


@functools.cache
def load(name: str) -> Queries:
    """Read sql/queries/<name>.sql."""
    return Queries(name)


async def _scoped(
    conn: Connection, scope: Scope, cursor: psycopg.AsyncCursor[Any], text: bytes, params: dict[str, Any]
) -> psycopg.AsyncCursor[Any]:
    """Run a statement as the role that no policy lets through, in one round trip and one transaction.

    The settings end with the transaction; inside a caller's longer one they are taken back.
    """
    sql = load("scope")
    longer = conn.info.transaction_status != TransactionStatus.IDLE
    async with conn.pipeline():
        await conn.execute(sql.enter._text, scope.names)
        await cursor.execute(text, params)
        if longer:
            await conn.execute(sql.leave._text)
    return cursor


async def script(conn: Connection, text: str) -> None:
    """Run a file of several statements; one that fails is Invalid, with Postgres' own words."""
    try:
        await conn.execute(text.encode())
    except psycopg.Error as error:
        translated = _translate(error)
        if translated is not error:
            raise translated from error
        raise errors.Invalid("sql", "; ".join(str(error).splitlines()[:2])) from error


async def _pool(url: str = "") -> Pool:
    pools = _pools.setdefault(asyncio.get_running_loop(), {})
    pool = pools.get(url)
    if pool is None:
        pool = pools[url] = AsyncConnectionPool(
            _conninfo(url or config.get().database_url),
            open=False,
            min_size=0,
            max_size=4,
            timeout=CHECKOUT_SECONDS,
            max_idle=60,
            reconnect_timeout=CHECKOUT_SECONDS,
            connection_class=_kind(url),
            kwargs=_CONNECT,
        )
    if pool.closed:
        await pool.open()
    return pool


def _conninfo(url: str) -> str:
    """Drop `channel_binding` on loopback: Neon's addresses ask for it, and PgBouncer cannot give it."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:  # it quotes what it cannot read, which may be the password
        raise errors.Misconfigured(detail="the database address cannot be read") from error
    host = str(parts.get("host") or "")
    if host in _LOOPBACK or host.startswith("/"):
        parts.pop("channel_binding", None)
    return make_conninfo("", **parts)


def _factory(row: type[Any]) -> BaseRowFactory[Any]:
    if row is dict or row is tuple:
        return dict_row if row is dict else tuple_row
    return scalar_row if row in _SCALARS else class_row(row)


def _translate(error: psycopg.Error, *, dead: bool = False) -> Exception:
    """Turn what Postgres says into an error of ours; what we cannot name stays as it is.

    The codes LK4xx and LK503 are raised by our own SQL functions, with our code as the message.
    """
    message = error.diag.message_primary or ""
    detail = error.diag.message_detail or ""
    if error.sqlstate == "LK400":
        return errors.Invalid(message, detail)
    if error.sqlstate == "LK402":
        return errors.ShortOfCredits(**json.loads(detail))
    if error.sqlstate == "LK403":
        return errors.Denied(message, detail)
    if error.sqlstate == "LK404":
        return errors.Missing(message, detail)
    if error.sqlstate == "LK409":
        return errors.Conflict(message, detail)
    if error.sqlstate == "LK410":
        return errors.Gone(message, detail)
    if error.sqlstate == "LK503":
        return errors.Unavailable(message, detail)
    if dead or isinstance(error, psycopg.OperationalError):
        return errors.Unavailable("database", str(error).strip())
    return error
