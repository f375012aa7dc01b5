"""The caches' statistics (GET), warm-up and clearing (POST), for an operator or CI. Bearer ADMIN_API_TOKEN."""

import json

from lib import config, errors, shelves, web
from lib.people import warmup

BODY_LIMIT = 10_000


async def cache(request: web.Request) -> web.Response:
    """Answer with the statistics, or do what the body says: {"action": ..., "prefix": ...}."""
    web.require_bearer(request, config.get().admin_api_token)
    if request.method != "POST":
        return web.answer(await shelves.statistics())
    try:
        return web.answer(await warmup.act(_order(await web.body(request, BODY_LIMIT))))
    except errors.Invalid as error:
        return web.answer({"error": {"code": error.code, "message": error.detail}}, error.status)


def _order(body: bytes) -> object:
    try:
        order: object = json.loads(body)
    except (ValueError, RecursionError):
        raise errors.Invalid("not_json", 'send {"action": "warmup"}') from None
    return order


app = web.app(cache, "GET", "POST")
