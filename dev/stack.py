"""The whole of Lotok on this machine: `async with Stack(folder) as stack`. `make up` and the tests run the same.

    page        simulator, its control API and the stand-ins for Telegram, Upstash and Blob: one server
    deployment  the functions of api/ under the real runtime, behind a gateway that follows vercel.json: another
    beneath     real Postgres and real Valkey; a tick each minute in place of Vercel Cron

Everything listens on 127.0.0.1 or a Unix socket, keeps its data in `folder`, and ends with this process, however that
ends. A part for which the settings name a real service is not started here.
"""

import asyncio
import contextlib
import errno
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import psutil
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dev import (
    blob,
    database,
    functions,
    gateway,
    generation,
    neon,
    parts,
    serving,
    settings,
    story,
    together,
    upstash,
    valkey,
)
from dev.telegram import Hooks, World, bot_api, control_api
from dev.telegram.records import CannotAct
from lib import config, fetch
from ops.serving import resp, routes

ROOT = Path(__file__).resolve().parent.parent
TICK = 60.0
NEEDED_MB = 200  # an empty Postgres takes 40, and its log files 16 each


class Stack:
    """One stack. `page` and `deployment` are its addresses, `settings` what its functions run with.

    `port` is where the page is to be (0: anywhere; the next free one is taken when it is busy), the deployment comes
    after it. `given` are settings as .env holds them. `ticks` switches the minute's tick on. `time_scale` shortens
    the waits between Telegram's attempts. `durable` data survives a power cut and costs time. With `ai` stand-ins of
    the generation providers make the pictures, each in `generation_seconds`; `light` ones are a few blocks. Of `dozing`
    functions, named by their files, each boots at its first request.
    """

    def __init__(
        self,
        folder: Path,
        *,
        given: Mapping[str, str] | None = None,
        port: int = 0,
        ticks: bool = False,
        time_scale: float = 1.0,
        durable: bool = False,
        ai: bool = False,
        generation_seconds: float = 8.0,
        light: bool = False,
        dozing: Collection[str] = (),
        on_part: Callable[[parts.Part], None] = lambda _: None,
        on_line: Callable[[functions.Line], None] = lambda _: None,
    ) -> None:
        self.folder = folder.resolve()
        self.secrets = settings.own_secrets(self.folder)
        self.given, self.settings = dict(given or {}), dict[str, str]()
        self.page = self.deployment = ""
        self.functions: dict[str, functions.Function] = {}
        self.lines: list[functions.Line] = []
        self.parts = parts.Parts(self.folder / "logs", self._tell)
        self.world = World(
            self.folder / "telegram",
            bots=[] if "telegram" in settings.real(self.given) else settings.accounts(self.secrets),
            time_scale=time_scale,
            hooks=Hooks(self._queue, self.tick, self._switch, self._parts, self._user_state, self._story),
        )
        self._port, self.ticks, self._ai, self._dozing = port, ticks, ai, dozing
        self.providers = generation.stand_ins(self.secrets, seconds=generation_seconds, light=light)
        self.neon = neon.Neon(self.secrets["NEON_API_KEY"], self.folder / "neon" / "branches.json")
        self._on_part, self._on_line = on_part, on_line
        self._database = database.Database(self.folder / "postgres", durable=durable)
        self._valkey = valkey.Valkey(self.folder / "valkey")
        self._redis = resp.Connections(resp.Address(path=str(self._valkey.socket)))
        self._upstash = upstash.app(self._valkey.socket, self.secrets["UPSTASH_REDIS_REST_TOKEN"])
        self._routes = routes.load(ROOT)
        self._app = self._page()
        self._exit, self._switching = contextlib.AsyncExitStack(), asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Start every part; raise PartFailed or Misconfigured with nothing left running."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Stop every part, the last started first."""
        await self._exit.aclose()

    async def idle(self, timeout: float = 60) -> None:
        """Wait until no function has anything left to do, what follows an answer included."""
        for function in self.functions.values():
            await function.idle(timeout)

    def client(self) -> httpx.AsyncClient:
        """Return a client that calls the page in this process, without a socket, and anything else over one."""
        own = {self.page: httpx.ASGITransport(self._app)}
        return httpx.AsyncClient(base_url=self.page, mounts=own, timeout=60, trust_env=False, verify=False)

    def pids(self) -> list[int]:
        """Return the processes that this stack has started and that run now."""
        own = [child.pid for child in psutil.Process().children(recursive=True)]
        return own + ([self._database.pid] if self._database.pid else [])

    async def _start(self) -> None:
        outside = settings.real(self.given)
        # Before anything is started, so with addresses that are only likely; they do not matter for what can be wrong.
        expected = {"page": f"http://127.0.0.1:{self._port}", "deployment": f"http://127.0.0.1:{self._port + 1}"}
        settings.complete(self.given, self.secrets, **expected, database_url="postgresql://starting")
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.folder).free // 1_000_000
        if free < NEEDED_MB:
            raise OSError(
                errno.ENOSPC, f"the disk is full: {free} MB are free, {NEEDED_MB} are needed", str(self.folder)
            )
        await self._serve()
        self.settings = settings.complete(
            self.given,
            self.secrets,
            page=self.page,
            deployment=self.deployment,
            database_url="postgresql://starting",
            ai=self._ai,
        )
        self._prefix = config.load(self.settings).key_prefix
        asking = httpx.AsyncClient(timeout=2, trust_env=False, verify=fetch.tls())
        self._asking = await self._exit.enter_async_context(asking)
        await together.all_of(self._start_redis("upstash" in outside), self._start_postgres("postgres" in outside))
        booting = [self._start_function(entry) for entry in self._routes.entries.values()]
        await together.all_of(*booting, self._start_telegram("telegram" in outside))
        is_real = "blob" in outside
        self.parts.change(
            "blob", status="up", real=is_real, detail="from .env" if is_real else "", url=f"{self.page}/blob"
        )
        self._show_generation(outside)
        if self.ticks:
            self.parts.change("cron", status="up", detail="GET /api/drain each minute")
            ticking = asyncio.create_task(self._keep_ticking())
            self._exit.callback(ticking.cancel)

    async def _serve(self) -> None:
        with self.parts.starting("simulator") as part:
            self.page = part.url = await self._listen(self._app, self._port)
        with self.parts.starting("deployment", "the functions, as vercel.json routes them") as part:
            front = gateway.Gateway(self._routes, self.functions)
            self._exit.push_async_callback(front.close)
            after = int(self.page.rpartition(":")[2]) + 1 if self._port else 0
            tunnel = urlsplit(self.given.get("PUBLIC_URL", "")).hostname
            self.deployment = part.url = await self._listen(front.app(), after, hosts=[tunnel] if tunnel else [])

    async def _listen(self, app: Starlette, port: int, *, hosts: Collection[str] = ()) -> str:
        """Serve the app on this port, or on the next that is free."""
        for candidate in range(port, port + 50 if port else 1):
            try:
                return await self._exit.enter_async_context(serving.serve(app, port=candidate, hosts=hosts))
            except OSError:
                continue
        raise OSError(f"no free port from {port} to {port + 49}")

    def _page(self) -> Starlette:
        simulator = ROOT / "dev" / "simulator"
        return Starlette(
            routes=[
                Route("/", lambda _: FileResponse(simulator / "index.html", headers={"Cache-Control": "no-store"})),
                Mount("/static", StaticFiles(directory=simulator)),
                Route("/sim/seed", self._seed, methods=["POST"]),
                *neon.routes(self.neon),
                Mount("/sim", control_api(self.world, self.world.hooks)),
                Mount("/telegram", bot_api(self.world)),
                Route("/upstash{path:path}", self._upstash),
                *generation.routes(self.providers),
                Route("/blob{path:path}", blob.app(self.folder / "blob", self.secrets["BLOB_READ_WRITE_TOKEN"])),
            ]
        )

    async def _seed(self, _: Request) -> Response:
        """Plant a loyalty programme to play with (dev/seed.py); never into a database that is not this stack's."""
        if self.parts["postgres"].real:
            return JSONResponse({"error": "DATABASE_URL of .env is a real database; it is left alone"}, 409)
        code, said = await self._run_apart("dev.seed")
        if code:
            return JSONResponse({"error": said.strip().splitlines()[-1]}, 500)
        return JSONResponse({"link": said.strip().splitlines()[-1]})

    async def _run_apart(self, module: str, *args: str) -> tuple[int, str]:
        """Run a module as a process with the settings of the functions; return its exit code and what it said."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *args),
            cwd=ROOT,
            env=functions.environment(self.settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, said.decode(errors="replace")

    async def _start_redis(self, is_real: bool) -> None:
        if is_real:
            self.parts.change("upstash", status="up", real=True, detail="from .env")
            return
        with self.parts.starting("upstash", "Valkey behind a REST bridge") as part:
            part.url = f"{self.page}/upstash"
            self._exit.callback(self._valkey.stop)
            self._exit.push_async_callback(self._upstash.close)
            self._exit.push_async_callback(self._redis.close)
            await together.whole(self._valkey.start)

    async def _start_postgres(self, is_real: bool) -> None:
        if is_real:
            pending = await database.pending(self.settings["DATABASE_URL"])
            detail = f"from .env; {pending} migrations pending: python -m ops migrate" if pending else "from .env"
            self.parts.change("postgres", status="up", real=True, detail=detail)
            return
        with self.parts.starting("postgres") as part:
            self._exit.push_async_callback(asyncio.to_thread, self._database.stop)
            owner = part.url = await together.whole(self._database.start)
            part.detail = await database.migrate(owner)
            self.settings["DATABASE_URL_UNPOOLED"] = owner
            self.settings["DATABASE_URL"] = self._database.app_url()
        with self.parts.starting("neon", "branches of this Postgres for python -m ops branch") as part:
            part.url = f"{self.page}/neon"
            self.neon.serve_from(self._database.folder)

    async def _start_function(self, entry: str) -> None:
        name = _part_of(entry)
        with self.parts.starting(name, entry, hint="make check") as part:
            part.url = self.deployment + entry.removesuffix(".py").removesuffix("/index").join(("/", ""))
            function = functions.Function(
                entry,
                functions.environment(self.settings),
                root=ROOT,
                on_line=self._take_line,
                log_file=part.log,
            )
            self._exit.push_async_callback(function.stop)
            if entry in self._dozing:
                function.doze()
            else:
                await function.start()
            self.functions[entry] = function

    async def _start_telegram(self, is_real: bool) -> None:
        """Set the webhooks and commands, as `python -m ops webhooks` does after each deployment."""
        with self.parts.starting("telegram", hint="python -m ops webhooks") as part:
            part.real, part.url = is_real, "" if is_real else f"{self.page}/telegram"
            await self.world.start()
            self._exit.push_async_callback(self.world.stop)
            code, said = await self._run_apart("ops", "webhooks")
            if code:
                raise RuntimeError(said)
            part.detail = "from .env" if is_real else ", ".join(self.world.bots)

    def _show_generation(self, outside: set[str]) -> None:
        stands_in = self._ai and not outside & {*self.providers}
        for name, service in self.providers.items():
            self._exit.push_async_callback(service.close)
            if name in outside:
                self.parts.change(name, status="up", real=True, detail="from .env")
            elif stands_in:
                self.parts.change(name, status="up", detail="a stand-in", url=f"{self.page}/{name}")
        if stands_in:
            self.world.hooks.faults = {name: one.faults for name, one in self.providers.items()}
            for faults in self.world.hooks.faults.values():
                faults.on_change = self.world.tell_faults

    async def _keep_ticking(self) -> None:
        """Tick each minute, as Vercel Cron does also while the last call still runs: a drain may work for five."""
        async with asyncio.TaskGroup() as ticks:
            while True:
                ticks.create_task(self.tick())
                await asyncio.sleep(TICK)

    def _tell(self, part: parts.Part) -> None:
        self._on_part(part)
        self.world.emit("part", bot=None, user_id=None, part=part.doc())

    def _take_line(self, line: functions.Line) -> None:
        self.lines = [*self.lines[-999:], line]
        self._on_line(line)
        if line.record:
            self.world.log_line(line.record)
            if line.record.get("event") == "job":
                self.world.emit("queue", bot=None, user_id=line.record.get("user_id"))

    @property
    def owner_url(self) -> str:
        """The database as its owner sees it: whole. The functions come as `lotok_app`."""
        return self.settings.get("DATABASE_URL_UNPOOLED") or self.settings["DATABASE_URL"]

    async def _queue(self) -> dict[str, Any]:
        return await story.queue(self.owner_url)

    async def _story(self, bot: str, user_id: int, since: float, log: dict[str, Any] | None) -> dict[str, Any]:
        return await story.of_update(self.owner_url, user_id, since, log)

    async def _user_state(self, bot: str, user_id: int) -> Any:
        return await story.user_state(self._value, self._prefix, bot, user_id)

    async def _value(self, key: bytes) -> Any:
        """Return what Redis holds under a key: asked directly where it is ours, as each update asks twice."""
        if not self.parts["upstash"].real:
            return (await self._redis.run([[b"GET", key]]))[0]
        headers = {"Authorization": f"Bearer {self.settings['UPSTASH_REDIS_REST_TOKEN']}"}
        where, command = self.settings["UPSTASH_REDIS_REST_URL"], ["GET", key.decode()]
        return (await self._asking.post(where, json=command, headers=headers)).raise_for_status().json()["result"]

    async def tick(self) -> dict[str, Any]:
        """Do what Vercel Cron does each minute: GET the drain with the secret; return its answer."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self.settings['CRON_SECRET']}", "User-Agent": "vercel-cron/1.0"}
        try:
            async with httpx.AsyncClient(timeout=None, trust_env=False, verify=fetch.tls()) as client:
                answer = await client.get(f"{self.deployment}/api/drain", headers=headers)
            outcome = {"status": answer.status_code, "body": answer.text[:2000]}
        except httpx.HTTPError as error:
            outcome = {"status": 0, "body": f"{type(error).__name__}: {error}"}
        outcome["ms"] = round((time.monotonic() - began) * 1000)
        self.world.emit("tick", bot=None, user_id=None, **outcome)
        self.parts.change("cron", detail=f"GET /api/drain each minute; last: {outcome['status']}")
        return outcome

    async def _parts(self) -> list[dict[str, Any]]:
        for entry, function in self.functions.items():
            self.parts[_part_of(entry)].status = function.status
        return [part.doc() for part in self.parts.all.values()]

    async def _switch(self, name: str, verb: str) -> dict[str, Any]:
        """Stop, start or restart a part; a function can also be killed."""
        switches: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "upstash": (self._valkey.start, self._valkey.stop),
            "postgres": (self._database.start, self._database.stop),
        }
        by_part = {_part_of(entry): function for entry, function in self.functions.items()}
        own = name in switches and verb in ("stop", "start", "restart") and not self.parts[name].real
        if not own and not (name in by_part and verb in ("stop", "start", "restart", "kill")):
            raise LookupError(f"There is no part {name} here that can be told to {verb}.")
        async with self._switching:
            status = by_part[name].status if name in by_part else self.parts[name].status
            if verb == "start" and status in ("up", "starting"):
                raise CannotAct("runs_already", f"{name} runs: stop it first, or restart it.", 409)
            if own:
                await self._switch_server(name, verb, *switches[name])
            else:
                await getattr(by_part[name], verb)()
                self.parts.change(name, status=by_part[name].status)
        return self.parts[name].doc()

    async def _switch_server(
        self, name: str, verb: str, start: Callable[[], object], stop: Callable[[], object]
    ) -> None:
        if verb != "start":
            await together.whole(stop)
            self.parts.change(name, status="down")
        if verb != "stop":
            with self.parts.starting(name, self.parts[name].detail):
                await together.whole(start)


def _part_of(entry: str) -> str:
    return entry.removesuffix(".py").removesuffix("/index").replace("/", "-")
