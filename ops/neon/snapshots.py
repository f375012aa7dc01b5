"""Several connections to one database that all see the same moment of it, read-only."""

import contextlib
from collections.abc import AsyncIterator

from psycopg import sql

from ops.neon import connect


@contextlib.asynccontextmanager
async def of(url: str, number: int) -> AsyncIterator[list[connect.Connection]]:
    """Lend `number` connections, read-only, that look at one moment."""
    async with contextlib.AsyncExitStack() as stack:
        first = await stack.enter_async_context(_reading(url))
        opened = [first]
        if number > 1:
            with connect.translated(url):
                [moment] = await (await first.execute("select pg_export_snapshot()")).fetchone() or ("",)
            opened += [await stack.enter_async_context(_reading(url, moment)) for _ in range(number - 1)]
        yield opened


@contextlib.asynccontextmanager
async def plain(url: str, number: int) -> AsyncIterator[list[connect.Connection]]:
    """Lend `number` connections that write."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(connect.pinned(url)) for _ in range(number)]


@contextlib.asynccontextmanager
async def _reading(url: str, moment: str = "") -> AsyncIterator[connect.Connection]:
    async with connect.pinned(url) as conn:
        with connect.translated(url):
            await conn.execute("begin isolation level repeatable read read only")
            if moment:
                await conn.execute(sql.SQL("set transaction snapshot {}").format(moment))
        yield conn
