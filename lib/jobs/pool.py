"""The jobs of one kind that a worker holds, and how one of them is run."""

import asyncio
import importlib
import time
from collections import Counter, deque
from datetime import timedelta
from typing import cast

from lib import config, errors, tally
from lib.jobs.run import DONE, Kind, Run, Task, Verdict, judge
from lib.retry import Backoff

# The time for which a claim holds a job; the task's own LEASE applies from the first heartbeat on.
FIRST_LEASE = timedelta(seconds=30)
# For a task that cannot even be imported.
_BACKOFF = Backoff()


class Pool:
    """The jobs of one kind that this worker holds: at hand, and in the lanes."""

    def __init__(self, name: str, kind: Kind, lanes: int) -> None:
        self.name = name
        self.kind = kind
        self.lanes = kind.lanes or lanes
        self.at_hand: deque[Run] = deque()
        self.running = 0
        self.crew: set[asyncio.Task[None]] = set()
        self.dry_until = 0.0
        self.counts: Counter[str] = Counter()
        self._task: Task | None = None

    @property
    def room(self) -> int:
        """How many more to lease: of a cheap kind a whole batch or none, of another as many as can begin now."""
        held = len(self.at_hand) + self.running
        if not self.kind.batch:
            free = self.lanes - held
            return free if free >= min(self.kind.gather, self.lanes) else 0
        return self.kind.batch if held <= self.kind.batch else 0

    @property
    def lease(self) -> timedelta:
        """How long a heartbeat holds a job."""
        return (self._task.LEASE if self._task else FIRST_LEASE) * config.get().lease_scale

    def task(self) -> Task:
        """Import the module; a kind that nobody orders costs nothing."""
        if self._task is None:
            self._task = cast(Task, importlib.import_module(self.kind.module))
        return self._task

    async def attempt(self, run: Run) -> tuple[Verdict, Exception | None]:
        """Run the task and say what becomes of the job. When a lane is stopped, `run.stopped` says why."""
        began = time.perf_counter()
        verdict, error = await self._attempt(run)
        ms = (time.perf_counter() - began) * 1000
        tally.timed("job", self.name, verdict.state, ms=ms, ends=tally.SLOW)
        return verdict, error

    async def _attempt(self, run: Run) -> tuple[Verdict, Exception | None]:
        backoff = _BACKOFF
        try:
            task = self.task()
            backoff = task.BACKOFF
            await task.run(run)
            error = run.stopped
        except asyncio.CancelledError:
            me = cast(asyncio.Task[None], asyncio.current_task())
            if run.stopped is None and me.cancelling():
                raise
            # by itself: that must not spread to the lane's other jobs
            error = run.stopped or errors.Unavailable("stopped", "the task cancelled itself")
        except Exception as raised:
            error = run.stopped or raised
        if run.stopped is not None:
            cast(asyncio.Task[None], asyncio.current_task()).uncancel()
        if error is not None:
            return judge(run.job, backoff, error, run.now), error
        state = "gave_way" if run.gives_way else "waiting"
        return (Verdict(state, run.waits_until + run.skew) if run.waits_until else DONE), None
