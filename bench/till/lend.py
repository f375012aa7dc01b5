"""Databases of the ledger, with shops in them; what was done to one is audited in the end."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from bench.results import Failed
from bench.till.fill import fill
from dev import postgres
from lib import db, migrations
from lib.office import audit


async def prepare(server: str, folder: Path) -> None:
    """Make the template that the others are copies of."""
    async with db.connect(server) as conn:
        await db.script(conn, "create database template_lotok")
    async with db.connect(postgres.url(folder / "data", "template_lotok")) as conn:
        await migrations.apply(conn)


@contextlib.asynccontextmanager
async def database(folder: Path, name: str, **filled: int) -> AsyncIterator[str]:
    """Lend a database with shops in it, and audit it in the end."""
    async with db.connect(postgres.url(folder / "data")) as conn:
        await db.script(conn, f"create database {name} template template_lotok")
    url = postgres.url(folder / "data", name)
    async with db.connect(url) as conn:
        await fill(conn, **filled)
    yield url
    async with db.connect(url) as conn:
        found = await audit.check(conn)
    if found:
        raise Failed(f"the audit found: {', '.join(f'{one.check} ({one.number})' for one in found)}")
    async with db.connect(postgres.url(folder / "data")) as conn:
        await db.script(conn, f"drop database {name} with (force)")
