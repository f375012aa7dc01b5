"""Telegram's webhook: an update in, a status out. Secret header; answers in under 2 s; what is long is queued."""

import importlib

from lib import config, errors, log, web
from lib.flows import FLOWS
from lib.reach import cron
from lib.telegram import dispatch

BODY_LIMIT = 1024 * 1024


async def webhook(request: web.Request) -> web.Response:
    """Answer 200 once the update is done; 503 or 500 make Telegram offer it again, never 410."""
    given = request.headers.getlist("x-telegram-bot-api-secret-token")
    web.require_secret(given[0] if len(given) == 1 else None, config.get().webhook_secret)
    # The platform may show the function its own path, and the rewrite's name in the query.
    bot = request.query_params.get("bot") or web.last_segment(request)
    door = importlib.import_module("lib.regions.door") if config.get().regions else dispatch
    if door is dispatch or bot != "regions":
        config.get().bot_token(bot)
    try:
        raw = await web.body(request, BODY_LIMIT)
    except errors.Invalid as error:  # no update is as long, and any other answer would bring it again for a day
        log.event("update", bot=bot, refused=str(error), status=200)
        return web.answer({"ok": True})
    outcome = await door.handle(bot, raw, FLOWS)

    async def afterwards() -> None:
        for work in outcome.after:
            await work()
        await cron.look()

    response = web.answer({"ok": outcome.status == 200}, outcome.status, background=afterwards)
    if outcome.status == 503:
        web.offer_again(response, outcome.retry_after)
    return response


app = web.app(webhook, "POST")
