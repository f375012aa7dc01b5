"""Percentiles, and how sizes, times and money read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops.neon.assess import figures
from ops.neon.assess.figures import GB, Spread


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7], 0.5, 7),
        ([7], 0.99, 7),
        ([1, 2], 0.5, 1),
        ([1, 2], 0.51, 2),
        ([3, 1, 2], 0.5, 2),
        ([1, 2, 3, 4, 5, 6], 0.95, 6),
        (range(1, 101), 0.5, 50),
        (range(1, 101), 0.95, 95),
        (range(1, 101), 0.99, 99),
        (range(1, 101), 1.0, 100),
        (range(1, 101), 0.0, 1),
        (range(100, 0, -1), 0.95, 95),
    ],
)
def test_a_percentile_is_the_nearest_rank(values, share, expected):
    assert figures.percentile(list(values), share) == expected


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_percentile_was_measured_and_grows_with_its_share(values, one, other):
    low, high = (figures.percentile(values, share) for share in sorted((one, other)))
    assert low in values
    assert high in values
    assert low <= high


def test_a_spread_of_nothing_is_none():
    assert figures.spread([]) is None


def test_a_spread_counts_and_orders_its_values():
    assert figures.spread([5, 1, 3, 2, 4]) == Spread(5, 3, 5, 5)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (1023, "1023 B"),
        (1024, "1 kB"),
        (8192, "8 kB"),
        (1.5 * 1024**2, "1.5 MB"),
        (1.16 * GB, "1.16 GB"),
        (64 * GB, "64 GB"),
        (3 * 1024 * GB, "3 TB"),
    ],
)
def test_a_size_has_three_digits_and_a_unit(number, shown):
    assert figures.size(number) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "–"),
        (0.24, "0.24 ms"),
        (9.99, "9.99 ms"),
        (51.4, "51 ms"),
        (999, "999 ms"),
        (1234, "1.23 s"),
    ],
)
def test_a_short_time_is_in_milliseconds(number, shown):
    assert figures.milliseconds(number) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.43, "0.43 s"),
        (5.44, "5.4 s"),
        (65, "65 s"),
        (120, "2 min"),
        (89 * 60, "89 min"),
        (4 * 3600, "4 h"),
        (5.5 * 3600, "5.5 h"),
        (3 * 86400, "3 d"),
    ],
)
def test_a_duration_reads_as_a_person_says_it(seconds, shown):
    assert figures.duration(seconds) == shown


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (None, "–"),
        (0, "$0.00"),
        (7.3, "$7.30"),
        (99.994, "$99.99"),
        (128.4, "$128"),
        (12500, "$12,500"),
    ],
)
def test_money_has_cents_below_a_hundred(usd, shown):
    assert figures.money(usd) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0"),
        (0.1514, "0.151"),
        (42, "42"),
        (123.4, "123"),
        (12500, "12\u202f500"),
    ],
)
def test_a_count_has_thin_spaces(number, shown):
    assert figures.count(number) == shown
