"""What a worker holds: each job from its claim until Postgres has confirmed what became of it, its lease and its time.

A heartbeat extends the leases that are a third over. A job is stopped when its lease turns out lost, when it is no
longer wanted, or when its time is up; the worker does that, this says which and why.
"""

import contextlib
import time
from collections.abc import Mapping
from datetime import datetime
from typing import cast
from uuid import UUID

from lib import clock, config, db, errors
from lib.jobs import pool as pools
from lib.jobs.pool import Pool
from lib.jobs.run import Run

SQL = db.load("jobs")

type Stop = tuple[Run, Exception]


class HeldRuns:
    """The runs at hand and in the lanes, and those that ended and are not confirmed yet.

    `alone`: one of them has killed workers before, so nothing else is leased beside it.
    """

    def __init__(self, kinds: Mapping[str, Pool]) -> None:
        self.kinds = kinds
        self.runs: dict[int, Run] = {}
        self.alone = False
        self.beat_at = float("inf")
        self._deadlines: dict[int, datetime] = {}

    def take(self, run: Run, deadline: datetime | None) -> Run | None:
        """Hold a run that was just leased; return the one of the same job whose lease had run out unnoticed."""
        before = self.runs.get(run.id)
        self.runs[run.id] = run
        if deadline:
            self._deadlines[run.id] = deadline
        return before

    def release(self, run: Run) -> bool:
        """Let go of a run; False when its job was leased again meanwhile."""
        if self.runs.get(run.id) is not run:
            return False
        del self.runs[run.id]
        return True

    def tidy(self) -> None:
        """Forget the deadlines of what is no longer held."""
        if self._deadlines:
            self._deadlines = {job_id: at for job_id, at in self._deadlines.items() if job_id in self.runs}
        if not self.runs:
            self.alone = False

    def first_beat(self, pool: Pool, now: float) -> None:
        """Say when the new jobs of a pool need their first heartbeat."""
        beat = now + (min(pool.lease, pools.FIRST_LEASE * config.get().lease_scale) / 3).total_seconds()
        self.beat_at = min(self.beat_at, beat)
        for run in pool.at_hand:
            run.beat_at = run.beat_at or beat

    def next_at(self, now: float) -> float:
        """Return when the next heartbeat or the next deadline is due."""
        times = [now + (deadline - clock.now()).total_seconds() for deadline in self._deadlines.values()]
        return min([self.beat_at, *times])

    def overdue(self) -> list[Stop]:
        """Return the runs whose time is up, each once."""
        late = [job_id for job_id, deadline in self._deadlines.items() if deadline <= clock.now()]
        for job_id in late:
            del self._deadlines[job_id]
        return [(self.runs[job_id], errors.Rejected("timed_out", "its time is up")) for job_id in late]

    async def beat(self) -> list[Stop]:
        """Extend the leases that are a third over; return what turns out lost or unwanted."""
        now, stops = time.monotonic(), list[Stop]()
        if now < self.beat_at:
            return stops
        for pool in self.kinds.values():
            due = [run for run in self.runs.values() if run.task == pool.name and run.beat_at <= now]
            with contextlib.suppress(errors.Unavailable):  # Postgres may be back before the leases end
                stops += await _extend(pool, due) if due else []
            for run in due:
                run.beat_at = now + pool.lease.total_seconds() / 3
        self.beat_at = min((run.beat_at for run in self.runs.values()), default=float("inf"))
        return stops


async def _extend(pool: Pool, runs: list[Run]) -> list[Stop]:
    params = {"ids": [run.id for run in runs], "tokens": tokens(runs), "lease": pool.lease}
    rows = await db.run(lambda conn: SQL.extend_leases.all(conn, tuple, **params))
    unwanted = dict(cast(list[tuple[int, bool]], rows))
    lost = [run for run in runs if run.id not in unwanted]
    stops: list[Stop] = [(run, errors.Conflict("lease_lost", f"job {run.id} is no longer ours")) for run in lost]
    for run in runs:
        if unwanted.get(run.id):
            stops.append((run, errors.Conflict("cancelled", f"job {run.id} is no longer wanted")))
    return stops


def tokens(runs: list[Run]) -> list[UUID | None]:
    """Return the tokens, each once: the runs of one claim share one object."""
    return list({id(run.token): run.token for run in runs}.values())
