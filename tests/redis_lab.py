"""An Upstash for tests: the bridge over a real Valkey, empty before each test, and an instance that has just begun."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from dev import serving, upstash, valkey
from lib import cache, config, limits, shelves, tally, wire

TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module", name="upstash_at")
async def running_upstash() -> AsyncIterator[tuple[upstash.Upstash, str]]:
    with valkey.Valkey() as server:
        app = upstash.app(server.socket, TOKEN)
        async with serving.serve(Starlette(routes=[Route("/upstash{path:path}", app)])) as address:
            yield app, f"{address}/upstash"
            await wire.close()
        await app.close()


@pytest.fixture(name="redis")
async def empty_redis(
    upstash_at: tuple[upstash.Upstash, str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[upstash.Upstash]:
    """An empty Upstash in good health, which the settings name, and an instance that has just begun."""
    app, url = upstash_at
    await app._redis.run([[b"FLUSHALL"]])
    app.faults.now, app.requests, app.commands = None, 0, 0
    monkeypatch.setenv("UPSTASH_REDIS_REST_URL", url)
    monkeypatch.setenv("UPSTASH_REDIS_REST_TOKEN", TOKEN)
    config.get.cache_clear()
    monkeypatch.setattr(cache, "_breaker", cache.Breaker())
    monkeypatch.setattr(tally, "own", tally.Tally())
    monkeypatch.setattr(limits, "_local", limits._LocalCounts())
    for held in (shelves._owed, shelves._resting, cache._riders):
        held.clear()  # type: ignore[attr-defined]
    yield app
    monkeypatch.undo()
    config.get.cache_clear()
