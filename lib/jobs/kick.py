"""When the drain has to run: kicks it now, and remembers in Redis when it is due again, so that Postgres may sleep.

The hint is a time and a number. Whatever may make it stale, an order or the start of another drain, counts the number
up, and a hint with an old number is no hint. Lost, stale or out of reach it costs one look at the queue, never a job;
and it holds for half an hour at most.
"""

from datetime import UTC, datetime, timedelta

from lib import cache, config, errors, fetch, log

_KEY = "drain_kick"
_CHANGES = "drain_changes"
_DUE = "drain_due"
_COALESCE = timedelta(seconds=5)
_PATIENCE = timedelta(seconds=2)
# How long the queue may go without a look, whatever Redis says.
LOOK = timedelta(minutes=30)


async def drain() -> None:
    """Kick the drain, unless somebody has and that drain has not begun to claim yet."""
    try:
        ms = int(_COALESCE.total_seconds() * 1000)
        first, *_ = await cache.pipeline([["SET", cache.key(_KEY), "1", "NX", "PX", ms], *_count_up()])
        if not first:
            return
    except errors.Unavailable as error:
        log.event("kick_not_coalesced", error=str(error))
    headers = {"Authorization": f"Bearer {config.get().cron_secret}"}
    await fetch.nudge(f"{config.get().public_url}/api/drain", headers=headers, timeout=_PATIENCE)


async def heard() -> int | None:
    """Let the next kick through: what was queued before this moment is seen by the claims that follow.

    Return what `rest` must be told, so that only the drain that began last leaves a hint; None without Redis.
    """
    try:
        _, number, _ = await cache.pipeline([["UNLINK", cache.key(_KEY)], *_count_up()])
    except errors.Unavailable as error:
        log.event("kick_not_cleared", error=str(error))
        return None
    return int(number)


async def rest(number: int | None, due_at: datetime | None) -> None:
    """Remember when the next job falls due (None: nothing is left), as far as this drain knows."""
    if number is None:
        return
    latest = datetime.now(UTC) + LOOK
    due = f"{number}:{min(due_at or latest, latest).timestamp()}"
    try:
        await cache.set(_DUE, due, LOOK)
    except errors.Unavailable as error:
        log.event("drain_hint_not_kept", error=str(error))


async def may_rest() -> bool:
    """Say whether nothing is due yet for sure; False when in doubt."""
    try:
        [(number, hint)] = await cache.pipeline([["MGET", cache.key(_CHANGES), cache.key(_DUE)]])
    except errors.Unavailable as error:
        log.event("drain_hint_not_read", error=str(error))
        return False
    known, _, due = str(hint or "").partition(":")
    try:
        return known == str(number) and float(due) > datetime.now(UTC).timestamp()
    except ValueError:
        return False


def _count_up() -> list[cache.Command]:
    return [["INCR", cache.key(_CHANGES)], ["EXPIRE", cache.key(_CHANGES), 86400]]
