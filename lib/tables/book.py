"""An XLSX workbook, written without a package: the XML of each sheet goes straight into its place in the zip.

A sheet has a bold head that stays in view, a filter, and widths. It holds a million rows; then the next one begins.
Strings are inline, so nothing of a page is kept. Where a cell stands is said in files of up to 200,000 rows alone: the
standard makes it optional, Excel, LibreOffice and Google Sheets need none, some readers of little files do, and in a
long one it is half of the file.
"""

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib.tables import cells
from lib.tables.cells import Column, SheetStyle

ROWS = 1_000_000  # of a sheet; Excel's own end is 1,048,576
BYTES = 1_800_000_000  # of a sheet's XML: from 2 GB on a zip needs marks that Excel does not like
PLACES = 200_000
LEVEL = 6  # of deflate: a third smaller than 1, for a fifth more time

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_TIMES = {"ru": "dd\\.mm\\.yyyy\\ hh:mm", "en": "yyyy\\-mm\\-dd\\ hh:mm"}
_PANE = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'


@dataclass(frozen=True)
class About:
    """A last sheet of two columns that says what a file is."""

    title: str
    lines: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class _Sheet:
    title: str
    area: str  # of the filter; "" for a sheet without one


class Book:
    """A workbook that is being written; `expected` is how many rows there will be, about."""

    def __init__(
        self,
        path: Path,
        title: str,
        columns: Sequence[Column],
        style: SheetStyle,
        *,
        expected: int = 0,
        about: About | None = None,
    ) -> None:
        self.path, self.title, self.columns, self.style = path, title, columns, style
        self._about = about
        self._has_places = expected <= PLACES
        self._letters = [_letters(number) for number in range(len(columns))]
        self._writers = [cells.xml_writer(column, style) for column in columns]
        self._sheets: list[_Sheet] = []
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)
        self._begin()

    @property
    def size(self) -> int:
        """How many bytes the file has by now, but for what the packer still holds."""
        return self.path.stat().st_size

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Write a page of rows."""
        while rows:
            if self._row > ROWS or self._raw > BYTES:
                self._end()
                self._begin()
            room = ROWS + 1 - self._row
            self._write("".join(self._lines(cells.transposed(self._writers, rows[:room]))))
            rows = rows[room:]

    def close(self) -> Path:
        """Write what names the sheets and say where the file is."""
        if self._entry.closed:
            return self.path
        self._end()
        if self._about:
            self._tell(self._about)
        sheets = self._sheets
        for name, text in (
            ("xl/workbook.xml", _workbook(sheets)),
            ("xl/styles.xml", _styles(_TIMES[self.style.language])),
            ("xl/_rels/workbook.xml.rels", _links(len(sheets))),
            ("_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")])),
            ("[Content_Types].xml", _types(len(sheets))),
        ):
            self._zip.writestr(name, _HEAD + text)
        self._zip.close()
        return self.path

    def _begin(self) -> None:
        self._row = self._raw = 0
        self._entry = self._zip.open(f"xl/worksheets/sheet{len(self._sheets) + 1}.xml", "w")
        self._write(_HEAD + _opening(self.columns, _PANE, is_first=not self._sheets))
        head = [cells.xml_inline(self.style.title(column), cells.HEAD) for column in self.columns]
        self._write("".join(self._lines([tuple(head)])))

    def _end(self) -> None:
        number = len(self._sheets) + 1
        area = f"A1:{self._letters[-1]}{self._row}"
        # digits that are no number are meant: Excel need not warn of them
        meant = f'<ignoredErrors><ignoredError sqref="{area}" numberStoredAsText="1"/></ignoredErrors>'
        self._write(f'</sheetData><autoFilter ref="{area}"/>{meant}</worksheet>')
        self._entry.close()
        self._sheets.append(_Sheet(f"{self.title} {number}" if number > 1 else self.title, area))

    def _lines(self, rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
        for row in rows:
            self._row += 1
            if self._has_places:
                at = self._row
                inside = "".join(f'<c r="{letter}{at}"{cell}' for letter, cell in zip(self._letters, row, strict=True))
                yield f'<row r="{at}">{inside}</row>'
            else:
                yield f"<row><c{'<c'.join(row)}</row>"

    def _write(self, xml: str) -> None:
        data = xml.encode()
        self._raw += len(data)
        self._entry.write(data)

    def _tell(self, about: About) -> None:
        number = len(self._sheets) + 1
        wide = [Column("", width=22), Column("", width=48)]
        lines = [
            f'<row r="{at}"><c r="A{at}"{cells.xml_inline(name, cells.HEAD)}<c r="B{at}"{cells.xml_inline(said)}</row>'
            for at, (name, said) in enumerate(about.lines, 1)
        ]
        xml = f"{_HEAD}{_opening(wide)}{''.join(lines)}</sheetData></worksheet>"
        self._zip.writestr(f"xl/worksheets/sheet{number}.xml", xml)
        self._sheets.append(_Sheet(about.title, ""))


def _letters(number: int) -> str:
    """Return the name of a column, counted from 0: A, B, ... Z, AA."""
    more, last = divmod(number, 26)
    return (_letters(more - 1) if more else "") + chr(ord("A") + last)


def _opening(columns: Sequence[Column], pane: str = "", *, is_first: bool = False) -> str:
    widths = "".join(
        f'<col min="{at}" max="{at}" width="{column.width}" customWidth="1"/>' for at, column in enumerate(columns, 1)
    )
    chosen = ' tabSelected="1"' if is_first else ""
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"{chosen}>{pane}</sheetView></sheetViews>'
        f'<sheetFormatPr defaultRowHeight="15"/><cols>{widths}</cols><sheetData>'
    )


def _workbook(sheets: Sequence[_Sheet]) -> str:
    named = "".join(
        f'<sheet name="{_attribute(sheet.title)}" sheetId="{at}" r:id="rId{at}"/>' for at, sheet in enumerate(sheets, 1)
    )
    areas = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{at}" hidden="1">'
        f"{_attribute(_quoted(sheet.title))}!{_fixed(sheet.area)}</definedName>"
        for at, sheet in enumerate(sheets)
        if sheet.area
    )
    return (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/></bookViews>'
        f"<sheets>{named}</sheets><definedNames>{areas}</definedNames></workbook>"
    )


def _quoted(title: str) -> str:
    return "'" + title.replace("'", "''") + "'"


def _fixed(area: str) -> str:
    """Return A1:C9 as $A$1:$C$9."""
    ends = area.split(":")
    return ":".join(f"${end.rstrip('0123456789')}${end.lstrip('ABCDEFGHIJKLMNOPQRSTUVWXYZ')}" for end in ends)


def _attribute(words: str) -> str:
    return cells.xml_words(words).replace('"', "&quot;")


def _styles(time: str) -> str:
    """Return the styles that cells.py numbers; Excel wants two fills, a border and a style even where none is used."""
    fonts = '<font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font>'
    fills = '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill>'
    border = "<border><left/><right/><top/><bottom/><diagonal/></border>"
    plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    kinds = ((0, 0), (0, 1), (49, 0), (4, 0), (164, 0))  # as they are, the head, text, money, moments
    formats = "".join(
        f'<xf numFmtId="{number}" fontId="{font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"'
        ' applyFont="1"/>'
        for number, font in kinds
    )
    return (
        f'<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="{time}"/></numFmts>'
        f'<fonts count="2">{fonts}</fonts><fills count="2">{fills}</fills><borders count="1">{border}</borders>'
        f'<cellStyleXfs count="1">{plain}</cellStyleXfs><cellXfs count="{len(kinds)}">{formats}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


def _links(sheets: int) -> str:
    parts = [("worksheet", f"worksheets/sheet{at}.xml") for at in range(1, sheets + 1)]
    return _relations([*parts, ("styles", "styles.xml")])


def _relations(parts: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{at}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for at, (kind, target) in enumerate(parts, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'


def _types(sheets: int) -> str:
    parts = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    parts += [(f"/xl/worksheets/sheet{at}.xml", "worksheet") for at in range(1, sheets + 1)]
    lines = "".join(f'<Override PartName="{part}" ContentType="{_TYPE}.{kind}+xml"/>' for part, kind in parts)
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">{rels}<Default Extension="xml" ContentType="application/xml"/>'
        f"{lines}</Types>"
    )
