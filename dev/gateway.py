"""The deployment in front of the functions: it does to a request what Vercel does before a function sees it.

Routes and headers come from vercel.json (ops/serving/routes.py). A body over 4.5 MB is refused, a caller's own
x-forwarded-* and x-vercel-* headers are replaced, and an invocation gets its deadline and a 504 when it misses it. Like
on Vercel, a caller who hangs up does not stop the function.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from dev import functions
from ops.serving import routes

BODY_LIMIT = 4_500_000
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_HOP = frozenset(
    ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authorization", "expect")
)
_OURS = ("x-vercel-", "x-forwarded-", "x-real-ip", "forwarded")


class Failure(Exception):
    """An answer that Vercel gives in place of the function."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.text = text


NOT_FOUND = Failure(404, "NOT_FOUND", "The page could not be found")
TOO_LARGE = Failure(413, "FUNCTION_PAYLOAD_TOO_LARGE", "Request Entity Too Large")
CRASHED = Failure(500, "FUNCTION_INVOCATION_FAILED", "A server error has occurred")
TIMED_OUT = Failure(504, "FUNCTION_INVOCATION_TIMEOUT", "An error occurred with your deployment")


class Gateway:
    """Hands requests to functions, by the routes of one project."""

    def __init__(self, rules: routes.Routes, running: Mapping[str, functions.Function], region: str = "dev1") -> None:
        self._rules = rules
        self._running = running
        self._region = region
        self._requests = 0
        self._client = httpx.AsyncClient(
            timeout=None,
            trust_env=False,
            verify=False,
            limits=httpx.Limits(max_connections=None, keepalive_expiry=4),
        )

    def app(self) -> Starlette:
        """Return the ASGI app to serve."""
        return Starlette(routes=[Route("/{path:path}", self._handle, methods=METHODS)])

    async def close(self) -> None:
        """Close the connections to the functions."""
        await self._client.aclose()

    async def _handle(self, request: Request) -> Response:
        trace = f"{self._region}::{secrets.token_hex(12)}"
        path = request.url.path
        try:
            response = await self._answer(request, self._rules.find(path, request.url.query), trace)
        except Failure as failure:
            response = PlainTextResponse(f"{failure.text}\n\n{failure.code}\n\n{trace}\n", failure.status)
            response.headers["x-vercel-error"] = failure.code
        for name, value in self._rules.headers_for(path).items():
            response.headers.setdefault(name, value)
        response.headers["x-vercel-id"] = trace
        response.headers["server"] = "Vercel"
        return response

    async def _answer(self, request: Request, target: routes.Target, trace: str) -> Response:
        if target.file and request.method in ("GET", "HEAD"):
            return FileResponse(target.file, headers={"cache-control": "public, max-age=0, must-revalidate"})
        if not target.entry or target.entry not in self._running:
            raise NOT_FOUND
        body = await _body(request)
        limit = self._rules.max_duration(target.entry)
        deadline = datetime.now(UTC) + timedelta(seconds=limit)
        wanted = httpx.Request(
            request.method,
            httpx.URL(scheme="http", host="127.0.0.1", raw_path=_raw_path(request, target.query)),
            headers=self._headers(request, trace, deadline),
            content=body,
        )
        try:
            async with asyncio.timeout(limit):
                upstream = await self._send(self._running[target.entry], wanted)
        except TimeoutError:
            raise TIMED_OUT from None
        return _streamed(upstream, deadline)

    async def _send(self, function: functions.Function, wanted: httpx.Request) -> httpx.Response:
        """Send the request; a process that no longer listens has not seen it, so the next one gets it."""
        for pause in (0.05, 0.2, 0.5, None):
            try:
                wanted.url = wanted.url.copy_with(port=await function.port())
                return await self._client.send(wanted, stream=True)
            except httpx.ConnectError:
                if pause is None:
                    raise CRASHED from None
                await asyncio.sleep(pause)
            except (httpx.HTTPError, functions.BootFailed):
                raise CRASHED from None
        raise CRASHED

    def _headers(self, request: Request, trace: str, deadline: datetime) -> list[tuple[str, str]]:
        self._requests += 1
        address = request.client.host if request.client else "127.0.0.1"
        kept = [
            (name, value)
            for name, value in request.headers.items()
            if name not in _HOP and name != "content-length" and not name.startswith(_OURS)
        ]
        return [
            *kept,
            ("x-forwarded-for", address),
            ("x-real-ip", address),
            ("x-vercel-forwarded-for", address),
            ("x-forwarded-proto", request.url.scheme),
            ("x-forwarded-host", request.headers.get("host", "")),
            ("x-vercel-id", trace),
            ("x-vercel-internal-invocation-id", trace.rpartition(":")[2]),
            ("x-vercel-internal-request-id", str(self._requests)),
            ("x-vercel-internal-deadline", deadline.isoformat(timespec="milliseconds").replace("+00:00", "Z")),
        ]


async def _body(request: Request) -> bytes:
    """Return the whole body, as Vercel hands it over; refuse one over the limit without reading the rest."""
    if int(request.headers.get("content-length") or 0) > BODY_LIMIT:
        raise TOO_LARGE
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise TOO_LARGE
    return bytes(body)


def _raw_path(request: Request, query: str) -> bytes:
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return path.split(b"?")[0] + (b"?" + query.encode() if query else b"")


def _streamed(upstream: httpx.Response, deadline: datetime) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            async with asyncio.timeout(max(0.0, (deadline - datetime.now(UTC)).total_seconds())):
                async for chunk in upstream.aiter_raw():
                    yield chunk
        finally:
            await upstream.aclose()

    response = StreamingResponse(chunks(), upstream.status_code)
    for name, value in upstream.headers.multi_items():
        if name.lower() not in _HOP and not name.lower().startswith("x-vercel-internal-") and name.lower() != "server":
            response.headers.append(name, value)
    return response
