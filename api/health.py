"""Whether this deployment is alive and what it stands on. Open and bare: no secrets, no figures of the business."""

from lib import admin, cache, db, errors, web


async def health(_: web.Request) -> web.Response:
    """Answer 200 with the last migration when the database and Redis answer, else 503 naming which did not."""
    database = await _state(_database())
    redis = await _state(_redis())
    ok = "unavailable" not in (database, redis)
    return web.answer({"ok": ok, "migration": database, "redis": redis}, 200 if ok else 503)


async def _database() -> str:
    return await db.run(admin.last_migration)


async def _redis() -> str:
    await cache.get("health")
    return "available"


async def _state(check: "web.Check") -> str:
    try:
        return await check
    except errors.Unavailable:
        return "unavailable"


app = web.app(health, "GET")
