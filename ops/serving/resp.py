"""Raw connections to a Redis or Valkey for the bridge: over TCP, TLS or a Unix socket, with its password and database.

redis://[user:password@]host[:6379][/db]    rediss:// for TLS    unix:///path/to.sock[?db=1]
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from lib import errors

MOST = 64  # connections at once; a request beyond them waits for one
CONNECTING = 2.0  # seconds
ANSWERING = 5.0  # seconds for all replies of a request; the slowest script of ours takes some milliseconds

type Reply = bytes | int | Failure | list[Reply] | None


class Status(bytes):
    """A status reply such as OK, which is not a stored value."""


class Failure(bytes):
    """An error reply in the server's own words."""

    @property
    def passes(self) -> bool:
        """Whether the server says so only for now: it reads its data, runs a script, or has lost its master."""
        return self.startswith((b"LOADING", b"BUSY", b"MASTERDOWN", b"TRYAGAIN"))


class ServerRefused(ConnectionRefusedError):
    """The server does not take our password or database, and will not take them later."""


@dataclass(frozen=True)
class Address:
    """The server, and the commands that a new connection begins with."""

    host: str = ""
    port: int = 6379
    path: str = ""
    tls: bool = False
    greeting: tuple[tuple[bytes, ...], ...] = field(default=(), repr=False)  # it may hold the password

    @classmethod
    def read(cls, url: str) -> "Address":
        """Read an address as redis-cli and the Redis libraries write it; raise Misconfigured for another."""
        parts = urlsplit(url)
        try:
            port = 6379 if parts.port is None else parts.port
        except ValueError:
            port = 0
        if parts.scheme not in ("redis", "rediss", "unix") or not port:
            raise errors.Misconfigured(detail="the address must be redis://host, rediss://host or unix:///path")
        is_socket = parts.scheme == "unix"
        number = parse_qs(parts.query).get("db", ["0"])[0] if is_socket else parts.path.strip("/") or "0"
        if not number.isdecimal() or not (parts.path if is_socket else parts.hostname):
            raise errors.Misconfigured(detail="the address names no server, or its database is no number")
        login = [unquote(part).encode() for part in (parts.username, parts.password) if part]
        greeting = [(b"AUTH", *login)] if login else []
        greeting += [(b"SELECT", number.encode())] if int(number) else []
        where = {"path": parts.path} if is_socket else {"host": parts.hostname or "", "port": port}
        return cls(**where, tls=parts.scheme == "rediss", greeting=tuple(greeting))  # type: ignore[arg-type]


class Connections:
    """Connections to one server, each used by one request at a time: its replies cannot mix with another's."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._free = asyncio.Semaphore(MOST)

    async def run(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        """Send the commands at once and return a reply for each; raise OSError when the server is gone or too slow."""
        async with self._free, self._connection() as (reader, writer), asyncio.timeout(ANSWERING):
            return await _ask(reader, writer, commands)

    async def close(self) -> None:
        """Close those that nobody uses."""
        idle, self._idle = self._idle, []
        for _, writer in idle:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not (reader.at_eof() or writer.is_closing()):
                break
            writer.close()
        else:
            reader, writer = await self._connect()
        try:
            yield reader, writer
        except BaseException:
            writer.close()  # half a conversation is left on it
            raise
        self._idle.append((reader, writer))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        where = self._address
        async with asyncio.timeout(CONNECTING):
            if where.path:
                reader, writer = await asyncio.open_unix_connection(where.path)
            else:
                tls = ssl.create_default_context() if where.tls else None
                reader, writer = await asyncio.open_connection(where.host, where.port, ssl=tls)
            try:
                for refused in await _ask(reader, writer, where.greeting):
                    if isinstance(refused, Failure):
                        kind = ConnectionRefusedError if refused.passes else ServerRefused
                        raise kind(f"Redis refuses us: {refused.decode(errors='replace')}")
            except BaseException:
                writer.close()
                raise
        return reader, writer


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, commands: Sequence[Sequence[bytes]]
) -> list[Reply]:
    writer.write(b"".join(map(_pack, commands)))
    await writer.drain()
    return [await _read(reader) for _ in commands]


def _pack(command: Sequence[bytes]) -> bytes:
    parts = (b"$%d\r\n%b\r\n" % (len(part), part) for part in command)
    return b"*%d\r\n%b" % (len(command), b"".join(parts))


async def _read(reader: asyncio.StreamReader) -> Reply:
    """Return the next reply of the protocol's second version, in which a double is a string."""
    line = await reader.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("Redis closed the connection")
    kind, rest = line[:1], line[1:-2]
    if kind == b"+":
        return Status(rest)
    if kind == b"-":
        return Failure(rest)
    if kind == b":":
        return int(rest)
    size = int(rest)
    if size < 0:
        return None
    if kind == b"*":
        return [await _read(reader) for _ in range(size)]
    return (await reader.readexactly(size + 2))[:-2]
