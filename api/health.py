"""Whether this deployment is alive and what it stands on. Open and bare: no secrets, no figures of the business."""

import asyncio
from datetime import timedelta

from lib import cache, db, errors, migrations, web

PATIENCE = timedelta(seconds=2)


async def health(_: web.Request) -> web.Response:
    """Answer 200 with the last migration when the database and Redis answer, else 503 naming which did not."""
    database, redis = await asyncio.gather(_state(_migration()), _state(_redis()))
    ok = "unavailable" not in (database, redis)
    return web.answer({"ok": ok, "migration": database, "redis": redis}, 200 if ok else 503)


async def _migration() -> str:
    applied = [entry.name for entry in await db.run(migrations.status) if entry.state == "applied"]
    return applied[-1] if applied else "none"


async def _redis() -> str:
    await cache.get("health")
    return "available"


async def _state(check: web.Check) -> str:
    try:
        return await asyncio.wait_for(check, PATIENCE.total_seconds())
    except (errors.Unavailable, TimeoutError):
        return "unavailable"


app = web.app(health, "GET")
