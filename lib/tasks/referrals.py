"""Pays the referrers of a receipt, or takes their rewards back once it is reversed."""

from datetime import timedelta

from lib import db, jobs, log, retry
from lib.loyalty import referrals

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=30)


async def run(run: jobs.Run) -> None:
    """Settle the receipt; every level is decided once, so another run changes nothing."""
    shop, receipt = run.job.args["partner_id"], run.job.args["receipt_id"]
    log.note(rewards=await db.run(lambda conn: referrals.settle(conn, shop, receipt)))
