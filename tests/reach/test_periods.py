"""The periods of reports: by the shop's own midnights, through summer time, and what each is compared with."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lib import errors
from lib.reach import periods

KAZAN = "Europe/Moscow"
BERLIN = "Europe/Berlin"
# a Sunday evening in London, Monday in Vladivostok already
NOW = datetime(2026, 11, 29, 17, 30, tzinfo=UTC)


def days(period):
    return period.first, period.last, period.before_first, period.before_last


def at(*numbers, zone=KAZAN):
    return datetime(*numbers, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("kind", "zone", "first", "last"),
    [
        ("day", KAZAN, date(2026, 11, 28), date(2026, 11, 28)),
        ("day", "Asia/Vladivostok", date(2026, 11, 29), date(2026, 11, 29)),
        ("week", KAZAN, date(2026, 11, 16), date(2026, 11, 22)),
        ("week", "Asia/Vladivostok", date(2026, 11, 23), date(2026, 11, 29)),
        ("month", KAZAN, date(2026, 10, 1), date(2026, 10, 31)),
    ],
)
def test_what_is_over_is_over_where_the_shop_is(kind, zone, first, last):
    period = periods.closed(kind, NOW, zone)
    assert days(period)[:2] == (first, last)
    assert period.since == at(first.year, first.month, first.day, zone=zone)
    assert period.until == at(last.year, last.month, last.day, zone=zone) + timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "before"),
    [
        ("day", (date(2026, 11, 21), date(2026, 11, 21))),  # the same day of the week
        ("week", (date(2026, 11, 9), date(2026, 11, 15))),
        ("month", (date(2026, 9, 1), date(2026, 9, 30))),
    ],
)
def test_it_is_compared_with_the_one_before(kind, before):
    assert days(periods.closed(kind, NOW, KAZAN))[2:] == before


def test_a_week_ends_on_sunday_when_monday_has_begun():
    monday = at(2026, 11, 30)
    assert periods.closed("week", monday, KAZAN).last == date(2026, 11, 29)
    assert periods.closed("week", monday - timedelta(seconds=1), KAZAN).last == date(2026, 11, 22)


def test_a_day_of_summer_time_has_23_hours_and_one_of_winter_time_25():
    spring = periods.closed("day", at(2026, 3, 30, 10, zone=BERLIN), BERLIN)
    autumn = periods.closed("day", at(2026, 10, 26, 10, zone=BERLIN), BERLIN)
    hours = [(one.until.astimezone(UTC) - one.since.astimezone(UTC)) for one in (spring, autumn)]
    assert hours == [timedelta(hours=23), timedelta(hours=25)]
    assert (spring.first, autumn.first) == (date(2026, 3, 29), date(2026, 10, 25))


def test_a_week_across_the_change_of_the_clocks_ends_at_midnight_all_the_same():
    week = periods.closed("week", at(2026, 3, 30, 10, zone=BERLIN), BERLIN)
    assert week.until.astimezone(UTC) == datetime(2026, 3, 29, 22, tzinfo=UTC)
    assert week.since.astimezone(UTC) == datetime(2026, 3, 22, 23, tzinfo=UTC)


def test_a_week_so_far_is_compared_with_as_much_of_the_week_before():
    period = periods.read("week", at(2026, 11, 25, 14, 30), KAZAN)
    assert (period.since, period.until) == (at(2026, 11, 23), at(2026, 11, 25, 14, 30))
    assert (period.before_since, period.before_until) == (at(2026, 11, 16), at(2026, 11, 18, 14, 30))


def test_a_month_so_far_is_never_compared_with_more_than_the_month_before():
    period = periods.read("month", at(2026, 3, 31, 12), KAZAN)
    assert days(period) == (date(2026, 3, 1), date(2026, 3, 31), date(2026, 2, 1), date(2026, 2, 28))
    early = periods.read("month", at(2026, 3, 2, 12), KAZAN)
    assert early.before_until == at(2026, 2, 2, 12)


def test_january_is_compared_with_december():
    assert days(periods.closed("month", at(2026, 2, 1, 10), KAZAN)) == (
        *(date(2026, 1, 1), date(2026, 1, 31)),
        *(date(2025, 12, 1), date(2025, 12, 31)),
    )


@pytest.mark.parametrize("kind", periods.CLOSED)
def test_the_code_of_a_period_leads_back_to_it(kind):
    period = periods.closed(kind, NOW, KAZAN)
    assert periods.read(period.code, NOW, KAZAN) == period
    assert len(period.code) == 9


def test_own_dates_include_both_and_are_compared_with_as_many_days():
    period = periods.read("20261101-20261110", NOW, KAZAN)
    assert days(period) == (date(2026, 11, 1), date(2026, 11, 10), date(2026, 10, 22), date(2026, 10, 31))
    assert period.until == at(2026, 11, 11)


@pytest.mark.parametrize("days_back", periods.SPANS)
def test_the_last_days_are_so_many_with_today_against_as_much_of_as_many_before(days_back):
    """They began at this hour of a day that no chart of so many days has, and that the days before had, too."""
    period = periods.read(str(days_back), NOW, KAZAN)
    span, today = timedelta(days=days_back), date(2026, 11, 29)
    assert (period.first, period.last) == (today - span + timedelta(days=1), today)
    assert (period.since, period.until) == (at(2026, 11, 30) - span, NOW)
    assert (period.before_since, period.before_until) == (period.since - span, NOW - span)
    assert period.before_last < period.first


@pytest.mark.parametrize(
    "code",
    [
        *("", "year", "8", "-7", "٧", "w", "w20261330", "x20261101", "20261110-20261101", "20261301-20261302"),
        *("20250101-20260102", "w20270104", "d20261201", "20261201-20261202", "week'; drop", "m" * 500),
    ],
)
def test_what_is_no_period_is_refused(code):
    with pytest.raises(errors.Invalid) as refused:
        periods.read(code, NOW, KAZAN)
    assert refused.value.code == "bad_period"


def test_a_whole_year_may_be_chosen_and_no_day_more():
    assert days(periods.own(date(2024, 1, 1), date(2024, 12, 31), KAZAN))[2] == date(2022, 12, 31)
    with pytest.raises(errors.Invalid):
        periods.own(date(2024, 1, 1), date(2025, 1, 1), KAZAN)


@pytest.mark.parametrize(
    ("kind", "number", "first"),
    [
        ("day", 3, date(2026, 11, 25)),
        ("week", 2, date(2026, 11, 2)),
        ("month", 1, date(2026, 9, 1)),
        ("month", 11, date(2025, 11, 1)),
    ],
)
def test_earlier_ones_of_the_kind_are_found(kind, number, first):
    assert periods.earlier(periods.closed(kind, NOW, KAZAN), number).first == first


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Pacific/Apia", "America/St_Johns", "Europe/Moscow"])
@pytest.mark.parametrize("kind", periods.CLOSED)
def test_a_period_that_is_over_ends_before_now_and_the_next_begins_where_it_ends(zone, kind):
    period = periods.closed(kind, NOW, zone)
    assert period.since < period.until <= NOW
    assert period.until.hour == period.until.minute == 0
    later = periods.closed(kind, NOW + timedelta(days=31 if kind == "month" else 7 if kind == "week" else 1), zone)
    assert later.since == period.until


def test_a_leap_day_belongs_to_february():
    february = periods.closed("month", at(2028, 3, 1, 10), KAZAN)
    assert days(february) == (date(2028, 2, 1), date(2028, 2, 29), date(2028, 1, 1), date(2028, 1, 31))
