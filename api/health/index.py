"""Whether this deployment is alive: for a probe from memory or Redis, with the operators' token by service."""

from lib import config, web
from lib.reach import health as sight


async def health(request: web.Request) -> web.Response:
    """Answer 200 when all that was asked answers, else 503 naming what did not; Denied for a wrong token."""
    if "authorization" in request.headers:
        web.require_bearer(request, config.get().admin_api_token)
        found = await sight.whole()
    else:
        found = await sight.bare()
    return web.answer(found, 200 if found["ok"] else 503)


app = web.app(health, "GET")
