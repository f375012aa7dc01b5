"""Does what is light until the time budget ends: GET by Vercel Cron, POST by a kick. Bearer CRON_SECRET."""

import asyncio
import importlib
from datetime import UTC, datetime

from lib import config, db, web
from lib.jobs import drain as jobs_drain
from lib.jobs import kick, periodic
from lib.reach import watch
from lib.studio import line
from lib.tasks import LIGHT, SCHEDULES


async def drain(request: web.Request) -> web.Response:
    """Take what is due. Cron calls nothing else, so a GET kicks the worker that draws, too."""
    web.require_bearer(request, config.get().cron_secret)
    until = web.deadline(config.get().drain_budget)
    if request.method == "GET":
        rests = await kick.may_rest()
        if not rests["render"]:
            await kick.render()
        if rests["drain"]:
            return web.answer({"rested": True})
    return await web.worked(request, lambda: _work(until))


async def _work(until: datetime) -> dict[str, int]:
    number = await kick.heard("drain")
    await db.run(lambda conn: periodic.tick(conn, SCHEDULES, datetime.now(UTC)))
    summary, _ = await asyncio.gather(jobs_drain.work(LIGHT, until), line.move())
    door = importlib.import_module("lib.regions.door") if config.get().regions else None
    told = await door.tell() if door else None
    times = (await watch.leave(), summary.due_at, periodic.next_due(SCHEDULES, datetime.now(UTC)), told)
    await kick.rest("drain", number, min((at for at in times if at), default=None))
    return {"done": summary.done, "failed": summary.failed, "retried": summary.retried}


app = web.app(drain, "GET", "POST")
