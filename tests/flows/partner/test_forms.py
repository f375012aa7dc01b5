"""What managers type into the forms of a shop, read by itself: dates, sums, shares, tiers, words."""

from datetime import date

import pytest

from lib import errors
from lib.flows.partner import answers, promos, rules

SPRING, DECEMBER, JANUARY = date(2026, 3, 15), date(2026, 12, 20), date(2027, 1, 2)


@pytest.mark.parametrize(
    ("words", "today", "start", "end"),
    [
        ("12.03 - 20.03", SPRING, "2026-03-12", "2026-03-20"),  # it has begun
        ("15.03", SPRING, "2026-03-15", "2026-03-15"),
        ("14.03", SPRING, "2027-03-14", "2027-03-14"),  # that day has passed
        ("1.04-30.04", SPRING, "2026-04-01", "2026-04-30"),
        ("12-20 марта", SPRING, "2026-03-12", "2026-03-20"),
        ("12 марта — 3 апреля", SPRING, "2026-03-12", "2026-04-03"),
        ("March 20", SPRING, "2026-03-20", "2026-03-20"),
        ("1.01.2027 - 10.01.2027", SPRING, "2027-01-01", "2027-01-10"),
        ("1.02 - 10.02", SPRING, "2027-02-01", "2027-02-10"),
        ("28.12 - 05.01", DECEMBER, "2026-12-28", "2027-01-05"),
        ("28 декабря - 5 января", DECEMBER, "2026-12-28", "2027-01-05"),
        ("28.12 - 05.01", JANUARY, "2026-12-28", "2027-01-05"),
        ("28.12.2026 - 05.01", DECEMBER, "2026-12-28", "2027-01-05"),
        ("28.12 - 05.01.2027", DECEMBER, "2026-12-28", "2027-01-05"),
        ("31.12 - 1.01", SPRING, "2026-12-31", "2027-01-01"),
        ("1.11 - 28.02", SPRING, "2026-11-01", "2027-02-28"),
        ("20.03.2026 - 12.03.2027", SPRING, "2026-03-20", "2027-03-12"),
        ("29.02", date(2027, 6, 1), "2028-02-29", "2028-02-29"),
    ],
)
def test_the_days_of_a_promotion_are_the_next_such_days(words, today, start, end):
    assert promos._dates(words, today) == [start, end]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "завтра",
        "31.02",
        "20.03.2026 - 12.03.2026",
        "1.01.2025",
        "1.01.2030",
        "20-12 марта.",
        "20.03 - 12.03",
        "5 - 7",
        "12.03 - 20.03 - 1.04",
        "28.12.2027 - 05.01.2027",
    ],
)
def test_days_that_nobody_can_mean_are_asked_for_again(words):
    with pytest.raises(errors.Invalid, match="dates_unclear"):
        promos._dates(words, SPRING)


@pytest.mark.parametrize(
    ("words", "shares"),
    [
        ("1 0,5 0,25", [100, 50, 25]),
        ("10", [1000, 0, 0]),
        ("5%, 3%, 1%", [500, 300, 100]),
        ("5, 3, 1", [500, 300, 100]),
        ("5; 3", [500, 300, 0]),
        ("5/3/1", [500, 300, 100]),
        ("0", [0, 0, 0]),
        ("2.5 %", [250, 0, 0]),
    ],
)
def test_shares_are_a_list_however_it_is_written(words, shares):
    assert rules._read_shares(words, 1000) == shares


@pytest.mark.parametrize("words", ["", "10,01", "11", "5 4 3 2", "пять", "-1", "5,,3", "1e1", "٣"])
def test_shares_beyond_their_bounds_are_refused(words):
    with pytest.raises(errors.Invalid):
        rules._read_shares(words, 1000)


@pytest.mark.parametrize(
    ("words", "sums"),
    [
        ("150 250", [15_000, 25_000]),
        ("150, 250, 350", [15_000, 25_000, 35_000]),
        ("150; 99,90", [15_000, 9_990]),
        ("500", [50_000]),
    ],
)
def test_sums_are_a_list_however_it_is_written(words, sums):
    assert rules._read_sums(words, 6) == sums


@pytest.mark.parametrize("words", ["", "1 2 3 4 5 6 7", "0 100", "сто", "100 -5", "1e3"])
def test_sums_that_are_none_are_refused(words):
    with pytest.raises(errors.Invalid):
        rules._read_sums(words, 6)


@pytest.mark.parametrize(
    ("words", "share"), [("5", 500), ("7,5", 750), ("7.25%", 725), ("0", 0), ("50 %", 5000), ("0,05", 5)]
)
def test_a_percentage_is_read_to_its_hundredths(words, share):
    assert rules._read_percent(words, 5000) == share


@pytest.mark.parametrize("words", ["50,01", "100", "-1", "5 5", "5,555", "", "%", "пять"])
def test_what_is_no_percentage_or_too_much_is_refused(words):
    with pytest.raises(errors.Invalid, match="bad_percent"):
        rules._read_percent(words, 5000)


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ("30", 30),
        ("30 дней", 30),
        ("7 дн.", 7),
        ("1 000", 1000),
        ("0", 0),
        ("21 день", 21),
        ("500 Баллов", 500),
        ("2 балла", 2),
        ("1 point", 1),
    ],
)
def test_a_whole_number_may_have_its_unit(words, whole):
    assert rules._read_whole(words, 3650) == whole


@pytest.mark.parametrize("words", ["", "3651", "1,5", "-1", "тридцать", "1e2", "٣", "9" * 20])
def test_what_is_no_whole_number_or_too_much_is_refused(words):
    with pytest.raises(errors.Invalid, match="bad_setting"):
        rules._read_whole(words, 3650)


@pytest.mark.parametrize("words", ["-", "—", "нет"])
def test_a_picture_is_taken_away_by_a_word(words):
    assert rules._read_picture(words, 0) == ""
    with pytest.raises(errors.Invalid, match="send_picture"):
        rules._read_picture("да", 0)


def test_every_rule_that_is_typed_has_a_reader_and_every_choice_is_within_its_bound():
    for name, rule in rules.RULES.items():
        assert rule.form in rules.READ, name
        if rule.form in ("percent", "whole", "money"):
            assert all(0 <= choice <= rule.most for choice in rule.choices), name


@pytest.mark.parametrize(("said", "code"), [("а", "too_short"), ("а" * 11, "too_long"), ("", "too_short")])
def test_words_are_neither_too_short_nor_too_long(said, code):
    read = answers.words(2, 10)
    assert read("а" * 10, {}) == "а" * 10
    with pytest.raises(errors.Invalid, match=code):
        read(said, {})


def test_points_are_whole_and_limited():
    read = answers.points(100)
    assert read("100", {}) == 100
    for said in ("101", "0", "-1", "1,5", "сто"):
        with pytest.raises(errors.Invalid):
            read(said, {})
