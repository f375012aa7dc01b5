"""Dates as people type them: 7.03, 07-03-2027, 7 марта, March 7th; the day comes first wherever both are numbers."""

import re

from lib import errors, typed

MONTHS = (
    ("январь", "января", "january"),
    ("февраль", "февраля", "february"),
    ("март", "марта", "march"),
    ("апрель", "апреля", "april"),
    ("май", "мая", "may"),
    ("июнь", "июня", "june"),
    ("июль", "июля", "july"),
    ("август", "августа", "august"),
    ("сентябрь", "сентября", "september"),
    ("октябрь", "октября", "october"),
    ("ноябрь", "ноября", "november"),
    ("декабрь", "декабря", "december"),
)
LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_NUMBERS = re.compile(r"(?P<day>\d{1,2})[ ./-](?P<month>\d{1,2})(?:[ ./-](?P<year>\d{4}))?", re.ASCII)
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_MONTH = r"(?P<month>[^\W\d_]{3,})\.?"
_YEAR = r"(?:,? (?P<year>[0-9]{4}))?"
_NAMED = (re.compile(f"{_DAY} ?{_MONTH}{_YEAR}"), re.compile(f"{_MONTH} ?{_DAY}{_YEAR}"))


def parse(words: str) -> tuple[int, int, int | None]:
    """Return the day, the month, and the year if it was typed. Invalid("date_unclear") for what no calendar has."""
    plain = typed.plain(words).lower()
    found = next((match for form in (_NUMBERS, *_NAMED) if (match := form.fullmatch(plain))), None)
    day, month = (int(found["day"]), _month(found["month"])) if found else (0, 0)
    if not month or not 1 <= day <= LONGEST[month - 1]:
        raise errors.Invalid("date_unclear", words[:40])
    return day, month, int(found["year"]) if found and found["year"] else None


def _month(word: str) -> int:
    """Return the month's number, or 0: of a number, or of a name or its first letters in either language."""
    if word.isdecimal():
        return int(word) if int(word) <= 12 else 0
    return next((at for at, names in enumerate(MONTHS, 1) if any(name.startswith(word) for name in names)), 0)
