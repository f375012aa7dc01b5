"""Tells the owners, on Monday mornings, what their clients asked for in the week and the menu did not have.

every hour: the shops where it is eleven on a Monday -> what is asked most -> the owner, with the way to the list
"""

from datetime import datetime, timedelta

from lib import db, log, retry
from lib.assistant import misses
from lib.jobs import kick
from lib.jobs.run import Run
from lib.loyalty import partners
from lib.menu import versions
from lib.menu.index import Index
from lib.people import notify

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(hours=1))
LEASE = timedelta(minutes=2)
SHOWN = 5


async def run(run: Run) -> None:
    """Tell the shops whose morning it is."""
    now, after, told = datetime.fromisoformat(run.job.args["due"]), 0, 0
    while page := await db.run(lambda conn, start=after: misses.shops(conn, now, after=start)):  # type: ignore[misc]
        for after in page:
            told += await _tell(after, now)
    log.count("misses_told", told)
    if told:
        await kick.drain()


async def _tell(partner_id: int, now: datetime) -> bool:
    shop = await db.run(lambda conn: partners.get(conn, partner_id))
    menu = await db.run(lambda conn: versions.newest(conn, partner_id))
    index = Index(menu.items)

    async def work(conn: db.Connection) -> bool:
        async with conn.transaction():
            await misses.fold(conn, partner_id, now=now)
            found = await misses.listed(conn, partner_id, index, limit=100)
            week = [one for one in found if one.last_on >= (now - misses.WEEK).date()][:SHOWN]
            if not week:
                return False
            lines = [notify.spoken("partner.assistant.asked", words=one.words, count=one.count) for one in week]
            fields = {"shop": shop.title, "lines": notify.listed(lines)}
            ways = [[("partner.button.assistant_misses", f"assistant:misses:{partner_id}")]]
            once = f"misses:{partner_id}:{now:%Y-%m-%d}"
            return await notify.tell(conn, shop.owner_id, "partner", "partner.told.misses", fields, ways, once=once)

    return await db.run(work)
