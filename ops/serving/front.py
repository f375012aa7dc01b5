"""All functions of api/ in one ASGI app, routed as vercel.json says: what `python -m ops serve` runs.

It does what the platform does before a function sees a request: rewrites, headers, a caller's own x-vercel-* headers
taken away, the time limit of each function. A process that is told to end takes no more work from the queue, ends what
it has begun within the grace, and leaves the rest to others.
"""

import asyncio
import contextlib
import importlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import FileResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lib import errors, log
from lib.jobs import drain
from ops.serving import kept, routes

ROOT = Path(__file__).parent.parent.parent
GRACE = timedelta(seconds=25)  # of a job that is under way when its process is told to end

type Companion = Callable[[ASGIApp], Awaitable[None]]


def make(only: Collection[str] = (), *, companion: Companion | None = None) -> "Front":
    """Import the functions, or those of `only` by their paths below /api/; `companion` runs beside them.

    Raise Invalid when `only` names none.
    """
    rules = routes.load(ROOT)
    names = {path.removeprefix("/api/"): entry for path, entry in rules.entries.items()} | {kept.NAME: kept.NAME}
    for name in only:
        if name not in names:
            raise errors.Invalid("no_function", f"{name}; there are: {', '.join(sorted(names))}")
    chosen = [entry for name, entry in names.items() if not only or name in only]
    return Front(rules, {entry: _app(entry) for entry in chosen}, companion)


def _app(entry: str) -> Starlette:
    if entry == kept.NAME:
        return kept.app()
    app: Starlette = importlib.import_module(entry.removesuffix(".py").replace("/", ".")).app
    return app


@dataclass(frozen=True)
class Front:
    """The functions by their entries, and the routes that lead to them."""

    rules: routes.Routes
    functions: Mapping[str, Starlette]
    companion: Companion | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the process's life."""
        if scope["type"] == "lifespan":
            await Starlette(lifespan=lambda _: self._life())(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _life(self) -> AsyncIterator[None]:
        """Begin and end the functions' own lives; mounted apps are told of neither by themselves."""
        async with contextlib.AsyncExitStack() as lives:
            for app in self.functions.values():
                await lives.enter_async_context(app.router.lifespan_context(app))
            _stop_the_drain_first()
            if self.companion:
                beside = asyncio.ensure_future(self.companion(self))
                lives.callback(beside.cancel)
            yield

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        target = self._find(path, scope["query_string"].decode("latin-1"))
        added = [(name.encode(), value.encode()) for name, value in self.rules.headers_for(path).items()]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in own)]
            await send(message)

        app = self._target(target, scope["method"])
        inner = {**scope, "query_string": target.query.encode("latin-1"), "headers": _from_outside(scope["headers"])}
        seconds = self.rules.max_duration(target.entry) if target.entry else None
        await _in_time(app, inner, receive, with_headers, seconds)

    def _find(self, path: str, query: str) -> routes.Target:
        return routes.Target(entry=kept.NAME) if path.startswith("/files/") else self.rules.find(path, query)

    def _target(self, target: routes.Target, method: str) -> ASGIApp:
        if target.file and method in ("GET", "HEAD"):
            return FileResponse(target.file, headers={"Cache-Control": "public, max-age=0, must-revalidate"})
        return self.functions.get(target.entry) or PlainTextResponse("The page could not be found\n", 404)


async def _in_time(app: ASGIApp, scope: Scope, receive: Receive, send: Send, seconds: float | None) -> None:
    """Call the app; one that has not even begun to answer in time is answered for, and one that has is ended."""
    has_begun = False

    async def noted(message: Message) -> None:
        nonlocal has_begun
        has_begun = True
        await send(message)

    try:
        async with asyncio.timeout(seconds):
            await app(scope, receive, noted)
    except TimeoutError:
        log.event("request_timed_out", path=scope["path"], seconds=seconds)
        if not has_begun:
            await PlainTextResponse("This took too long\n", 504)(scope, receive, send)


def _from_outside(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Leave out what only the platform may say."""
    return [(name, value) for name, value in headers if not name.lower().startswith(b"x-vercel-")]


def _stop_the_drain_first() -> None:
    """Let a SIGTERM reach the queue at once: the server itself waits for what it serves before it ends us."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if not callable(before):  # somebody else runs the loop, such as a test
            continue

        def told(signum: int, frame: object, before: Callable[..., object] = before) -> None:
            loop.call_soon_threadsafe(drain.stop, GRACE)
            before(signum, frame)

        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(number, told)
