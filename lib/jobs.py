"""Jobs: what to do later, for whom, at what price, and how far it has got.

    queued ──claim──> running ──> done
      │  ^               │──────> failed      refunded, and a notice job tells the user
      │  └──retry────────│
      │                  └─> waiting ──claim at run_at──> running
      └──cancel──> cancelled      refunded

A running job holds a lease: a token and a time. Only the holder of the token can move it on (anybody else gets a
Conflict); a lease that ran out is taken over by the next claim and counts as an attempt. So a task runs at least once
and must be safe to run twice. Charge, refund and notice are the table's own doing (sql/), whoever moves the job.
"""

import asyncio
import contextlib
import importlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, cast
from uuid import UUID

from lib import config, db, errors, log
from lib.retry import Backoff

SQL = db.load("jobs")

# What a claim holds a job for; the task's own LEASE applies from the first heartbeat on.
FIRST_LEASE = timedelta(seconds=30)
# How often a worker with room to spare looks for more while its other jobs run.
LOOK_AGAIN = timedelta(seconds=1)


@dataclass(frozen=True)
class Job:
    id: int
    user_id: int
    task: str
    key: str
    args: dict[str, Any]
    checkpoint: dict[str, Any]
    price: int
    priority: int
    state: str
    run_at: datetime
    attempts: int
    max_attempts: int
    lease_token: UUID | None
    leased_until: datetime | None
    error_code: str | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True)
class Enqueued:
    """A job, whether this call created it, the balance after it and its place in the queue (None: not queued)."""

    job: Job
    created: bool
    balance: int
    position: int | None


async def create_job_and_consume_credit(
    conn: db.Connection,
    user_id: int,
    *,
    task: str,
    key: str,
    args: dict[str, Any],
    price: int,
    priority: int = 0,
    max_attempts: int = 5,
    run_at: datetime | None = None,
) -> Enqueued:
    """Queue a job and charge for it, all or nothing, in one round trip.

    The same request under the same key returns the first job and charges nothing; another request under that key is a
    Conflict. Too small a balance is ShortOfCredits, and nothing is written.
    """
    row = await SQL.create_job_and_consume_credit.one(
        conn,
        dict,
        user_id=user_id,
        task=task,
        key=key,
        args=args,
        price=price,
        priority=priority,
        max_attempts=max_attempts,
        run_at=run_at,
    )
    if row is None:
        raise errors.Missing("no_job", key)
    created, balance, place = row.pop("created"), row.pop("balance"), row.pop("place")
    return Enqueued(Job(**row), created, balance or 0, place)


async def get_job_by_id(conn: db.Connection, job_id: int) -> Job | None:
    """Return the job."""
    return await SQL.get_job_by_id.one(conn, Job, job_id=job_id)


async def get_job_by_idempotency_key(conn: db.Connection, key: str) -> Job | None:
    """Return the job that was created under this key."""
    return await SQL.get_job_by_idempotency_key.one(conn, Job, key=key)


async def get_user_jobs(conn: db.Connection, user_id: int, *, task: str | None = None, limit: int = 20) -> list[Job]:
    """Return a person's jobs, newest first, of one task or of all."""
    return await SQL.get_user_jobs.all(conn, Job, user_id=user_id, task=task, limit=limit)


async def list_last_jobs(conn: db.Connection, *, state: str | None = None, limit: int = 50) -> list[Job]:
    """Return everybody's jobs, newest first, in one state or in all."""
    return await SQL.list_last_jobs.all(conn, Job, state=state, limit=limit)


async def get_queue_position(conn: db.Connection, job_id: int) -> int | None:
    """Return the job's place among the queued ones of its task, 1 being next; None when it is not queued."""
    return await SQL.get_queue_position.one(conn, int, job_id=job_id)


async def due_at(conn: db.Connection, tasks: Collection[str] | None = None) -> datetime | None:
    """Return when the next job (of these tasks) falls due or its lease runs out; None when nothing is unfinished."""
    return await SQL.due_at.one(conn, datetime, tasks=None if tasks is None else list(tasks))


async def fetch_next_queued_job(
    conn: db.Connection, tasks: Collection[str], lease: timedelta, limit: int = 1
) -> list[Job]:
    """Lease up to `limit` due jobs of these tasks, best priority and oldest first.

    Two workers never get the same job: the row is locked and leaves its state in one statement. Jobs whose lease ran
    out are taken over; one that has no attempts left is failed and refunded instead.
    """
    return await SQL.fetch_next_queued_job.all(conn, Job, tasks=list(tasks), lease=lease, limit=limit)


async def update_job_status(
    conn: db.Connection,
    job: Job,
    state: str,
    *,
    run_at: datetime | None = None,
    error_code: str | None = None,
    error: str | None = None,
) -> Job:
    """Move a running job on to done, failed, cancelled, waiting or queued; Conflict when its lease is lost.

    Failed and cancelled give the credits back in the same statement, and failed also queues the notice to the user.
    """
    moved = await SQL.update_job_status.one(
        conn,
        Job,
        job_id=job.id,
        lease_token=job.lease_token,
        state=state,
        run_at=run_at,
        error_code=error_code,
        error=error,
    )
    return _held(moved, job)


async def save_checkpoint(conn: db.Connection, job: Job, facts: dict[str, Any]) -> Job:
    """Merge `facts` into the job's checkpoint; Conflict when its lease is lost."""
    return _held(await SQL.save_checkpoint.one(conn, Job, job_id=job.id, lease_token=job.lease_token, facts=facts), job)


async def extend_lease(conn: db.Connection, job: Job, lease: timedelta) -> None:
    """Hold a running job for `lease` from now; Conflict when its lease is lost."""
    if not await SQL.extend_lease.run(conn, job_id=job.id, lease_token=job.lease_token, lease=lease):
        _held(None, job)


async def cancel_job(conn: db.Connection, job_id: int, user_id: int) -> Job:
    """Cancel a person's queued job and give the credits back; Conflict when it has already begun."""
    job = await SQL.cancel_job.one(conn, Job, job_id=job_id, user_id=user_id)
    if job is not None:
        return job
    found = await get_job_by_id(conn, job_id)
    if found is None or found.user_id != user_id:
        raise errors.Missing("no_job", str(job_id))
    raise errors.Conflict("job_begun", f"job {job_id} is {found.state}")


def _held(job: Job | None, before: Job) -> Job:
    if job is None:
        raise errors.Conflict("lease_lost", f"job {before.id} is no longer ours")
    return job


class Run:
    """One run of a job: what the task reads, and where it notes how far it has got."""

    def __init__(self, job: Job, until: datetime) -> None:
        self.job = job
        self.until = until

    @property
    def checkpoint(self) -> dict[str, Any]:
        """What this run and earlier ones have saved."""
        return self.job.checkpoint

    async def save(self, **facts: Any) -> None:
        """Merge facts into the checkpoint, for good; Conflict when another worker has taken the job over."""
        self.job = await db.run(lambda conn: save_checkpoint(conn, self.job, facts))


class Task(Protocol):
    """What a module of lib/tasks holds. Unavailable means try again, any other AppError is final."""

    BACKOFF: Backoff
    LEASE: timedelta

    async def run(self, run: Run) -> None:
        """Do the job. It may be the second time: look at the checkpoint first."""


@dataclass(frozen=True)
class Summary:
    """What one call of `work` did, and when there is more to do (None: nothing is left)."""

    done: int = 0
    failed: int = 0
    retried: int = 0
    lost: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """What becomes of a job after a run; 'lost' leaves it to whoever holds the lease now."""

    state: str
    run_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None


def judge(job: Job, backoff: Backoff, error: Exception, now: datetime) -> Verdict:
    """Decide what a failed run means: another try, the end, or nothing because the job is no longer ours."""
    code = error.code if isinstance(error, errors.AppError) else "internal"
    said = f"{type(error).__name__}: {error}".replace("\0", "")[:500]
    if code == "lease_lost":
        return Verdict("lost", error_code=code, error=said)
    final = isinstance(error, errors.AppError) and not isinstance(error, errors.Unavailable | errors.Misconfigured)
    if final or job.attempts >= job.max_attempts:
        return Verdict("failed", error_code=code, error=said)
    pause = backoff.delay(job.attempts, now - job.created_at)
    if pause is None:
        return Verdict("failed", error_code=code, error=said)
    wish = error.retry_after if isinstance(error, errors.Unavailable) else None
    return Verdict("queued", now + (wish or pause), code, said)


async def work(
    tasks: Mapping[str, str],
    until: datetime,
    *,
    only: Collection[str] | None = None,
    concurrency: int = 2,
    margin: timedelta = timedelta(seconds=10),
    patience: timedelta = timedelta(seconds=5),
) -> Summary:
    """Run due jobs until none is left, several at a time, and claim no more than there is room for.

    The last claim is `margin` before `until`; what still runs at `until` is left to its lease. A job that falls due
    within `patience` is waited for, so that a short pause (a 429, a poll) does not cost a minute until the next cron.
    """
    names = [name for name in tasks if only is None or name in only]
    last_claim = until - margin
    counts: Counter[str] = Counter()
    running: set[asyncio.Task[str]] = set()
    try:
        while _now() < until:
            room = concurrency - len(running) if _now() < last_claim else 0
            claimed = await _claim(names, room, busy=bool(running))
            running |= {asyncio.create_task(_perform(job, tasks[job.task], until)) for job in claimed}
            if running:
                left = until - _now()
                ended, running = await _first_of(running, min(LOOK_AGAIN, left) if room > len(claimed) else left)
                counts.update(task.result() for task in ended)
                continue
            next_at = await db.run(lambda conn: due_at(conn, names))
            if next_at is None or next_at > min(_now() + patience, last_claim) or _now() >= last_claim:
                return Summary(**counts, due_at=next_at)
            await asyncio.sleep(max((next_at - _now()).total_seconds(), 0.1))
        counts["lost"] += len(running)
        return Summary(**counts, due_at=_now())
    finally:
        await _leave(running)


async def _claim(names: list[str], room: int, *, busy: bool) -> list[Job]:
    """Claim as much as there is room for. A worker that is busy finishes what it has while Postgres is away."""
    lease = FIRST_LEASE * config.get().lease_scale
    try:
        return await db.run(lambda conn: fetch_next_queued_job(conn, names, lease, room)) if room else []
    except errors.Unavailable:
        if not busy:
            raise
        return []


async def _first_of(
    running: set[asyncio.Task[str]], patience: timedelta
) -> tuple[set[asyncio.Task[str]], set[asyncio.Task[str]]]:
    seconds = max(patience.total_seconds(), 0)
    return await asyncio.wait(running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


async def _leave(running: set[asyncio.Task[str]]) -> None:
    """Stop what still runs without touching its jobs: their leases bring them back."""
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def _perform(job: Job, module: str, until: datetime) -> str:
    """Run one job and move it on; return the field of Summary that counts it. Never raises but CancelledError."""
    with log.scope("job", job_id=job.id, task=job.task, user_id=job.user_id, attempt=job.attempts, state="lost"):
        run = Run(job, until)
        verdict = await _attempt(run, module)
        if verdict.state == "lost":
            return "lost"
        try:
            await db.run(
                lambda conn: update_job_status(
                    conn,
                    run.job,
                    verdict.state,
                    run_at=verdict.run_at,
                    error_code=verdict.error_code,
                    error=verdict.error,
                )
            )
        except Exception as error:  # whatever it is, the lease brings the job back
            log.failure(error)
            return "lost"
        log.note(state=verdict.state)
        return "retried" if verdict.state == "queued" else verdict.state


async def _attempt(run: Run, module: str) -> Verdict:
    backoff = Backoff()
    try:
        task = cast(Task, importlib.import_module(module))
        backoff = task.BACKOFF
        await _hold(run, task)
    except Exception as error:
        log.failure(error)
        return judge(run.job, backoff, error, _now())
    return Verdict("done")


async def _hold(run: Run, task: Task) -> None:
    """Run the task and extend the lease at a third of it; stop the task when the lease turns out lost."""
    lease = task.LEASE * config.get().lease_scale
    pause = min(lease, FIRST_LEASE * config.get().lease_scale) / 3
    doing = asyncio.create_task(task.run(run))
    try:
        while not (await asyncio.wait({doing}, timeout=pause.total_seconds()))[0]:
            with contextlib.suppress(errors.Unavailable):  # Postgres may be back before the lease ends
                await db.run(lambda conn: extend_lease(conn, run.job, lease))
            pause = lease / 3
        if doing.cancelled():  # by itself: the cancellation must not spread to the other jobs
            raise errors.Unavailable("stopped", "the task cancelled itself")
        doing.result()
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)


def _now() -> datetime:
    return datetime.now(UTC)
