"""Makes things go wrong: drainers killed, Postgres restarted or crashed, connections cut, Redis away, clocks moved."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.storm import cast
from dev import database, postgres
from dev.valkey import Valkey
from lib import db, errors
from lib.jobs import table

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Told:
    """What a worker told of itself: worker.py says what may bring a delivery again.

    `left` are the times at which it gave up what still ran, `stood` those in which it stood still, from when to when;
    `missed` is by a delivery's key what it did not hear or note, and when it had begun.
    """

    left: list[float] = field(default_factory=list)
    stood: list[tuple[float, float]] = field(default_factory=list)
    missed: dict[str, list[tuple[str, float]]] = field(default_factory=dict)

    def hear(self, line: str) -> None:
        """Keep what a line tells; one that the worker's death cut off is nothing."""
        match line.split():
            case ["left", at]:
                self.left.append(float(at))
            case ["stood", began, ended]:
                self.stood.append((float(began), float(ended)))
            case [("unheard" | "unnoted" | "late") as what, began, key]:
                self.missed.setdefault(key, []).append((what, float(began)))


class Drainer:
    """A worker process."""

    def __init__(self, env: dict[str, str]) -> None:
        self.told = Told()
        self.killed_at: float | None = None
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.storm.worker"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._listening = asyncio.get_running_loop().run_in_executor(None, self._listen)

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if line.endswith("\n"):
                self.told.hear(line)

    def kick(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()

    async def kill(self) -> str:
        """End it as a machine ends; return what it died of if it was dead already."""
        ended = self.process.poll() is not None
        self.process.kill()
        self.killed_at = time.time()
        await self._listening
        assert self.process.stdin
        assert self.process.stdout
        assert self.process.stderr
        said = await asyncio.to_thread(self.process.stderr.read)
        await asyncio.to_thread(self.process.wait)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()
        return said if ended else ""


@dataclass
class Weather:
    """Makes the faults of a seed, and remembers those that may explain a repeated delivery."""

    rng: random.Random
    server: database.Database
    redis: Valkey
    url: str
    env: dict[str, str]
    orders: dict[str, int]  # job ids by key, as they are confirmed
    drainers: list[Drainer] = field(default_factory=list)
    gone: list[Drainer] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    away: list[tuple[float, float]] = field(default_factory=list)
    lapsed: dict[int, list[float]] = field(default_factory=dict)
    died: list[str] = field(default_factory=list)
    everything_came: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def hire(self, number: int) -> None:
        self.drainers += [Drainer(self.env) for _ in range(number)]

    def kick(self) -> None:
        self.rng.choice(self.drainers).kick()

    async def storm(self, pause: tuple[float, float]) -> None:
        """Do the worst until the storm is over. A fault that has begun is ended, or Postgres would stay away."""
        kinds: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._kill, 5),
            (self._cut, 3),
            (self._restart, 1),
            (self._crash, 1),
            (self._redis_away, 2),
            (self._callbacks, 5),
            (self._clocks, 4),
            (self._cancels, 4),
            (self._pauses, 2),
        ]
        bag = [act for act, _ in kinds]  # everything comes once, whatever the seed
        self.rng.shuffle(bag)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.over.wait(), self.rng.uniform(*pause))
            if self.over.is_set():
                return
            if not bag:
                self.everything_came.set()
                bag = [act for act, times in kinds for _ in range(times)]
                self.rng.shuffle(bag)
            act = bag.pop()
            with contextlib.suppress(errors.Unavailable):
                await act()
                self.counts[act.__name__.removeprefix("_")] += 1

    async def relieve(self) -> None:
        """Replace every drainer and let the dead ones' leases end at once, so that nobody has to wait for a clock."""
        number = len(self.drainers)
        await self.end()
        await self._run("update jobs set leased_until = now() - interval '1 hour' where state = 'running'")
        self.hire(number)

    async def end(self) -> None:
        for drainer in self.drainers:
            self.died += filter(None, [await drainer.kill()])
        self.gone += self.drainers
        self.drainers = []

    async def _kill(self) -> None:
        drainer = self.drainers.pop(self.rng.randrange(len(self.drainers)))
        self.hire(1)
        self.died += filter(None, [await drainer.kill()])
        self.gone.append(drainer)

    async def _cut(self) -> None:
        async with self._postgres_away():
            await self._run(
                """
                select pg_terminate_backend(pid) from pg_stat_activity
                where backend_type = 'client backend' and pid <> pg_backend_pid() and random() < 0.7""",
            )

    async def _restart(self) -> None:
        async with self._postgres_away():
            await asyncio.to_thread(self.server.stop)
            await asyncio.to_thread(self.server.start)

    async def _crash(self) -> None:
        async with self._postgres_away():
            assert self.server.pid
            os.kill(self.server.pid, signal.SIGQUIT)
            while postgres.running(self.server.folder):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await asyncio.to_thread(self.server.stop)
            await asyncio.to_thread(self.server.start)

    async def _redis_away(self) -> None:
        await asyncio.to_thread(self.redis.stop)
        await asyncio.sleep(self.rng.uniform(0.5, 3))
        await asyncio.to_thread(self.redis.start)

    async def _callbacks(self) -> None:
        """Callbacks of the provider come early, late and twice, also for jobs that are long over."""
        ids = self._some(40)
        for _ in range(2):
            await self._run("update jobs set run_at = now() where id = any(%s) and state = 'waiting'", ids)

    async def _clocks(self) -> None:
        """End leases at once, and make waiting jobs due an hour ago or in two seconds."""
        lapsed = await self._run(
            "update jobs set leased_until = now() - interval '1 hour' where id in (select id from jobs where "
            "state = 'running' order by random() limit 10) and state = 'running' returning id"
        )
        for (job_id,) in lapsed:
            self.lapsed.setdefault(job_id, []).append(time.time())
        moves = ("- interval '1 hour'", "+ interval '2 seconds'")
        await self._run(f"update jobs set run_at = now() {self.rng.choice(moves)} where id = any(%s)", self._some(60))

    async def _cancels(self) -> None:
        """People change their minds, also too late."""
        for job_id in self._some(6):
            async with db.connect(self.url) as conn:
                found = await table.get_job_by_id(conn, job_id)
                if found and found.state == "queued":
                    with contextlib.suppress(errors.Conflict):
                        await table.cancel_job(conn, job_id, found.user_id)
                else:
                    await table.ask_to_cancel(conn, job_id)

    async def _pauses(self) -> None:
        """The author of the broadcast pauses it and goes on."""
        await cast.pause(self.url, self.rng.uniform(0.1, 1))

    def _some(self, number: int) -> list[int]:
        """Choose among the newest orders, which are likely to be unfinished, and a few old ones."""
        ids = list(self.orders.values())
        recent = ids[-20 * number :]
        return self.rng.sample(recent, min(number, len(recent))) + self.rng.sample(ids, min(number // 4, len(ids)))

    @contextlib.asynccontextmanager
    async def _postgres_away(self) -> Any:
        began = time.time()
        try:
            yield
        finally:
            self.away.append((began, time.time()))

    async def _run(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        async with db.connect(self.url) as conn:
            cursor = await conn.execute(statement.encode(), params or None)
            return list(await cursor.fetchall()) if cursor.description else []
