"""The dead man's switch: the webhook sees that the minute's cron still comes, as nothing else would start the watch.

Each instance looks once in five minutes, after an answer is out. A cron that never came often, as on the free plan, is
not missed.
"""

import contextlib
import time
from datetime import UTC, datetime, timedelta

from lib import cache, errors
from lib.jobs import kick
from lib.people import notify

LOOK, SILENT, AGAIN = 300.0, 600.0, timedelta(hours=1)

_looked = [-LOOK]


async def look() -> None:
    """Tell the administrators when the minute's cron has stopped coming, once an hour, and run the worker instead."""
    if time.monotonic() - _looked[0] < LOOK:
        return
    _looked[0] = time.monotonic()
    with contextlib.suppress(errors.Unavailable):  # without Redis nobody knows, and every update's line says so
        at, often = kick.mark_of(await cache.get(kick.MARK))
        gone = datetime.now(UTC).timestamp() - at
        if not often or gone < SILENT:
            return
        await kick.drain()
        if await cache.once("alerted:cron", AGAIN):
            await notify.alert_admins("admin", "alert.alarm_cron", minutes=int(gone // 60))
