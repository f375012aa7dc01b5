"""When a worker has to run: kicks it now, and remembers in Redis when it is due again, so that Postgres may sleep.

There are two workers: `drain` does what is light, `render` what needs Pillow, NumPy or the encoder (lib/tasks). Each
has a hint of its own, a number that Redis drops when the worker is due: by its clock, as those of two instances may
differ. Anything that may make the hint stale, an order or the start of another run, counts the number up, and a hint
with an old number is no hint. Lost, stale or out of reach it costs one look at the queue, never a job; and it holds for
half an hour at most.
"""

from datetime import datetime, timedelta
from typing import Literal

from lib import cache, clock, config, errors, fetch, log

type Worker = Literal["drain", "render"]

_COALESCE = timedelta(seconds=5)
_PATIENCE = timedelta(seconds=2)
# How long the queue may go without a look, whatever Redis says.
LOOK = timedelta(minutes=30)
# The cron's last visit, noted once in so many seconds; it comes often when the one before was not longer ago.
MARK, MARKED, OFTEN = "cron_mark", 270, 720
WORKERS: tuple[Worker, ...] = ("drain", "render")


async def drain() -> None:
    """Kick the worker that does what is light."""
    await _kick("drain")


async def render() -> None:
    """Kick the worker that draws."""
    await _kick("render")


async def _kick(worker: Worker) -> None:
    """Call a worker, unless somebody has and it has not begun to claim yet."""
    try:
        ms = int(_COALESCE.total_seconds() * 1000)
        first, *_ = await cache.pipeline(
            [["SET", cache.key(f"{worker}_kick"), "1", "NX", "PX", ms], *_count_up(worker)]
        )
        if not first:
            return
    except errors.Unavailable as error:
        log.event("kick_not_coalesced", error=str(error))
    headers = {"Authorization": f"Bearer {config.get().cron_secret}", **config.get().pass_headers}
    site = config.get().worker_url.replace("{worker}", worker)
    await fetch.nudge(f"{site}/api/{worker}", headers=headers, timeout=_PATIENCE)


async def heard(worker: Worker) -> int | None:
    """Let the next kick through: what was queued before this moment is seen by the claims that follow.

    Return what `rest` must be told, so that only the run that began last leaves a hint; None without Redis.
    """
    try:
        _, number, _ = await cache.pipeline([["UNLINK", cache.key(f"{worker}_kick")], *_count_up(worker)])
    except errors.Unavailable as error:
        log.event("kick_not_cleared", error=str(error))
        return None
    return int(number)


async def rest(worker: Worker, number: int | None, due_at: datetime | None) -> None:
    """Remember when the worker's next job falls due (None: nothing is left), as far as this run knows."""
    if number is None:
        return
    span = min(due_at - clock.now(), LOOK) if due_at else LOOK
    try:
        if span > timedelta(0):
            await cache.set(f"{worker}_rests", str(number), span)
        else:
            await cache.delete(f"{worker}_rests")
    except errors.Unavailable as error:
        log.event("drain_hint_not_kept", error=str(error))


async def may_rest() -> dict[Worker, bool]:
    """Say of each worker whether nothing is due for it yet for sure; False when in doubt. The minute's cron asks it.

    That it came is marked, so that others see whether it still does.
    """
    keys = [cache.key(f"{worker}_{what}") for worker in WORKERS for what in ("changes", "rests")]
    try:
        [found] = await cache.pipeline([["MGET", *keys, cache.key(MARK)]])
        await _mark(found[-1], clock.now().timestamp())
    except errors.Unavailable as error:
        log.event("drain_hint_not_read", error=str(error))
        return dict.fromkeys(WORKERS, False)
    hints = zip(WORKERS, found[:-1:2], found[1:-1:2], strict=True)
    return {worker: number is not None and number == hint for worker, number, hint in hints}


async def _mark(before: object, now: float) -> None:
    """Note that the cron has come, and whether it comes often: on the free plan it comes once a day, and rightly so."""
    at = mark_of(before)[0]
    if now - at >= MARKED:
        await cache.set(MARK, f"{now:.0f}:{int(now - at < OFTEN)}", timedelta(days=1))


def mark_of(text: object) -> tuple[float, bool]:
    """Return when the cron was last noted, as Unix time, and whether it comes often; (0, False) for nothing."""
    at, _, often = str(text or "").partition(":")
    return (float(at), often == "1") if at.isdecimal() else (0.0, False)


def _count_up(worker: Worker) -> list[cache.Command]:
    changes = cache.key(f"{worker}_changes")
    return [["INCR", changes], ["EXPIRE", changes, 86400]]
