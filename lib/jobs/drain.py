"""The worker: leases jobs in batches, runs them side by side, and reports what ended together with its next claim.

One statement a turnaround (`drain_jobs`): what ended since the last one moves on, new jobs are leased. While it is
under way the jobs at hand run, so neither Postgres nor the worker waits for the other. A worker holds at most two
batches of a cheap kind and one job a lane of any other, whatever the backlog. What is held is kept in held.py, what is
reported in reports.py.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import cast
from uuid import uuid4

from lib import clock, db, errors, log, tally
from lib.jobs import table
from lib.jobs.held import HeldRuns
from lib.jobs.pool import Pool
from lib.jobs.reports import LeaseClaim, Reports
from lib.jobs.run import DEADLINE, DEATHS, RUN_AT, TASK, DrainSummary, Kind, Row, Run, Verdict, judge
from lib.retry import Backoff

# How often a worker with room to spare looks for more while its other jobs run.
LOOK_AGAIN = 1.0
# Over ten seconds, the window in which KIE takes twenty new tasks: the next twenty need no tick.
PATIENCE = timedelta(seconds=12)
# Before its end a worker takes nothing more.
MARGIN = timedelta(seconds=10)
# A lane of cheap jobs lets the others have the loop after so many.
BREATH = 50

_at_work: "set[Drain]" = set()


async def work(
    tasks: Mapping[str, str | Kind | Callable[[], Kind]],
    until: datetime,
    *,
    only: Collection[str] | None = None,
    concurrency: int = 2,
    margin: timedelta = MARGIN,
    patience: timedelta = PATIENCE,
) -> DrainSummary:
    """Run due jobs until none is left, `concurrency` of each kind side by side unless the kind says how many.

    A kind whose limits depend on the settings is given as the function that makes it. The last claim is `margin` before
    `until`; what still runs at `until` is left to its lease, what was not begun is given back. A job that falls due
    within `patience` is waited for, so that a short pause (a 429, a poll) does not cost a minute until the next cron.
    """
    kinds = {name: _kind(given) for name, given in tasks.items()}
    wanted = [Pool(name, kind, concurrency) for name, kind in kinds.items() if only is None or name in only]
    drain = Drain(wanted, until, until - margin, patience)
    _at_work.add(drain)
    try:
        return await drain.work()
    finally:
        _at_work.discard(drain)
        await drain.leave()


def stop(grace: timedelta) -> None:
    """Let every drain of this process claim nothing more and end within `grace`: the process is about to end."""
    for drain in _at_work:
        drain.last_claim = clock.now()
        drain.until = min(drain.until, drain.last_claim + grace)
        drain.wake.set()


class Drain:
    """One call of `work`: the loop between what is held and what is reported, and the lanes in which jobs run."""

    def __init__(self, wanted: list[Pool], until: datetime, last_claim: datetime, patience: timedelta) -> None:
        self.pools = {pool.name: pool for pool in wanted}
        self.until = until
        self.last_claim = last_claim
        self.patience = patience
        self.held = HeldRuns(self.pools)
        self.reports = Reports(self.pools, self.held)
        self.away_until = 0.0
        self.asked = False
        self.due_at: datetime | None = None
        self.wake = asyncio.Event()

    async def work(self) -> DrainSummary:
        """Go round until nothing is left or the time is up."""
        while clock.now() < self.until:
            self.wake.clear()
            rooms = self._rooms()
            if self._is_time(rooms):
                await self._turnaround(rooms)
            else:
                await self._pause()
            for run, why in self.held.overdue():
                self._stop(run, why)
            for run, why in await self.held.beat():
                self._stop(run, why)
            if not self.held.runs and not await self._more_is_due():
                return self._summary()
        await self._finish()
        self.due_at = clock.now()
        return self._summary()

    def _rooms(self) -> dict[str, int]:
        if self.held.alone or clock.now() >= self.last_claim:
            return {}
        return {pool.name: pool.room for pool in self.pools.values() if pool.room > 0}

    def _is_time(self, rooms: dict[str, int]) -> bool:
        """Say whether to turn to Postgres now: for more, or because enough has ended."""
        now = time.monotonic()
        if now < self.away_until:
            return False
        if not self.held.runs or any(self.pools[name].dry_until <= now for name in rooms):
            return True
        return self.reports.is_ripe(now)

    async def _pause(self) -> None:
        now = time.monotonic()
        times = [self.held.next_at(now), now + (self.until - clock.now()).total_seconds()]
        if now < self.away_until:
            times.append(self.away_until)
        else:
            times += [self.pools[name].dry_until for name in self._rooms()]
            times += [self.reports.ripe_at] if self.reports.ended else []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(min(times) - now, 0)):
                await self.wake.wait()

    async def _more_is_due(self) -> bool:
        """Wait for the next job if it is due soon; nothing is held now."""
        if clock.now() >= self.last_claim:
            self.due_at = self.reports.ours(await db.run(lambda conn: table.due_at(conn, list(self.pools))))
            return False
        if not self.asked:
            return True
        if self.due_at is None or self.due_at > min(clock.now() + self.patience, self.last_claim):
            return False
        await asyncio.sleep(max((self.due_at - clock.now()).total_seconds(), 0.1))
        return True

    async def _turnaround(self, rooms: dict[str, int]) -> None:
        """Report what ended and lease more, in one statement."""
        ended = self.reports.take()
        claim = LeaseClaim(rooms, uuid4(), alone=len(ended) == len(self.held.runs))
        try:
            rows = await self.reports.ask(ended, claim)
        except errors.Unavailable:
            # Postgres is away. Lanes that have work go on; ended jobs are reported when it is back.
            if not self.held.runs:
                raise
            self.reports.ended = ended + self.reports.ended
            self.away_until = time.monotonic() + LOOK_AGAIN / 2
            return
        except Exception as error:
            if not ended:
                raise
            await self.reports.singly(ended, error)
            self.asked = False  # what the last answer said of more to do is old by now
            return
        self.asked = rooms.keys() == self.pools.keys()
        self.due_at = self.reports.ours(rows.pop()[RUN_AT])
        self._take(rows, claim)

    def _take(self, rows: list[Row], claim: LeaseClaim) -> None:
        """Hand out what was leased."""
        now = time.monotonic()
        got = Counter(row[TASK] for row in rows)
        for name, room in claim.rooms.items():
            self.pools[name].dry_until = now + LOOK_AGAIN if got[name] < room else 0.0
        for row in rows:
            run = Run(None, self.until, row, claim.token, self.reports.skew)
            waited = (run.now - row[RUN_AT]).total_seconds()
            tally.timed("wait", run.task, ms=max(waited, 0) * 1000, ends=tally.SLOW)
            before = self.held.take(run, self.reports.ours(row[DEADLINE]))
            if before is not None:  # our own lease ran out, and this is our own claim
                self._stop(before, errors.Conflict("lease_lost", f"job {run.id} was leased again"))
            self.pools[run.task].at_hand.append(run)
            if row[DEATHS] > 1:
                self.held.alone = True
        for name in got:
            pool = self.pools[name]
            self.held.first_beat(pool, now)
            self._begin(pool)

    def _begin(self, pool: Pool) -> None:
        while len(pool.crew) < min(pool.lanes, pool.running + len(pool.at_hand)):
            pool.crew.add(asyncio.create_task(self._lane(pool)))

    async def _lane(self, pool: Pool) -> None:
        """Run one job after the other.

        A lane that finds nothing at hand leaves the crew in the same step: were it counted for a moment longer, jobs
        that come in that moment would get no lane and lie there, their leases extended, until the worker's time is up.
        """
        me = cast(asyncio.Task[None], asyncio.current_task())
        breath = 0
        try:
            while pool.at_hand:
                await self._run_next(pool, me)
                breath += 1
                if breath % BREATH == 0:
                    await asyncio.sleep(0)
        finally:
            pool.crew.discard(me)

    async def _run_next(self, pool: Pool, lane: asyncio.Task[None]) -> None:
        run = pool.at_hand.popleft()
        run.lane = lane
        pool.running += 1
        try:
            verdict = await self._perform(pool, run)
        finally:
            pool.running -= 1
            run.lane = None
        self.reports.add(run, verdict)
        self.wake.set()

    async def _perform(self, pool: Pool, run: Run) -> Verdict:
        """Run one job, with a log line of its own; a cheap one gets it only when it fails."""
        if pool.kind.batch:
            verdict, error = await pool.attempt(run)
            if error is None:
                return verdict
            with log.scope("job", job_id=run.id, task=pool.name, attempts=run.job.attempts, state=verdict.state):
                log.failure(error)
            return verdict
        job = run.job
        with log.scope("job", job_id=job.id, task=job.task, user_id=job.user_id, attempt=job.attempts, state="lost"):
            verdict, error = await pool.attempt(run)
            if error is not None:
                log.failure(error)
            log.note(state=verdict.state)
        return verdict

    def _stop(self, run: Run, why: Exception) -> None:
        """Stop a job in its lane, or before it gets there; one that has ended is left to its report."""
        run.stopped = why
        at_hand = self.pools[run.task].at_hand
        if run.lane is not None:
            run.lane.cancel()
        elif run in at_hand:
            at_hand.remove(run)
            self.reports.add(run, judge(run.job, Backoff(), why, run.now))
            self.wake.set()

    async def _finish(self) -> None:
        """Report what ended and give back what was not begun; what still runs is left to its lease."""
        for pool in self.pools.values():
            pool.counts["lost"] += pool.running
            self.reports.ended += [(run, Verdict("released")) for run in pool.at_hand]
            pool.at_hand.clear()
        await self.leave()
        if self.reports.ended:
            with contextlib.suppress(errors.Unavailable):
                await self.reports.ask(self.reports.take(), LeaseClaim())

    async def leave(self) -> None:
        """Stop what still runs without touching its jobs: their leases bring them back."""
        crew = [lane for pool in self.pools.values() for lane in pool.crew]
        for lane in crew:
            lane.cancel()
        await asyncio.gather(*crew, return_exceptions=True)

    def _summary(self) -> DrainSummary:
        for pool in self.pools.values():
            if pool.kind.batch and pool.counts:
                log.event("jobs", task=pool.name, **pool.counts)
        counts = sum((pool.counts for pool in self.pools.values()), Counter[str]())
        return DrainSummary(
            done=counts["done"],
            failed=counts["failed"],
            cancelled=counts["cancelled"],
            retried=counts["queued"],
            waiting=counts["waiting"] + counts["gave_way"],
            lost=counts["lost"],
            due_at=self.due_at,
        )


def _kind(given: str | Kind | Callable[[], Kind]) -> Kind:
    if isinstance(given, str):
        return Kind(given)
    return given if isinstance(given, Kind) else given()
