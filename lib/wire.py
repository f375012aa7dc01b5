"""HTTP/1.1 for the few calls that every update makes, at a twentieth of what httpx takes of the processor.

Only this: POST, a body in memory, an answer in memory, connections that are kept. All other HTTP, with streams,
redirects and uploads, is `fetch`'s (decision 0010). Nothing is tried again here, no proxy of the environment is
used, and an answer that is not plainly HTTP/1.1 is a failure.

    idle -> (asked) -> busy -> (whole answer) -> idle          a connection that breaks, or whose caller gives up, is
      └─> closed by the other end, or unused for KEPT            closed: half an answer is never read by the next
"""

import asyncio
import functools
import re
import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from lib import fetch

KEPT = timedelta(seconds=90)
HEAD_LIMIT = 64 * 1024
ANSWER_LIMIT = 16 * 1024 * 1024

_KEPT = KEPT.total_seconds()

type Headers = Sequence[tuple[str, str]]
type Address = tuple[bool, str, int]


class NoConnection(OSError):
    """There was nobody to ask, so for certain nothing was done."""


@dataclass(frozen=True)
class WireAnswer:
    """A whole answer; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def post(url: str, body: bytes, headers: Headers, timeout: timedelta) -> WireAnswer:
    """Post the body and return the answer, whatever its status.

    Raises TimeoutError, or OSError when there is no connection, no whole answer, or one that is not HTTP. None of them
    names the address, which may hold a secret.
    """
    address, front = _front(url, tuple(headers))
    request = b"%b%d\r\n\r\n%b" % (front, len(body), body)
    async with asyncio.timeout(timeout.total_seconds()):
        connection = _kept(address) or await _connect(address)
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        connection.rest()
        return answer


async def close() -> None:
    """Close the running loop's connections; a later call opens new ones."""
    for connections in _idle.pop(asyncio.get_running_loop(), {}).values():
        for connection in connections:
            connection.close()
    await asyncio.sleep(0)  # the transports close in the loop's next round


@functools.lru_cache(maxsize=64)
def _front(url: str, headers: tuple[tuple[str, str], ...]) -> tuple[Address, bytes]:
    """Return whom to ask, and the request up to the length of its body."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    host = parts.netloc.rpartition("@")[2]
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if any(set("\r\n") & set(line) for line in lines) or " " in target:
        raise ValueError("a line break or a space where none may be")
    front = "\r\n".join([*lines, "Content-Length: "]).encode("latin-1")
    return (secure, parts.hostname or "", parts.port or (443 if secure else 80)), front


def _kept(address: Address) -> "_Connection | None":
    """Return a connection that is open still, the last used first."""
    connections = _idle.get(asyncio.get_running_loop(), {}).get(address, [])
    while connections:
        connection = connections.pop()
        if connection.fresh():
            return connection
        connection.close()
    return None


async def _connect(address: Address) -> "_Connection":
    secure, host, port = address
    loop = asyncio.get_running_loop()
    tls = {"ssl": fetch.tls(), "server_hostname": host} if secure else {}
    try:
        _, connection = await loop.create_connection(lambda: _Connection(address), host, port, **cast(Any, tls))
    except OSError as error:
        raise NoConnection(error.errno, f"no connection: {type(error).__name__}") from None
    return connection


class _Connection(asyncio.Protocol):
    """One connection, asked one thing at a time."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._answer: asyncio.Future[WireAnswer] | None = None
        self._buffer = bytearray()
        self._head: _AnswerHead | None = None
        self._transport: asyncio.Transport | None = None
        self._rested = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, request: bytes) -> asyncio.Future[WireAnswer]:
        """Send a request; the future holds the answer once it is whole."""
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self.connection_lost(None)
        else:
            self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            if self._head is None:
                self._head = _head(self._buffer)
            if self._head and (body := self._head.body(self._buffer)) is not None:
                self._succeed(self._head, body)
            elif len(self._buffer) > ANSWER_LIMIT:
                raise ValueError("too big")
        except (ValueError, LookupError) as error:
            self._fail(OSError(f"not an answer: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(ConnectionResetError("the connection was closed before the answer was whole"))

    def fresh(self) -> bool:
        """Whether it may be asked again: used not long ago, and nothing to read from it, not even its end."""
        if self._transport is None or self._transport.is_closing() or time.monotonic() > self._rested + _KEPT:
            return False
        poll = select.poll()  # an instance that was frozen has not heard of the end yet
        poll.register(self._transport.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def rest(self) -> None:
        """Keep the connection for the next one who asks, if the other end does."""
        if self._head is None or self._head.last or self._buffer:
            self.close()
            return
        self._answer, self._head, self._rested = None, None, time.monotonic()
        _idle.setdefault(asyncio.get_running_loop(), {}).setdefault(self._address, []).append(self)

    def close(self) -> None:
        """Close it, whatever is under way."""
        if self._transport:
            self._transport.close()

    def _succeed(self, head: "_AnswerHead", body: bytes) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_result(WireAnswer(head.status, head.headers, body))

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)


@dataclass(frozen=True)
class _AnswerHead:
    """The beginning of an answer, and how its body is told from what follows."""

    status: int
    headers: Mapping[str, str]
    length: int | None
    last: bool

    def body(self, buffer: bytearray) -> bytes | None:
        """Take the body off the buffer, which holds what came after the head; None while it is not whole."""
        if self.length is None:
            return _chunks(buffer)
        if len(buffer) < self.length:
            return None
        body = bytes(buffer[: self.length])
        del buffer[: self.length]
        return body


def _head(buffer: bytearray) -> _AnswerHead | None:
    """Take a head off the buffer; None while it is not whole. Raise ValueError or LookupError when it is not a head."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        if len(buffer) > HEAD_LIMIT:
            raise ValueError("a long head")
        return None
    first, *lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
    del buffer[: end + 4]
    version, _, status = first.partition(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or (name.lower() in headers and name.lower() in ("content-length", "transfer-encoding")):
            raise ValueError("a malformed header")
        headers[name.lower()] = value.strip()
    if version not in ("HTTP/1.1", "HTTP/1.0") or not status[:3].isdecimal():
        raise ValueError("no status")
    if status[0] == "1":
        return _head(buffer)
    last = version == "HTTP/1.0" or headers.get("connection", "").lower() == "close"
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise ValueError("an encoding that was not asked for")
        return _AnswerHead(int(status[:3]), headers, None, last)
    return _AnswerHead(int(status[:3]), headers, _size(headers["content-length"], 10), last)


def _chunks(buffer: bytearray) -> bytes | None:
    """Take a body in chunks off the buffer; None while the last, which is empty, is not there."""
    body, at = bytearray(), 0
    while (end := buffer.find(b"\r\n", at)) >= 0:
        size = _size(buffer[at:end].partition(b";")[0].decode("latin-1").strip(), 16)
        at = end + 2
        if size == 0:
            done = at if buffer.startswith(b"\r\n", at) else buffer.find(b"\r\n\r\n", at) + 2
            if done < at or len(buffer) < done + 2:
                return None
            del buffer[: done + 2]
            return bytes(body)
        if len(buffer) < at + size + 2:
            return None
        body += buffer[at : at + size]
        at += size + 2
    return None


def _size(text: str, base: int) -> int:
    """Return a number that is written in digits only: int() would also take a sign, spaces and underscores."""
    if not re.fullmatch("[0-9a-fA-F]{1,8}" if base == 16 else "[0-9]{1,10}", text):
        raise ValueError("a malformed length")
    return int(text, base)


_idle: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Address, list[_Connection]]] = WeakKeyDictionary()
