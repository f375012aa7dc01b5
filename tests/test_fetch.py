import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from dev import serving
from lib import errors, fetch

SECRET_PATH = "/bot123456:AAE-secret_token"


class Service:
    """A service that answers as its paths say, and remembers what it was sent."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.hold = asyncio.Event()
        self.arrived = asyncio.Event()

    def routes(self) -> list[Route]:
        return [
            Route("/bytes/{size:int}", self.bytes),
            Route("/endless", self.endless),
            Route("/status/{status:int}", self.status, methods=["GET", "POST"]),
            Route("/echo", self.echo, methods=["POST"]),
            Route("/slow", self.slow, methods=["GET", "POST"]),
            Route("/moved", lambda _: RedirectResponse("/bytes/1")),
        ]

    async def bytes(self, request: Request) -> Response:
        return Response(b"x" * request.path_params["size"])

    async def endless(self, _: Request) -> Response:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield b"x" * 65536
                await asyncio.sleep(0)

        return StreamingResponse(chunks())

    async def status(self, request: Request) -> Response:
        wait = request.query_params.get("wait")
        return Response("words", request.path_params["status"], headers={"Retry-After": wait} if wait else None)

    async def echo(self, request: Request) -> Response:
        return JSONResponse({"json": await request.json(), "header": request.headers.get("x-header")})

    async def slow(self, request: Request) -> Response:
        self.got.append(request.headers.get("authorization", ""))
        self.arrived.set()
        await self.hold.wait()
        return Response()


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture
async def url(service: Service) -> AsyncIterator[str]:
    async with serving.serve(Starlette(routes=service.routes())) as address:
        yield address
        service.hold.set()
        await fetch.close()


async def test_get_bytes_returns_what_is_there(url: str) -> None:
    assert await fetch.get_bytes(f"{url}/bytes/1000", limit=1000) == b"x" * 1000


@pytest.mark.parametrize("path", ["/bytes/1001", "/endless"])
async def test_get_bytes_stops_at_the_limit(url: str, path: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        await fetch.get_bytes(url + path, limit=1000)
    assert caught.value.code == "too_big"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_passing_failure_is_unavailable(url: str, status: int) -> None:
    with pytest.raises(errors.Unavailable, match=str(status)):
        await fetch.get_bytes(f"{url}/status/{status}", limit=1000)


@pytest.mark.parametrize("path", ["/status/400", "/status/401", "/status/404", "/status/410", "/moved"])
async def test_a_refusal_is_rejected(url: str, path: str) -> None:
    with pytest.raises(errors.Rejected):
        await fetch.get_bytes(url + path, limit=1000)


@pytest.mark.parametrize("address", ["no address", "ftp://127.0.0.1/x", "http://"])
async def test_an_odd_address_is_rejected(address: str) -> None:
    with pytest.raises(errors.Rejected):
        await fetch.get_bytes(address, limit=1000)


async def test_nobody_listening_is_unavailable() -> None:
    with pytest.raises(errors.Unavailable):
        await fetch.get_bytes("http://127.0.0.1:9/", limit=1000)


async def test_a_slow_answer_is_unavailable(url: str) -> None:
    with pytest.raises(errors.Unavailable):
        await fetch.get_bytes(f"{url}/slow", limit=1000, timeout=timedelta(milliseconds=50))


async def test_the_wish_to_wait_is_handed_on(url: str) -> None:
    with pytest.raises(errors.Unavailable) as caught:
        await fetch.post(f"{url}/status/429?wait=7")
    assert caught.value.retry_after == timedelta(seconds=7)


def test_a_date_to_wait_for_is_understood() -> None:
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    wait = fetch.retry_after({"retry-after": in_an_hour})
    assert wait is not None
    assert timedelta(minutes=30) <= wait <= timedelta(hours=1)


def test_a_date_that_is_over_is_not_waited_for() -> None:
    assert fetch.retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == timedelta(0)


@pytest.mark.parametrize(
    "header", ["", "soon", "-1", "1.5", "²", "99999999999999999999x", "Fri, 31 Dec 9999 23:59:59 -2359"]
)
def test_an_odd_wish_to_wait_is_none(header: str) -> None:
    assert fetch.retry_after({"retry-after": header}) is None


@pytest.mark.parametrize("header", ["86400", "9" * 30, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_nobody_is_waited_for_longer_than_an_hour(header: str) -> None:
    assert fetch.retry_after({"retry-after": header}) == timedelta(hours=1)


async def test_post_sends_json_and_headers(url: str) -> None:
    answer = await fetch.post(f"{url}/echo", json={"a": "ё"}, headers={"X-Header": "h"})
    assert answer.status == 200
    assert json.loads(answer.body) == {"json": {"a": "ё"}, "header": "h"}
    assert answer.headers["Content-Type"] == "application/json"


async def test_a_nudge_is_sent_whole_and_does_not_wait(url: str, service: Service) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        await fetch.nudge(f"{url}/slow", headers={"Authorization": "Bearer s"}, timeout=timedelta(milliseconds=200))
    await service.arrived.wait()
    assert service.got == ["Bearer s"]
    assert output.getvalue() == ""


@pytest.mark.parametrize("path", ["/status/401", "/status/503"])
async def test_a_refused_nudge_is_only_logged(url: str, path: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        await fetch.nudge(url + path, headers={}, timeout=timedelta(seconds=2))
    assert json.loads(output.getvalue())["event"] == "nudge_failed"


async def test_a_nudge_into_nowhere_is_only_logged() -> None:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        await fetch.nudge("http://127.0.0.1:9/", headers={}, timeout=timedelta(seconds=2))
    assert json.loads(output.getvalue())["error"].startswith("ConnectError")


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "ftp://x", "{url}"])
async def test_no_error_holds_a_bot_token(url: str, host: str) -> None:
    address = host.format(url=url) + "/file" + SECRET_PATH + "/photo.jpg"
    with pytest.raises(errors.Upstream) as caught:
        await fetch.get_bytes(address, limit=10)
    assert "/bot***/photo.jpg" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_redact_takes_every_bot_token_out() -> None:
    assert fetch.redact(f"a {SECRET_PATH}/x and {SECRET_PATH}") == "a /bot***/x and /bot***"


async def test_connections_are_kept_for_a_minute(url: str) -> None:
    pool = fetch.client()._transport._pool  # type: ignore[attr-defined]
    assert pool._keepalive_expiry > 60
    for _ in range(3):
        await fetch.get_bytes(f"{url}/bytes/1", limit=1)
    assert len(pool.connections) == 1


async def test_a_closed_client_is_replaced(url: str) -> None:
    await fetch.client().aclose()
    assert await fetch.get_bytes(f"{url}/bytes/1", limit=1) == b"x"


def test_there_is_one_tls_context() -> None:
    assert fetch.tls() is fetch.tls()
