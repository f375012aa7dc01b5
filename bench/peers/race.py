"""A Postgres, the queues' databases in it, and the programs that drain them."""

import contextlib
import json
import select
import socket
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from bench import proxy
from bench.peers import catalogue
from bench.peers.catalogue import Peer
from bench.results import Failed
from dev import postgres

SERVER = {
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",
    "max_connections": "100",
}
PATIENCE = 120.0


@dataclass(frozen=True)
class Drained:
    """One drain: jobs per second from the first job's start until the database holds no unfinished one."""

    speed: float
    turns: int
    peak_mb: float
    facts: dict[str, Any] = field(default_factory=dict)


class Program:
    """A driver that runs; the lines it prints are its answers."""

    def __init__(self, peer: Peer, url: str, *args: object, **env: str) -> None:
        self._process = subprocess.Popen(
            peer.run(*args),
            cwd=catalogue.ROOT,
            env=catalogue.environment(url, env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            said = self._process.communicate()[1]
            raise Failed(f"{' '.join(self._process.args[-3:])} ended: {said.strip()[-1500:]}")
        return json.loads(line)

    def say(self) -> None:
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def last(self) -> dict[str, Any]:
        """Return the answer that ends the drain."""
        while not (answer := self.hear()).get("end"):
            pass
        return answer

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


class Race:
    """One Postgres as a production one is set, on a Unix socket, and what is measured on it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self.socket = postgres.socket_folder(self._data)
        self._admin = psycopg.connect(postgres.url(self._data), autocommit=True)
        self._number = 0

    def close(self) -> None:
        self._admin.close()

    def url(self, database: str, port: int | None = None) -> str:
        """Return the address of a database, through a proxy when its port is given."""
        if port is None:
            return postgres.url(self._data, database)
        return f"postgresql://postgres@127.0.0.1:{port}/{database}?sslmode=disable"

    def prepare(self, peer: Peer, jobs: int) -> str:
        """Return a database, made once, with this many jobs waiting in it."""
        name = f"full_{peer.name.replace('-', '_')}_{jobs}"
        if not self._admin.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            self._admin.execute(f"create database {name}")
            self._prepare(peer, jobs, self.url(name))
            with psycopg.connect(self.url(name), autocommit=True) as conn:
                conn.execute("vacuum (analyze)")
        return name

    def refill(self, peer: Peer, database: str, jobs: int) -> None:
        """Enqueue once more into a database that was drained."""
        self._prepare(peer, jobs, self.url(database))
        with psycopg.connect(self.url(database), autocommit=True) as conn:
            conn.execute("vacuum (analyze) jobs")

    @contextlib.contextmanager
    def copy(self, name: str) -> Iterator[str]:
        """Lend a copy of a database, so that each run begins with the same."""
        self._number += 1
        copy = f"run_{self._number}"
        self._admin.execute(f"create database {copy} template {name}")
        try:
            yield copy
        finally:
            self._admin.execute(f"drop database {copy} with (force)")

    def drain(
        self, peer: Peer, database: str, jobs: int, *, processes: int = 1, via: proxy.Proxy | None = None, **env: str
    ) -> Drained:
        """Drain the database and return how fast it went."""
        url = self.url(database, via and via.port)
        programs = [Program(peer, url, "drain", **env) for _ in range(processes)]
        try:
            for program in programs:
                program.hear()
            if via:
                via.counts()
            for program in programs:
                program.say()
            first = self._all_ran(programs, jobs)
            self._all_noted(peer, database)
            seconds = time.monotonic() - first
            turns = via.counts().turns if via else 0
            for program in programs:
                program.say()
            ends = [program.last() for program in programs]
            return Drained(jobs / seconds, turns, max(end["peak_mb"] for end in ends), ends[0])
        finally:
            for program in programs:
                program.end()

    def cold(self, peer: Peer, database: str, jobs: int, via: proxy.Proxy | None) -> tuple[float, int]:
        """Return the milliseconds that a fresh process takes from connecting to having left, and its turns."""
        program = Program(peer, self.url(database, via and via.port), "cold", jobs)
        try:
            program.hear()
            if via:
                via.counts()
            program.say()
            answer = program.hear()
            if answer["n"] != jobs:
                raise Failed(f"{peer.name} ran {answer['n']} of {jobs} jobs")
            return answer["ms"], via.counts().turns if via else 0
        finally:
            program.end()

    def delay(self, peer: Peer, database: str, jobs: int) -> float:
        """Return the median milliseconds from before the enqueue to the start of the job, while one worker runs."""
        url, kicks = self.url(database), str(_free_port())
        worker = Program(peer, url, "drain", KICK_PORT=kicks)
        feeder = None
        try:
            worker.hear()
            worker.say()
            time.sleep(0.5)
            feeder = Program(peer, url, "feed", jobs, KICK_PORT=kicks)
            feeder.last()
            self._all_noted(peer, database)
            worker.say()
            return statistics.median(worker.last()["delays"])
        finally:
            for program in filter(None, (worker, feeder)):
                program.end()

    def _prepare(self, peer: Peer, jobs: int, url: str) -> None:
        command = peer.run("prepare", jobs)
        env = catalogue.environment(url)
        done = subprocess.run(command, cwd=catalogue.ROOT, env=env, capture_output=True, check=False, text=True)
        if done.returncode:
            raise Failed(f"{peer.name} could not be prepared: {done.stderr.strip()[-1500:]}")

    def _all_ran(self, programs: list[Program], jobs: int) -> float:
        """Wait until the programs have run all jobs; return when the first one began."""
        counts: dict[int, dict[str, Any]] = {}
        until = time.monotonic() + PATIENCE
        while sum(answer["n"] for answer in counts.values()) < jobs:
            ready = _readable(programs, until)
            for program in ready:
                counts[programs.index(program)] = program.hear()
        return min(answer["first"] for answer in counts.values())

    def _all_noted(self, peer: Peer, database: str) -> None:
        """Wait until the database knows that all is done."""
        until = time.monotonic() + PATIENCE
        with psycopg.connect(self.url(database), autocommit=True) as conn:
            while conn.execute(peer.unfinished).fetchone() == (True,):
                if time.monotonic() > until:
                    raise Failed(f"{peer.name} did not finish its jobs")
                time.sleep(0.001)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _readable(programs: list[Program], until: float) -> list[Program]:
    files = {program._process.stdout: program for program in programs}
    ready, _, _ = select.select(list(files), [], [], max(until - time.monotonic(), 0))
    if not ready:
        raise Failed("the drain stands still")
    return [files[file] for file in ready]


@contextlib.contextmanager
def race() -> Iterator[Race]:
    """Run the Postgres of a comparison in a folder that goes with this process, however it ends."""
    with postgres.lent(SERVER) as data, contextlib.closing(Race(data)) as found:
        yield found
