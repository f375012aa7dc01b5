"""HTTP in: one route a function, guards that fail closed, errors to statuses. Only api/ imports it.

Answers are JSON. Work that may outlast the answer goes through `background`: the platform keeps the invocation open
until the app's coroutine returns, which a bare task would not ensure (Vercel freezes the instance).
"""

import gc
import hmac
import importlib.util
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lib import config, db, errors, fetch, log, tally, wire

__all__ = ["Request", "Response"]

# At every request Vercel's runtime tries three times to import one of these, and Python looks for what is not there in
# every folder each time: a twentieth of an update. None says at once that it is not there.
if importlib.util.find_spec("vercel") is None:
    sys.modules.update(dict.fromkeys(("vercel.cache.context", "vercel.cache.cache_build")))  # type: ignore[arg-type]

type Endpoint = Callable[[Request], Awaitable[Response]]
type Check = Coroutine[Any, Any, str]


def app(endpoint: Endpoint, *methods: str) -> Starlette:
    """Serve one endpoint on whatever path the platform's rewrite leaves, and refuse to start misconfigured."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except errors.AppError as error:
            return failure(error)

    tally.here(endpoint.__name__)
    route = Route("/{path:path}", guarded, methods=list(methods))
    return Starlette(routes=[route], lifespan=_settings_first)


@asynccontextmanager
async def _settings_first(_: Starlette) -> AsyncIterator[None]:
    log.take_over()
    try:
        config.get().check()
    except errors.Misconfigured as error:
        log.event("misconfigured", error=error.detail)
        raise SystemExit(f"Lotok cannot start: {error.detail}") from None
    gc.freeze()  # the loaded modules stay: one search for garbage among them took 100 ms of an update
    gc.set_threshold(10_000)  # most objects of an update are gone before a search for circles would find them
    yield
    await db.close()
    await fetch.close()
    await wire.close()


def answer(body: Any, status: int = 200, *, background: Callable[[], Awaitable[None]] | None = None) -> Response:
    """Answer with JSON; `background` runs after the body is out and before the invocation ends."""
    task = BackgroundTask(background) if background else None
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"}, background=task)


async def worked(request: Request, work: Callable[[], Awaitable[dict[str, int]]]) -> Response:
    """Work now and answer with what came of it (GET), or answer at once and work on (POST)."""
    if request.method == "GET":
        return answer(await work())

    async def later() -> None:
        await work()

    return answer({"started": True}, 202, background=later)


def failure(error: errors.AppError) -> Response:
    """Answer with the error's status and code; the details stay in the log."""
    if error.status >= 500:
        log.event("request_failed", error=str(error))
    response = answer({"error": {"code": error.code}}, error.status)
    if isinstance(error, errors.Unavailable):
        offer_again(response, error.retry_after)
    return response


def offer_again(response: Response, wait: timedelta | None) -> None:
    """Say in how many whole seconds it is worth while to ask again: in one, without a word."""
    response.headers["Retry-After"] = str(max(1, round((wait or timedelta(seconds=1)).total_seconds())))


def require_secret(given: str | None, secret: str) -> None:
    """Raise Denied unless `given` is the secret; an unset secret lets nobody in. Takes constant time."""
    if not secret or not given or not hmac.compare_digest(given.encode(), secret.encode()):
        raise errors.Denied()


def require_bearer(request: Request, secret: str) -> None:
    """Raise Denied unless the request carries `Authorization: Bearer <secret>`."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    require_secret(given if kind.lower() == "bearer" else None, secret)


async def body(request: Request, limit: int) -> bytes:
    """Return the request's body; raise Invalid when it is over `limit` bytes, without reading the rest."""
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise errors.Invalid("body_too_large")
    return bytes(data)


def last_segment(request: Request) -> str:
    """Return the last part of the path: a rewrite may or may not have put it into the query."""
    return request.url.path.rstrip("/").rpartition("/")[2]


def deadline(budget: timedelta) -> datetime:
    """Return when this invocation will be ended: the platform's word, else `budget` from now."""
    try:
        from vercel_runtime import get_deadline
    except ImportError:
        return datetime.now(UTC) + budget
    return get_deadline() or datetime.now(UTC) + budget
