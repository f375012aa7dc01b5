"""Data folders of Postgres that one worker fills for all: an initdb and the migrations take two seconds of processor.

Each server works on a copy of its own.
"""

import asyncio
import contextlib
import fcntl
import subprocess
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from dev import database, postgres, servers
from lib import db, migrations

# Functions that most workers never ask.
DOZING = tuple(f"api/{name}/index.py" for name in ("cache", "callback", "health", "metrics"))


async def as_a_stack_has_it(data: Path) -> None:
    """Apply the migrations as the local stack does."""
    await database.migrate(postgres.url(data))


async def with_a_template(data: Path) -> None:
    """Build the database that all others are cloned from, by the migrations, as an owner like Neon's."""
    async with db.connect(postgres.url(data)) as conn:
        await conn.execute(servers.OWNER)
        await conn.execute("create database template_lotok owner owner")
    async with db.connect(postgres.url(data, "template_lotok", "owner")) as conn:
        await migrations.apply(conn)
        await conn.execute("alter role lotok_app login")


def lay(shared: Path, fill: Callable[[Path], Coroutine[Any, Any, None]], target: Path) -> None:
    """Copy the data that `fill` has made to `target`; the first who asks makes them, in the folder of all workers."""
    kept = shared / fill.__name__
    with (shared / f"{fill.__name__}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not kept.exists():
            with postgres.lent() as data:
                _run(fill(data))
                postgres.stop(data)
                _copy(data, kept)
    _copy(kept, target)


@contextlib.contextmanager
def lent(shared: Path) -> Iterator[Path]:
    """Run a server on a copy of the data with the template and yield its folder."""
    with postgres.guarded() as folder:
        lay(shared, with_a_template, folder / "data")
        try:
            postgres.start(folder / "data", postgres.FAST)
            yield folder / "data"
        finally:
            postgres.stop(folder / "data")


def _copy(data: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", data, target], check=True)  # the user that runs the server stays the owner


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread: the loop of this one may be running, or be another's."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
