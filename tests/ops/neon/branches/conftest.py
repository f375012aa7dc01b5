"""The stand-in of Neon's API over the session's own Postgres, and a client of it that never sleeps."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from dev import postgres, serving
from dev.neon import MAIN, LocalBranch
from dev.neon import Neon as StandIn
from lib import db, fetch
from ops.neon.api import Neon
from ops.neon.previews import Wish

KEY = "napi_of_the_tests"
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@dataclass
class Lab:
    """The service, its client, and the time of both: `waited` are the pauses that the client has made."""

    service: StandIn
    url: str
    now: datetime = NOW
    waited: list[float] = field(default_factory=list)

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)

    def client(self, key: str = KEY) -> Neon:
        return Neon(key, "local", url=self.url, pause=self.pause, clock=lambda: sum(self.waited))

    def wish(self, **facts: object) -> Wish:
        return Wish(**{"key": KEY, "now": self.now, "migrate": False, **facts})  # type: ignore[arg-type]

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)

    def note(self, *names: str) -> None:
        """Let there be branches of these names; nobody looks into them, so they have no database."""
        for name in names:
            one = LocalBranch(f"br-{name}", name, f"no_{name}", MAIN)
            self.service.branches[one.id] = one

    @property
    def changes(self) -> list[tuple[str, str]]:
        return [one for one in self.service.requests if one[0] != "GET"]


@pytest.fixture(scope="session")
async def neon_at() -> AsyncIterator[tuple[StandIn, str]]:
    service = StandIn(KEY)
    async with serving.serve(Starlette(routes=[Route("/neon{path:path}", service, methods=None)])) as address:
        yield service, f"{address}/neon"


@pytest.fixture(scope="session")
async def parent(server: Path, template: str) -> str:
    """The database of the default branch: small, as each test copies it, on a server that has our roles."""
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute("create database neon_parent owner owner template template0 strategy file_copy")
    async with db.connect(postgres.url(server, "neon_parent", "owner")) as conn:
        await conn.execute("create table people (name text)")
        await conn.execute("insert into people values ('Анна')")
    return "neon_parent"


@pytest.fixture
async def lab(neon_at: tuple[StandIn, str], server: Path, parent: str) -> AsyncIterator[Lab]:
    """A project in which nobody else works."""
    service, url = neon_at
    made = Lab(service, url)
    service.clock = lambda: made.now
    service.faults.clear()
    service._operations.clear()
    service.requests.clear()
    service.serve_from(server, database=parent, owner="owner")
    yield made
    for branch in [*service.branches.values()]:
        if branch.id != MAIN:
            await service._drop(branch.database)
    service.branches.clear()
    await fetch.close()


@pytest.fixture
def neon(lab: Lab) -> Neon:
    return lab.client()
