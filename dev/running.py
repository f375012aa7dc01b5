"""Allows one stack at a time in a folder, notes where it runs, and cleans up after one that was killed.

The lock is the kernel's (flock), so it never outlives its holder. run.json beside it tells others the address, and
tells the next run which processes were ours.
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil


class AlreadyRuns(Exception):
    """Another stack holds the folder; `page` is its address, empty while it starts."""

    def __init__(self, pid: int, page: str) -> None:
        super().__init__(f"already running: {page or 'starting'} (process {pid})")
        self.pid, self.page = pid, page


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the folder; raise AlreadyRuns when another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            record = _read(folder)
            raise AlreadyRuns(int(record.get("pid", 0)), str(record.get("page", ""))) from None
        yield


def note(folder: Path, *, page: str = "", pids: Iterable[int] = (), settings: Mapping[str, str] | None = None) -> None:
    """Write down, for this user alone, where this stack is, its processes, and the settings of its functions."""
    processes = [_identity(pid) for pid in pids]
    record = {"pid": os.getpid(), "page": page, "processes": processes, "settings": dict(settings or {})}
    made = folder / "run.json.new"
    made.touch(mode=0o600)
    made.write_text(json.dumps(record))
    made.replace(folder / "run.json")


def forget(folder: Path) -> None:
    """Remove the record: this stack ended in order."""
    (folder / "run.json").unlink(missing_ok=True)


def settings(folder: Path) -> dict[str, str]:
    """Return the settings that the functions of the stack in this folder run with."""
    found: dict[str, str] = _read(folder).get("settings", {})
    return found


def end_leftovers(folder: Path) -> int:
    """End what a killed run left behind, and return how many; a process is ours by id, start time and command line."""
    left = []
    for process in _read(folder).get("processes", []):
        if process and _identity(process["pid"]) == process:
            with contextlib.suppress(psutil.Error):
                found = psutil.Process(process["pid"])
                found.terminate()
                left.append(found)
    _, stubborn = psutil.wait_procs(left, timeout=5)
    for found in stubborn:
        with contextlib.suppress(psutil.Error):
            found.kill()
    return len(left)


def _identity(pid: int) -> dict[str, Any] | None:
    try:
        process = psutil.Process(pid)
        return {"pid": pid, "created": process.create_time(), "command": process.cmdline()}
    except psutil.Error:
        return None


def _read(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / "run.json").read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
