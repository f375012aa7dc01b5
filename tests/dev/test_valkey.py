import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from dev import valkey

_PARENT = """
from dev.valkey import Valkey
v = Valkey()
v.start()
print(v._server._process.pid, v._guard.pid, v.socket, flush=True)
input()
"""


def test_a_folder_keeps_what_was_stored(tmp_path: Path) -> None:
    with valkey.Valkey(tmp_path) as server:
        assert server.running
    assert not server.running
    assert (tmp_path / "appendonlydir").is_dir()
    assert not server.socket.parent.exists()


_DYING = """
import os, signal
from dev.valkey import Valkey
v = Valkey()
begin = v._server.start
def begin_and_die(*patience):
    begin(*patience)
    print(v._server._process.pid, v.socket, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
v._server.start = begin_and_die
v.start()
"""


def _kill(parent: int) -> None:
    os.kill(parent, signal.SIGKILL)


def _close_the_terminal(parent: int) -> None:
    os.killpg(parent, signal.SIGHUP)


@pytest.mark.parametrize("end", [_kill, _close_the_terminal])
def test_nothing_is_left_however_the_parent_ends(end: Callable[[int], None]) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], text=True, start_new_session=True, **pipes)  # type: ignore[call-overload]
    server, guard, socket = parent.stdout.readline().split()
    watched = [os.pidfd_open(int(server)), os.pidfd_open(int(guard))]
    end(parent.pid)
    parent.communicate()
    try:
        assert all(_ended(one) for one in watched)
    finally:
        for one in watched:
            os.close(one)
    assert not Path(socket).parent.exists()


def test_nothing_is_left_of_a_server_whose_parent_is_killed_while_it_starts() -> None:
    dying = subprocess.run([sys.executable, "-c", _DYING], stdout=subprocess.PIPE, text=True)
    server, socket = dying.stdout.split()
    for _ in range(6000):
        if not (Path(f"/proc/{server}").exists() or Path(socket).parent.exists()):
            return
        time.sleep(0.01)
    raise AssertionError("Valkey stays")


def _ended(pidfd: int) -> bool:
    return bool(select.select([pidfd], [], [], 60)[0])


def test_stopping_twice_is_no_error() -> None:
    server = valkey.Valkey()
    server.start()
    server.stop()
    server.stop()
