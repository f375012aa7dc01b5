"""getUpdates: updates are asked for, and confirmed by asking for those behind them; a bot with a webhook may not."""

import asyncio
import contextlib

from dev.telegram.methods.asked import Asked
from dev.telegram.records import Json, Refused, Update

LONGEST = 50  # seconds that a call may wait
WEBHOOK = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
OTHER = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


async def get_updates(asked: Asked) -> list[Json]:
    """Return what waits for the bot, oldest first; a call that comes meanwhile ends this one."""
    bot, p, delivery = asked.bot, asked.p, asked.world.delivery
    if bot.webhook.url:
        raise Refused(409, WEBHOOK)
    if p.has("allowed_updates"):
        bot.webhook.allowed_updates = p.json("allowed_updates") or None
        asked.world.keep_bot(bot)
    bot.polls += 1
    mine = bot.polls
    bot.wake()  # the call that waits, if one does
    _confirm(asked, p.number("offset"))
    limit = min(max(p.number("limit", 100), 1), 100)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(min(max(p.number("timeout"), 0), LONGEST)):
            while not delivery.pending(bot.name) and bot.polls == mine:
                await bot.changed.wait()
    if bot.polls != mine or bot.webhook.url:
        raise Refused(409, WEBHOOK if bot.webhook.url else OTHER)
    return [one.update for one in delivery.pending(bot.name)[:limit]]


def _confirm(asked: Asked, offset: int) -> None:
    """Forget what comes before the offset; a negative one counts from the end."""
    waiting = asked.world.delivery.pending(asked.bot.name)
    done: list[Update] = [one for one in waiting if one.update_id < offset] if offset >= 0 else waiting[:offset]
    for one in done:
        asked.world.delivery.confirm(one)
    asked.bot.wake()


METHODS = {"getUpdates": get_updates}
