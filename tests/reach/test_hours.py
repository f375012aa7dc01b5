"""Nobody is written to at night, wherever they are."""

from datetime import UTC, datetime, timedelta

import pytest

from lib.reach import hours

MOSCOW = "Europe/Moscow"


@pytest.mark.parametrize(
    ("at", "from_at", "until"),
    [
        ((2, 30), (7, 0), (18, 0)),  # half past five in the morning in Moscow
        ((9, 0), (9, 0), (18, 0)),
        ((17, 59), (17, 59), (18, 0)),
        ((18, 0), (31, 0), (42, 0)),  # nine in the evening: the next morning
    ],
)
def test_a_message_waits_for_the_morning(at, from_at, until):
    day = datetime(2026, 3, 10, tzinfo=UTC)

    def clock(hour, minute):
        return day + timedelta(hours=hour, minutes=minute)

    found = hours.awake(clock(*at), MOSCOW)
    assert (found.from_at, found.until) == (clock(*from_at), clock(*until))


def test_by_the_clock_everybody_gets_it_at_the_same_hour_of_their_own():
    six = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)  # in Moscow
    found = {one.zone: one.from_at for one in hours.everywhere(six, MOSCOW, by_clock=True)}
    assert found[MOSCOW] == six
    assert found["Asia/Vladivostok"] == six - timedelta(hours=7)


def test_the_hours_stand_still_when_the_clocks_change():
    night = datetime(2026, 10, 24, 20, 0, tzinfo=UTC)  # winter time begins in Chisinau that night
    found = hours.awake(night, "Europe/Chisinau")
    assert found.from_at == datetime(2026, 10, 25, 8, 0, tzinfo=UTC)


def test_the_rest_of_a_night_is_known_of_any_evening():
    evening = datetime(2026, 3, 10, 18, 0, tzinfo=UTC)
    assert hours.night_left(evening - timedelta(minutes=1), evening) == timedelta(0)
    assert hours.night_left(evening, evening) == timedelta(hours=13)
    assert hours.night_left(evening + timedelta(days=3, hours=12), evening) == timedelta(hours=1)
    assert hours.night_left(evening + timedelta(days=3, hours=13), evening) == timedelta(0)
