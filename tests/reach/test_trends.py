"""How a change, a score and the days of a period read."""

from datetime import UTC, date, datetime

import pytest

from lib.reach import periods, trends


@pytest.mark.parametrize(
    ("now", "before", "ru", "en"),
    [
        (112, 100, "↑\u00a012\u00a0%", "↑\u00a012%"),
        (95, 100, "↓\u00a05\u00a0%", "↓\u00a05%"),
        (100, 100, "→\u00a00\u00a0%", "→\u00a00%"),
        (1001, 1000, "→\u00a00\u00a0%", "→\u00a00%"),
        (0, 100, "↓\u00a0100\u00a0%", "↓\u00a0100%"),
        (1099, 100, "↑\u00a0999\u00a0%", "↑\u00a0999%"),
        (1100, 100, "↑ ×11", "↑ ×11"),
        (5, 0, "", ""),
        (None, 5, "", ""),
        (5, None, "", ""),
    ],
)
def test_a_change_has_an_arrow_and_a_share(now, before, ru, en):
    assert trends.change("ru", now, before) == ru
    assert trends.change("en", now, before) == en


@pytest.mark.parametrize(
    ("now", "before", "said"), [(40, 35, "↑\u00a05"), (-10, 20, "↓\u00a030"), (7, 7, "→\u00a00"), (7, None, "")]
)
def test_a_score_moves_by_points(now, before, said):
    assert trends.steps("ru", now, before) == said


@pytest.mark.parametrize(("nps", "said"), [(62, "+62"), (0, "0"), (-8, "\u22128"), (None, "—")])
def test_a_score_has_a_sign(nps, said):
    assert trends.score("ru", nps) == said


@pytest.mark.parametrize(
    ("first", "last", "ru", "en"),
    [
        ((2026, 11, 16), (2026, 11, 22), "16–22 ноября", "16–22 November"),
        ((2026, 11, 30), (2026, 12, 6), "30 ноября – 6 декабря", "30 November – 6 December"),
        ((2026, 12, 28), (2027, 1, 3), "28 декабря 2026 – 3 января 2027", "28 December 2026 – 3 January 2027"),
        ((2026, 11, 16), (2026, 11, 16), "16 ноября", "16 November"),
    ],
)
def test_days_are_said_as_short_as_they_can_be(first, last, ru, en):
    assert trends.dates("ru", date(*first), date(*last)) == ru
    assert trends.dates("en", date(*first), date(*last)) == en


def test_a_month_that_is_over_is_called_by_its_name():
    now = datetime(2026, 11, 29, 12, tzinfo=UTC)
    assert trends.said("ru", periods.closed("month", now, "Europe/Moscow")) == "октябрь 2026"
    assert trends.said("en", periods.closed("month", now, "Europe/Moscow")) == "October 2026"
    assert trends.said("ru", periods.read("month", now, "Europe/Moscow")) == "1–29 ноября"
    assert trends.weekday("en", date(2026, 11, 29)) == "Sunday"
