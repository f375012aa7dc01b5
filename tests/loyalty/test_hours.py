from datetime import date, datetime

import pytest

from lib import errors
from lib.loyalty import hours
from lib.loyalty.hours import OpeningHours, OpenState

TODAY = date(2026, 11, 27)  # a Friday
NINE, TEN, SIX, EIGHT = 540, 600, 1080, 1200


def week(said):
    return list(hours.parse(said, OpeningHours(), TODAY).week)


@pytest.mark.parametrize(
    "said",
    [
        "пн–пт 9–20, сб 10–18",
        "Пн-Пт: 9:00-20:00; Сб: 10:00-18:00; Вс: выходной",
        "с понедельника по пятницу с 9 до 20, в субботу с 10 до 18, воскресенье закрыто",
        "будни 9.00–20.00\nсб 10.00–18.00",
        "9-20 по будням, 10-18 в субботу",
        "Mon-Fri 9am-8pm, Sat 10am to 6pm, Sun closed",
        "пн, вт, ср, чт, пт 09:00 — 20:00, сб 10 — 18",
        "работаем пн-пт с 9 до 20 ч, сб с 10 до 18 ч.",
    ],
)
def test_one_week_is_read_however_it_is_typed(said):
    assert week(said) == [((NINE, EIGHT),)] * 5 + [((TEN, SIX),), ()]


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("ежедневно 10-22", ((600, 1320),), ((600, 1320),)),
        ("10–22", ((600, 1320),), ((600, 1320),)),
        ("без выходных с 8:30 до 21", ((510, 1260),), ((510, 1260),)),
        ("круглосуточно", ((0, 1440),), ((0, 1440),)),
        ("18-02", ((1080, 1560),), ((1080, 1560),)),
        ("10-24", ((600, 1440),), ((600, 1440),)),
        ("пн-пт 9-18, перерыв 13-14", ((540, 780), (840, 1080)), ()),
        ("пн-пт 9-13 и 14-18", ((540, 780), (840, 1080)), ()),
        ("пт-вс 12-23", (), ((720, 1380),)),
        ("сб-пн 12-23", ((720, 1380),), ((720, 1380),)),
        ("будни 9-18, выходные 10-16", ((540, 1080),), ((600, 960),)),
    ],
)
def test_the_days_of_a_week_are_read_by_name_by_span_and_by_group(said, first, last):
    found = week(said)
    assert (found[0], found[6]) == (first, last)


@pytest.mark.parametrize("said", ["", "как обычно", "пн-пт", "9", "пн 25-26", "пн 9-20 мяу", "9:99-10", "1" * 5000])
def test_what_is_no_opening_hours_is_refused(said):
    with pytest.raises(errors.Invalid):
        hours.parse(said, OpeningHours(), TODAY)


def test_days_that_differ_are_added_and_past_ones_go():
    known = OpeningHours((((NINE, EIGHT),),) * 7, {date(2026, 1, 1): (), date(2026, 12, 30): ()})
    found = hours.parse("31 декабря 10–16, 1–3 января выходной, 08.03 10-18", known, TODAY)
    assert found.week == known.week
    assert found.days == {
        date(2026, 12, 30): (),
        date(2026, 12, 31): ((600, 960),),
        **{date(2027, 1, day): () for day in (1, 2, 3)},
        date(2027, 3, 8): ((600, 1080),),
    }
    assert hours.differing(found, TODAY)[1] == (date(2026, 12, 31), date(2026, 12, 31), ((600, 960),))
    assert hours.differing(found, TODAY)[2][:2] == (date(2027, 1, 1), date(2027, 1, 3))
    assert hours.read(hours.dump(found)) == found


def test_days_that_differ_need_a_week_first():
    with pytest.raises(errors.Invalid, match="no_week"):
        hours.parse("31 декабря 10-16", OpeningHours(), TODAY)
    with pytest.raises(errors.Invalid):
        hours.parse("31 февраля 10-16", OpeningHours((((1, 2),),) * 7), TODAY)


WEEK = hours.parse("пн-чт 9-20, пт 18-02, сб круглосуточно, вс 0-1, 30 ноября выходной", OpeningHours(), TODAY)


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 11, 26, 19, 59), OpenState(True, until=datetime(2026, 11, 26, 20))),
        (datetime(2026, 11, 26, 20), OpenState(False, opens=datetime(2026, 11, 27, 18))),
        (datetime(2026, 11, 28, 1), OpenState(True, until=datetime(2026, 11, 29, 1))),
        (datetime(2026, 11, 29, 12), OpenState(False, opens=datetime(2026, 12, 1, 9))),
    ],
)
def test_open_now_sees_across_midnight_and_days_off(now, state):
    assert hours.state(WEEK, now) == state


def test_a_shop_that_never_closes_is_open_without_an_end_and_one_that_told_nothing_never_opens():
    always = hours.parse("круглосуточно", OpeningHours(), TODAY)
    assert hours.state(always, datetime(2026, 11, 27, 3)) == OpenState(is_open=True)
    assert hours.state(OpeningHours(), datetime(2026, 11, 27, 3)) == OpenState(is_open=False)


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("вы работаете в воскресенье?", date(2026, 11, 29)),
        ("завтра открыты?", date(2026, 11, 28)),
        ("are you open on Monday", date(2026, 11, 30)),
        ("31 декабря работаете?", date(2026, 12, 31)),
        ("пятница до скольки", TODAY),
        ("до скольки вы работаете", None),
    ],
)
def test_a_question_names_its_day(question, day):
    assert hours.asked_day(question, TODAY) == day
