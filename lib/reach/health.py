"""Whether this deployment is alive: in one word for anybody, and by service for an operator.

Anybody's answer comes from memory for a while, and then from one look at Redis: asked as often as one likes, it wakes
no Postgres and costs a command in ten seconds at most.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import VERSION, cache, config, db, errors, fetch, migrations
from lib.reach import snapshot
from lib.reach.snapshot import Snapshot

SQL = db.load("health")

type Facts = dict[str, Any]

PATIENCE = 2.0  # seconds
REMEMBERED = 10.0
SECRETS = ("webhook_secret", "cron_secret", "app_secret", "admin_api_token", "metrics_token")
SINCE_KEPT = timedelta(days=400)
HOOK_KEPT, HOOK_PATIENCE = timedelta(minutes=5), timedelta(seconds=5)


@dataclass
class LastLook:
    """What anybody was told last, and when by the monotonic clock."""

    at: float = -REMEMBERED
    facts: Facts | None = None


last = LastLook()


async def bare() -> Facts:
    """Return whether it is alive, from memory if that is fresh."""
    if last.facts is None or time.monotonic() - last.at >= REMEMBERED:
        redis = await _state(_redis)
        last.facts, last.at = {"ok": redis["state"] == "available", "redis": redis["state"]}, time.monotonic()
    return last.facts


async def whole() -> Facts:
    """Return how each service answers and how fast, the last migration, the queue's lag, each bot's webhook, and which

    deployment this is.
    """
    bots = [bot for bot, token in config.get().bot_tokens.items() if token]
    checks = [_state(_redis), _state(_database), _state(_queue), *(_state(_hook_of(bot)) for bot in bots)]
    began, (redis, database, queue, *hooks) = await asyncio.gather(since(), asyncio.gather(*checks))
    services = {"redis": redis, "database": database}
    ok = all(one["state"] == "available" for one in services.values())
    hooked = dict(zip(bots, hooks, strict=True))
    deployed = deployment() | {"since": began.isoformat() if began else None}
    return {"ok": ok, **services, "queue": queue, "webhooks": hooked, "deployment": deployed}


def deployment() -> Facts:
    """Return which code runs here and where, and a mark of each secret, by which an operator knows it for the same."""
    settings = config.get()
    secrets = {name: getattr(settings, name) for name in SECRETS}
    secrets |= {f"{bot}_bot_token": token for bot, token in settings.bot_tokens.items()}
    return {
        "environment": settings.environment,
        "version": VERSION,
        "commit": settings.commit[:12],
        "region": settings.region,
        "migration": migrations.available()[-1].name,
        "secrets": {name: config.account(value) for name, value in secrets.items() if value},
    }


async def since() -> datetime | None:
    """Return when this version was first seen at work here, None without Redis: the first to ask begins the count."""
    known = deployment()
    key = cache.key(f"running:{known['version']}:{known['commit'] or known['migration']}")
    with contextlib.suppress(errors.Unavailable):
        mark: cache.Command = ["SET", key, int(time.time()), "NX", "EX", int(SINCE_KEPT.total_seconds())]
        _, at = await cache.pipeline([mark, ["GET", key]])
        return datetime.fromtimestamp(int(at), UTC)
    return None


async def _state(check: Callable[[], Awaitable[Facts]]) -> Facts:
    """Return what a check finds, with the milliseconds that it took."""
    began = time.perf_counter()
    try:
        found = {"state": "available"} | await asyncio.wait_for(check(), PATIENCE)
    except (errors.AppError, TimeoutError):
        found = {"state": "unavailable"}
    return found | {"ms": round((time.perf_counter() - began) * 1000, 1)}


async def _redis() -> Facts:
    await cache.get("health")
    return {}


async def _database() -> Facts:
    found, ms = await db.run(_stand)
    applied = [entry.name for entry in found if entry.state == "applied"]
    pending = sum(one.state == "pending" for one in found)
    return {"migration": applied[-1] if applied else "none", "pending": pending, "round_trip_ms": ms}


async def _stand(conn: db.Connection) -> tuple[list[migrations.Status], float]:
    """Return where each migration stands, and the milliseconds of a round trip on a connection that was open."""
    found = await migrations.status(conn)
    began = time.perf_counter()
    await who(conn)
    return found, round((time.perf_counter() - began) * 1000, 1)


async def who(conn: db.Connection) -> Facts:
    """Return as which role a connection comes, and whether it is the owner or not held by row-level security."""
    return await SQL.who.one(conn, dict) or {}


async def _queue() -> Facts:
    """Return the lag as it is now: the figures that a worker left may be of before."""
    found = await db.run(snapshot.take)
    now = time.time()
    return {"lag_seconds": round(found.lag(now), 1), "oldest_seconds": round(found.oldest(now), 1)} | _left(
        Snapshot.read(await cache.get(snapshot.KEY)), now
    )


def _left(found: Snapshot | None, now: float) -> Facts:
    return {"worker_ended_seconds": round(now - found.at, 1)} if found else {}


def _hook_of(bot: str) -> Callable[[], Awaitable[Facts]]:
    async def look() -> Facts:
        found = await hook(bot)
        return {
            "pending": found.get("pending_update_count", 0),
            "is_set": bool(found.get("url")),
            "error": found.get("last_error_message", ""),
            "error_at": found.get("last_error_date", 0),
        }

    return look


async def hook(bot: str) -> Facts:
    """Return what Telegram says of a bot's webhook, asked for once in five minutes for all instances."""
    key = f"webhook_info:{bot}"
    if known := await cache.get(key):
        return dict(json.loads(known))
    address = f"{config.get().telegram_api_url}/bot{config.get().bot_token(bot)}/getWebhookInfo"
    answer = await fetch.ask("GET", address, timeout=HOOK_PATIENCE)
    try:
        found = dict(json.loads(answer.body)["result"])
    except (ValueError, LookupError, TypeError):
        raise errors.Unavailable("telegram", f"getWebhookInfo of {bot}: {answer.status}") from None
    await cache.set(key, json.dumps(found), HOOK_KEPT)
    return found
