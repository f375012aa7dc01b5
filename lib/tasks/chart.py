"""Draws a shop's figures, as a picture or as a PDF of one page, and sends it to who asked, if they still may see it."""

import asyncio
from datetime import datetime, timedelta

from lib import clock, db, errors, log, retry, text
from lib.drawing.card.report import ReportText
from lib.jobs.run import Run
from lib.loyalty import partners, staff
from lib.reach import drawn
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
    report, as_of = await db.read(lambda conn: _report(conn, shop, asked, clock.now(), user.language))
    await _send(
        Chat(asked["bot"], user.tg_id), drawn.footed(report, as_of, shop.tz, user.language), asked, user.language
    )
    log.note(chart=asked.get("what", "period"), shop=shop.id)


async def _report(
    conn: db.Connection, shop: partners.Partner, asked: dict[str, str], now: datetime, language: str
) -> ReportText:
    if asked.get("what") == "pdf":
        return await drawn.page(conn, shop, asked["period"], now, language)
    return await drawn.chart(conn, shop, asked.get("what", "period"), asked.get("period", "30"), now, language)


async def _send(chat: Chat, report: ReportText, asked: dict[str, str], language: str) -> None:
    from lib.drawing.card import figures

    words = text.say(language, "partner.chart.done", title=report.title)
    try:
        if asked.get("what") == "pdf":
            page = await asyncio.to_thread(figures.pdf, report)
            await chat.send_document(Picture(f"figures-{asked['period']}.pdf", page), words)
        else:
            picture = await asyncio.to_thread(figures.render, report)
            await chat.send_photo(Picture("figures.png", picture), words)
    except errors.Blocked:
        log.note(blocked=True)
