"""Periods by name and as people type them."""

from datetime import date

import pytest

from lib import errors
from lib.flows import periods
from lib.flows.periods import ChosenPeriod

TODAY = date(2026, 5, 20)


@pytest.mark.parametrize(
    ("name", "since", "until"),
    [
        ("month", date(2026, 5, 1), TODAY),
        ("last_month", date(2026, 4, 1), date(2026, 4, 30)),
        ("quarter", date(2026, 4, 1), TODAY),
        ("last_quarter", date(2026, 1, 1), date(2026, 3, 31)),
        ("year", date(2026, 1, 1), TODAY),
        ("ever", None, TODAY),
    ],
)
def test_a_named_period_ends_today_or_before_this_one(name, since, until):
    assert periods.named(name, TODAY) == ChosenPeriod(since, until)


def test_the_periods_before_january_are_of_the_year_before():
    new_year = date(2026, 1, 1)
    assert periods.named("last_month", new_year) == ChosenPeriod(date(2025, 12, 1), date(2025, 12, 31))
    assert periods.named("last_quarter", new_year) == ChosenPeriod(date(2025, 10, 1), date(2025, 12, 31))
    assert periods.named("month", new_year) == ChosenPeriod(new_year, new_year)
    assert periods.named("quarter", date(2026, 12, 31)) == ChosenPeriod(date(2026, 10, 1), date(2026, 12, 31))


def test_every_name_is_a_period_and_nothing_else_is():
    assert all(periods.named(name, TODAY) for name in periods.NAMES)
    assert periods.named("decade", TODAY) is None
    assert periods.named("", TODAY) is None


@pytest.mark.parametrize(
    ("words", "since", "until"),
    [
        ("01.03 – 15.04", date(2026, 3, 1), date(2026, 4, 15)),
        ("1.03-15.04", date(2026, 3, 1), date(2026, 4, 15)),
        ("1.3 15.4", date(2026, 3, 1), date(2026, 4, 15)),
        ("01.03.2025 — 15.04.2026", date(2025, 3, 1), date(2026, 4, 15)),
        ("7-03-2026 - 9-03-2026", date(2026, 3, 7), date(2026, 3, 9)),
        ("с 1 марта по 5 апреля", date(2026, 3, 1), date(2026, 4, 5)),
        ("from March 1 to April 5", date(2026, 3, 1), date(2026, 4, 5)),
        ("15.11 - 20.01", date(2025, 11, 15), date(2026, 1, 20)),
        ("15.06 - 20.07", date(2025, 6, 15), date(2025, 7, 20)),
        ("12.03", date(2026, 3, 12), date(2026, 3, 12)),
        ("7 марта 2025", date(2025, 3, 7), date(2025, 3, 7)),
        ("20.05", TODAY, TODAY),
        ("21.05", date(2025, 5, 21), date(2025, 5, 21)),
        ("01.05 - 31.12.2026", date(2026, 5, 1), TODAY),
        ("29.02 - 1.03", date(2024, 2, 29), date(2026, 3, 1)),
    ],
)
def test_typed_dates_are_the_latest_that_have_come(words, since, until):
    assert periods.typed_by(words, TODAY) == ChosenPeriod(since, until)


@pytest.mark.parametrize(
    "words", ["", "март", "01.03 -", "32.01 - 1.02", "2026", "05.04.2026 - 01.03.2026", "- " * 3000]
)
def test_what_is_no_period_is_refused(words):
    with pytest.raises(errors.Invalid, match="period_unclear"):
        periods.typed_by(words, TODAY)


def test_a_period_that_begins_after_today_is_none():
    with pytest.raises(errors.Invalid, match="period_unclear"):
        periods.typed_by("01.06.2026 - 15.06.2026", TODAY)
