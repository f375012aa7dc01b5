"""The worker: leases jobs in batches, runs them side by side, and reports what ended together with its next claim.

One statement a turnaround (`drain_jobs`): what ended since the last one moves on, new jobs are leased. While it is
under way the jobs at hand run, so neither Postgres nor the worker waits for the other. A worker holds at most two
batches of a cheap kind and one job a lane of any other, whatever the backlog.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

from lib import clock, config, db, errors, log
from lib.jobs import pool as pools
from lib.jobs import table
from lib.jobs.pool import Pool
from lib.jobs.run import (
    DEADLINE,
    DEATHS,
    DONE,
    LEASED_UNTIL,
    LOST,
    RUN_AT,
    TASK,
    DrainSummary,
    Kind,
    Row,
    Run,
    Verdict,
    judge,
)
from lib.retry import Backoff

SQL = db.load("jobs")

# How often a worker with room to spare looks for more while its other jobs run.
LOOK_AGAIN = 1.0
# Over ten seconds, the window in which KIE takes twenty new tasks: the next twenty need no tick.
PATIENCE = timedelta(seconds=12)
# How long an ended job waits for others to be reported with it.
GATHER = 0.003
# The same for kinds that gather.
PATIENT = 0.1
# How many may wait before they are reported at once.
REPORT = 500
# A lane of cheap jobs lets the others have the loop after so many.
BREATH = 50


async def work(
    tasks: Mapping[str, str | Kind | Callable[[], Kind]],
    until: datetime,
    *,
    only: Collection[str] | None = None,
    concurrency: int = 2,
    margin: timedelta = timedelta(seconds=10),
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
    try:
        return await drain.work()
    finally:
        await drain.leave()


class Drain:
    """One call of `work`. A job is `held` from its claim until Postgres has confirmed what became of it.

    Times from Postgres are turned into those of our clock as they come, by how far its clock is ahead (`skew`), and
    what is to be later goes there as a span: a clock that is wrong shifts nothing.
    """

    def __init__(self, wanted: list[Pool], until: datetime, last_claim: datetime, patience: timedelta) -> None:
        self.pools = {pool.name: pool for pool in wanted}
        self.until = until
        self.last_claim = last_claim
        self.patience = patience
        self.held: dict[int, Run] = {}
        self.timed: dict[int, datetime] = {}
        self.ended: list[tuple[Run, Verdict]] = []
        self.ended_at = 0.0
        self.beat_at = float("inf")
        self.away_until = 0.0
        self.alone = False
        self.asked = False
        self.due_at: datetime | None = None
        self.skew = timedelta(0)
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
            self._stop_overdue()
            await self._beat()
            if not self.held and not await self._more_is_due():
                return self._summary()
        await self._finish()
        self.due_at = clock.now()
        return self._summary()

    def _rooms(self) -> dict[str, int]:
        if self.alone or clock.now() >= self.last_claim:
            return {}
        return {pool.name: pool.room for pool in self.pools.values() if pool.room > 0}

    def _is_time(self, rooms: dict[str, int]) -> bool:
        """Say whether to turn to Postgres now: for more, or because enough has ended."""
        now = time.monotonic()
        if now < self.away_until:
            return False
        if not self.held or any(self.pools[name].dry_until <= now for name in rooms):
            return True
        ripe = now - self.ended_at >= self._gather() or len(self.ended) >= min(REPORT, len(self.held))
        return bool(self.ended) and ripe

    def _gather(self) -> float:
        """Return how long what ended may wait for others: a moment, or longer where every kind of it is in no hurry."""
        patient = all(self.pools[run.task].kind.gather > 1 for run, _ in self.ended)
        return PATIENT if patient else GATHER

    async def _pause(self) -> None:
        now = time.monotonic()
        times = [self.beat_at, now + (self.until - clock.now()).total_seconds()]
        times += [now + (deadline - clock.now()).total_seconds() for deadline in self.timed.values()]
        if now < self.away_until:
            times.append(self.away_until)
        else:
            times += [self.pools[name].dry_until for name in self._rooms()]
            times += [self.ended_at + self._gather()] if self.ended else []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(min(times) - now, 0)):
                await self.wake.wait()

    async def _more_is_due(self) -> bool:
        """Wait for the next job if it is due soon; nothing is held now."""
        if clock.now() >= self.last_claim:
            self.due_at = self._ours(await db.run(lambda conn: table.due_at(conn, list(self.pools))))
            return False
        if not self.asked:
            return True
        if self.due_at is None or self.due_at > min(clock.now() + self.patience, self.last_claim):
            return False
        await asyncio.sleep(max((self.due_at - clock.now()).total_seconds(), 0.1))
        return True

    async def _turnaround(self, rooms: dict[str, int]) -> None:
        """Report what ended and lease more, in one statement."""
        ended, self.ended = self.ended, []
        token = uuid4()
        alone = len(ended) == len(self.held)
        try:
            rows = await self._ask(ended, rooms, token, alone)
        except errors.Unavailable:
            # Postgres is away. Lanes that have work go on; ended jobs are reported when it is back.
            if not self.held:
                raise
            self.ended = ended + self.ended
            self.away_until = time.monotonic() + LOOK_AGAIN / 2
            return
        except Exception as error:
            if not ended:
                raise
            log.event("report_refused", jobs=len(ended), error=f"{type(error).__name__}: {error}"[:500])
            await self._report_singly(ended)
            return
        meta = rows.pop()
        self.skew = meta[LEASED_UNTIL] - clock.now()
        self._confirm(ended, set(meta[LOST]))
        self.asked = rooms.keys() == self.pools.keys()
        self.due_at = self._ours(meta[RUN_AT])
        self._take(rows, rooms, token)

    def _ours(self, theirs: datetime | None) -> datetime | None:
        return theirs and theirs - self.skew

    async def _ask(
        self, ended: list[tuple[Run, Verdict]], rooms: dict[str, int], token: UUID, alone: bool
    ) -> list[Row]:
        done = [run for run, verdict in ended if verdict is DONE and self.held.get(run.id) is run]
        moved = [(run, verdict) for run, verdict in ended if verdict is not DONE and self.held.get(run.id) is run]
        now = clock.now() + self.skew
        params: dict[str, Any] = {
            # as text: psycopg would look at each number of a list for what to quote
            "done": f"{{{','.join([str(run.id) for run in done])}}}",
            "done_tokens": _tokens(done),
            "ids": [run.id for run, _ in moved],
            "tokens": [run.token for run, _ in moved],
            "states": [verdict.state for _, verdict in moved],
            "delays": [verdict.run_at and verdict.run_at - now for _, verdict in moved],
            "codes": [verdict.error_code for _, verdict in moved],
            "errors": [verdict.error for _, verdict in moved],
            "tasks": list(rooms),
            "rooms": list(rooms.values()),
            "alone": alone,
            "lease": pools.FIRST_LEASE * config.get().lease_scale,
            "token": token,
            "limits": {name: rules for name in rooms if (rules := self.pools[name].kind.limits)} or None,
        }
        return await db.run(lambda conn: SQL.drain_jobs.all(conn, tuple, **params))

    async def _report_singly(self, ended: list[tuple[Run, Verdict]]) -> None:
        """Find the one report that Postgres refuses, so that it spoils no other; its lease brings the job back."""
        for entry in ended:
            try:
                [meta] = await self._ask([entry], {}, uuid4(), False)
                self._confirm([entry], set(meta[LOST]))
            except Exception as error:
                log.event("report_lost", job_id=entry[0].id, error=f"{type(error).__name__}: {error}"[:500])
                self._confirm([entry], {entry[0].id})

    def _confirm(self, ended: list[tuple[Run, Verdict]], lost: set[int]) -> None:
        for run, verdict in ended:
            state = "lost" if run.id in lost else verdict.state
            if self.held.get(run.id) is run:
                del self.held[run.id]
            else:  # it was leased again meanwhile
                state = "lost"
            self.pools[run.task].counts[state] += 1
        self.timed = {job_id: at for job_id, at in self.timed.items() if job_id in self.held} if self.timed else {}
        if not self.held:
            self.alone = False

    def _take(self, rows: list[Row], rooms: dict[str, int], token: UUID) -> None:
        """Hand out what was leased."""
        now = time.monotonic()
        got = Counter(row[TASK] for row in rows)
        for name, room in rooms.items():
            pool = self.pools[name]
            pool.dry_until = now + LOOK_AGAIN if got[name] < room else 0.0
        for row in rows:
            run = Run(None, self.until, row, token, self.skew)
            before = self.held.get(run.id)
            if before is not None:  # our own lease ran out, and this is our own claim
                self._stop(before, errors.Conflict("lease_lost", f"job {run.id} was leased again"))
            self.held[run.id] = run
            self.pools[run.task].at_hand.append(run)
            if deadline := self._ours(row[DEADLINE]):
                self.timed[run.id] = deadline
            if row[DEATHS] > 1:
                self.alone = True
        for name in got:
            pool = self.pools[name]
            beat = now + (min(pool.lease, pools.FIRST_LEASE * config.get().lease_scale) / 3).total_seconds()
            self.beat_at = min(self.beat_at, beat)
            for run in pool.at_hand:
                run.beat_at = run.beat_at or beat
            self._begin(pool)

    def _begin(self, pool: Pool) -> None:
        while len(pool.crew) < min(pool.lanes, pool.running + len(pool.at_hand)):
            lane = asyncio.create_task(self._lane(pool))
            pool.crew.add(lane)
            lane.add_done_callback(pool.crew.discard)

    async def _lane(self, pool: Pool) -> None:
        """Run one job after the other."""
        me = asyncio.current_task()
        breath = 0
        while pool.at_hand:
            run = pool.at_hand.popleft()
            run.lane = me
            pool.running += 1
            try:
                verdict = await self._perform(pool, run)
            finally:
                pool.running -= 1
                run.lane = None
            self._end(run, verdict)
            breath += 1
            if breath % BREATH == 0:
                await asyncio.sleep(0)

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

    def _end(self, run: Run, verdict: Verdict) -> None:
        if verdict.state == "lost":
            self._confirm([(run, verdict)], {run.id})
        else:
            self.ended_at = self.ended_at if self.ended else time.monotonic()
            self.ended.append((run, verdict))
        self.wake.set()

    def _stop(self, run: Run, why: Exception) -> None:
        """Stop a job in its lane, or before it gets there; one that has ended is left to its report."""
        run.stopped = why
        at_hand = self.pools[run.task].at_hand
        if run.lane is not None:
            run.lane.cancel()
        elif run in at_hand:
            at_hand.remove(run)
            self._end(run, judge(run.job, Backoff(), why, run.now))

    def _stop_overdue(self) -> None:
        for job_id in [job_id for job_id, deadline in self.timed.items() if deadline <= clock.now()]:
            del self.timed[job_id]
            self._stop(self.held[job_id], errors.Rejected("timed_out", "its time is up"))

    async def _beat(self) -> None:
        """Extend the leases that are a third over; stop what turns out lost or unwanted."""
        now = time.monotonic()
        if now < self.beat_at:
            return
        for pool in self.pools.values():
            due = [run for run in self.held.values() if run.task == pool.name and run.beat_at <= now]
            with contextlib.suppress(errors.Unavailable):  # Postgres may be back before the leases end
                if due:
                    await self._extend(pool, due)
            for run in due:
                run.beat_at = now + pool.lease.total_seconds() / 3
        self.beat_at = min((run.beat_at for run in self.held.values()), default=float("inf"))

    async def _extend(self, pool: Pool, runs: list[Run]) -> None:
        params = {"ids": [run.id for run in runs], "tokens": _tokens(runs), "lease": pool.lease}
        rows = await db.run(lambda conn: SQL.extend_leases.all(conn, tuple, **params))
        unwanted = dict(cast(list[tuple[int, bool]], rows))
        for run in runs:
            if run.id not in unwanted:
                self._stop(run, errors.Conflict("lease_lost", f"job {run.id} is no longer ours"))
            elif unwanted[run.id]:
                self._stop(run, errors.Conflict("cancelled", f"job {run.id} is no longer wanted"))

    async def _finish(self) -> None:
        """Report what ended and give back what was not begun; what still runs is left to its lease."""
        for pool in self.pools.values():
            pool.counts["lost"] += pool.running
            self.ended += [(run, Verdict("released")) for run in pool.at_hand]
            pool.at_hand.clear()
        await self.leave()
        if self.ended:
            ended, self.ended = self.ended, []
            with contextlib.suppress(errors.Unavailable):
                [meta] = await self._ask(ended, {}, uuid4(), False)
                self._confirm(ended, set(meta[LOST]))

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
            waiting=counts["waiting"],
            lost=counts["lost"],
            due_at=self.due_at,
        )


def _kind(given: str | Kind | Callable[[], Kind]) -> Kind:
    if isinstance(given, str):
        return Kind(given)
    return given if isinstance(given, Kind) else given()


def _tokens(runs: list[Run]) -> list[UUID | None]:
    """Return the tokens, each once: the runs of one claim share one object."""
    return list({id(run.token): run.token for run in runs}.values())
