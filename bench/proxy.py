"""A TCP proxy that puts a distance in front of a service and counts the turns of the conversation.

A turn is what a distance multiplies: the client speaks after the server has spoken. What is sent ahead without waiting
(a pipeline) is one turn. `python -m bench.proxy <socket> <ms each way>` is what `Proxy` runs, as a process of its own.
"""

import asyncio
import contextlib
import json
import selectors
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast


@dataclass
class Counts:
    """The traffic since the last question."""

    connections: int = 0
    turns: int = 0


class Side(asyncio.Protocol):
    """One end of a conversation: what it hears, the other end says `delay` seconds later, in the same order."""

    def __init__(self, delay: float, counts: Counts, other: "Side | None" = None) -> None:
        self.delay, self.counts, self.other = delay, counts, other
        self.is_client = other is None
        self.waiting: deque[bytes | None] = deque()
        self.transport: asyncio.Transport | None = None
        self.server_spoke = True  # kept by the client's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.is_client:
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.counts.connections += 1
        elif self.other:
            self.other.say()  # what the client has said meanwhile

    def data_received(self, data: bytes) -> None:
        client = self if self.is_client else self.other
        if client:
            if self.is_client and client.server_spoke:
                self.counts.turns += 1
            client.server_spoke = not self.is_client
        self.later(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.later(None)

    def later(self, data: bytes | None) -> None:
        self.waiting.append(data)
        asyncio.get_running_loop().call_later(self.delay, self.say)

    def say(self) -> None:
        """Pass on what is due; before the server's end is there, it stays in line."""
        if self.other is None or self.other.transport is None or not self.waiting:
            return
        data = self.waiting.popleft()
        if data is None:
            self.other.transport.close()
        else:
            self.other.transport.write(data)


async def serve(path: str, delay: float) -> None:
    """Listen on a free port, print it, and answer every line of stdin with the counts since the last."""
    counts = Counts()
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[Any]] = set()

    def accept() -> Side:
        client = Side(delay, counts)
        client.other = Side(delay, counts, client)
        task = loop.create_task(loop.create_unix_connection(lambda: cast(Side, client.other), path))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return client

    server = await loop.create_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps({"connections": counts.connections, "turns": counts.turns}), flush=True)
        counts.connections = counts.turns = 0


class Proxy:
    """A running proxy."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout
        self.pid = process.pid
        self.port = int(process.stdout.readline())

    def counts(self) -> Counts:
        """Return what went through since the last call."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Counts(**json.loads(self._process.stdout.readline()))


def running(socket_folder: Path, ms_each_way: float) -> contextlib.AbstractContextManager[Proxy]:
    """Run a proxy in front of the Postgres of this folder."""
    return to(socket_folder / ".s.PGSQL.5432", ms_each_way)


@contextlib.contextmanager
def to(path: Path, ms_each_way: float) -> Iterator[Proxy]:
    """Run a proxy in front of the server that listens on this Unix socket."""
    command = [sys.executable, "-m", "bench.proxy", str(path), str(ms_each_way)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]
    )
    try:
        yield Proxy(process)
    finally:
        process.kill()
        process.communicate()


def main(path: str, ms_each_way: str) -> None:
    # epoll() sleeps whole milliseconds, select() microseconds: the difference would be a fifth of a short distance.
    loop = asyncio.SelectorEventLoop(selectors.SelectSelector())
    loop.run_until_complete(serve(path, float(ms_each_way) / 1000))


if __name__ == "__main__":
    main(*sys.argv[1:])
