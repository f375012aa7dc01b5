"""Periods as people choose them: by name, or as two dates that they type. The last day is part of it."""

from dataclasses import dataclass
from datetime import date, timedelta

from lib import dates, errors, typed

NAMES = ("month", "last_month", "quarter", "last_quarter", "year", "ever")
_BETWEEN = ("-", " по ", " до ", " to ", " until ", " ")


@dataclass(frozen=True)
class ChosenPeriod:
    """From a day to a day; `since` is None for everything up to it."""

    since: date | None
    until: date


def named(name: str, today: date) -> ChosenPeriod | None:
    """Return the period of that name as it is on a day, None for a name that there is not."""
    month = today.replace(day=1)
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    before = month - timedelta(days=1)
    earlier = quarter - timedelta(days=1)
    found = {
        "month": ChosenPeriod(month, today),
        "last_month": ChosenPeriod(before.replace(day=1), before),
        "quarter": ChosenPeriod(quarter, today),
        "last_quarter": ChosenPeriod(date(earlier.year, earlier.month - 2, 1), earlier),
        "year": ChosenPeriod(date(today.year, 1, 1), today),
        "ever": ChosenPeriod(None, today),
    }
    return found.get(name)


def typed_by(words: str, today: date) -> ChosenPeriod:
    """Return "1.03 – 15.04" as a period that is over, or "12.03" as one day. Invalid("period_unclear").

    A date without a year is the last one of its kind; one that has not come yet is today.
    """
    plain = typed.plain(words.lower())[:60]
    for first, last in [*_splits(plain), (plain, plain)]:
        try:
            until = min(_latest(last, today), today)
            since = _latest(first, until)
        except errors.Invalid:
            continue
        if since <= until:
            return ChosenPeriod(since, until)
    raise errors.Invalid("period_unclear", words[:40])


def _splits(words: str) -> list[tuple[str, str]]:
    """Return every way to read words as two dates: a dash stands in dates, too."""
    places = [(at, mark) for mark in _BETWEEN for at in range(len(words)) if words.startswith(mark, at)]
    return [
        (words[:at].removeprefix("с ").removeprefix("from ").strip(), words[at + len(mark) :].strip())
        for at, mark in places
    ]


def _latest(words: str, today: date) -> date:
    """Return the date, of the last year in which it has come when none was typed."""
    day, month, year = dates.parse(words)
    years = [year] if year else range(today.year, today.year - 8, -1)  # the 29th of February has come in one of them
    for one in years:
        try:
            found = date(one, month, day)
        except ValueError:
            continue
        if year or found <= today:
            return found
    raise errors.Invalid("period_unclear", words[:40])
