"""HTTP/1.1 as cheaply as Python can, because the bench shares the machine with the functions that it measures."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

type Handler = Callable[[str, bytes], Awaitable[bytes] | bytes]

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Server(asyncio.Protocol):
    """One connection: each request's path and body go to the handler, whose JSON is the answer; always a 200."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        while end >= 0:
            head, length = self._buffer[:end], 0
            at = head.lower().find(b"content-length:")
            if at >= 0:
                length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._take(head.split(b" ", 2)[1].decode(), body)
            end = self._buffer.find(b"\r\n\r\n")

    def _take(self, path: str, body: bytes) -> None:
        answer = self._handle(path, body)
        if isinstance(answer, bytes):
            self._say(answer)
        else:
            self._answering = asyncio.ensure_future(self._later(answer))

    async def _later(self, answer: Awaitable[bytes]) -> None:
        self._say(await answer)

    def _say(self, body: bytes) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(HEAD % len(body) + body)


async def serve(path: Path, handle: Handler) -> None:
    """Listen on a Unix socket."""
    await asyncio.get_running_loop().create_unix_server(lambda: Server(handle), path, backlog=1024)


class Line(asyncio.Protocol):
    """A kept connection to a function: one request at a time, and the status of its answer."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[int] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0 or self._answer is None:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) >= end + 4 + length and not self._answer.done():
            self._buffer = self._buffer[end + 4 + length :]
            self._answer.set_result(int(head[9:12]))

    @property
    def open(self) -> bool:
        """Whether the function has not hung up, as it does after some idle seconds."""
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        """Hang up."""
        if self._transport:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer and not self._answer.done():
            self._answer.set_result(0)

    async def post(self, head: bytes, body: bytes) -> int:
        """Send a request that was prepared; return the status, 0 when the connection broke."""
        assert self._transport
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(head % len(body) + body)
        return await self._answer


async def line(port: int) -> Line:
    """Open a connection to a port of this machine."""
    _, protocol = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return protocol
