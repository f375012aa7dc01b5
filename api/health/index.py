"""Whether this deployment is alive; for a probe without the token Neon is not woken. No figures of the business."""

import asyncio

from lib import cache, config, db, errors, migrations, web

PATIENCE = 2  # seconds


async def health(request: web.Request) -> web.Response:
    """Answer 200 when all that was asked answers, else 503 naming what did not; Denied for a wrong token."""
    whole = "authorization" in request.headers
    if whole:
        web.require_bearer(request, config.get().admin_api_token)
    checks = {"redis": _redis()} | ({"migration": _migration()} if whole else {})
    states = dict(zip(checks, await asyncio.gather(*map(_state, checks.values())), strict=True))
    ok = "unavailable" not in states.values()
    return web.answer({"ok": ok, **states}, 200 if ok else 503)


async def _migration() -> str:
    applied = [entry.name for entry in await db.run(migrations.status) if entry.state == "applied"]
    return applied[-1] if applied else "none"


async def _redis() -> str:
    await cache.get("health")
    return "available"


async def _state(check: web.Check) -> str:
    try:
        return await asyncio.wait_for(check, PATIENCE)
    except (errors.Unavailable, TimeoutError):
        return "unavailable"


app = web.app(health, "GET")
