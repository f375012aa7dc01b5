"""Draws what is ordered until the time budget ends; kicks call it, also those of api/drain. Bearer CRON_SECRET."""

import asyncio
from datetime import datetime

from lib import config, web
from lib.jobs import drain, kick
from lib.reach import snapshot
from lib.tasks import HEAVY, weights


async def render(request: web.Request) -> web.Response:
    """Take what is due."""
    web.require_bearer(request, config.get().cron_secret)
    until = web.deadline(config.get().drain_budget)
    return await web.worked(request, lambda: _work(until))


async def _work(until: datetime) -> dict[str, int]:
    number, _ = await asyncio.gather(kick.heard("render"), weights.bring())
    summary = await drain.work(HEAVY, until)
    await snapshot.leave()
    await kick.rest("render", number, summary.due_at)
    return {"done": summary.done, "failed": summary.failed, "retried": summary.retried}


app = web.app(render, "GET", "POST")
