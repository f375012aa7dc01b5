"""ops/serving/clock.py: of all processes one calls the drain in a minute, and without Redis all of them do."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from lib import config
from ops.serving import clock
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401


@pytest.fixture
def drained():
    """An app that notes each call of the drain, and its notes."""
    calls = []

    async def note(request: Request) -> JSONResponse:
        calls.append((request.method, request.headers["authorization"]))
        return JSONResponse({})

    return Starlette(routes=[Route("/api/drain", note, methods=["GET", "POST"])]), calls


async def test_one_of_several_processes_calls_in_a_minute(redis, drained):
    app, calls = drained
    assert [await clock.tick(app, 7) for _ in range(3)] == [True, False, False]
    assert await clock.tick(app, 8)
    assert calls == [("GET", f"Bearer {config.get().cron_secret}")] * 2


async def test_without_redis_all_of_them_call(drained):
    app, calls = drained
    assert [await clock.tick(app, 7) for _ in range(2)] == [True, True]
    assert len(calls) == 2


async def test_a_drain_that_refuses_is_told_in_the_log(redis, capsys):
    async def refuse(_: Request) -> JSONResponse:
        return JSONResponse({}, 403)

    await clock.tick(Starlette(routes=[Route("/api/drain", refuse)]), 1)
    assert '"clock_refused", "status": 403' in capsys.readouterr().out


async def test_a_clock_outlives_a_tick_that_fails(monkeypatch, capsys):
    """The second tick comes after the first has failed; the third ends the test."""
    ticks = []

    async def no_time(seconds: float) -> None:
        assert 0 < seconds <= clock.MINUTE + 2
        if len(ticks) == 2:
            raise KeyboardInterrupt

    async def tick(app: object, minute: int) -> bool:
        ticks.append(minute)
        raise httpx.ReadError("the drain is gone")

    monkeypatch.setattr(clock.asyncio, "sleep", no_time)
    monkeypatch.setattr(clock, "tick", tick)
    with pytest.raises(KeyboardInterrupt):
        await clock.keep(Starlette())
    assert len(ticks) == 2
    assert capsys.readouterr().out.count("clock_failed") == 2
