"""Pays the referrers of a receipt and tells them, or takes it back with the receipt; tells the shop what to decide."""

from datetime import timedelta

from lib import db, log, retry
from lib.jobs.run import Run
from lib.loyalty import counter, partners, referrals
from lib.loyalty.referrals import Reward
from lib.people import notify

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=30)


async def run(run: Run) -> None:
    """Settle the receipt; every level is decided once and told once, so another run only ends what one left undone."""
    shop, receipt = run.job.args["partner_id"], run.job.args["receipt_id"]
    number = await db.run(lambda conn: referrals.settle(conn, shop, receipt))
    log.note(rewards=number)
    found = await db.run(lambda conn: partners.get(conn, shop))
    await db.run(lambda conn: counter.tell_referrers(conn, found, receipt))
    held = await db.run(lambda conn: referrals.held(conn, shop, after=(receipt, 0), limit=1))
    if held and held[0].receipt_id == receipt:
        await _tell(shop, held[0])


async def _tell(partner_id: int, held: Reward) -> None:
    """Tell the owner that a reward waits for the shop's decision, once a day."""
    shop = await db.run(lambda conn: partners.get(conn, partner_id))
    ways = [[("partner.button.look", "invites:list")]]
    once = f"held:{shop.id}:{held.created_at:%Y%m%d}"
    fields = {"title": shop.title}
    await db.run(lambda conn: notify.tell(conn, shop.owner_id, "partner", "partner.push.held", fields, ways, once=once))
