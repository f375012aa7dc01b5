"""The database and the settings of every test.

One Postgres a session, of the version that LOTOK_POSTGRES names, else the local stack's; the migrations run once, into
a template, as an owner like Neon's (tests/clusters.py). `conn` is a transaction of that owner, which is rolled back;
`database` is a clone for tests of several connections, emptied after each, and what `db.connection()` then reaches, as
`lotok_app`.
"""

import contextlib
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

from dev import postgres, servers
from lib import cache, config, db
from tests import clusters, factories
from tests.reused import Reused
from tests.sizes import is_short, size

# Nothing here is real, and nothing of the developer's own settings gets in: a test must never reach a real service.
SETTINGS = {
    "LOTOK_ENV": "local",
    "CUT_SIDE": "64",  # a thirtieth of the work: the drawn products of the tests are plain to see
    "DATABASE_URL": "postgresql://127.0.0.1:1/unused",
    "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:1",
    "UPSTASH_REDIS_REST_TOKEN": "test-token",
    "STORAGE_TYPE": "local",
    "STUDIO_BOT_TOKEN": "111111:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "WEBHOOK_SECRET": "test-webhook-secret",
    "CRON_SECRET": "test-cron-secret-0",
    "APP_SECRET": "test-app-secret-00",
    "ADMIN_API_TOKEN": "test-admin-api-token",
    "METRICS_TOKEN": "test-metrics-token",
    "PUBLIC_URL": "http://127.0.0.1:1",
    "TELEGRAM_API_URL": "http://127.0.0.1:1",
}
UNSET = (
    *("LOTOK_DATABASE_URL", "DATABASE_URL_UNPOOLED", "DATABASE_READ_URL"),
    *("KV_REST_API_URL", "KV_REST_API_TOKEN", "BLOB_READ_WRITE_TOKEN"),
    *(name for pair in config.PROVIDERS.values() for name in pair),
    *("HOME_REGION", "REGIONS"),
    *("KIE_WEBHOOK_KEY", "OPENAI_MODEL", "REMOTE_WRITE_URL", "REMOTE_WRITE_AUTH"),
)
# How fast an example is drawn says how busy the machine is; the first text also loads Unicode's tables.
settings.register_profile(
    "lotok", deadline=None, max_examples=size(20, 100), suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("lotok")
LONGEST = ("tests/tasks/test_order.py", "tests/flows/", "tests/tasks/", "tests/drawing/")

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Keep this run's files apart: each pytest that starts closes the common folder to the user of Postgres."""
    if config.option.basetemp is None and not hasattr(config, "workerinput"):
        config.option.basetemp = folder = tempfile.mkdtemp(prefix="lotok-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Look for garbage neither while tests are collected nor, later, in what was collected: it all stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked long where nobody asked for it; begin with the files that take longest, so that no
    worker is left with one of them at the end.
    """
    asked = config.args != config.getini("testpaths") or config.option.keyword or config.option.markexpr
    if is_short() and not asked:
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    items.sort(key=lambda item: next((n for n, folder in enumerate(LONGEST) if item.nodeid.startswith(folder)), 9))


@dataclass(frozen=True)
class Database:
    """A database of one test's own."""

    url: str

    def connect(self) -> Any:
        """Open a connection beside the pool."""
        return db.connect(self.url)


@pytest.fixture(scope="session", autouse=True)
def settings() -> Iterator[None]:
    """Give every test the same settings, whatever the shell holds, and Redis as long as a busy machine needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cache, "DEADLINE", timedelta(seconds=10))
        for name in UNSET:
            patch.delenv(name, raising=False)
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        config.get.cache_clear()
        yield
    config.get.cache_clear()


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name the folder that all workers of this run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def server(shared: Path) -> Iterator[Path]:
    """Run one Postgres for the session and return its folder."""
    version = os.environ.get("LOTOK_POSTGRES")
    with servers.run(int(version)) if version else clusters.lent(shared) as data:
        yield data


@pytest.fixture(scope="session")
async def template(server: Path) -> str:
    """Name the database that all others are cloned from; a version that was asked for has none yet."""
    if "LOTOK_POSTGRES" in os.environ:
        await clusters.with_a_template(server)
    return "template_lotok"


@pytest.fixture(scope="session")
async def common(server: Path, template: str) -> str:
    """Clone the database in which `conn` works."""
    return await _clone(server, template)


@pytest.fixture(scope="session")
async def kept_connection(common: str) -> AsyncIterator[Callable[[], Awaitable[db.Connection]]]:
    """Keep one connection for `conn`, as each new one reads the catalogue and compiles the functions it calls."""
    async with contextlib.AsyncExitStack() as opened:
        conn: db.Connection | None = None

        async def keep() -> db.Connection:
            nonlocal conn
            if conn is None or conn.closed:
                conn = await opened.enter_async_context(db.connect(common))
            return conn

        yield keep


@pytest.fixture
async def conn(kept_connection: Callable[[], Awaitable[db.Connection]]) -> AsyncIterator[db.Connection]:
    """Lend a connection whose work is undone afterwards."""
    conn = await kept_connection()
    async with conn.transaction(force_rollback=True):
        yield conn


@pytest.fixture(scope="session")
def reused(server: Path, template: str) -> Reused:
    """Keep the databases that `database` lends."""
    return Reused(
        clone=partial(_clone, server, template),
        drop=partial(_drop, server),
        administrator=lambda url: postgres.url(server, _name(url)),
    )


@pytest.fixture
async def database(reused: Reused, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Lend a database in which nothing has happened yet, which is also the one of DATABASE_URL."""
    url = await reused.take()
    monkeypatch.setenv("DATABASE_URL", url.replace("//owner@", "//lotok_app@"))
    config.get.cache_clear()
    yield Database(url)
    await db.close()
    config.get.cache_clear()
    await reused.give_back(url)


@pytest.fixture
async def empty_database(server: Path, template: str) -> AsyncIterator[Database]:
    """Lend a database without any table."""
    url = await _clone(server, "template0")
    yield Database(url)
    await _drop(server, url)


@pytest.fixture
def make_user(conn: db.Connection) -> Callable[..., Awaitable[Any]]:
    """Make people: `await make_user(credits=5)`."""
    return partial(factories.make_user, conn)


@pytest.fixture
def make_job(conn: db.Connection) -> Callable[..., Awaitable[Any]]:
    """Make queued jobs: `await make_job(alice, price=1)`."""
    return partial(factories.make_job, conn)


async def _clone(server: Path, template: str) -> str:
    name = f"test_{next(_numbers)}"
    async with db.connect(postgres.url(server)) as conn:
        # file_copy takes half of wal_log's time
        await conn.execute(f"create database {name} owner owner template {template} strategy file_copy")
    return postgres.url(server, name, "owner")


async def _drop(server: Path, url: str) -> None:
    async with db.connect(postgres.url(server)) as conn:
        await conn.execute(f"drop database {_name(url)} with (force)")


def _name(url: str) -> str:
    return urlsplit(url).path.removeprefix("/")
