"""Draws a shop's period as one picture and sends it to the person who asked, if they still may see it."""

import asyncio
from datetime import UTC, datetime, timedelta

from lib import db, errors, log, retry, text
from lib.jobs.run import Run
from lib.loyalty import partners, reports, staff
from lib.telegram.client import Chat, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=10))
LEASE = timedelta(minutes=1)


async def run(run: Run) -> None:
    """Read the figures, draw, send; a person who was let go meanwhile gets nothing."""
    from lib.drawing.card import figures

    asked = run.job.args
    found = await db.run(lambda conn: staff.manager(conn, asked["partner_id"], run.job.user_id))
    if found is None:
        log.note(no_longer_manages=True)
        return
    place, user = found
    now = datetime.now(UTC)
    since = now - timedelta(days=asked["days"])

    async def read(conn: db.Connection) -> tuple[reports.ShopSummary, list[reports.Day]]:
        shop = await partners.get(conn, asked["partner_id"])
        return await reports.summary(conn, shop, since, now), await reports.days(conn, shop, since, now)

    sums, days = await db.run(read)
    say = user.language
    average = sums.average_bill_minor
    sheet = figures.FiguresText(
        title=place.title,
        period=f"{text.date(say, days[0].day)} – {text.date(say, days[-1].day)}" if days else "",
        tiles=(
            (text.say(say, "partner.chart.turnover"), text.money(say, sums.turnover_minor)),
            (text.say(say, "partner.chart.average"), "—" if average is None else text.money(say, average)),
            (text.say(say, "partner.chart.clients"), f"{sums.active} / {sums.new_clients}"),
            ("NPS", "—" if sums.nps is None else (f"{sums.nps:+d}" if sums.nps else "0").replace("-", "−")),
        ),
        heading=text.say(say, "partner.chart.by_day"),
        bars=tuple((text.short_day(say, day.day), day.turnover_minor / 100) for day in days),
        empty=text.say(say, "partner.chart.empty"),
    )
    png = await asyncio.to_thread(figures.render, sheet)
    try:
        await Chat(asked["bot"], user.tg_id).send_photo(
            Picture("figures.png", png), text.say(say, "partner.chart.done", title=place.title)
        )
    except errors.Blocked:
        log.note(blocked=True)
