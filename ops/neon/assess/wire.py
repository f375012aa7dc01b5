"""The way to a server before Postgres says a word: names, TCP and TLS, each with its own time."""

import asyncio
import contextlib
import ssl
import struct
import time
from dataclasses import dataclass

from ops.neon.assess.address import Address

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
SECONDS = 10.0
TRIES = 3


@dataclass(frozen=True)
class Wire:
    """The road to a server. Times in milliseconds; None where there is no such step or it failed."""

    kind: str  # tcp or socket
    name_ms: float | None = None
    tcp_ms: float | None = None
    tls_ms: float | None = None
    tls: str | None = None  # the version; None: the server offers none
    cipher: str | None = None
    certificate: str | None = None  # trusted, or why not
    problem: str | None = None

    @property
    def round_trip_ms(self) -> float | None:
        """One round trip: a TCP connect is one."""
        return self.tcp_ms


async def measure(address: Address) -> Wire:
    """Connect TRIES times by TCP, then as often with TLS; a road that leads nowhere is told, not raised."""
    if address.is_socket:
        return Wire("socket")
    try:
        async with asyncio.timeout(SECONDS):
            names = await _timed_names(address)
            tcp = min([await _tcp(address) for _ in range(TRIES)])
            looks = [await _tls(address, Wire("tcp", name_ms=names, tcp_ms=tcp)) for _ in range(TRIES)]
            return min(looks, key=lambda look: look.tls_ms or 0.0)
    except TimeoutError:
        return Wire("tcp", problem=f"no answer within {SECONDS:.0f} s")
    except OSError as error:
        return Wire("tcp", problem=address.scrub(error.strerror or str(error)))


async def _timed_names(address: Address) -> float:
    start = time.perf_counter()
    await asyncio.get_running_loop().getaddrinfo(address.host, address.port)
    return _since(start)


async def _tcp(address: Address) -> float:
    start = time.perf_counter()
    _, writer = await asyncio.open_connection(address.host, address.port)
    took = _since(start)
    await _close(writer)
    return took


async def _tls(address: Address, wire: Wire) -> Wire:
    """Shake hands as libpq would, first with the machine's own authorities, then with none."""
    try:
        return await _handshake(address, wire, ssl.create_default_context(), "trusted")
    except ssl.SSLCertVerificationError as error:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return await _handshake(address, wire, context, address.scrub(error.verify_message))


async def _handshake(address: Address, wire: Wire, context: ssl.SSLContext, certificate: str) -> Wire:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(SSL_REQUEST)
        if await reader.readexactly(1) != b"S":
            return wire
        start = time.perf_counter()
        await writer.start_tls(context, server_hostname=str(address.parts.get("host") or address.host).split(",")[0])
        took = _since(start)
        link = writer.get_extra_info("ssl_object")
        name = wire.__class__(
            "tcp", wire.name_ms, wire.tcp_ms, took, link.version(), (link.cipher() or ("",))[0], certificate
        )
    except (asyncio.IncompleteReadError, ConnectionError):
        return wire
    finally:
        await _close(writer)
    return name


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, ssl.SSLError):
        await writer.wait_closed()


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 3)
