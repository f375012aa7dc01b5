"""One cell of a file for Excel: a number is one, words stay words, and nothing runs."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from lib.loyalty import sheets
from lib.loyalty.sheets import Figure


@pytest.mark.parametrize(
    "words",
    [
        "=1+1",
        "=cmd|'/c calc'!A1",
        "+7 900 123-45-67",
        "-5",
        "@sum(a1)",
        "\tx",
        "\rx",
        "1-2",
        "3/4",
        "12:30",
        "007",
        "1e5",
        "1E+5",
        "5 мая",
        "5мая",
        "31 дек 2026",
        "May 5",
        "мая 5",
        "сентября 12",
        "1.5",
        "1,5",
        "12 %",
        "5 am",
        "12:30 pm",
        "$5",
        "5 €",
        "(5)",
    ],
)
def test_words_that_excel_would_change_are_marked_as_words(words):
    written = sheets.cell(words)
    assert written.strip('"').startswith("'")
    assert next(csv.reader(io.StringIO(written), delimiter=";"))[0].strip("'\r\t") == words.strip("\r\t")


@pytest.mark.parametrize(
    "words",
    [
        "Анна",
        "Анна 5",
        "Дом 12",
        "Кофейня",
        "Майя",
        "Марта",
        "5 звёзд",
        "А-5",
        "№ 5",
        "1 мл молока",
        "",
    ],
)
def test_other_words_stay_as_they_are(words):
    assert sheets.cell(words) == words


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (5, "5"),
        (-5, "-5"),
        (0, "0"),
        (None, ""),
        (Figure("-1,50"), "-1,50"),
        (Figure("29.11.2026 12:00"), "29.11.2026 12:00"),
        (Figure(""), ""),
    ],
)
def test_a_number_or_a_time_is_one(value, written):
    assert sheets.cell(value) == written


@pytest.mark.parametrize(
    ("words", "separator", "written"),
    [
        ("a;b", ";", '"a;b"'),
        ("a;b", ",", "a;b"),
        ("a,b", ",", '"a,b"'),
        ('say "hi"', ";", '"say ""hi"""'),
        ("two\nlines", ";", '"two\nlines"'),
        ("=a;b", ";", '"\'=a;b"'),
        (Figure("1,50"), ",", '"1,50"'),
    ],
)
def test_a_cell_is_quoted_where_it_must_be(words, separator, written):
    assert sheets.cell(words, separator) == written


def test_signs_that_nobody_sees_hide_no_formula():
    assert sheets.cell("\u200b=1+1") == "'=1+1"
    assert sheets.cell("\u2066=1+1") == "'=1+1"


@pytest.mark.parametrize(
    ("minor", "ru", "en"),
    [
        (0, "0,00", "0.00"),
        (5, "0,05", "0.05"),
        (123456, "1234,56", "1234.56"),
        (-5, "-0,05", "-0.05"),
        (-123456, "-1234,56", "-1234.56"),
        (10**15, "10000000000000,00", "10000000000000.00"),
    ],
)
def test_an_amount_is_whole_kopecks_in_the_readers_form(minor, ru, en):
    assert (sheets._roubles(minor, "ru"), sheets._roubles(minor, "en")) == (ru, en)
    assert isinstance(sheets._roubles(minor, "ru"), Figure)


@pytest.mark.parametrize(("tail", "written"), [("4567", "··4567"), ("", ""), (None, "")])
def test_a_shop_sees_the_end_of_a_number_alone(tail, written):
    assert sheets._tail(tail) == written


@pytest.mark.parametrize(
    ("at", "tz", "language", "written"),
    [
        (datetime(2026, 11, 29, 22, 5, tzinfo=UTC), "Europe/Moscow", "ru", "30.11.2026 01:05"),
        (datetime(2026, 11, 29, 22, 5, tzinfo=UTC), "Europe/Moscow", "en", "2026-11-30 01:05"),
        (datetime(2026, 11, 29, 22, 5, tzinfo=UTC), "Asia/Vladivostok", "ru", "30.11.2026 08:05"),
        (datetime(2026, 11, 30, 1, 5, tzinfo=timezone(timedelta(hours=3))), "UTC", "ru", "29.11.2026 22:05"),
        (None, "UTC", "ru", ""),
    ],
)
def test_a_time_is_the_shops_own(at, tz, language, written):
    assert sheets._when(at, SimpleNamespace(tz=tz), language) == written


@pytest.mark.parametrize(("language", "separator"), [("ru", ";"), ("en", ",")])
@pytest.mark.parametrize("columns", [sheets.CLIENTS, sheets.OPERATIONS], ids=["clients", "operations"])
def test_a_file_begins_with_its_mark_and_a_heading_for_each_column(language, separator, columns):
    head = sheets._head(columns, language)
    assert head.startswith(b"\xef\xbb\xbf")
    assert head.endswith(b"\r\n")
    [names] = csv.reader(io.StringIO(head.decode("utf-8-sig")), delimiter=separator)
    assert len(names) == len({*names}) == len(columns)
