"""Catches up on the queue until the time budget ends: GET by Vercel Cron, POST by our own kick. Bearer CRON_SECRET."""

from lib import config, jobs, kick, web
from lib.tasks import TASKS


async def drain(request: web.Request) -> web.Response:
    """Work now and answer with a summary (GET), or answer at once and work on (POST)."""
    web.require_bearer(request, config.get().cron_secret)
    until = web.deadline(config.get().drain_budget)

    async def work() -> None:
        await kick.heard()
        await jobs.work(TASKS, until)

    if request.method == "POST":
        return web.answer({"started": True}, 202, background=work)
    await kick.heard()
    summary = await jobs.work(TASKS, until)
    return web.answer({"done": summary.done, "failed": summary.failed, "retried": summary.retried})


app = web.app(drain, "GET", "POST")
