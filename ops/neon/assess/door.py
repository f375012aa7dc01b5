"""Connections of assess: named, read-only and bounded in time where the server lets a client ask for it at the door."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import psycopg

from lib import db, errors
from ops.neon.assess import tables
from ops.neon.assess.address import Address

APPLICATION = "lotok assess"
SQL = db.load("assess")
TOO_MANY = ("53300", "53400")


@dataclass
class Door:
    """Opens connections to one database. `asks` ends when a pooler refuses options at the start of a session."""

    address: Address
    asks: bool = True
    opened: int = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[db.Connection]:
        """Lend a connection; Unavailable, in masked words, when there is none to be had."""
        conn = await self.connect()
        try:
            yield conn
        finally:
            await conn.close()

    async def connect(self) -> db.Connection:
        """Open a connection that the caller closes."""
        try:
            return await self._connect()
        except psycopg.OperationalError as error:
            if self.asks and "startup parameter" in str(error):
                self.asks = False
                return await self.connect()
            raise refused(self.address, error) from error

    async def _connect(self) -> db.Connection:
        load = tables.limits()["load"]
        options = str(self.address.parts.get("options") or "")
        if self.asks:
            options += f" -c default_transaction_read_only=on -c statement_timeout={load['statement_timeout_ms']}"
        more = {"options": options.strip()} if options.strip() else {}
        info = self.address.conninfo(application_name=APPLICATION, **more)
        conn = await psycopg.AsyncConnection.connect(info, autocommit=True, prepare_threshold=None)
        self.opened += 1
        return conn

    @contextlib.asynccontextmanager
    async def look(self) -> AsyncIterator[db.Connection]:
        """Lend a connection inside one read-only transaction with its own time limits, behind any pooler."""
        load = tables.limits()["load"]
        async with self.open() as conn:
            await conn.set_read_only(True)
            async with conn.transaction():
                limits = {"statement": f"{load['statement_timeout_ms']}", "lock": f"{load['lock_timeout_ms']}"}
                await SQL.transaction_guard.run(conn, **limits)
                yield conn


class Full(errors.Unavailable):
    """The server has no room for one more connection."""


def refused(address: Address, error: psycopg.Error) -> errors.Unavailable:
    """Return a refusal in words that may be shown: no host, user or password, and only the last of libpq's attempts."""
    said = str(error).split("\nMultiple connection attempts")[0].split("failed: ")[-1].replace("FATAL: ", "")
    words = address.scrub(said).split(" Is the server running")[0]
    full = error.sqlstate in TOO_MANY or "too many" in words or "remaining connection slots" in words
    return (Full if full else errors.Unavailable)("no connection", f"{address.name}: {words.strip()}")
