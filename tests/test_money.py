import pytest

from lib import errors, money

LIMIT = 100_000_000


@pytest.mark.parametrize(
    ("words", "minor"),
    [
        ("350", 35_000),
        (" 1 234,50 ", 123_450),
        ("1\u00a0234.5", 123_450),
        ("1234,50 ₽", 123_450),
        ("99 руб.", 9_900),
        ("1.234,50", 123_450),
        ("1,234.50", 123_450),
        ("0,01", 1),
        ("1 000 000", LIMIT),
    ],
)
def test_an_amount_is_read_as_people_write_it(words, minor):
    assert money.parse(words, limit=LIMIT) == minor


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("1e9", "amount_unclear"),
        ("٣", "amount_unclear"),
        ("１２", "amount_unclear"),
        ("12,345", "amount_unclear"),
        ("1 2 3", "amount_unclear"),
        ("0x10", "amount_unclear"),
        ("nan", "amount_unclear"),
        ("", "amount_unclear"),
        ("<b>5</b>", "amount_unclear"),
        ("9" * 5000, "amount_unclear"),
        ("-5", "amount_negative"),
        ("−5", "amount_negative"),
        ("0", "amount_zero"),
        ("0,00", "amount_zero"),
        ("1000000,01", "amount_over_limit"),
    ],
)
def test_what_is_no_amount_is_refused_by_name(words, code):
    with pytest.raises(errors.Invalid) as refused:
        money.parse(words, limit=LIMIT)
    assert refused.value.code == code


def test_points_are_whole():
    assert money.parse_points("1 234", limit=10_000) == 1234
    for words in ("1,5", "1e3", "٣"):
        with pytest.raises(errors.Invalid, match="amount_unclear"):
            money.parse_points(words, limit=10_000)
