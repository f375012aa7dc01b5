"""Compares every hour what Telegram knows of our Stars with our payments: a lost message costs nobody money."""

from datetime import timedelta

from lib import config, log, retry
from lib.credits import payments
from lib.jobs.run import Run

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(minutes=15))
LEASE = timedelta(minutes=2)


async def run(_: Run) -> None:
    """Credit what was missed, take back what went back, and end refunds that hang."""
    await payments.end_hanging_refunds()
    for bot in payments.SELLERS:
        if config.get().bot_tokens.get(bot):
            log.note(payments_found=await (_walk_ours(bot) if config.get().regions else payments.walk(bot)))


async def _walk_ours(bot: str) -> int:
    """Compare the payments of people who are at home in this region; Telegram lists those of all."""
    from lib.regions import directory  # one region has everybody

    async def is_ours(tg_id: int) -> bool:
        return await directory.of_chat(bot, tg_id) == config.get().home_region

    return await payments.walk(bot, is_ours)
