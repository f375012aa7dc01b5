"""Draws a shop's figures, as a picture or as a PDF of one page, and sends it to who asked, if they still may see it."""

import asyncio
from datetime import datetime, timedelta

from lib import clock, db, errors, log, retry, text, typed
from lib.drawing.card.report import ReportText
from lib.jobs.run import Run
from lib.loyalty import night, partners, staff
from lib.reach import drawn, periods
from lib.telegram.client import Chat, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
LEASE = timedelta(minutes=1)


async def run(run: Run) -> None:
    """Read the figures, draw, send; a person who was let go meanwhile gets nothing."""
    asked = run.job.args
    found = await db.run(lambda conn: staff.shop_and_manager(conn, asked["partner_id"], run.job.user_id))
    if found is None:
        return
    shop, user = found
    now, language = clock.now(), user.language
    await night.catch_up(shop.id)
    report, as_of = await db.read(lambda conn: _report(conn, shop, asked, now, language))
    report, chat = drawn.footed(report, as_of, shop.tz, language), Chat(asked["bot"], user.tg_id)
    is_page = asked.get("what") == "pdf"
    await _send(chat, report, _name(shop, asked["period"], now, language) if is_page else "", language)
    log.note(chart=asked.get("what", "period"), shop=shop.id)


async def _report(
    conn: db.Connection, shop: partners.Partner, asked: dict[str, str], now: datetime, language: str
) -> ReportText:
    if asked.get("what") == "pdf":
        return await drawn.page(conn, shop, asked["period"], now, language)
    return await drawn.chart(conn, shop, asked.get("what", "period"), asked.get("period", "30"), now, language)


def _name(shop: partners.Partner, code: str, now: datetime, language: str) -> str:
    """Return what the page's file is called: the shop, and the days that it is about."""
    period = periods.read(code, now, shop.tz)
    days = " – ".join(dict.fromkeys(text.date(language, day) for day in (period.first, period.last)))
    return f"{typed.file_name(shop.title, text.say(language, 'digest.page.name'), days)}.pdf"


async def _send(chat: Chat, report: ReportText, name: str, language: str) -> None:
    """Send it as a page when it has a name, else as a picture."""
    from lib.drawing.card import figures

    words = text.say(language, "partner.chart.done", title=report.title)
    try:
        if name:
            page = await asyncio.to_thread(figures.pdf, report)
            await chat.send_document(Picture(name, page), words)
        else:
            picture = await asyncio.to_thread(figures.render, report)
            await chat.send_photo(Picture("figures.png", picture), words)
    except errors.Blocked:
        log.note(blocked=True)
