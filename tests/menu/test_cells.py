import contextlib
import io
import zipfile

import pytest

from lib import errors
from lib.menu import cells

SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)
WORDS = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Латте</t></si></sst>'


def workbook(rows, head="", words=WORDS):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("xl/worksheets/sheet1.xml", head + SHEET.format(rows))
        pack.writestr("xl/sharedStrings.xml", words)
    return file.getvalue()


@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
def test_a_csv_file_is_read_in_each_encoding_and_with_each_separator(encoding, separator):
    text = separator.join(["Название", "Цена"]) + "\r\n" + separator.join(['"Ёлка, ""синяя"""', "10"])
    assert cells.rows(text.encode(encoding)) == [["Название", "Цена"], ['Ёлка, "синяя"', "10"]]


def test_a_file_may_tell_its_own_separator_in_a_line_that_excel_does_not_show():
    assert cells.rows("sep=,\r\nНазвание,Цена; руб.;\r\nЛатте,250".encode("cp1251"))[1] == ["Латте", "250"]
    assert cells.rows("\ufeffsep=|\nНазвание|Цена".encode()) == [["Название", "Цена"]]


def test_a_workbook_gives_words_numbers_and_gaps():
    row = '<row><c r="A1" t="s"><v>0</v></c><c r="C1"><v>250.5</v></c><c r="D1" t="inlineStr"><is><t>да</t></is></c>'
    row += "</row>"
    assert cells.rows(workbook(row)) == [["Латте", "", "250.5", "да"]]


def test_rows_keep_their_numbers_where_a_workbook_leaves_empty_ones_out():
    rows = '<row r="1"><c><v>1</v></c></row><row r="4"><c><v>4</v></c></row><row r="1048576"><c s="1"/></row>'
    found = cells.rows(workbook(rows))
    assert found[:4] == [["1"], [], [], ["4"]]
    assert not any(map(any, found[4:]))


def test_a_workbook_with_any_byte_broken_is_read_or_refused():
    whole = workbook('<row><c t="s"><v>0</v></c></row>')
    for at in range(4, len(whole)):
        with contextlib.suppress(errors.Invalid):
            cells.rows(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])


@pytest.mark.parametrize(
    "data",
    [
        workbook("<row>" + "<c/>" * 700_000 + "</row>"),
        b"PK\x03\x04 no zip",
        workbook("", head='<!DOCTYPE x [<!ENTITY a "aaaa">]>'),
        workbook("<row>"),
        workbook('<row><c t="s"><v>7</v></c></row>'),
        workbook("<row><c><v>inf</v></c></row>").replace(b"sheet1", b"sheex1"),
        b"a;b\n\0;1",
    ],
)
def test_what_cannot_be_read_is_refused(data):
    with pytest.raises(errors.Invalid) as refused:
        cells.rows(data)
    assert refused.value.code == "file_unreadable"


def test_a_large_file_and_one_of_many_rows_are_refused():
    for data, code in ((b"x" * (cells.MOST_BYTES + 1), "file_too_large"), (b"a;1\n" * 3_001, "too_many_rows")):
        with pytest.raises(errors.Invalid) as refused:
            cells.rows(data)
        assert refused.value.code == code


def test_a_part_that_unpacks_to_more_than_a_menu_needs_is_refused(monkeypatch):
    monkeypatch.setattr(cells, "_UNPACKED", 1_000)
    with pytest.raises(errors.Invalid):
        cells.rows(workbook("<row></row>" * 500))
