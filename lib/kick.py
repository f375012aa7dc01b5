"""Asks the drain to run now, so that a user does not wait for the minute's tick. Losing a kick costs that wait only."""

from datetime import timedelta

from lib import cache, config, errors, fetch, log

_KEY = "drain_kick"
_COALESCE = timedelta(seconds=5)
_PATIENCE = timedelta(seconds=2)


async def drain() -> None:
    """Kick the drain, unless somebody has and that drain has not begun to claim yet."""
    try:
        if not await cache.once(_KEY, _COALESCE):
            return
    except errors.Unavailable as error:
        log.event("kick_not_coalesced", error=str(error))
    headers = {"Authorization": f"Bearer {config.get().cron_secret}"}
    await fetch.nudge(f"{config.get().public_url}/api/drain", headers=headers, timeout=_PATIENCE)


async def heard() -> None:
    """Let the next kick through: what was queued before this moment is seen by the claims that follow."""
    try:
        await cache.delete(_KEY)
    except errors.Unavailable as error:
        log.event("kick_not_cleared", error=str(error))
