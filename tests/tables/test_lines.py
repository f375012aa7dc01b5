"""A CSV file as Excel opens it by a double click."""

import csv
import io
import zipfile
from datetime import UTC, datetime

import pytest

from lib.tables import lines
from lib.tables.cells import SheetStyle
from lib.tables.lines import Lines
from tests.tables.conftest import MOSCOW

AT = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)
ROWS = [(1, AT, "accrue", 20000001, "=1+1", 123_450, AT), (2, AT, "reverse", 20000001, 'Анна; "А"', -123_450, AT)]


@pytest.fixture
def write(tmp_path, columns):
    """Return what writes a file of pages in a language and returns where it is."""

    def made(*pages, language="ru"):
        file = Lines(tmp_path / "операции.csv", columns, SheetStyle(language, MOSCOW))
        for page in pages:
            file.add(page)
        return file.close()

    return made


def test_a_file_says_that_it_is_unicode_and_has_a_head(write):
    raw = write(ROWS).read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert raw.decode("utf-8-sig").splitlines() == [
        "Номер;Когда;Что;Карта;Имя;Чек, ₽",
        "1;10.03.2026 12:00;Начисление;20000001;'=1+1;1234,50",
        '2;10.03.2026 12:00;Отмена;20000001;"Анна; ""А""";-1234,50',
    ]


def test_an_english_file_has_commas_and_points(write):
    raw = write(ROWS, language="en").read_text(encoding="utf-8-sig")
    head, first, _ = csv.reader(io.StringIO(raw))
    assert head[-1] == "Bill, ₽"
    assert first == ["1", "2026-03-10 12:00", "Points given", "20000001", "'=1+1", "1234.50"]


def test_pages_follow_each_other_and_an_empty_one_adds_nothing(write):
    raw = write(ROWS[:1], [], ROWS[1:]).read_text(encoding="utf-8-sig")
    assert [line[0] for line in raw.splitlines()] == ["Н", "1", "2"]
    assert raw.endswith("\n")


def test_a_file_of_nothing_is_its_head(write):
    assert write().read_text(encoding="utf-8-sig") == "Номер;Когда;Что;Карта;Имя;Чек, ₽\n"


def test_what_is_too_large_as_it_is_comes_packed(write, monkeypatch):
    monkeypatch.setattr(lines, "PLAIN", 100)
    path = write(ROWS)
    assert path.name == "операции.csv.zip"
    with zipfile.ZipFile(path) as packed:
        assert packed.namelist() == ["операции.csv"]
        assert packed.read("операции.csv").decode("utf-8-sig").count("\r\n") == 3
    assert [one.name for one in path.parent.iterdir()] == ["операции.csv.zip"]


def test_what_is_small_leaves_nothing_packed_beside_it(write):
    path = write(ROWS)
    assert [one.name for one in path.parent.iterdir()] == ["операции.csv"]
