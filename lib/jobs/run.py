"""One run of a job: what a task is given, what a kind of job declares, and what a failure means."""

import asyncio
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from lib import clock, db, errors
from lib.jobs import table
from lib.jobs.table import Job
from lib.retry import Backoff

# A leased job as `drain_jobs` returns it, in the order of its columns.
type Row = tuple[Any, ...]
ID, USER, TASK, KEY, ARGS, CHECKPOINT, PRICE, PRIORITY, RUN_AT, ATTEMPTS, MAX_ATTEMPTS, CODE, ERROR = range(13)
CREATED_AT, DEADLINE, DEATHS, LEASED_UNTIL, LOST = range(13, 18)


@dataclass(frozen=True)
class Rate:
    """No more than `starts` new tasks within any `per`, for all kinds and all workers that name this rate."""

    name: str
    starts: int
    per: timedelta


@dataclass(frozen=True)
class Kind:
    """One kind of job, as a line of lib/tasks describes it.

    `lanes` jobs run side by side in one worker, `at_once` in all workers together. A cheap kind also names a `batch`:
    so many are leased at once and kept at hand, and they share one log line. The jobs of another kind are leased when
    there is room to begin them; with `gather`, for so many at a time, so that many short looks at others' work cost one
    statement a handful.
    """

    module: str
    lanes: int | None = None
    batch: int = 0
    gather: int = 1
    at_once: int | None = None
    rate: Rate | None = None

    @property
    def limits(self) -> dict[str, Any] | None:
        """The limits that `claim_jobs` keeps to; None for a kind without limits."""
        if self.at_once is None and self.rate is None:
            return None
        found: dict[str, Any] = {"at_once": self.at_once} if self.at_once is not None else {}
        if self.rate is not None:
            seconds = self.rate.per.total_seconds()
            found |= {"rate": self.rate.name, "starts": self.rate.starts, "seconds": seconds}
        return found


class Run:
    """One run of a job: what the task reads, and where it notes how far it has got."""

    __slots__ = (
        "_job",
        "_row",
        "beat_at",
        "gives_way",
        "id",
        "lane",
        "skew",
        "stopped",
        "task",
        "token",
        "until",
        "waits_until",
    )

    def __init__(
        self,
        job: Job | None,
        until: datetime,
        row: Row = (),
        token: UUID | None = None,
        skew: timedelta = timedelta(0),
    ) -> None:
        self._job = job
        self._row = row
        self.id: int = row[ID] if job is None else job.id
        self.task: str = row[TASK] if job is None else job.task
        self.token = token
        self.until = until
        self.skew = skew  # by which Postgres' clock is ahead of ours
        self.waits_until: datetime | None = None
        self.gives_way = False
        # the worker's own: when to extend the lease, what runs it, and why it was told to stop
        self.beat_at = 0.0
        self.lane: asyncio.Task[None] | None = None
        self.stopped: Exception | None = None

    @property
    def job(self) -> Job:
        """The job as this run last saw it; made when it is first asked for, as a cheap task may not ask."""
        if self._job is None:
            self._job = _job(self._row, self.token)
        return self._job

    @property
    def checkpoint(self) -> dict[str, Any]:
        """The checkpoint that this run and earlier ones have saved."""
        return self.job.checkpoint

    @property
    def now(self) -> datetime:
        """The time by Postgres' clock, which all workers share: for what is kept, and compared with what is kept."""
        return clock.now() + self.skew

    @property
    def age(self) -> timedelta:
        """How long ago the job was created."""
        return self.now - self.job.created_at

    async def save(self, **facts: Any) -> None:
        """Merge facts into the checkpoint, for good; Conflict when another worker has the job or it is unwanted."""
        self._job = await db.run(lambda conn: table.save_checkpoint(conn, self.job, facts))
        if self._job.cancel_asked_at is not None:
            raise errors.Conflict("cancelled", f"job {self._job.id} is no longer wanted")

    async def wait(self, until: datetime, **facts: Any) -> None:
        """Save facts and, once the task returns, wait until then for somebody else's work; it uses up no attempt."""
        if facts:
            await self.save(**facts)
        self.waits_until = until

    def give_way(self) -> None:
        """Go on, once the task returns, when all have had their turn who are at the front of the line."""
        self.waits_until, self.gives_way = clock.now(), True


def _job(row: Row, token: UUID | None) -> Job:
    return Job(
        id=row[ID],
        user_id=row[USER],
        task=row[TASK],
        key=row[KEY],
        args=json.loads(row[ARGS] or "{}"),
        checkpoint=json.loads(row[CHECKPOINT] or "{}"),
        price=row[PRICE],
        priority=row[PRIORITY],
        state="running",
        run_at=row[RUN_AT],
        attempts=row[ATTEMPTS],
        max_attempts=row[MAX_ATTEMPTS],
        lease_token=token,
        leased_until=row[LEASED_UNTIL],
        error_code=row[CODE],
        error=row[ERROR],
        created_at=row[CREATED_AT],
        finished_at=None,
        deadline=row[DEADLINE],
        cancel_asked_at=None,
    )


class Task(Protocol):
    """The content of a module of lib/tasks. Unavailable means try again, any other AppError is final."""

    BACKOFF: Backoff
    LEASE: timedelta

    async def run(self, run: Run) -> None:
        """Do the job. It may be the second time: look at the checkpoint first."""


@dataclass(frozen=True)
class DrainSummary:
    """The outcome of one call of `work`, and when there is more to do (None: nothing is left)."""

    done: int = 0
    failed: int = 0
    cancelled: int = 0
    retried: int = 0
    waiting: int = 0
    lost: int = 0
    due_at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """The fate of a job after a run; 'lost' leaves it to the worker that holds the lease now."""

    state: str
    run_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None


DONE = Verdict("done")


def judge(job: Job, backoff: Backoff, error: Exception, now: datetime) -> Verdict:
    """Decide what a failed run means: another try, the end, or nothing because the job is no longer ours."""
    code = error.code if isinstance(error, errors.AppError) else "internal"
    said = f"{type(error).__name__}: {error}".replace("\0", "")[:500]
    if code == "lease_lost":
        return Verdict("lost", error_code=code, error=said)
    if code in ("cancelled", "erased"):
        return Verdict("cancelled", error_code="cancelled", error=said)
    final = isinstance(error, errors.AppError) and not isinstance(error, errors.Unavailable | errors.Misconfigured)
    if final or job.attempts >= job.max_attempts:
        return Verdict("failed", error_code=code, error=said)
    pause = backoff.delay(job.attempts, now - job.created_at)
    if pause is None:
        return Verdict("failed", error_code=code, error=said)
    wish = error.retry_after if isinstance(error, errors.Unavailable) else None
    return Verdict("queued", now + (wish or pause), code, said)
