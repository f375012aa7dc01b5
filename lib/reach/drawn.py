"""What the pictures of a shop's reports say: the figures as tiles, days as bars, hours and cohorts as tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched

from lib import db, text
from lib.drawing.card.report import BarsText, GridText, ReportText, TileText
from lib.loyalty import reports
from lib.loyalty.partners import Partner
from lib.loyalty.reports import Day, ShopSummary
from lib.reach import analysis, periods, tables, trends, wording
from lib.reach.analysis import BusyHour, Cohort, OwedPoints
from lib.reach.periods import Period

TILES = ("turnover", "receipts", "average", "new", "returning", "nps")
MOST_DAYS = 92  # more of them are bars of a week each

type Panel = BarsText | GridText


@dataclass(frozen=True)
class PageFacts:
    """All that a page of a period is drawn from."""

    shop: Partner
    period: Period
    now: ShopSummary
    before: ShopSummary
    days: list[Day]
    days_before: list[Day]


async def facts(conn: db.Connection, shop: Partner, period: Period) -> PageFacts:
    """Read a period and the one before it, in sums and by days."""
    spans = [(period.since, period.until), (period.before_since, period.before_until)]
    now, before = await reports.summaries(conn, shop, spans)
    found = [await reports.days(conn, shop, *span) for span in spans]
    return PageFacts(shop, period, now, before, *found)


async def chart(conn: db.Connection, shop: Partner, what: str, code: str, now: datetime, language: str) -> ReportText:
    """Return the picture of one screen: a period's days, the hours, the cohorts, or the points owed."""
    if what == "owed":
        found = await analysis.owed(conn, shop, now)
        return _report(shop, "", [owed(found, _today(shop, now), language)], language)
    if what == "cohorts":
        return _report(
            shop, "", [cohorts(await analysis.cohorts(conn, shop, now), _today(shop, now), language)], language
        )
    period = periods.read(code, now, shop.tz)
    if what == "hours":
        panel = hours(await analysis.hours(conn, shop, period), language)
        return _report(shop, trends.said(language, period), [panel], language)
    one = await facts(conn, shop, period)
    return _report(shop, _dates(period, language), [days(one, language)], language, tiles(one, language))


async def page(conn: db.Connection, shop: Partner, code: str, now: datetime, language: str) -> ReportText:
    """Return the page of a period: the period's panels, then who comes back and what is owed."""
    one = await facts(conn, shop, periods.read(code, now, shop.tz))
    panels: list[Panel] = [
        days(one, language),
        hours(await analysis.hours(conn, shop, one.period), language),
        cohorts(await analysis.cohorts(conn, shop, now), _today(shop, now), language),
        owed(await analysis.owed(conn, shop, now), _today(shop, now), language),
    ]
    return _report(shop, _dates(one.period, language), panels, language, tiles(one, language))


def _report(
    shop: Partner, period: str, panels: list[Panel], language: str, tiles: tuple[TileText, ...] = ()
) -> ReportText:
    return ReportText(shop.title, period, tiles, tuple(panels), text.say(language, "digest.page.empty"), language)


def footed(report: ReportText, as_of: datetime | None, zone: str, language: str) -> ReportText:
    """Return a report that says as of when its data is."""
    return ReportText(**vars(report) | {"foot": wording.as_of(as_of, zone, language)})


def _today(shop: Partner, now: datetime) -> date:
    return periods.read("7", now, shop.tz).last


def _dates(period: Period, language: str) -> str:
    before = trends.dates(language, period.before_first, period.before_last)
    dates = {"dates": trends.said(language, period), "before": before}
    return text.plain(text.say(language, "digest.page.dates", **dates))


def tiles(one: PageFacts, language: str) -> tuple[TileText, ...]:
    """Return the figures, each with its change."""
    found = {name: (now, by) for name, now, _, by in tables.rows(language, one.now, one.before)}
    return tuple(TileText(text.say(language, f"digest.label.{name}"), *found[name]) for name in TILES)


def days(one: PageFacts, language: str) -> BarsText:
    """Return the turnover by day, or by week for many days, before that of the other period."""
    number = 7 if len(one.days) > MOST_DAYS else 1
    parts = list(batched(one.days, number))
    firsts = [some[0].day for some in parts]
    named = _dated(firsts, [text.short_day(language, day) for day in firsts])
    bars = tuple(
        (label, sum(day.turnover_minor for day in some) / 100) for label, some in zip(named, parts, strict=True)
    )
    before = tuple(sum(day.turnover_minor for day in some) / 100 for some in batched(one.days_before, number))
    heading = text.say(language, "partner.chart.by_day" if number == 1 else "digest.page.by_week")
    key = (text.say(language, "digest.page.now"), text.say(language, "digest.page.before"))
    return BarsText(heading, bars, before if any(before) else (), key if any(before) else ("", ""))


def _dated(on: Sequence[date], labels: Sequence[str]) -> list[str]:
    """Return the labels of these days, each with its year in a second line when there are several years."""
    one_year = len({day.year for day in on}) < 2
    return [label if one_year else f"{label}\n{day.year}" for day, label in zip(on, labels, strict=True)]


def hours(found: list[BusyHour], language: str) -> GridText:
    """Return the receipts by hour and weekday."""
    rows = tuple((f"{hour}:00", tuple(counts)) for hour, counts in analysis.grid(found))
    names = tuple(text.say(language, f"digest.short.{day}") for day in range(7))
    return GridText(text.say(language, "digest.page.hours"), names, rows)


def cohorts(found: list[Cohort], today: date, language: str) -> GridText:
    """Return the shares of new buyers who came in the months after."""
    rows = tuple(
        (f"{tables.month(language, one.month)} · {text.number(language, one.clients)}", tuple(one.shares(today)))
        for one in found
    )
    names = tuple(text.say(language, "digest.page.month_on", number=number) for number in range(1, 7))
    return GridText(text.say(language, "digest.page.cohorts"), names, rows, shares=True)


def owed(found: OwedPoints, today: date, language: str) -> BarsText:
    """Return the points by the month in which they expire; among many bars "later" stands a line lower."""
    months = [one.month for one in found.months if one.month]
    named = _dated([today, *months], ["", *(tables.month(language, one) for one in months)])[1:]
    bars = [(label, float(one.points)) for label, one in zip(named, found.months, strict=True)]
    lower = "\n" if found.never and len(bars) > analysis.MONTHS else ""
    if found.later:
        bars.append((lower + text.say(language, "digest.owed.later"), float(found.later)))
    if found.never:
        bars.append((text.say(language, "digest.owed.never"), float(found.never)))
    return BarsText(text.say(language, "digest.page.owed"), tuple(bars))
