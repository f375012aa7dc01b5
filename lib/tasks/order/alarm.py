"""Tells the administrators what of the providers needs one of them."""

import contextlib
from datetime import timedelta

from lib import cache, errors
from lib.people import notify
from lib.tasks.order.desk import Desk

EVERY = timedelta(hours=1)


async def alert(desk: Desk, provider: str, trouble: errors.Upstream, account: str = "") -> None:
    """Tell the administrators, once an hour for each provider, key and reason; again when nobody could be told."""
    name = ":".join(filter(None, ["alerted", provider, account, trouble.code]))
    try:
        first = await cache.once(name, EVERY)
    except errors.Unavailable:
        first = True
    if not first:
        return
    key, error = f"alert.provider_{trouble.code}", trouble.detail[:200]
    if not await notify.alert_admins(desk.order.bot, key, provider=provider, error=error):
        with contextlib.suppress(errors.Unavailable):
            await cache.delete(name)
