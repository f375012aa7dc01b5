"""Looks at what may be wrong, after each run of the light worker: with the figures of Postgres that it has just left.

It looks once a minute at most. While something is about to fire or to be over it asks to be run again in a minute; what
fires for long keeps nobody awake. The webhook watches the watcher (lib/reach/cron.py).
"""

import asyncio
from datetime import UTC, datetime, timedelta

from lib import cache, config, counters, db, log
from lib.jobs import kick
from lib.reach import alerts, health, history, metrics, plan, push, snapshot, telling
from lib.reach.history import History
from lib.reach.snapshot import Snapshot

EACH = timedelta(seconds=50)
_seen = list[bool]()  # whether this process has noted which version is at work
FINDINGS = "audit:findings"
HISTORY_KEPT = timedelta(days=4)


async def leave() -> datetime | None:
    """Leave the figures for who asks and look at them; return when to look again, if that is soon."""
    found = await snapshot.leave()
    try:
        if found is None or not await cache.once("alerts_looked", EACH):
            return None
        return await _look(found, datetime.now(UTC))
    except Exception as error:  # the jobs are done: what looks after them must not make the run a failure
        log.event("alerts_not_looked", error=f"{type(error).__name__}: {error}"[:500])
        return None


async def _look(found: Snapshot, now: datetime) -> datetime | None:
    if not _seen:
        _seen.append(await health.since() is not None)
    keys = (history.KEY, FINDINGS, kick.MARK, plan.MONTH, plan.NEON, plan.BLOB)
    totals, (stored, findings, mark, month, hours, blob, backup, saved) = await counters.totals(
        *keys, alerts.BACKUP, alerts.SAVED
    )
    lately = History.read(stored).add(now.timestamp(), totals)
    await cache.set(history.KEY, lately.dump(), HISTORY_KEPT)
    used = await _plan(found, totals, month, hours, blob)
    ages = {"backup_at": int(backup or 0), "saved_at": int(saved or 0)}
    sight = alerts.Sight(now, found, lately, await _hooks(), int(findings or 0), used, **ages)
    change = await db.run(lambda conn: alerts.look(conn, sight))
    for one in (*change.fired, *change.resolved):
        log.event("alert", alert=one.name, label=one.label, state=one.state)
    await telling.tell(change, now)
    await push.push(metrics.page(totals, found, mark, now.timestamp()), now.timestamp())
    return now + timedelta(minutes=1) if change.look_again else None


async def _plan(
    found: Snapshot, totals: dict[str, int], month: str | None, hours: str | None, blob: str | None
) -> dict[str, float]:
    """Return which part of each service's plan is used up, and keep what the counters said when the month began."""
    known = plan.MonthStart.read(month)
    start = plan.begin(known, totals, datetime.now(UTC))
    if start != known:
        await cache.set(plan.MONTH, start.dump(), plan.KEPT)
    neon, stored = await plan.neon_hours(hours), await plan.bytes_stored(blob)
    return plan.shares(plan.used(start, totals, neon_hours=neon, size=found.size, stored=stored))


async def _hooks() -> dict[str, health.Facts]:
    """Return what Telegram says of each bot's webhook, of those that it says anything of."""
    bots = [bot for bot, token in config.get().bot_tokens.items() if token]
    found = await asyncio.gather(*map(health.hook, bots), return_exceptions=True)
    return {bot: one for bot, one in zip(bots, found, strict=True) if not isinstance(one, BaseException)}
