"""How the cells of a file are written: what Excel must not make of words, and what it must make of numbers."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lib.tables import cells
from lib.tables.cells import Column, SheetStyle


def csv(kind, *values, language="ru", zone="Europe/Moscow", names=None):
    """Return cells of a CSV file."""
    style = SheetStyle(language, ZoneInfo(zone))
    return cells.csv_writer(Column("partner.sheet.column.name", kind, names=names or {}), style)(values)


def xml(kind, *values, language="ru", names=None):
    """Return cells of a sheet, from behind their places."""
    style = SheetStyle(language, ZoneInfo("Europe/Moscow"))
    return cells.xml_writer(Column("partner.sheet.column.name", kind, names=names or {}), style)(values)


@pytest.mark.parametrize(
    "words", ["1-2", "3/4", "12:30", "12.03", "5 мая", "мая 5", "May-5", "12 march", "1e5", "5 pm", "100 %", " 7"]
)
def test_excel_makes_neither_a_date_nor_a_number_of_words(words):
    assert csv("words", words) == ["'" + words]


@pytest.mark.parametrize(
    "words", ["=1", "+79051112233", "-x", "@SUM(1)", "\tx", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0", "\u200b=1"]
)
def test_words_are_never_a_formula(words):
    [written] = csv("words", words)
    assert written.strip('"').startswith("'")
    [typed] = xml("words", words)
    assert 't="inlineStr"' in typed
    assert "<f>" not in typed


@pytest.mark.parametrize("words", ["Анна", "1-2 стола", "100 за ожидание", "майка", "··0012", ""])
def test_what_excel_leaves_alone_is_written_as_it_is(words):
    assert csv("words", words) == [words]


def test_what_would_break_a_line_is_quoted():
    assert csv("words", 'Кафе "Мак"; бар', "a\nb", "a,b") == ['"Кафе ""Мак""; бар"', '"a\nb"', "a,b"]
    assert csv("words", "a,b", "a;b", language="en") == ['"a,b"', "a;b"]


def test_money_has_two_decimals_its_sign_and_the_mark_of_the_language():
    assert csv("money", 123450, -5, -100, 0, None) == ["1234,50", "-0,05", "-1,00", "0,00", ""]
    assert csv("money", 123450, language="en") == ["1234.50"]
    assert xml("money", 123450, -5, None) == [' s="3"><v>1234.5</v></c>', ' s="3"><v>-0.05</v></c>', "/>"]


def test_money_loses_no_kopeck_in_a_sheet():
    for minor in (1, 10, 29, 1999, 999_999_999_999_99, -70):
        [cell] = xml("money", minor)
        assert round(float(cell.split("<v>")[1].split("<")[0]) * 100) == minor


def test_a_moment_is_of_the_clock_of_the_shop():
    at = datetime(2026, 3, 10, 21, 30, 15, tzinfo=UTC)
    assert csv("moment", at, None) == ["11.03.2026 00:30", ""]
    assert csv("moment", at, language="en", zone="Asia/Tokyo") == ["2026-03-11 06:30"]
    [cell] = xml("moment", at)
    assert cell == ' s="4"><v>46092.0210069444</v></c>', "46092 is 11 March 2026"


def test_no_minute_is_shown_as_the_one_before():
    """Excel cuts what it does not show: a second too few is a minute too few."""
    moments = [datetime(2026, 3, 10, 9, minute, 0, 999_999, tzinfo=UTC) for minute in range(60)]
    serials = [float(cell.split("<v>")[1].split("<")[0]) for cell in xml("moment", *moments)]
    seconds = [serial % 1 * 86_400 for serial in serials]
    assert [round(one, 3) for one in seconds] == [12 * 3600 + minute * 60 for minute in range(60)]


def test_summer_time_is_that_of_the_day():
    summer, winter = (datetime(2026, month, 1, 12, 0, tzinfo=UTC) for month in (7, 1))
    assert csv("moment", summer, winter, zone="Europe/Chisinau") == ["01.07.2026 15:00", "01.01.2026 14:00"]


def test_a_card_is_digits_and_a_code_of_ours_is_said():
    assert csv("code", 20000001) == ["20000001"]
    assert xml("code", 20000001) == [' s="2" t="inlineStr"><is><t>20000001</t></is></c>']
    names = {"accrue": "partner.kind.accrue", "reverse": "partner.kind.reverse"}
    assert csv("name", "accrue", "", None, names=names) == ["Начисление", "", ""]
    [cell] = xml("name", "reverse", names=names)
    assert "<t>Отмена</t>" in cell


def test_what_is_no_code_of_ours_is_what_somebody_typed():
    names = {"sold_out": "request.why.sold_out"}
    assert csv("name", "=1+1", "words", names=names) == ["'=1+1", "words"]


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        ("Кафе <b> & co >", "Кафе &lt;b&gt; &amp; co &gt;"),
        ("a\x00b\x07c\x1fd\ufffee", "abcde"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("_x0041_", "_x005F_x0041_"),
        ("_x00_", "_x00_"),
        ("\u202eabc", "abc"),
        ("ж" * 40_000, "ж" * 32_767),
    ],
)
def test_xml_holds_words_as_they_are_but_for_what_would_break_it(words, inside):
    assert cells.xml_words(words) == inside


@pytest.mark.parametrize("words", [" x", "x ", "x\ny"])
def test_spaces_at_the_edges_are_kept(words):
    assert 'xml:space="preserve"' in cells.xml_inline(words)


def test_the_head_is_in_the_readers_language():
    column = Column("partner.sheet.column.bill")
    assert SheetStyle("ru", ZoneInfo("UTC")).title(column) == "Чек, ₽"
    assert SheetStyle("en", ZoneInfo("UTC")).title(column) == "Bill, ₽"


@pytest.mark.parametrize(
    "words",
    [
        "=cmd|'/c calc'!A1",
        "+7 900 123-45-67",
        "@sum(a1)",
        "007",
        "1e5",
        "1E+5",
        "5мая",
        "31 дек 2026",
        "мая 5",
        "сентября 12",
        "1,5",
        "12 %",
        "5 am",
        "12:30 pm",
        "$5",
        "5 €",
        "(5)",
        "\u200b=1+1",  # a sign that nobody sees hides no formula
        "\u2066=1+1",
    ],
)
def test_words_of_any_alphabet_that_excel_would_change_are_marked(words):
    assert cells.csv_words(words, ";") == "'" + words.lstrip("\u200b\u2066")


@pytest.mark.parametrize(
    "words", ["Анна", "Анна 5", "Дом 12", "Майя", "Марта", "5 звёзд", "А-5", "№ 5", "1 мл молока", ""]
)
def test_names_that_only_look_like_months_or_numbers_are_left_alone(words):
    assert cells.csv_words(words, ";") == words


@pytest.mark.parametrize(
    ("words", "separator", "written"),
    [
        ("a;b", ";", '"a;b"'),
        ("a;b", ",", "a;b"),
        ("a,b", ",", '"a,b"'),
        ('say "hi"', ";", '"say ""hi"""'),
        ("two\nlines", ";", '"two\nlines"'),
        ("=a;b", ";", '"\'=a;b"'),
    ],
)
def test_a_cell_is_quoted_by_the_separator_of_its_language(words, separator, written):
    assert cells.csv_words(words, separator) == written
