"""One function of api/ under the real vercel_runtime: a process that serves many requests at once, as on Vercel.

The process reports over a Unix socket (server-started, handler-started, log, end; NUL between JSON messages) and
serves HTTP on a port of its own. Its life:

    (dozing -> first request ->) booting -> ready
    ready   -> (process died) -> booting                at once, or on the next request if it died within BRIEF seconds
       \\-> broken -> (next request)   -> booting       broken: it cannot be imported or refuses to start

The process ends when this one does, even after kill -9: it watches a pipe that breaks with its parent.
"""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from dev import patience

BRIEF = 2.0  # a process that dies sooner after boot than this is not booted again unasked
GRACE = 0.5  # what Vercel gives an instance between SIGTERM and its end
MESSAGE_LIMIT = 64 * 1024 * 1024

# The thread's read ends when every copy of the pipe's other end is gone, so when the parent is.
_WATCH = "import os, threading; threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()"
# The local stack's own servers have httptools, which the runtime would take; on Vercel it parses by h11.
_AS_THERE = "import sys; sys.modules['httptools'] = None"
SERVE = (sys.executable, "-c", f"{_WATCH}\n{_AS_THERE}\nimport vercel_runtime.vc_init")
SERVE_BUNDLE = ("-S", "-c", f"{_WATCH}\nimport vc__handler__python")  # what `vercel build` made; after a bare Python


class BootFailed(Exception):
    """The function cannot be imported or refuses to start; the message is what it said."""


@dataclass(frozen=True)
class Line:
    """A line that a function printed or logged; `record` is its JSON object, if it is one."""

    entry: str
    text: str
    invocation: str
    record: dict[str, Any] | None


@dataclass(frozen=True)
class Boot:
    """The times of one boot: `init_ms` and `user_ms` as the runtime reports them, `ms` until the first answer."""

    pid: int
    port: int
    init_ms: int
    user_ms: int
    ms: float


class Function:
    """A function of the project in `root`, by its file: `api/render.py` holds an ASGI app named `app`."""

    def __init__(
        self,
        entry: str,
        env: Mapping[str, str],
        *,
        root: Path,
        on_line: Callable[[Line], None] = lambda _: None,
        log_file: Path | None = None,
        command: Sequence[str] = SERVE,
    ) -> None:
        self.entry = entry
        self.boots: list[Boot] = []
        self.messages: deque[tuple[str, dict[str, Any]]] = deque(maxlen=2000)
        self.running: set[str] = set()
        self.tail: deque[str] = deque(maxlen=60)
        self._env = dict(env)
        self._root = root
        self._on_line = on_line
        self._log_file = log_file
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._ready: asyncio.Future[int] | None = None
        self._partial: dict[tuple[str, str], str] = {}
        self._lines: set[asyncio.StreamWriter] = set()

    @property
    def status(self) -> str:
        """Say 'up', 'starting', 'failed' or 'down'."""
        if self._keeper is None or self._ready is None:
            return "down"
        if not self._ready.done():
            return "starting"
        return "failed" if self._ready.exception() else "up"

    @property
    def pid(self) -> int | None:
        """Return the id of the process that serves now."""
        alive = self._process is not None and self._process.returncode is None
        return self._process.pid if alive and self._process else None

    def give(self, name: str, value: str) -> None:
        """Change a setting; the function sees it from its next boot on."""
        self._env[name] = value

    async def start(self) -> None:
        """Boot the function and keep it running; raise BootFailed when it does not come up."""
        if self._ready is None or self._ready.done():
            self._ready = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep())
        await asyncio.shield(self._ready)

    def doze(self) -> None:
        """Boot at the first request, as the platform does it; what is wrong is told then."""
        self._ready = asyncio.get_running_loop().create_future()
        self._keeper = asyncio.create_task(self._keep(asleep=True))

    async def port(self) -> int:
        """Return the port that serves now, after a boot if one is needed; raise BootFailed."""
        if self._ready is None:
            raise BootFailed(f"{self.entry} is not running")
        if self._ready.done() and self._ready.exception() is not None:
            self._ready = asyncio.get_running_loop().create_future()
        self._asked.set()
        return await asyncio.shield(self._ready)

    async def kill(self) -> None:
        """End the process as a crash would, with SIGKILL; the next one is booted as after a crash."""
        if self.pid and self._process and self._ready:
            with contextlib.suppress(ProcessLookupError):  # it may have ended by itself just now
                self._process.kill()
            if self._ready.done():
                self._ready = asyncio.get_running_loop().create_future()
            await self._process.wait()

    async def restart(self) -> None:
        """Boot afresh, with the code that is on the disk now; raise BootFailed. Requests meanwhile wait."""
        await self._end()
        await self.start()

    async def stop(self) -> None:
        """End the process: SIGTERM, then SIGKILL after the platform's grace."""
        await self._end()
        if self._ready and not self._ready.done():
            self._ready.set_exception(BootFailed(f"{self.entry} was stopped"))
            self._ready.exception()
        self._ready = None

    async def _end(self) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    async def idle(self, timeout: float = 30) -> None:
        """Wait until every invocation has ended, its work after the response included."""
        await asyncio.wait_for(self._idle.wait(), timeout)

    async def _keep(self, *, asleep: bool = False) -> None:
        if asleep:
            await self._asked.wait()
        while True:
            self._asked.clear()
            booted = time.monotonic()
            try:
                await self._live()
            except BootFailed as failure:
                self._fail(failure)
                await self._asked.wait()
                continue
            if time.monotonic() - booted < BRIEF:
                await self._asked.wait()

    async def _live(self) -> None:
        """Boot one process and return when it has died."""
        folder = Path(tempfile.mkdtemp(prefix="lotok-"))
        started: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        is_over = asyncio.Event()

        async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if is_over.is_set():  # accepted as the process ended: nobody else would close it
                writer.transport.abort()
            else:
                await self._listen(reader, writer, started)

        server = await asyncio.start_unix_server(listen, folder / "ipc.sock", limit=MESSAGE_LIMIT)
        try:
            await self._spawn(folder / "ipc.sock")
            assert self._process is not None
            self._answer(await self._boot(self._process, started))
            await self._process.wait()
        finally:
            if self._ready and self._ready.done():
                self._ready = asyncio.get_running_loop().create_future()
            await self._reap()
            server.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), GRACE)  # its last words are read, its socket closed
            is_over.set()
            for writer in self._lines:
                writer.transport.abort()
            for _ in range(5):  # what was accepted gets its transport, is aborted, and then closed
                await asyncio.sleep(0)
            shutil.rmtree(folder, ignore_errors=True)
            started.cancel()
            self._run(set())
            self._partial.clear()

    async def _spawn(self, socket: Path) -> None:
        module = self.entry.removesuffix(".py").replace("/", ".")
        env = self._env | {
            "VERCEL_IPC_PATH": str(socket),
            "PYTHONPATH": self._env.get("PYTHONPATH", str(self._root)),
            "__VC_HANDLER_MODULE_NAME": module,
            "__VC_HANDLER_ENTRYPOINT": self.entry,
            "__VC_HANDLER_ENTRYPOINT_ABS": str(self._root / self.entry),
            "__VC_HANDLER_VARIABLE_NAME": "app",
        }
        with Path(self._log_file or os.devnull).open("ab") as output:  # noqa: ASYNC230 - a local file
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self._root,
                env=env,
                start_new_session=True,  # Ctrl-C is for us alone; we stop it in order
            )

    async def _boot(self, process: asyncio.subprocess.Process, started: asyncio.Future[dict[str, Any]]) -> Boot:
        began = time.monotonic()
        up = asyncio.create_task(self._up(process, started))
        first = {up, asyncio.create_task(process.wait()), asyncio.create_task(patience.end(process.pid))}
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait([up], timeout=0 if up.done() else 0.2)  # its last message may still be on the way
            if not up.done():
                raise BootFailed(self._last_words(process))
        finally:
            for task in first:
                task.cancel()
        payload = up.result()
        ms = (time.monotonic() - began) * 1000
        return Boot(
            process.pid, int(payload["httpPort"]), payload["initDuration"], payload["userInitDuration"], round(ms, 1)
        )

    async def _up(self, process: asyncio.subprocess.Process, started: asyncio.Future[dict[str, Any]]) -> dict[str, Any]:
        """Return what the runtime says of its start; it announces its port before the app's own start has run."""
        payload = await started
        async with httpx.AsyncClient(timeout=None, trust_env=False, verify=False) as client:
            try:
                await client.get(f"http://127.0.0.1:{payload['httpPort']}/_vercel/ping")
            except httpx.HTTPError:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), 1)
                raise BootFailed(self._last_words(process)) from None
        return payload

    def _last_words(self, process: asyncio.subprocess.Process) -> str:
        state = "did not start in time" if process.returncode is None else f"ended with code {process.returncode}"
        return "\n".join([f"{self.entry} {state}", *self.tail])

    async def _reap(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # it may end by itself between any two of these lines
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), GRACE)
            except TimeoutError:
                process.kill()
        await process.wait()

    def _answer(self, boot: Boot) -> None:
        self.boots.append(boot)
        if self._ready and not self._ready.done():
            self._ready.set_result(boot.port)

    def _fail(self, failure: BootFailed) -> None:
        self._asked.clear()
        if self._ready is None or self._ready.done():
            self._ready = asyncio.get_running_loop().create_future()
        self._ready.set_exception(failure)
        self._ready.exception()  # marks it as seen: it is also raised to the caller that asks for the port

    async def _listen(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        started: asyncio.Future[dict[str, Any]],
    ) -> None:
        self._lines.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    message = json.loads((await reader.readuntil(b"\0"))[:-1])
                    self._take(message["type"], message.get("payload") or {}, started)
        finally:
            writer.close()
            self._lines.discard(writer)

    def _take(self, kind: str, payload: dict[str, Any], started: asyncio.Future[dict[str, Any]]) -> None:
        self.messages.append((kind, payload))
        invocation = str((payload.get("context") or {}).get("invocationId", ""))
        if kind == "server-started" and not started.done():
            started.set_result(payload)
        elif kind == "unrecoverable-error" and not started.done():
            started.set_exception(BootFailed(f"{self.entry}: {payload.get('message', '')}".rstrip()))
        elif kind == "handler-started":
            self._run(self.running | {invocation})
        elif kind == "end":
            self._run(self.running - {invocation})
        elif kind == "log":
            self._print(payload, invocation)

    def _run(self, invocations: set[str]) -> None:
        self.running = invocations
        (self._idle.clear if invocations else self._idle.set)()

    def _print(self, payload: dict[str, Any], invocation: str) -> None:
        text = base64.b64decode(payload.get("message", "")).decode(errors="replace")
        key = (invocation, payload.get("stream", ""))
        if payload.get("stream"):  # what was written, in any portions; a logging record is a whole message
            *lines, rest = (self._partial.pop(key, "") + text).split("\n")
            if rest:
                self._partial[key] = rest
        else:
            lines = text.split("\n")
        for line in filter(None, lines):
            self._emit(line, invocation)

    def _emit(self, text: str, invocation: str) -> None:
        self.tail.append(text)
        if self._log_file:
            with contextlib.suppress(OSError), self._log_file.open("a", encoding="utf-8") as output:
                output.write(text + "\n")
        self._on_line(Line(self.entry, text, invocation, _record(text)))


def _record(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def environment(settings: Mapping[str, str], *, region: str = "dev1") -> dict[str, str]:
    """Return what a function's process gets: the settings and Vercel's variables, nothing of the developer's shell."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return kept | {"VERCEL": "1", "VERCEL_ENV": "development", "VERCEL_REGION": region, "TZ": "UTC"} | dict(settings)
