from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from lib import dates, errors


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("7.03", (7, 3, None)),
        ("07-03-2027", (7, 3, 2027)),
        ("7 3", (7, 3, None)),
        ("7 марта", (7, 3, None)),
        ("7 МАР.", (7, 3, None)),
        ("31 мая 2027", (31, 5, 2027)),
        ("7 March", (7, 3, None)),
        ("March 7th, 2027", (7, 3, 2027)),
        ("29 feb", (29, 2, None)),
        ("7 марта 2027 г.", (7, 3, 2027)),
        ("«07.03.2027г»", (7, 3, 2027)),
        ("7 марта 2027\u00a0года", (7, 3, 2027)),
    ],
)
def test_a_date_is_read_as_people_write_it_in_both_languages(words, found):
    assert dates.parse(words) == found


@pytest.mark.parametrize("words", ["", "завтра", "31.02", "1.13", "0.5", "٧.٣", "7 ма", "30 February", "7.3.27", "7"])
def test_what_is_no_date_is_refused_by_name(words):
    with pytest.raises(errors.Invalid, match="date_unclear"):
        dates.parse(words)


NOON = datetime(2036, 3, 11, 12, 0, tzinfo=ZoneInfo("Europe/Moscow"))  # a Tuesday


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("Завтра в 18", "12.03 18:00"),
        ("tomorrow at 6:30 p.m.", "12.03 18:30"),
        ("6 pm tomorrow", "12.03 18:00"),
        ("на завтра, 18.00", "12.03 18:00"),
        ("завтра в 6 вечера", "12.03 18:00"),
        ("завтра утром", "12.03 10:00"),
        ("сегодня 19:30", "11.03 19:30"),
        ("послезавтра к 9 утра", "13.03 09:00"),
        ("в субботу в полдень", "15.03 12:00"),
        ("Friday 6 pm", "14.03 18:00"),
        ("во вторник в 11", "18.03 11:00"),
        ("вт 13:00", "11.03 13:00"),
        ("18:00", "11.03 18:00"),
        ("10:00", "12.03 10:00"),
        ("12 pm", "12.03 12:00"),
        ("через полчаса", "11.03 12:30"),
        ("через 2 часа", "11.03 14:00"),
        ("in half an hour", "11.03 12:30"),
        ("через неделю в 12:00", "18.03 12:00"),
        ("1 апреля 9.05", "01.04 09:05"),
    ],
)
def test_a_moment_is_read_as_people_say_it(words, moment):
    assert f"{dates.moment(words, NOON):%d.%m %H:%M}" == moment


@pytest.mark.parametrize(
    "words", ["", "завтра", "12.03", "12.03 18", "13 pm", "0 am", "25:00", "31.02 10:00", "позже", "при 18:00"]
)
def test_what_is_no_moment_is_refused(words):
    with pytest.raises(errors.Invalid, match="moment_unclear"):
        dates.moment(words, NOON)


@pytest.mark.parametrize("words", ["сегодня 12:00", "10.03.2036 10:00", "today 9 am"])
def test_a_moment_of_a_day_that_was_named_and_is_over_is_refused(words):
    with pytest.raises(errors.Invalid, match="moment_past"):
        dates.moment(words, NOON)
