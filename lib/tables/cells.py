"""What a column holds, and how its cells are written: in CSV as Excel reads it, in XLSX with the type said.

Words that somebody typed stay words: in CSV no cell is a formula, and none becomes the date that Excel makes of "1-2";
in XLSX they are typed strings. Numbers are numbers, so that a column adds up, and times are times of the shop.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from lib import text, typed

# `words` somebody typed, a `code` is digits that are no number (a card), a `name` is a code of ours that has a sentence
type Kind = Literal["words", "code", "whole", "money", "moment", "name"]
type Writer = Callable[[Sequence[Any]], list[str]]

SEPARATORS = {"ru": ";", "en": ","}
TIMES = {"ru": "%d.%m.%Y %H:%M", "en": "%Y-%m-%d %H:%M"}
LONGEST = 32_767  # characters that Excel takes in a cell
# How the styles of a workbook are numbered, see book.py.
HEAD, TEXT, MONEY, MOMENT = 1, 2, 3, 4

# Excel would run these, or read them as a number, a time or a date: =1+1, 1-2, 3/4, 12:30, 5 мая, May 5.
_MONTH = r"(?:янв|фев|мар|апр|ма[йя]|ию[нл]|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_SIGNS = r"[\d\s.,:/%₽$€()-]*"
_NOT_WORDS = re.compile(
    rf"[=+\-@\t\r]|{_SIGNS}\d{_SIGNS}(?:e[+-]?\d+)?(?:[ap]m?)?$|\s*\d+[\s.,/-]*{_MONTH}|\s*{_MONTH}[^\W\d_]*[\s.,/-]*\d",
    re.IGNORECASE,
)
# What XML cannot hold, and what Excel would read as a character by its number.
_NO_XML = re.compile("\r\n?|[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_FIRST_DAY = datetime(1899, 12, 30)
_DAY = timedelta(days=1)
_EMPTY = "/>"


@dataclass(frozen=True)
class Column:
    """A column: the sentence of its heading, the kind of its values, its width, and the sentences of codes.

    A value that is no code was typed by a person and stays as it is.
    """

    key: str
    kind: Kind = "words"
    width: int = 12
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SheetStyle:
    """Who reads a file: in which language, and by which clock."""

    language: str
    zone: ZoneInfo

    def title(self, column: Column) -> str:
        """Return the name of a column."""
        return text.plain(text.say(self.language, column.key))


def csv_words(words: str, separator: str) -> str:
    """Write one cell that somebody typed: it stays words, whatever a client is called, and is quoted where need be."""
    words = typed.visible(words)
    return csv_plain("'" + words if _NOT_WORDS.match(words) else words, separator)


def csv_plain(words: str, separator: str) -> str:
    """Write one cell of our own, quoted where need be."""
    if any(sign in words for sign in f'{separator}"\n\r'):
        return '"' + words.replace('"', '""') + '"'
    return words


def csv_writer(column: Column, style: SheetStyle) -> Writer:
    """Return what writes the cells of a column of a CSV file."""
    separator, mark = SEPARATORS[style.language], text.MARKS[style.language][1]
    time = TIMES[style.language]
    ways: dict[Kind, Callable[[Any], str]] = {
        "words": functools.lru_cache(4096)(lambda value: csv_words(value, separator)),
        "name": functools.lru_cache(4096)(lambda value: csv_words(_name(column, style, value), separator)),
        "code": str,
        "whole": str,
        "money": lambda minor: f"{'-' if minor < 0 else ''}{abs(minor) // 100}{mark}{abs(minor) % 100:02}",
        "moment": lambda at: f"{at.astimezone(style.zone):{time}}",
    }
    way = ways[column.kind]
    return lambda values: ["" if value is None else way(value) for value in values]


def xml_words(words: str) -> str:
    """Return words as XML holds them, without what Excel would refuse the file for."""
    words = _NO_XML.sub(lambda found: "\n" if found[0][0] == "\r" else "", typed.visible(words))[:LONGEST]
    return _ESCAPED.sub("_x005F_", words).translate(_XML)


def xml_inline(words: str, style: int = TEXT) -> str:
    """Return a typed string as a cell, from behind its place: no formula, no number, no date."""
    if not words:
        return _EMPTY
    inside = xml_words(words)
    space = ' xml:space="preserve"' if inside != inside.strip() or "\n" in inside else ""
    return f' s="{style}" t="inlineStr"><is><t{space}>{inside}</t></is></c>'


def xml_writer(column: Column, style: SheetStyle) -> Writer:
    """Return what writes the cells of a column of a sheet, each from behind its place."""
    ways: dict[Kind, Callable[[Any], str]] = {
        "words": functools.lru_cache(4096)(xml_inline),
        "name": functools.lru_cache(4096)(lambda value: xml_inline(_name(column, style, value))),
        "code": lambda value: xml_inline(str(value)),
        "whole": lambda value: f"><v>{value}</v></c>",
        "money": lambda minor: f' s="{MONEY}"><v>{minor / 100}</v></c>',
        "moment": lambda at: f' s="{MOMENT}"><v>{_serial(at, style.zone)}</v></c>',
    }
    way = ways[column.kind]
    return lambda values: [_EMPTY if value is None else way(value) for value in values]


def transposed(columns: Iterable[Writer], rows: Sequence[tuple[Any, ...]]) -> Iterable[tuple[str, ...]]:
    """Return the rows written: a column at a time, which costs half of what a row at a time does."""
    written = [write(values) for write, values in zip(columns, zip(*rows, strict=True), strict=False)]
    return zip(*written, strict=True)


def _name(column: Column, style: SheetStyle, value: Any) -> str:
    return text.plain(text.say(style.language, column.names[value])) if value in column.names else str(value)


def _serial(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment as Excel counts: days since the end of 1899, by the clock of the zone, to the second.

    With fewer digits 12:01 were 12:00:59, which Excel shows as 12:00.
    """
    return f"{(at.astimezone(zone).replace(tzinfo=None, microsecond=0) - _FIRST_DAY) / _DAY:.15g}"
