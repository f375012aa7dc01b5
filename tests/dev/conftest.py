from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from dev import serving, upstash, valkey
from tests.dev.telegram_lab import lab, stage  # noqa: F401

TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="session")
async def upstash_at() -> AsyncIterator[tuple[upstash.Upstash, str]]:
    """An Upstash and its address, below a path as in the local stack."""
    with valkey.Valkey() as server:
        app = upstash.app(server.socket, TOKEN)
        async with serving.serve(Starlette(routes=[Route("/upstash{path:path}", app)])) as address:
            yield app, f"{address}/upstash"
        await app.close()


@pytest.fixture
async def bridge(upstash_at: tuple[upstash.Upstash, str]) -> upstash.Upstash:
    """An empty Upstash in good health."""
    app, _ = upstash_at
    app.faults.now, app.requests, app.commands = None, 0, 0
    await app._redis.run([[b"FLUSHALL"], [b"SCRIPT", b"FLUSH"]])
    return app


@pytest.fixture
def url(upstash_at: tuple[upstash.Upstash, str], bridge: upstash.Upstash) -> str:
    """The address of that Upstash."""
    return upstash_at[1]
