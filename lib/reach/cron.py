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
# A cron that comes often has the worker look at least every half an hour, and each look leaves the figures.
STALE = kick.LOOK.total_seconds() + SILENT
PREVIEW = 30.0

_looked = [-LOOK]


async def look() -> None:
    """Tell the administrators when the minute's cron has stopped coming, or comes and the worker leaves nothing."""
    is_preview = config.get().environment == "preview"
    if time.monotonic() - _looked[0] < (PREVIEW if is_preview else LOOK):
        return
    _looked[0] = time.monotonic()
    if is_preview:
        await _move_on()
        return
    from lib.reach import snapshot  # what it needs of the product is nothing for the webhook's start

    with contextlib.suppress(errors.Unavailable):  # without Redis nobody knows, and every update's line says so
        [(mark, left)] = await cache.pipeline([["MGET", cache.key(kick.MARK), cache.key(snapshot.KEY)]])
        at, often = kick.mark_of(mark)
        now = datetime.now(UTC).timestamp()
        found = snapshot.Snapshot.read(left)
        if often and now - at >= SILENT:
            await _tell("cron", now - at)
        elif often and found and now - found.at >= STALE:
            await _tell("snapshot", now - found.at)


async def _tell(what: str, seconds: float) -> None:
    """Run the worker instead, and have the administrators know once an hour."""
    await kick.drain()
    if await cache.once(f"alerted:{what}", AGAIN):
        await notify.alert_admins("admin", f"alert.alarm_{what}", minutes=int(seconds // 60))


async def _move_on() -> None:
    """Do for a preview what the minute's cron does for production."""
    rests = await kick.may_rest()
    if not rests["drain"]:
        await kick.drain()
    if not rests["render"]:
        await kick.render()
