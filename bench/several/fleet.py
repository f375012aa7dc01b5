"""The processes of one installation on a server: nginx, web processes, workers, and the bridge before Valkey.

nginx reads the file of ops/deploy/nginx that a server gets, without TLS and on other ports, so what is tried here is
what runs there. Its log tells of each update how long it took and how often it was sent on.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.results import Failed, Skipped
from dev.stack import ROOT, Stack

WEB = "telegram,callback,cache,health,metrics,files"
TEMPLATE = ROOT / "ops" / "deploy" / "nginx" / "vps.conf"
BOOT_SECONDS = 90.0
AROUND = """
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
daemon off;
user root;
worker_processes 1;
events {{}}
http {{
    log_format timed escape=json
        '{{"path":"$uri","at":"$msec","seconds":"$request_time","tries":"$upstream_status","status":"$status"}}';
    access_log {folder}/access.log timed;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{servers}
}}
"""


@dataclass
class Server:
    """One process of `ops serve`, which can be killed and started again."""

    name: str
    port: int
    args: list[str]
    env: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ops", *self.args, "--port", str(self.port)],
                cwd=ROOT,
                env=dict(self.env),
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it as a crash does."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
            self.process.kill()
            self.process.wait()

    async def is_up(self) -> None:
        """Wait until it listens; Failed when it has ended or takes too long."""
        assert self.process
        until = time.monotonic() + BOOT_SECONDS
        while not _listens(self.port):
            if self.process.poll() is not None or time.monotonic() > until:
                raise Failed(f"{self.name} does not serve: {self.log.read_text(errors='replace')[-500:]}")
            await asyncio.sleep(0.1)

    def said(self) -> Iterator[dict[str, object]]:
        """Yield what it has logged as JSON."""
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                yield json.loads(line)


@dataclass
class Fleet:
    """The running processes and the address of their balancer."""

    folder: Path
    url: str
    webs: list[Server]
    drains: list[Server]
    renders: list[Server]
    balancer: subprocess.Popen[bytes] | None = None

    def reload(self) -> None:
        """Let the balancer read its file again."""
        assert self.balancer
        self.balancer.send_signal(signal.SIGHUP)

    def updates(self, since: int = 0) -> list["Passed"]:
        """Return what nginx noted of the updates, from this line of its log on."""
        lines = (self.folder / "access.log").read_text().splitlines()[since:]
        read = [json.loads(line) for line in lines]
        return [
            Passed(float(one["seconds"]) * 1000, int(one["status"]), one["tries"].count(",") + 1, float(one["at"]))
            for one in read
            if one["path"].startswith("/api/telegram/")
        ]

    def lines(self) -> int:
        """Return how many lines nginx's log has."""
        return len((self.folder / "access.log").read_text().splitlines())

    def ticks(self) -> Counter[int]:
        """Count the calls of the clock by minutes, of all processes together."""
        told = [line for one in self.drains for line in one.said() if line.get("event") == "clock"]
        return Counter(int(str(line["minute"])) for line in told)


@dataclass(frozen=True)
class Passed:
    """An update as the balancer saw it: `tries` are the web processes it was sent to, `at` when it was answered."""

    ms: float
    status: int
    tries: int
    at: float


class Site(Stack):
    """The local stack without its functions: Telegram's and Blob's stand-ins, Postgres, and Valkey behind `ops bridge`.

    Its webhooks lead to the balancer.
    """

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        super().__init__(folder, given=given, time_scale=0.1)
        self.bridge: Server | None = None

    async def _start_function(self, entry: str) -> None:
        """Leave it to the fleet."""

    async def _start_redis(self, is_real: bool) -> None:
        await super()._start_redis(is_real)
        where, port = f"unix://{self._valkey.socket}", free_port()
        env = environment(self.settings)
        self.bridge = Server("bridge", port, ["bridge", where], env, self.folder / "logs" / "bridge.log")
        self.bridge.start()
        self._exit.callback(self.bridge.stop)
        await self.bridge.is_up()
        self.settings["UPSTASH_REDIS_REST_URL"] = f"http://127.0.0.1:{port}"


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return what a process gets: the settings, and nothing of the developer's shell but what Python needs."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | dict(settings)


@dataclass(frozen=True)
class Doors:
    """The ports: of the balancer outside and inside, and of the processes behind it."""

    outside: int
    inside: int
    webs: list[int]
    drains: list[int]
    renders: list[int]


def doors(webs: int, drains: int, renders: int) -> Doors:
    """Choose free ports."""
    return Doors(free_port(), free_port(), *([free_port() for _ in range(count)] for count in (webs, drains, renders)))


def given(of: Doors) -> dict[str, str]:
    """Return the settings that say where the balancer is; leases are short, as a killed worker's are waited for."""
    return {
        "PUBLIC_URL": f"http://127.0.0.1:{of.outside}",
        "WORKER_URL": f"http://127.0.0.1:{of.inside}",
        "LEASE_SCALE": "0.1",
        "CUT_SIDE": "64",
    }


def balancer_program() -> str:
    """Return the path of nginx; raises `Skipped` without it."""
    program = shutil.which("nginx")
    if not program:
        raise Skipped("nginx is not installed: apt install nginx-light")
    return program


@contextlib.asynccontextmanager
async def fleet(of: Doors, settings: Mapping[str, str], folder: Path) -> AsyncIterator[Fleet]:
    """Start them all; those of a kind differ by their ports alone."""
    program = balancer_program()
    folder.mkdir()  # noqa: ASYNC240
    env, servers = environment(settings), list[Server]()

    def server(kind: str, port: int, *args: str) -> Server:
        servers.append(Server(kind, port, ["serve", *args], env, folder / f"{kind}-{port}.log"))
        return servers[-1]

    made = Fleet(
        folder,
        f"http://127.0.0.1:{of.outside}",
        [server("web", port, "--only", WEB) for port in of.webs],
        [server("drain", port, "--only", "drain", "--clock") for port in of.drains],
        [server("render", port, "--only", "render") for port in of.renders],
    )
    (folder / "nginx.conf").write_text(configuration(of, folder))
    balancer = None
    try:
        for one in servers:
            one.start()
        made.balancer = balancer = _balancer(program, folder)
        await asyncio.gather(*(one.is_up() for one in servers))
        yield made
    finally:
        for one in servers:
            one.stop()
        if balancer:
            balancer.terminate()
            balancer.wait()


def _balancer(program: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([program, "-c", str(folder / "nginx.conf"), "-p", str(folder)])


def configuration(of: Doors, folder: Path) -> str:
    """Return nginx's file: that of a server, with these ports and without TLS."""
    kept, skips = list[str](), False
    for line in TEMPLATE.read_text().splitlines():
        skips = (skips or "@TLS_BEGIN@" in line) and "@TLS_END@" not in line
        if not skips and "[::]" not in line and "server_name" not in line:
            kept.append(line)
    text = "\n".join(kept)
    changes = {
        "    # @WEB@": _servers(of.webs),
        "    # @RENDER@": _servers(of.renders),
        "    server 127.0.0.1:8011;": f"    least_conn;\n{_servers(of.drains)}",
        "listen 80;": f"listen 127.0.0.1:{of.outside};",
        "listen 127.0.0.1:8080;": f"listen 127.0.0.1:{of.inside};",
    }
    for theirs, ours in changes.items():
        if text.count(theirs) != 1:
            raise Failed(f"{TEMPLATE.name} has no longer one {theirs.strip()!r}")
        text = text.replace(theirs, ours)
    return AROUND.format(folder=folder, servers=text)


def _servers(ports: list[int]) -> str:
    return "\n".join(f"    server 127.0.0.1:{port} max_fails=0;" for port in ports)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0
