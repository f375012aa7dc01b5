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
            log.note(payments_found=await payments.walk(bot))
