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
    ],
)
def test_a_date_is_read_as_people_write_it_in_both_languages(words, found):
    assert dates.parse(words) == found


@pytest.mark.parametrize("words", ["", "завтра", "31.02", "1.13", "0.5", "٧.٣", "7 ма", "30 February", "7.3.27", "7"])
def test_what_is_no_date_is_refused_by_name(words):
    with pytest.raises(errors.Invalid, match="date_unclear"):
        dates.parse(words)
