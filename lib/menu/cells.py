"""The rows of a file that a shop sends: CSV in UTF-8 or windows-1251, however Excel wrote it, or an XLSX workbook.

An XLSX is a ZIP of XML, read here without a package: the first sheet, its words and its numbers. Nothing in it is
believed: not its size, not its references, no entity.
"""

import csv
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree import ElementTree

from lib import errors, typed

MOST_BYTES = 2_000_000
MOST_ROWS = 3_000
MOST_CELLS = 30
_UNPACKED = 10_000_000  # bytes of one part of a workbook
_MARKS = 7 * MOST_ROWS * MOST_CELLS  # tags and attributes in it: each takes far more memory than it takes bytes
_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ElementTree.ParseError),
    *(ValueError, LookupError),
)
_SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_SEPARATOR = re.compile(r'"?sep=([;,\t|])"?\r?\n?', re.IGNORECASE)  # the line by which a file tells Excel its own
_COLUMN = re.compile(r"[A-Z]{1,3}")


def rows(data: bytes) -> list[list[str]]:
    """Return the rows of a file. Invalid: file_too_large, file_unreadable, too_many_rows."""
    if len(data) > MOST_BYTES:
        raise errors.Invalid("file_too_large")
    found = _workbook(data) if data[:4] == b"PK\x03\x04" else _csv(data)
    table: list[list[str]] = []
    for row in found:
        table.append([typed.visible(cell).strip() for cell in row[:MOST_CELLS]])
        if len(table) > MOST_ROWS and any(table[-1]):
            raise errors.Invalid("too_many_rows", str(MOST_ROWS))
    return table


def _csv(data: bytes) -> Iterator[list[str]]:
    text = _decoded(data)
    if "\0" in text:
        raise errors.Invalid("file_unreadable")
    told = _SEPARATOR.match(text)
    text = text[told.end() :] if told else text
    separator = told[1] if told else max(";\t,", key=text.lstrip().partition("\n")[0].count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error as error:
        raise errors.Invalid("file_unreadable", str(error)[:80]) from error


def _decoded(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1251", "replace")


def _workbook(data: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as pack:
            words = _words(pack)
            names = [name for name in pack.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
            first = min(names, key=lambda name: int(re.findall(r"\d+", name)[0]))
            yield from _in_place(_parsed(pack, first).iter(f"{_SHEET}row"), words)
    except _BROKEN as error:
        raise errors.Invalid("file_unreadable", type(error).__name__) from error


def _in_place(found: Iterator[ElementTree.Element], words: list[str]) -> Iterator[list[str]]:
    """Yield the rows under the numbers that Excel shows: a workbook leaves out those that are empty."""
    at = 0
    for row in found:
        number = min(int(row.get("r", at + 1)), MOST_ROWS + 1)
        yield from ([] for _ in range(number - at - 1))
        at = max(number, at + 1)
        yield _row(row, words)


def _parsed(pack: zipfile.ZipFile, name: str) -> ElementTree.Element:
    """Parse one part of a workbook; one that unpacks to more than a menu needs, or brings entities, is refused."""
    if pack.getinfo(name).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(name)
    with pack.open(name) as part:
        xml = part.read(_UNPACKED + 1)
    if len(xml) > _UNPACKED or xml.count(b"<") + xml.count(b"=") > _MARKS:
        raise ValueError(name)
    text = xml.decode()
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError(name)
    return ElementTree.fromstring(text)  # noqa: S314 - without a document type there are no entities


def _words(pack: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in pack.namelist():
        return []
    parts = _parsed(pack, "xl/sharedStrings.xml").iter(f"{_SHEET}si")
    return ["".join(one.text or "" for one in part.iter(f"{_SHEET}t")) for part in parts]


def _row(row: ElementTree.Element, words: list[str]) -> list[str]:
    cells: dict[int, str] = {}
    for place, cell in enumerate(row.iter(f"{_SHEET}c")):
        found = _COLUMN.match(cell.get("r", ""))
        cells[_place(found[0]) if found else place] = _value(cell, words)
    return [cells.get(place, "") for place in range(min(max(cells, default=-1) + 1, MOST_CELLS))]


def _place(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _value(cell: ElementTree.Element, words: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return "".join(one.text or "" for one in cell.iter(f"{_SHEET}t"))
    value = cell.find(f"{_SHEET}v")
    text = (value.text if value is not None else "") or ""
    if cell.get("t") == "s" and text:
        return words[int(text)]
    if cell.get("t") in (None, "n") and text:
        return f"{round(float(text), 2):.2f}".rstrip("0").rstrip(".")
    return text
