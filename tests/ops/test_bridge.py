"""ops/bridge.py: a Redis that is not there yet is waited for, and one that refuses us ends the bridge."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest

from dev.valkey import Valkey
from lib import errors
from ops import bridge as verb
from ops.serving.bridge import Bridge
from ops.serving.resp import Address


async def test_a_redis_that_comes_later_is_waited_for(monkeypatch, capsys):
    monkeypatch.setattr(verb, "AGAIN", 0)
    redis = Valkey()
    served = Bridge(Address(path=str(redis.socket)), "a-token")
    server = SimpleNamespace(should_exit=False)
    meeting = asyncio.create_task(verb._meet(served, server, "http://127.0.0.1:8079"))
    at = {"transport": httpx.ASGITransport(app=served), "base_url": "http://bridge"}
    async with httpx.AsyncClient(**at, headers={"Authorization": "Bearer a-token"}) as client:
        assert (await client.get("/ping")).status_code == 503
        waits = ""
        while not waits:  # it has to have looked once before Redis is there
            await asyncio.sleep(0.01)
            waits = capsys.readouterr().err
        try:
            await asyncio.to_thread(redis.start)
            await meeting
            assert (await client.get("/ping")).json() == {"result": "PONG"}
        finally:
            await asyncio.to_thread(redis.stop)
            await served.close()
    assert capsys.readouterr().out == "http://127.0.0.1:8079 speaks for Redis\n"
    assert waits.startswith("waiting for Redis, requests get 503 until it is there: Redis does not answer: ")
    assert not server.should_exit


async def test_a_redis_that_refuses_us_ends_the_bridge():
    with Valkey() as redis:
        address = Address.read(f"unix://:wrong@{redis.socket}")
        server = SimpleNamespace(should_exit=False)
        served = Bridge(address, "a-token")
        with pytest.raises(errors.Rejected, match="AUTH"):
            await verb._meet(served, server, "")
        await served.close()
    assert server.should_exit
