"""A workbook as openpyxl reads it, which is strict where Excel is: it refuses what Excel would repair."""

import zipfile
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest

from lib.tables import book
from lib.tables.book import About, Book

AT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
HOSTILE = ["=1+1", "1-2", "12.03", " Анна ", "<b>&</b>", "a\nb", "_x0041_", "\x07бум"]
SEEN = ["=1+1", "1-2", "12.03", " Анна ", "<b>&</b>", "a\nb", "_x005F_x0041_", "бум"]  # openpyxl leaves _x005F_


def rows(number, start=1):
    return [
        (n, AT + timedelta(days=n), "accrue", 20000000 + n, f"Анна {n}", 100 * n + 50, AT, n)
        for n in range(start, start + number)
    ]


@pytest.fixture
def write(tmp_path, columns, russian):
    """Return what writes a workbook of pages and opens it."""

    def made(*pages, title="Операции", **more):
        file = Book(tmp_path / "x.xlsx", title, columns, russian, **more)
        for page in pages:
            file.add(page)
        return openpyxl.load_workbook(file.close())

    return made


def test_cells_have_the_types_that_columns_say(write):
    sheet = write(rows(2))["Операции"]
    assert [cell.value for cell in sheet[1]] == ["Номер", "Когда", "Что", "Карта", "Имя", "Чек, ₽"]
    assert [cell.value for cell in sheet[2]] == [
        *(1, datetime(2026, 3, 11, 12, 0), "Начисление", "20000001", "Анна 1", 1.5),
    ]
    assert [cell.data_type for cell in sheet[3]] == ["n", "d", "s", "s", "s", "n"]
    assert sheet["B2"].number_format == "dd\\.mm\\.yyyy\\ hh:mm"
    assert (sheet["F2"].number_format, sheet["E2"].number_format) == ("#,##0.00", "@")


def test_what_people_typed_is_neither_a_formula_nor_a_date(write):
    sheet = write([(n, AT, "", n, words, 0) for n, words in enumerate(HOSTILE)])["Операции"]
    assert [row[4].value for row in sheet.iter_rows(min_row=2)] == SEEN
    assert {row[4].data_type for row in sheet.iter_rows(min_row=2)} == {"s"}


def test_columns_add_up_with_what_was_taken_back(write):
    sheet = write(
        [(1, AT, "accrue", 1, "", 70_050), (2, AT, "reverse", 1, "", -70_050), (3, AT, "accrue", 1, "", 1999)]
    )
    assert sum(row[5].value for row in sheet["Операции"].iter_rows(min_row=2)) == pytest.approx(19.99)


def test_the_head_is_bold_and_stays_and_has_a_filter_and_widths(write, columns):
    sheet = write(rows(7))["Операции"]
    assert (sheet["A1"].font.b, sheet["A2"].font.b) == (True, False)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:F8"
    assert [sheet.column_dimensions[letter].width for letter in "ABCDEF"] == [column.width for column in columns]


def test_nothing_and_nobody_is_an_empty_cell(write):
    sheet = write([(None, None, None, None, None, None), (1, AT, "", 5, "", 0)])["Операции"]
    assert [cell.value for cell in sheet[2]] == [None] * 6
    assert sheet["E3"].value is None
    assert sheet["F3"].value == 0


def test_a_table_without_rows_has_its_head(write):
    sheet = write()["Операции"]
    assert (sheet.max_row, sheet.auto_filter.ref) == (1, "A1:F1")


def test_where_a_cell_stands_is_left_out_of_a_long_file_and_read_all_the_same(write, tmp_path):
    long = write(rows(3), expected=book.PLACES + 1)["Операции"]
    with zipfile.ZipFile(tmp_path / "x.xlsx") as packed:
        assert b'r="A2"' not in packed.read("xl/worksheets/sheet1.xml")
    found = [[cell.value for cell in row] for row in long.iter_rows()]
    short = write(rows(3), expected=3)["Операции"]
    with zipfile.ZipFile(tmp_path / "x.xlsx") as packed:
        assert b'<c r="A2"' in packed.read("xl/worksheets/sheet1.xml")
    assert found == [[cell.value for cell in row] for row in short.iter_rows()]


def test_the_next_sheet_begins_where_one_is_full(write, monkeypatch):
    monkeypatch.setattr(book, "ROWS", 5)
    found = write(rows(3), rows(9, start=4), title="Заявки")
    assert found.sheetnames == ["Заявки", "Заявки 2", "Заявки 3"]
    numbers = [[row[0].value for row in sheet.iter_rows(min_row=2)] for sheet in found]
    assert numbers == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12]]
    assert [sheet.auto_filter.ref for sheet in found] == ["A1:F6", "A1:F6", "A1:F3"]
    assert all(sheet["A1"].value == "Номер" for sheet in found)


def test_a_sheet_ends_before_its_bytes_are_too_many(write, monkeypatch):
    monkeypatch.setattr(book, "BYTES", 3000)
    found = write(*[rows(10, start=at) for at in range(1, 41, 10)])
    assert sum(sheet.max_row - 1 for sheet in found) == 40
    assert len(found.sheetnames) > 1


def test_a_last_sheet_says_what_the_file_is(write):
    about = About("О выгрузке", [("Магазин", "=Кафе"), ("Данные на", "12:03")])
    found = write(rows(1), about=about)
    assert found.sheetnames == ["Операции", "О выгрузке"]
    assert [[cell.value for cell in row] for row in found["О выгрузке"].iter_rows()] == [
        ["Магазин", "=Кафе"],
        ["Данные на", "12:03"],
    ]
    assert found["О выгрузке"]["B1"].data_type == "s"


def test_styles_have_what_excel_wants_even_unused(write, tmp_path):
    write(rows(1))
    with zipfile.ZipFile(tmp_path / "x.xlsx") as packed:
        styles = packed.read("xl/styles.xml").decode()
        types = packed.read("[Content_Types].xml").decode()
        assert packed.testzip() is None
    assert styles.count("<patternFill ") == 2
    assert "<cellStyleXfs " in styles
    assert "<border>" in styles
    assert 'PartName="/xl/worksheets/sheet1.xml"' in types


def test_a_file_grows_while_it_is_written(tmp_path, columns, russian):
    file = Book(tmp_path / "x.xlsx", "Операции", columns, russian)
    sizes = []
    for page in range(3):
        file.add(rows(600, start=600 * page))
        sizes.append(file.size)
    assert sizes == sorted(sizes)
    assert sizes[0] <= sizes[-1] < 1_000_000
    file.close()


@pytest.mark.parametrize(("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ")])
def test_columns_have_the_names_of_excel(number, letters):
    assert book._letters(number) == letters
