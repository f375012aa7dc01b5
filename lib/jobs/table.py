"""The table of jobs: enqueue, claim, move on, look up. Unfinished jobs are in `jobs`, finished ones in `job_history`;
a reader sees both.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from lib import db, errors

SQL = db.load("jobs")


@dataclass(frozen=True)
class Job:
    id: int
    user_id: int  # 0: nobody's, the platform's own
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
    deadline: datetime | None
    cancel_asked_at: datetime | None


@dataclass(frozen=True)
class QueuedJob:
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
    time_limit: timedelta | None = None,
) -> QueuedJob:
    """Queue a job and charge for it, all or nothing, in one round trip.

    The same request under the same key returns the first job and charges nothing; another request under that key is a
    Conflict. Too small a balance is ShortOfCredits, and nothing is written. A job that is not done `time_limit` after
    its time is failed and refunded, however many attempts it has left.
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
        time_limit=time_limit,
    )
    if row is None:
        raise errors.Missing("no_job", key)
    created, balance, place = row.pop("created"), row.pop("balance"), row.pop("place")
    return QueuedJob(Job(**row), created, balance or 0, place)


@dataclass(frozen=True)
class NewJob:
    """One of many free jobs: for whom, under which key, and what is to be done."""

    user_id: int
    key: str
    args: dict[str, Any]


async def create_free_jobs(
    conn: db.Connection,
    task: str,
    orders: Sequence[NewJob],
    *,
    priority: int = 0,
    max_attempts: int = 5,
    run_at: datetime | None = None,
) -> int:
    """Queue many jobs that cost nothing in one round trip, a thousand at a time; return how many are new.

    The same request under a known key is left as it is; another request under it is a Conflict, and nothing is queued.
    """
    return (
        await SQL.create_free_jobs.one(
            conn,
            int,
            task=task,
            user_ids=[order.user_id for order in orders],
            keys=[order.key for order in orders],
            args=[order.args for order in orders],
            priority=priority,
            max_attempts=max_attempts,
            run_at=run_at,
        )
        or 0
    )


async def get_job_by_id(conn: db.Connection, job_id: int) -> Job | None:
    """Return the job."""
    return await SQL.get_job_by_id.one(conn, Job, job_id=job_id)


async def get_job_by_idempotency_key(conn: db.Connection, key: str) -> Job | None:
    """Return the job that was created under this key."""
    return await SQL.get_job_by_idempotency_key.one(conn, Job, key=key)


async def get_user_jobs(
    conn: db.Connection,
    user_id: int,
    *,
    tasks: Collection[str] | None = None,
    before: int | None = None,
    limit: int = 20,
) -> list[Job]:
    """Return a page of a person's jobs, newest first: of these tasks, or of all, with an id below `before`."""
    wanted = None if tasks is None else list(tasks)
    return await SQL.get_user_jobs.all(conn, Job, user_id=user_id, tasks=wanted, before=before, limit=limit)


async def list_last_jobs(
    conn: db.Connection, *, state: str | None = None, task: str | None = None, limit: int = 50
) -> list[Job]:
    """Return everybody's jobs, newest first, in one state or in all, of one task or of all."""
    return await SQL.list_last_jobs.all(conn, Job, state=state, task=task, limit=limit)


async def get_queue_position(conn: db.Connection, job_id: int) -> int | None:
    """Return the job's place in the line of its task, 1 being next; 1001 means more than a thousand come first.

    None when it is not in the line: it runs, is finished, or its time has not come.
    """
    return await SQL.get_queue_position.one(conn, int, job_id=job_id)


@dataclass(frozen=True)
class Place:
    """A job's place in the line and how long that will probably take; None where nobody can tell."""

    position: int | None
    wait: timedelta | None


async def get_place(conn: db.Connection, job_id: int) -> Place:
    """Return the job's place and an honest guess at its waiting time: by the pace of the last quarter of an hour."""
    return await SQL.get_place.one(conn, Place, job_id=job_id) or Place(None, None)


async def due_at(conn: db.Connection, tasks: Collection[str] | None = None) -> datetime | None:
    """Return when the next job (of these tasks) falls due or its lease runs out; None when nothing is unfinished."""
    return await SQL.due_at.one(conn, datetime, tasks=None if tasks is None else list(tasks))


async def fetch_next_queued_job(
    conn: db.Connection, tasks: Collection[str], lease: timedelta, limit: int = 1
) -> list[Job]:
    """Lease up to `limit` due jobs of these tasks: best priority first, then everybody's first job before any second.

    Two workers never get the same job: the row is locked and leaves its state in one statement. Jobs whose lease ran
    out are taken over; one that has no attempts left is failed and refunded instead, and one with which two workers
    died is given out alone.
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


async def cancel_job(conn: db.Connection, job_id: int, user_id: int, *, code: str | None = None) -> Job:
    """Cancel a person's queued job and give the credits back; Conflict when it has already begun.

    With the code `cancelled` the person is told, as somebody else has done it.
    """
    job = await SQL.cancel_job.one(conn, Job, job_id=job_id, user_id=user_id, code=code)
    if job is not None:
        return job
    found = await get_job_by_id(conn, job_id)
    if found is None or found.user_id != user_id:
        raise errors.Missing("no_job", str(job_id))
    raise errors.Conflict("job_begun", f"job {job_id} is {found.state}")


async def ask_to_cancel(conn: db.Connection, job_id: int) -> Job | None:
    """Ask the worker that holds a running or waiting job to stop it; None when nobody does.

    Best effort: the job is cancelled and refunded when its worker sees it in time, or ends as it would have.
    """
    return await SQL.ask_to_cancel.one(conn, Job, job_id=job_id)


def _held(job: Job | None, before: Job) -> Job:
    if job is None:
        raise errors.Conflict("lease_lost", f"job {before.id} is no longer ours")
    return job


async def forget_history(conn: db.Connection, limit: int = 1000) -> int:
    """Remove up to `limit` jobs that were finished more than 90 days ago; return how many. The ledger stays."""
    return await SQL.forget_history.one(conn, int, limit=limit) or 0


@dataclass(frozen=True)
class RetriedJob:
    """The job that does a failed one over, whether this call made it, and what it was charged."""

    job: Job
    created: bool
    charged: int


async def retry_job(conn: db.Connection, job_id: int) -> RetriedJob:
    """Queue a failed or cancelled job once more, as a new job that begins from the start.

    It is charged only if the first one was refunded. Doing it twice makes one job; ShortOfCredits when they are gone.
    """
    job = await get_job_by_id(conn, job_id)
    if job is None:
        raise errors.Missing("no_job", str(job_id))
    if job.state not in ("failed", "cancelled"):
        raise errors.Conflict("job_not_failed", f"job {job_id} is {job.state}")
    if job.checkpoint.get("earned"):
        raise errors.Conflict("job_not_failed", f"a part of job {job_id} was delivered")
    if job.task in ("tell", "relay") and "fields" not in job.args:
        raise errors.Conflict("words_gone", f"job {job_id} has said what it could")
    refunded = await SQL.was_refunded.one(conn, bool, job_id=job_id)
    made = await create_job_and_consume_credit(
        conn,
        job.user_id,
        task=job.task,
        key=f"retry:{job.id}",
        args=job.args,
        price=job.price if refunded else 0,
        priority=job.priority,
        max_attempts=job.max_attempts,
    )
    return RetriedJob(made.job, made.created, made.job.price if made.created else 0)


async def queue_stats(conn: db.Connection, span: timedelta = timedelta(days=1)) -> list[dict[str, Any]]:
    """Return how many jobs of each kind are in each state; of the finished ones those of the last `span`."""
    return await SQL.queue_stats.all(conn, dict, span=span)
