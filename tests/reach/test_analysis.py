"""Who comes back, when a shop is busy, and what it owes until when, by the shop's own months, days and hours."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib import text
from lib.reach import analysis, periods, tables
from lib.reach.analysis import BusyHour, Cohort, OwedMonth, OwedPoints
from tests.loyalty.test_points import accrue, redeem, reverse
from tests.loyalty.test_reports import figures
from tests.loyalty_lab import make_member
from tests.report_lab import ZONE, at, busy_week, old_shop, partner, week

SHOP = SimpleNamespace(id=7, title="Зерно <&>", tz=ZONE, minor_per_point=100)


async def test_a_cohort_is_the_month_of_the_first_purchase(conn):
    shop = await old_shop(conn)
    anna, boris, vera = [await make_member(conn, shop) for _ in range(3)]
    for member, months in ((anna, (1, 2, 4)), (boris, (1, 1)), (vera, (2, 3))):
        for month in months:
            await accrue(conn, shop, member, 10_000, now=at(10, month=month))
    found = await analysis.cohorts(conn, await partner(conn, shop), at(20, month=4))
    assert found == [
        Cohort(date(2026, 1, 1), 2, [1, 0, 1, 0, 0, 0]),
        Cohort(date(2026, 2, 1), 1, [1, 0, 0, 0, 0, 0]),
    ]


async def test_a_purchase_that_was_taken_back_is_no_first_one(conn):
    shop = await old_shop(conn)
    anna = await make_member(conn, shop)
    await reverse(conn, shop, await accrue(conn, shop, anna, 10_000, now=at(10, month=1)), now=at(10, 13, 1))
    await accrue(conn, shop, anna, 10_000, now=at(10, month=3))
    found = await analysis.cohorts(conn, await partner(conn, shop), at(20, month=4))
    assert found == [Cohort(date(2026, 3, 1), 1, [0] * 6)]


async def test_who_bought_first_long_ago_is_in_no_cohort_and_not_new(conn):
    shop = await old_shop(conn)
    anna = await make_member(conn, shop)
    await accrue(conn, shop, anna, 10_000, now=datetime(2025, 6, 1, tzinfo=UTC))
    await accrue(conn, shop, anna, 10_000, now=at(10))
    assert await analysis.cohorts(conn, await partner(conn, shop), at(20)) == []


async def test_a_month_begins_at_the_shops_midnight(conn):
    shop = await old_shop(conn, tz="Asia/Vladivostok")
    anna = await make_member(conn, shop)
    await accrue(conn, shop, anna, 10_000, now=datetime(2026, 2, 28, 15, tzinfo=UTC))  # 1 March there
    found = await analysis.cohorts(conn, await partner(conn, shop), datetime(2026, 3, 20, tzinfo=UTC))
    assert [one.month for one in found] == [date(2026, 3, 1)]


@pytest.mark.parametrize(
    ("today", "shares"),
    [
        (date(2026, 3, 20), [50, 0, None, None, None, None]),
        (date(2026, 1, 20), [None] * 6),
        (date(2026, 12, 1), [50, 0, 25, 0, 0, 100]),
    ],
)
def test_a_share_is_of_a_month_that_has_begun(today, shares):
    assert Cohort(date(2026, 1, 1), 4, [2, 0, 1, 0, 0, 4]).shares(today) == shares


async def test_hours_are_those_of_the_shops_clock_and_bills_that_stand(conn):
    shop = await busy_week(conn)
    found = await analysis.hours(conn, await partner(conn, shop), week())
    assert [(one.weekday, one.hour, one.receipts, one.turnover_minor) for one in found] == [
        *((1, 9, 1, 100_000), (2, 9, 1, 50_000)),
        *((5, 9, 1, 30_000), (5, 18, 1, 120_000)),
    ]


async def test_an_hour_that_the_clocks_have_twice_is_one_hour(conn):
    shop = await old_shop(conn)
    await conn.execute("update partners set tz = 'Europe/Berlin' where id = %s", (shop.id,))
    anna = await make_member(conn, shop)
    for hour in (0, 1):  # 02:30 in summer time, and again in winter time
        await accrue(conn, shop, anna, 10_000, now=datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    period = periods.own(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    [one] = await analysis.hours(conn, await partner(conn, shop), period)
    assert (one.weekday, one.hour, one.receipts) == (6, 2, 2)


def test_a_grid_goes_from_the_first_busy_hour_to_the_last():
    found = [BusyHour(0, 9, 4, 1), BusyHour(6, 11, 2, 1)]
    assert analysis.grid(found) == [(9, [4] + [0] * 6), (10, [0] * 7), (11, [0] * 6 + [2])]
    assert analysis.grid([]) == []


async def test_points_are_owed_until_the_month_of_their_last_day(conn):
    shop = await old_shop(conn, expire_days=31)
    anna = await make_member(conn, shop)
    await accrue(conn, shop, anna, 200_000, now=at(31))  # lives until the end of 1 May
    await accrue(conn, shop, anna, 100_000, now=at(30))  # until the end of 30 April: midnight of the first of May
    await redeem(conn, shop, anna, 20, bill_minor=100_000, now=at(31, 13))
    found = await analysis.owed(conn, await partner(conn, shop), at(31, 14))
    assert [(one.month, one.points) for one in found.months] == [(date(2026, 4, 1), 30), (date(2026, 5, 1), 149)]
    assert (found.later, found.never, found.total) == (0, 0, 179)


async def test_points_without_an_end_are_told_apart_and_expired_ones_are_not_owed(conn):
    shop = await old_shop(conn, expire_days=0)
    await accrue(conn, shop, await make_member(conn, shop), 100_000, now=at(10))
    assert (await analysis.owed(conn, await partner(conn, shop), at(20))).never == 50
    short = await old_shop(conn, expire_days=1)
    await accrue(conn, short, await make_member(conn, short), 100_000, now=at(10))
    found = await analysis.owed(conn, await partner(conn, short), at(20))
    assert found.total == 0


@pytest.mark.parametrize(
    ("month", "number", "there"),
    [
        (date(2026, 11, 1), -6, date(2026, 5, 1)),
        (date(2026, 1, 1), -1, date(2025, 12, 1)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
    ],
)
def test_months_are_counted_over_the_year(month, number, there):
    assert analysis.months_on(month, number) == there


# The words


def lines(said):
    return text.plain(said).replace("\u00a0", " ").split("\n")


def table(said):
    return text.plain(said.partition("<pre>")[2].partition("</pre>")[0]).split("\n")


def test_a_comparison_says_what_is_and_what_was():
    now = {"receipts": 124, "turnover_minor": 5_430_000, "issued": 2715, "ratings": 2, "promoters": 2}
    period = periods.closed("week", datetime(2026, 11, 30, 7, tzinfo=UTC), ZONE)
    said = tables.period(SHOP, period, figures(**now), figures(receipts=100, turnover_minor=6_000_000), "ru")
    assert lines(said) == [
        *("Сравнение · Зерно <&>", "23–29 ноября и 16–22 ноября", ""),
        *("Оборот: 54 300 ₽ ↓ 10 %, было 60 000 ₽", "Чеков: 124 ↑ 24 %, было 100"),
        *("Средний чек: 437,90 ₽ ↓ 27 %, было 600 ₽", "Покупали: 0, было 0", "Новых клиентов: 0, было 0"),
        *("Снова пришли: 0, было 0", "Начислено баллов: 2 715, было 0", "Списано баллов: 0, было 0"),
        "NPS: +100, было —",
    ]
    assert "&lt;&amp;&gt;" in said


def test_hours_fit_a_phone_and_name_the_busiest():
    period = periods.read("90", datetime(2026, 11, 30, 7, tzinfo=UTC), ZONE)
    said = tables.hours(SHOP, period, [BusyHour(5, 18, 27, 1), BusyHour(0, 17, 3, 1)], "ru")
    assert table(said) == [
        "   Пн Вт Ср Чт Пт Сб Вс",
        "17  3  ·  ·  ·  ·  ·  ·",
        "18  ·  ·  ·  ·  · 27  ·",
    ]
    assert lines(said)[-1] == "Больше всего чеков: суббота, с 18:00 до 19:00 — 27"


def test_cohorts_fit_a_phone():
    found = [Cohort(date(2026, 10, 1), 1234, [617, 0, 0, 0, 0, 0]), Cohort(date(2026, 11, 1), 8, [0] * 6)]
    said = tables.cohorts(SHOP, found, date(2026, 11, 29), "ru")
    assert table(said) == [
        "    чел.  1  2  3  4  5  6",
        "окт 1234 50  ·  ·  ·  ·  ·",
        "ноя    8  ·  ·  ·  ·  ·  ·",
    ]


def test_owed_points_fit_a_phone_and_add_up():
    months = [OwedMonth(date(2026, 12, 1), 1240), OwedMonth(date(2027, 1, 1), 60)]
    said = tables.owed(SHOP, OwedPoints(months, 5, 0), "ru")
    assert table(said) == [
        "дек 2026  1 240  1 240 ₽",
        "янв 2027     60     60 ₽",
        "позже         5      5 ₽",
        "Всего     1 305  1 305 ₽",
    ]


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_no_line_of_a_table_breaks_on_a_phone(language):
    most = [BusyHour(day, hour, 999, 10**9) for day in range(7) for hour in range(24)]
    period = periods.read("90", datetime(2026, 11, 30, 7, tzinfo=UTC), ZONE)
    months = [OwedMonth(analysis.months_on(date(2026, 9, 1), number), 99_999) for number in range(12)]
    busy = [Cohort(date(2026, 5, 1), 9_999, [9_999] * 6)]
    for said in (
        tables.hours(SHOP, period, most, language),
        tables.cohorts(SHOP, busy, date(2026, 11, 29), language),
        tables.owed(SHOP, OwedPoints(months, 999_999, 999_999), language),
    ):
        assert max(map(len, table(said))) <= tables.WIDE
        assert text.fits(said)


@pytest.mark.parametrize("language", text.LANGUAGES)
def test_a_shop_without_anything_reads_what_will_be_there(language):
    period = periods.read("90", datetime(2026, 11, 30, 7, tzinfo=UTC), ZONE)
    for said in (
        tables.hours(SHOP, period, [], language),
        tables.cohorts(SHOP, [], date(2026, 11, 29), language),
        tables.owed(SHOP, OwedPoints([], 0, 0), language),
    ):
        assert "<pre>" not in said
        assert len(lines(said)) == 4


@pytest.mark.parametrize("what", tables.SCREENS)
def test_each_screen_leads_to_the_others_to_its_picture_and_back(what):
    code = "20261101-20261130" if what in ("period", "hours") else ""
    rows = tables.keyboard(10**12, what, code, "ru")
    data = [button.data for row in rows for button in row]
    assert {one.split(":")[1] for one in data if one.startswith("compare:")} >= {
        *(set(tables.SCREENS) - {what}),
        "chart",
    }
    assert data[-2:] == ["figures:home", "menu:home"]
    assert all(len(one.encode()) <= 64 and not one.endswith(":") for one in data)
    assert len(rows[0]) <= 3


async def test_the_days_before_stand_beside_the_days(conn):
    from lib.reach import drawn

    shop = await busy_week(conn)
    facts = await drawn.facts(conn, await partner(conn, shop), week())
    bars = drawn.days(facts, "ru")
    assert [value for _, value in bars.bars] == [0, 1000, 500, 0, 0, 1500, 0]
    assert list(bars.before) == [0, 500, 500, 0, 0, 0, 0]
    assert bars.bars[0][0] == "09.03"
    tiles = drawn.tiles(facts, "en")
    assert [(one.label, one.value, one.change) for one in tiles][:2] == [
        ("Turnover", "3,000\u00a0₽", "↑\u00a0200%"),
        ("Receipts", "4", "↑\u00a0100%"),
    ]


def test_months_of_another_year_than_this_have_their_year():
    """Points of next November once stood in a page of this one as "Nov"."""
    from lib.reach import drawn

    months = [OwedMonth(date(2026, 12, 1), 5), OwedMonth(date(2027, 1, 1), 7)]
    today = date(2026, 12, 5)
    bars = drawn.owed(OwedPoints(months, 0, 3), today, "en").bars
    assert [label for label, _ in bars] == ["Dec\n2026", "Jan\n2027", "never"]
    assert drawn.owed(OwedPoints(months[1:], 0, 4), today, "ru").bars == (("янв\n2027", 7.0), ("не сгорят", 4.0))
    assert drawn.owed(OwedPoints(months[:1], 0, 0), today, "ru").bars == (("дек", 5.0),)


def test_what_expires_later_and_what_never_does_are_named_beside_a_year_of_months():
    from lib.drawing.card import figures as drawing
    from lib.drawing.card.report import ReportText
    from lib.reach import drawn

    months = [OwedMonth(analysis.months_on(date(2026, 11, 1), number), 1) for number in range(12)]
    bars = drawn.owed(OwedPoints(months, 10, 5), date(2026, 11, 29), "ru")
    said = [one.words for one in drawing.draw(ReportText("Зерно", "", (), (bars,), "", "ru"), 1).lines]
    assert {"ноя", "2026", "янв", "2027", "позже", "не сгорят"} <= {*said}


async def test_a_page_of_a_year_has_a_bar_a_week_and_one_of_an_empty_shop_is_drawn_too(conn):
    from lib.drawing.card import figures as drawing
    from lib.reach import drawn

    shop = await old_shop(conn)
    report = await drawn.page(conn, await partner(conn, shop), "20250401-20260331", at(31) + timedelta(days=1), "ru")
    days, hours, cohorts, owed = report.panels
    assert len(days.bars) == 53
    assert days.heading == "Оборот по неделям, ₽"
    assert (hours.rows, cohorts.rows, owed.bars) == ((), (), ())
    assert drawing.render(report).startswith(b"\x89PNG")
    assert drawn.footed(report, at(31, 9), ZONE, "ru").foot == "Данные на 09:00."
