"""Jobs as an administrator sees them: what failed and of what, what is under way; done over, or cancelled."""

from lib import db, errors
from lib.jobs import table
from lib.jobs.table import Job, RetriedJob
from lib.office import trail
from lib.office.people import MOST, PAGE, Count, JobLine

SQL = db.load("admin")


async def failed(
    conn: db.Connection, *, task: str = "", code: str = "", before: int | None = None, limit: int = PAGE
) -> list[JobLine]:
    """Return a page of the failed jobs of 90 days, newest first: of all, of one task, of one reason, or of both."""
    chosen = {"task": task or None, "code": code or None}
    return await SQL.failed_jobs.all(conn, JobLine, **chosen, before=before, limit=limit)


async def failed_by_task(conn: db.Connection, *, code: str = "") -> list[Count]:
    """Return how many failed of each task, the most first: of all reasons, or of one."""
    return await SQL.failed_by_task.all(conn, Count, code=code or None, limit=MOST)


async def failed_by_code(conn: db.Connection, *, task: str = "") -> list[Count]:
    """Return how many failed for each reason, the most first: of all tasks, or of one."""
    return await SQL.failed_by_code.all(conn, Count, task=task or None, limit=MOST)


async def under_way(conn: db.Connection, *, after: int = 0, limit: int = PAGE) -> list[JobLine]:
    """Return a page of the unfinished jobs, the oldest first."""
    return await SQL.open_jobs.all(conn, JobLine, after=after, limit=limit)


async def get(conn: db.Connection, job_id: int) -> Job:
    """Return a job; Missing("no_job")."""
    job = await table.get_job_by_id(conn, job_id)
    if job is None:
        raise errors.Missing("no_job", str(job_id))
    return job


async def retried_as(conn: db.Connection, job_id: int) -> int | None:
    """Return the job that has done a failed one over, if there is one."""
    again = await table.get_job_by_idempotency_key(conn, f"retry:{job_id}")
    return again.id if again else None


async def refunded(conn: db.Connection, job_id: int) -> bool:
    """Tell whether the credits of a job went back, so that doing it over charges them again."""
    return bool(await table.SQL.was_refunded.one(conn, bool, job_id=job_id))


async def retry(conn: db.Connection, job_id: int, *, actor: str, reason: str) -> RetriedJob:
    """Do a failed job over and note who wanted it; doing that twice makes one job and one note.

    Conflict("erased") when its person was; Gone would mean the administrator.
    """
    try:
        async with conn.transaction():
            retried = await table.retry_job(conn, job_id)
            if retried.created:
                facts = {"job": retried.job.id, "charged": retried.charged}
                await trail.note(conn, actor, "job.retry", f"job {job_id}", reason, after=facts)
    except errors.Gone as gone:
        raise errors.Conflict("erased", gone.detail) from gone
    return retried


async def cancel(conn: db.Connection, job_id: int, *, actor: str, reason: str) -> Job:
    """Cancel a queued job and give its credits back, or ask the worker of a running one to stop it.

    Conflict("job_ended") when there is nothing to stop any more.
    """
    job = await get(conn, job_id)
    async with conn.transaction():
        try:
            async with conn.transaction():
                found: Job | None = await table.cancel_job(conn, job.id, job.user_id, code="cancelled")
        except errors.Conflict:
            found = await table.ask_to_cancel(conn, job.id)
        if found is None:
            raise errors.Conflict("job_ended", f"job {job_id} is {job.state}")
        facts = {"state": found.state, "price": found.price}
        await trail.note(conn, actor, "job.cancel", f"job {job_id}", reason, before={"state": job.state}, after=facts)
    return found
