"""A region to measure in: Postgres, Valkey and the services far away, and the webhook under Vercel's runtime."""

import asyncio
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from bench import proxy
from bench.updating import wire, world
from dev import database, functions, settings, valkey
from dev.stack import ROOT

ENTRY = "api/telegram/index.py"
TOKEN = "123456789:AAbenchbenchbenchbenchbenchbenchben"
GUARDS = {name: f"{name.lower()}-of-the-bench" for name in settings.GUARDS}
SETTINGS = {**settings.LOCAL, **GUARDS, "UPSTASH_REDIS_REST_TOKEN": "bench", "STUDIO_BOT_TOKEN": TOKEN}
HEAD = (
    b"POST /api/telegram/studio HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    b"X-Telegram-Bot-Api-Secret-Token: %b\r\nx-vercel-internal-invocation-id: bench\r\nContent-Length: %%d\r\n\r\n"
) % GUARDS["WEBHOOK_SECRET"].encode()


@dataclass(frozen=True)
class Distance:
    """Milliseconds there and back."""

    upstash: float = 0
    neon: float = 0
    telegram: float = 0


@dataclass
class Region:
    """The running parts: `url` is the database without its distance, `functions` the instances of the webhook."""

    folder: Path
    url: str
    distance: Distance
    far: dict[str, proxy.Proxy]
    services: subprocess.Popen[str]
    records: list[dict[str, Any]] = field(default_factory=list)
    instances: list[functions.Function] = field(default_factory=list)
    lines: list[wire.Line] = field(default_factory=list)
    idle: list[tuple[wire.Line, int]] = field(default_factory=list)
    keep_records: bool = False
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def settings(self) -> dict[str, str]:
        """Return what a function here runs with."""
        address = {name: f"127.0.0.1:{one.port}" for name, one in self.far.items()}
        return SETTINGS | {
            "DATABASE_URL": f"postgresql://postgres@{address['neon']}/postgres",
            "UPSTASH_REDIS_REST_URL": f"http://{address['upstash']}",
            "TELEGRAM_API_URL": f"http://{address['telegram']}",
            "PUBLIC_URL": "http://127.0.0.1:1",
        }

    async def boot(self, *, root: Path = ROOT, **env: str) -> functions.Function:
        """Boot one more instance of the webhook."""
        function = functions.Function(
            ENTRY, functions.environment(self.settings() | env), root=root, on_line=self._hear
        )
        await function.start()
        self.instances.append(function)
        return function

    def _hear(self, line: functions.Line) -> None:
        if self.keep_records and line.record and line.record.get("event") == "update":
            self.records.append(line.record)

    async def send(self, body: bytes, instance: int = 0) -> int:
        """Deliver an update and return the status, as Telegram does over a connection that it keeps."""
        self.idle = [entry for entry in self.idle if entry[0].open]
        pool = [entry for entry in self.idle if entry[1] == instance]
        if pool:
            self.idle.remove(pool[-1])
            one = pool[-1][0]
        else:
            one = await wire.line(await self.instances[instance].port())
            self.lines.append(one)
        status = await one.post(HEAD, body)
        if status:
            self.idle.append((one, instance))
        return status

    def told(self) -> dict[str, Any]:
        """Return what the services were asked since the last time."""
        assert self.services.stdin
        assert self.services.stdout
        self.services.stdin.write("\n")
        self.services.stdin.flush()
        return dict(json.loads(self.services.stdout.readline()))

    def turns(self) -> dict[str, int]:
        """Return the network turns to each service since the last time."""
        return {name: one.counts().turns for name, one in self.far.items()}

    def cpu(self, instance: int = 0) -> float:
        """Return the processor seconds that an instance has used, its children's and the kernel's for it included."""
        pid = self.instances[instance].pid
        assert pid
        used = psutil.Process(pid).cpu_times()
        return float(used.user + used.system)

    def memory(self, instance: int = 0) -> float:
        """Return the megabytes that an instance holds."""
        pid = self.instances[instance].pid
        assert pid
        return float(psutil.Process(pid).memory_info().rss) / 1e6


@contextlib.asynccontextmanager
async def region(distance: Distance, *, webhooks: int = 1) -> AsyncIterator[Region]:
    """Run everything in a folder of its own; a proxy of no distance still counts."""
    async with contextlib.AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="lotok-bench-")))
        folder.chmod(0o755)  # noqa: ASYNC240 - Postgres runs as somebody else when we are root
        postgres = database.Database(folder / "postgres", durable=False)
        exits.callback(postgres.stop)
        url = postgres.start()
        await database.migrate(url)
        redis = exits.enter_context(valkey.Valkey())
        services = exits.enter_context(_services(folder, redis.socket))
        sockets = {
            "upstash": (folder / world.UPSTASH, distance.upstash),
            "neon": (Path(_socket(url)) / ".s.PGSQL.5432", distance.neon),
            "telegram": (folder / world.TELEGRAM, distance.telegram),
        }
        far = {
            name: exits.enter_context(proxy.to(path, milliseconds / 2))
            for name, (path, milliseconds) in sockets.items()
        }
        here = Region(folder, url, distance, far, services)
        for _ in range(webhooks):
            exits.push_async_callback((await here.boot()).stop)
        yield here
        for one in here.lines:
            one.close()
        await asyncio.sleep(0)


@contextlib.contextmanager
def _services(folder: Path, redis: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.updating.world", str(folder), str(redis)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def _socket(url: str) -> str:
    from psycopg.conninfo import conninfo_to_dict

    return str(conninfo_to_dict(url)["host"])
