import os
import select
import subprocess
import sys
from pathlib import Path

from dev import valkey

_PARENT = "from dev.valkey import Valkey; v = Valkey(); v.start(); print(v._server._process.pid, flush=True); input()"


def test_a_folder_keeps_what_was_stored(tmp_path: Path) -> None:
    with valkey.Valkey(tmp_path) as server:
        assert server.running
    assert not server.running
    assert (tmp_path / "appendonlydir").is_dir()
    assert not server.socket.parent.exists()


def test_nothing_is_left_when_the_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdin
    assert parent.stdout
    pid = int(parent.stdout.readline().split()[0])
    watch = os.pidfd_open(pid)
    parent.kill()
    parent.communicate()
    try:
        assert _ended(watch)
    finally:
        os.close(watch)


def _ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 10)[0])


def test_stopping_twice_is_no_error() -> None:
    server = valkey.Valkey()
    server.start()
    server.stop()
    server.stop()
