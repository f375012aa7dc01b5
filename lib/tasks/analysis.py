"""Reads a screen of a shop's figures and puts it into the message that promised it, if the reader may still see it.

A reader who has gone on to something else in that message meanwhile keeps what they see.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lib import clock, db, errors, log, retry
from lib.jobs.run import Run
from lib.loyalty import night, reports, staff
from lib.loyalty.partners import Partner
from lib.reach import analysis, periods, promises, tables, wording
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
LEASE = timedelta(minutes=1)


async def run(run: Run) -> None:
    """Read it and show it; a person who was let go meanwhile sees nothing."""
    asked, now = run.job.args, clock.now()
    found = await db.run(lambda conn: staff.shop_and_manager(conn, asked["partner_id"], run.job.user_id))
    if found is None:
        return
    shop, user = found
    what, code = asked["what"], asked.get("period", "")
    await night.catch_up(shop.id)
    words, as_of = await db.read(lambda conn: _words(conn, shop, what, code, now, user.language))
    words = "\n\n".join(filter(None, [words, wording.as_of(as_of, shop.tz, user.language)]))
    rows = (
        tables.home_keyboard(shop.id, code, user.language)
        if what == "home"
        else tables.keyboard(shop.id, what, code, user.language)
    )
    if await promises.has_gone_on(asked, user.tg_id):
        log.note(gone_on=True)
        return
    chat = Chat(asked["bot"], user.tg_id, paced=True)
    try:
        if not await chat.edit(asked["message_id"], words, rows):
            await chat.say(words, rows)
    except errors.Blocked:
        log.note(blocked=True)


async def _words(conn: db.Connection, shop: Partner, what: str, code: str, now: datetime, language: str) -> str:
    if what == "cohorts":
        today = now.astimezone(ZoneInfo(shop.tz)).date()
        return tables.cohorts(shop, await analysis.cohorts(conn, shop, now), today, language)
    if what == "owed":
        return tables.owed(shop, await analysis.owed(conn, shop, now), language)
    period = periods.read(code, now, shop.tz)
    if what == "hours":
        return tables.hours(shop, period, await analysis.hours(conn, shop, period), language)
    spans = [(period.since, period.until), (period.before_since, period.before_until)]
    one, before = await reports.summaries(conn, shop, spans)
    if what == "home":
        return tables.home(shop, period, one, before, language)
    return tables.period(shop, period, one, before, language)
