"""A base with everything that may not move, on the session's own server, and short bounds for what is measured."""

from pathlib import Path

import pytest

from dev import postgres
from lib import db
from ops.neon.assess import address, tables
from ops.neon.assess.door import Door

OBSTACLES = Path(__file__).with_name("obstacles.sql")
QUICK = {"seconds": 0.1, "looks": 5, "look_seconds": 1, "sample_seconds": 0.01, "connects": 3, "levels": [1, 2]}


@pytest.fixture
def quick(monkeypatch):
    """Measure for moments: what is right does not depend on how long one looks."""
    for name, value in QUICK.items():
        monkeypatch.setitem(tables.limits()["load"], name, value)
    monkeypatch.setitem(tables.limits()["load"], "room", {"1": 2, "2": 4})


@pytest.fixture(scope="session")
async def obstacles(server):
    """Name a database that a superuser has filled with obstacles.sql."""
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute("create database obstacles template template0")
        await conn.execute("create role other_login login connection limit 3")
        await conn.execute("alter role other_login set statement_timeout = '8s'")
    async with db.connect(postgres.url(server, "obstacles")) as conn:
        await db.script(conn, OBSTACLES.read_text(encoding="utf-8"))
    yield postgres.url(server, "obstacles")
    async with db.connect(postgres.url(server, "obstacles")) as conn:
        await conn.execute("alter subscription somebody set (slot_name = none)")
        await conn.execute("drop subscription somebody")
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute("drop database obstacles with (force)")
        await conn.execute("drop role other_login")


@pytest.fixture
def superuser(obstacles):
    """Open that base as its superuser."""
    return Door(address.read(obstacles))


@pytest.fixture
def stranger(obstacles):
    """Open it as a role without any right, which may have three connections at a time."""
    return Door(address.read(obstacles.replace("postgres@", "other_login@")))
