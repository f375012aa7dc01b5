"""CSV files for Excel: each opens by a double click where the reader's language is Excel's, and its columns add up.

A file begins with a mark that says UTF-8; Russian has semicolons and decimal commas, English commas and points. Words
that somebody typed stay words: no cell is a formula, and none becomes the date that Excel makes of "1-2".
Rows are read a page at a time and given out as bytes, so that a million of them need no more memory than a page.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from lib import db, text, typed
from lib.loyalty.partners import Partner, of

SQL = db.load("loyalty_reports")

PAGE = 1000

CLIENTS = ("card", "name", "phone", "city", "joined", "last_visit", "visits", "spent_money", "available", "pending")
OPERATIONS = (
    *("number", "at", "what", "card", "name", "bill", "paid", "given", "spent", "expired", "change", "moved", "after"),
    *("reverses", "reward", "reason", "actor", "giver"),
)
SEPARATORS = {"ru": ";", "en": ","}
TIMES = {"ru": "%d.%m.%Y %H:%M", "en": "%Y-%m-%d %H:%M"}
# Excel would run these, or read them as a number, a time or a date: =1+1, 1-2, 3/4, 12:30, 5 мая, May 5.
_MONTH = r"(?:янв|фев|мар|апр|ма[йя]|ию[нл]|авг|сен|окт|ноя|дек|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_SIGNS = r"[\d\s.,:/%₽$€()-]*"
_NOT_WORDS = re.compile(
    rf"[=+\-@\t\r]|{_SIGNS}\d{_SIGNS}(?:e[+-]?\d+)?(?:[ap]m?)?$|\s*\d+[\s.,/-]*{_MONTH}|\s*{_MONTH}[^\W\d_]*[\s.,/-]*\d",
    re.IGNORECASE,
)


class Figure(str):
    """A number or a time that Excel is to read as one."""

    __slots__ = ()


# How a page is read: a borrowed connection for each, so that none is held while a file is being sent.
type Reader = Callable[
    [Callable[[db.Connection], Awaitable[list[dict[str, object]]]]], Awaitable[list[dict[str, object]]]
]


async def clients(partner: Partner, language: str = "ru", *, read: Reader = db.run) -> AsyncIterator[bytes]:
    """Give out a shop's clients, a page of lines at a time."""
    yield _head(CLIENTS, language)
    after = 0
    query = SQL.client_rows.within(of(partner.id))
    while True:
        rows = await read(lambda conn, a=after: query.all(conn, dict, partner_id=partner.id, after=a, limit=PAGE))  # type: ignore[misc]
        if rows:
            yield _lines((_client(row, partner, language) for row in rows), language)
            after = int(str(rows[-1]["id"]))
        if len(rows) < PAGE:
            return


async def operations(
    partner: Partner, since: datetime, until: datetime, language: str = "ru", *, read: Reader = db.run
) -> AsyncIterator[bytes]:
    """Give out a shop's operations of a period, oldest first, a page of lines at a time."""
    yield _head(OPERATIONS, language)
    query = SQL.operation_rows.within(of(partner.id))
    place: dict[str, object] = {"after_at": since - timedelta(seconds=1), "after_id": 0}
    period = {"partner_id": partner.id, "since": since, "until": until, "limit": PAGE}
    while True:
        rows = await read(lambda conn, at=dict(place): query.all(conn, dict, **period, **at))  # type: ignore[misc]
        if rows:
            yield _lines((_operation(row, partner, language) for row in rows), language)
            place = {"after_at": rows[-1]["created_at"], "after_id": rows[-1]["id"]}
        if len(rows) < PAGE:
            return


def cell(value: object, separator: str = ";") -> str:
    """Write one cell: quoted where need be, and words stay words, whatever a client is called."""
    words = "" if value is None else typed.visible(str(value))
    if not isinstance(value, int | Figure) and _NOT_WORDS.match(words):
        words = "'" + words
    if any(sign in words for sign in f'{separator}"\n\r'):
        words = '"' + words.replace('"', '""') + '"'
    return words


def _head(columns: Iterable[str], language: str) -> bytes:
    names = [text.say(language, f"partner.sheet.column.{name}") for name in columns]
    return b"\xef\xbb\xbf" + _lines([names], language)


def _lines(rows: Iterable[Iterable[object]], language: str) -> bytes:
    separator = SEPARATORS[language]
    return "".join(separator.join(cell(one, separator) for one in row) + "\r\n" for row in rows).encode()


def _client(row: dict[str, object], partner: Partner, language: str) -> list[object]:
    return [
        *(row["card_no"], row["name"], _tail(row["phone_tail"]), row["city"]),
        *(_when(row["joined_at"], partner, language), _when(row["last_visit_at"], partner, language), row["visits"]),
        *(_roubles(row["spent_minor"], language), row["available"], row["pending"]),
    ]


def _operation(row: dict[str, object], partner: Partner, language: str) -> list[object]:
    given, spent, expired = (int(str(row[name])) for name in ("given", "spent", "expired"))
    return [
        *(row["id"], _when(row["created_at"], partner, language), text.say(language, f"partner.kind.{row['kind']}")),
        *(row["card_no"], row["name"], _roubles(row["bill_minor"], language), _roubles(row["paid_minor"], language)),
        *(given, spent, expired, given - spent - expired, row["moved"], row["available_after"], row["reverses_id"]),
        *(row["reward"], row["reason"], row["actor"], row["giver"]),
    ]


def _tail(digits: object) -> str:
    """Write the end of a number, which is all that a shop may see of it, as the bot does."""
    return f"··{digits}" if digits else ""


def _roubles(minor: object, language: str) -> Figure:
    """Write an amount without spaces, which Excel would take for words."""
    kopecks = int(str(minor))
    whole, rest = divmod(abs(kopecks), 100)
    return Figure(f"{'-' if kopecks < 0 else ''}{whole}{text.MARKS[language][1]}{rest:02}")


def _when(at: object, partner: Partner, language: str) -> Figure:
    return Figure(f"{at.astimezone(ZoneInfo(partner.tz)):{TIMES[language]}}" if isinstance(at, datetime) else "")
