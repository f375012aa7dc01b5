"""Catches up on the queue until the time budget ends: GET by Vercel Cron, POST by our own kick. Bearer CRON_SECRET."""

import asyncio
from datetime import UTC, datetime

from lib import config, db, web
from lib.jobs import drain as jobs_drain
from lib.jobs import kick, periodic
from lib.jobs.run import DrainSummary
from lib.studio import line
from lib.tasks import SCHEDULES, TASKS


async def drain(request: web.Request) -> web.Response:
    """Work now and answer with a summary (GET), or answer at once and work on (POST)."""
    web.require_bearer(request, config.get().cron_secret)
    until = web.deadline(config.get().drain_budget)

    async def work() -> None:
        await _work(until)

    if request.method == "POST":
        return web.answer({"started": True}, 202, background=work)
    if await kick.may_rest():
        return web.answer({"rested": True})
    summary = await _work(until)
    return web.answer({"done": summary.done, "failed": summary.failed, "retried": summary.retried})


async def _work(until: datetime) -> DrainSummary:
    number = await kick.heard()
    await db.run(lambda conn: periodic.tick(conn, SCHEDULES, datetime.now(UTC)))
    summary, _ = await asyncio.gather(jobs_drain.work(TASKS, until), line.move())
    times = (summary.due_at, periodic.next_due(SCHEDULES, datetime.now(UTC)))
    await kick.rest(number, min((at for at in times if at), default=None))
    return summary


app = web.app(drain, "GET", "POST")
