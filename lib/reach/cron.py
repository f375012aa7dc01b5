"""The dead man's switch: the webhook sees that the minute's cron still comes, as nothing else would start the watch.

Each instance looks once in five minutes, after an answer is out. A cron that never came often, as on the free plan, is
not missed. In a preview there is none, so the updates themselves move on what has fallen due, twice a minute.
"""

import contextlib
import time
from datetime import UTC, datetime, timedelta

from lib import cache, config, errors
from lib.jobs import kick
from lib.people import notify

LOOK, SILENT, AGAIN = 300.0, 600.0, timedelta(hours=1)
PREVIEW = 30.0

_looked = [-LOOK]


async def look() -> None:
    """Tell the administrators when the minute's cron has stopped coming, once an hour, and run the worker instead."""
    is_preview = config.get().environment == "preview"
    if time.monotonic() - _looked[0] < (PREVIEW if is_preview else LOOK):
        return
    _looked[0] = time.monotonic()
    if is_preview:
        await _move_on()
        return
    with contextlib.suppress(errors.Unavailable):  # without Redis nobody knows, and every update's line says so
        at, often = kick.mark_of(await cache.get(kick.MARK))
        gone = datetime.now(UTC).timestamp() - at
        if not often or gone < SILENT:
            return
        await kick.drain()
        if await cache.once("alerted:cron", AGAIN):
            await notify.alert_admins("admin", "alert.alarm_cron", minutes=int(gone // 60))


async def _move_on() -> None:
    """Do for a preview what the minute's cron does for production."""
    rests = await kick.may_rest()
    if not rests["drain"]:
        await kick.drain()
    if not rests["render"]:
        await kick.render()
