"""Moments and dates as a person reads them: in their own zone, and no longer than they need to be."""

from datetime import UTC, date, datetime, timedelta

import pytest

from lib import clock
from lib.flows import when
from lib.flows.admin import lists
from lib.office.people import Count
from lib.telegram import conversation
from tests.telegram import paper

NOW = datetime(2026, 3, 10, 21, 30, tzinfo=UTC)  # the next day in Moscow, but not yet in Kaliningrad


@pytest.fixture(autouse=True)
def now(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def reader(zone="", language="ru"):
    who = {"language": language} | ({"zone": zone} if zone else {})
    return paper.turn(paper.press("x"), conversation.State(who=who))


@pytest.mark.parametrize(
    ("zone", "day"),
    [("", date(2026, 3, 11)), ("Europe/Kaliningrad", date(2026, 3, 10)), ("Asia/Vladivostok", date(2026, 3, 11))],
)
def test_today_is_where_the_person_is(zone, day):
    assert when.today(reader(zone)) == day


def test_a_moment_has_the_persons_own_time():
    at = datetime(2026, 3, 7, 11, 5, tzinfo=UTC)
    assert when.moment(reader(), at) == "7 марта 2026, 14:05"
    assert when.moment(reader("Asia/Vladivostok"), at) == "7 марта 2026, 21:05"
    assert when.moment(reader(language="en"), at) == "7 March 2026, 14:05"


@pytest.mark.parametrize(
    ("at", "short", "clock_or_day", "day"),
    [
        (NOW - timedelta(minutes=5), "11.03, 00:25", "00:25", "11 марта"),
        (NOW - timedelta(hours=2), "10.03, 22:30", "10.03", "10 марта"),
        (datetime(2025, 12, 31, 12, 0, tzinfo=UTC), "31 декабря 2025, 15:00", "31.12", "31 декабря 2025"),
        (datetime(2025, 12, 31, 21, 30, tzinfo=UTC), "01.01, 00:30", "01.01", "1 января"),
    ],
)
def test_a_time_is_as_long_as_it_must_be(at, short, clock_or_day, day):
    assert when.short_moment(reader(), at) == short
    assert when.clock_or_day(reader(), at) == clock_or_day
    assert when.day(reader(), at) == day
    assert when.day_and_time(reader(), at) == f"{day}, {when.local(reader(), at):%H:%M}"


def test_never_is_a_dash():
    assert when.short_moment(reader(), None) == "—"


def test_what_ends_at_midnight_holds_through_the_day_before():
    midnight = datetime(2026, 3, 31, 21, 0, tzinfo=UTC)  # Moscow's
    assert when.last_day(reader(), midnight) == "31 марта"
    assert when.last_day(reader(), datetime(2026, 12, 31, 21, 0, tzinfo=UTC)) == "31 декабря"


@pytest.mark.parametrize(("on", "words"), [(date(2026, 3, 8), "8 марта"), (date(2027, 3, 8), "8 марта 2027")])
def test_a_shops_own_date_is_moved_by_no_zone(on, words):
    for zone in ("", "Asia/Kamchatka"):
        assert when.plain_day(reader(zone), on) == words


@pytest.mark.parametrize(
    ("gone", "unit", "n"),
    [
        (timedelta(seconds=-5), "minutes", 0),
        (timedelta(seconds=59), "minutes", 0),
        (timedelta(minutes=59, seconds=59), "minutes", 59),
        (timedelta(hours=1), "hours", 1),
        (timedelta(hours=47, minutes=59), "hours", 47),
        (timedelta(hours=48), "days", 2),
        (timedelta(days=21), "days", 21),
    ],
)
def test_how_long_ago_is_said_in_the_largest_whole_unit(gone, unit, n):
    assert lists.span(reader(), NOW - gone) == reader().text(f"admin.span.{unit}", n=n)


@pytest.mark.parametrize(
    ("argument", "read"),
    [
        ("card:internal:120", ("card", "internal", "120")),
        ("card", ("card", "", "")),
        ("", ("", "", "")),
        ("::7", ("", "", "7")),
        ("car d:1=1:x:y", ("", "", "x")),
        ("'; drop:Тask:", ("", "", "")),
    ],
)
def test_what_narrows_a_list_down_is_a_word_or_nothing(argument, read):
    assert lists.chosen(argument) == read


def test_a_list_is_narrowed_down_by_buttons_that_fit_and_say_how_many():
    counts = [Count("card", 12), Count("x" * 60, 3)]
    rows = lists.choices(reader(), counts, "queue:failed:{}".format, lambda word: "Карточка товара для площадки")
    [everything], [card] = rows
    assert (everything.data, everything.label.rpartition(" ")[2]) == ("queue:failed:", "15")
    assert (card.data, len(card.label) <= lists.LABEL) == ("queue:failed:card", True)
    assert card.label.endswith("… · 12")


def test_a_code_without_a_word_is_shown_as_it_is():
    assert lists.named(reader(), "task", "card") == "карточка"
    assert lists.named(reader(), "task", "no_such_task") == "no_such_task"


def test_a_list_goes_on_after_the_last_one_of_its_page():
    last = (datetime(2026, 11, 29, 22, 45, 0, 123457, tzinfo=UTC), 7)
    assert when.cursor(*when.onward(*last).split(":")) == last
    assert [when.cursor(*said) for said in (("", ""), ("x", "7"), ("1", "-1"))] == [None] * 3
    assert when.cursor("9" * 15, "7") is not None
