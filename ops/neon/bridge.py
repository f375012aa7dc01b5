"""TLS for a client that has none: the packages' pg_dump 18 speaks only plainly, and every provider demands TLS.

It listens on this machine's loopback for as long as the program runs, opens a verified TLS connection for each of the
program's own, and relays. A server that knows of TLS also offers a login bound to its channel, which the client would
refuse on a plain connection; that offer is taken out of the server's first message.
"""

import asyncio
import contextlib
import ssl
import struct
from collections.abc import AsyncIterator

from psycopg.conninfo import make_conninfo

from lib import errors
from ops.neon import connect

SSL_REQUEST = struct.pack("!II", 8, 80877103)
NO_LONGER = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslnegotiation", "channel_binding", "hostaddr")


@contextlib.asynccontextmanager
async def over_tls(url: str) -> AsyncIterator[str]:
    """Yield an address on the loopback that leads to `url` over TLS."""
    parts = connect.read(url)
    host, port = parts.get("hostaddr") or parts["host"], int(parts.get("port", "5432"))
    context = context_of(parts)

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, errors.Unavailable):
            there, to_there = await _open(host, port, parts["host"], context)
            try:
                await asyncio.gather(_outward(reader, to_there), _inward(there, writer))
            finally:
                to_there.close()
        writer.close()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    async with server:
        here = {name: value for name, value in parts.items() if name not in NO_LONGER}
        local = {"host": "127.0.0.1", "port": str(server.sockets[0].getsockname()[1]), "sslmode": "disable"}
        yield make_conninfo("", **here | local)


def context_of(parts: dict[str, str]) -> ssl.SSLContext:
    """Return how the server is verified: as libpq would, but never worse than `require`."""
    root = parts.get("sslrootcert", "")
    context = ssl.create_default_context(cafile=root if root not in ("", "system") else None)
    mode = parts.get("sslmode", "require")
    if mode not in ("verify-full", "verify-ca") and not root:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif mode != "verify-full":
        context.check_hostname = False
    return context


async def _open(
    host: str, port: int, name: str, context: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(SSL_REQUEST)
    if await reader.readexactly(1) != b"S":
        writer.close()
        raise errors.Unavailable("tls", "the server speaks no TLS")
    await writer.start_tls(context, server_hostname=name)
    return reader, writer


async def _outward(reader: asyncio.StreamReader, to_there: asyncio.StreamWriter) -> None:
    while data := await reader.read(2**16):
        to_there.write(data)
        await to_there.drain()
    to_there.close()


async def _inward(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Relay what the server says; its first message is the one that offers ways to log in."""
    head = await there.readexactly(5)
    (length,) = struct.unpack("!I", head[1:])
    writer.write(without_binding(head[:1], await there.readexactly(length - 4)))
    while data := await there.read(2**16):
        writer.write(data)
        await writer.drain()
    writer.close()


def without_binding(kind: bytes, body: bytes) -> bytes:
    """Return a message of the server without the mechanisms that are bound to a channel."""
    if kind == b"R" and body[:4] == struct.pack("!I", 10):
        names = [name for name in body[4:].split(b"\0") if name and not name.endswith(b"-PLUS")]
        body = body[:4] + b"".join(name + b"\0" for name in names) + b"\0"
    return kind + struct.pack("!I", len(body) + 4) + body
