"""The minute's clock of a deployment without a cron of its own: one of all processes calls the drain each minute.

Each process wakes at a moment of its own within the minute's first seconds and takes the minute's key in Redis: who has
it calls. Without Redis all of them call, which costs a look at the queue each and does no work twice.
"""

import asyncio
import random
import time
from datetime import timedelta

import httpx
from starlette.types import ASGIApp

from lib import cache, config, errors, log

MINUTE = 60
_KEPT = timedelta(seconds=2 * MINUTE)


async def keep(app: ASGIApp) -> None:
    """Call GET /api/drain of `app` each minute, until cancelled."""
    while True:
        await asyncio.sleep(MINUTE - time.time() % MINUTE + random.uniform(0, 2))
        try:
            await tick(app, int(time.time() // MINUTE))
        except Exception as error:  # the next minute is another chance, and a clock that ends is worse
            log.event("clock_failed", error=f"{type(error).__name__}: {error}")


async def tick(app: ASGIApp, minute: int) -> bool:
    """Call the drain for this minute, unless another process has; say whether it was us."""
    try:
        if not await cache.once(f"clock:{minute}", _KEPT):
            return False
    except errors.Unavailable as error:
        log.event("clock_not_shared", error=str(error))
    log.event("clock", minute=minute)
    headers = {"Authorization": f"Bearer {config.get().cron_secret}", "User-Agent": "lotok-clock/1.0"}
    inside = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=inside, base_url="http://clock", timeout=None) as client:
        answer = await client.get("/api/drain", headers=headers)
    if answer.status_code != 200:
        log.event("clock_refused", status=answer.status_code)
    return True
