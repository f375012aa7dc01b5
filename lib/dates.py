"""Dates and moments as people type them: 7.03, 7 марта, March 7th, завтра в 18, Friday 6 pm, через 2 часа.

The day comes first wherever both are numbers.
"""

import re
from datetime import date, datetime, time, timedelta

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
WEEKDAYS = (
    *(("пн|понедельник\\w*|mon(?:day)?s?", 0), ("вт|вторник\\w*|tue(?:s|sday)?s?", 1)),
    *(("ср|сред\\w{1,2}|wed(?:nesday)?s?", 2), ("чт|четверг\\w*|thu(?:rs?|rsday)?s?", 3)),
    *(("пт|пятниц\\w*|fri(?:day)?s?", 4), ("сб|суббот\\w*|sat(?:urday)?s?", 5)),
    ("вс|воскресень\\w*|sun(?:day)?s?", 6),
)
LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

_NUMBERS = re.compile(r"(?P<day>\d{1,2})[ ./-](?P<month>\d{1,2})(?:[ ./-](?P<year>\d{4}))?", re.ASCII)
_YEARS = re.compile(r"(?<=\d)\s*(?:года?|г\.?)$")  # of "7 марта 2027 г."
_DAY = r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_MONTH = r"(?P<month>[^\W\d_]{3,})\.?"
_YEAR = r"(?:,? (?P<year>[0-9]{4}))?"
_NAMED = (re.compile(f"{_DAY} ?{_MONTH}{_YEAR}"), re.compile(f"{_MONTH} ?{_DAY}{_YEAR}"))


def parse(words: str) -> tuple[int, int, int | None]:
    """Return the day, the month, and the year if it was typed. Invalid("date_unclear") for what no calendar has."""
    plain = _YEARS.sub("", typed.plain(words).lower())
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


_PARTS = {"утром|in the morning|morning": 10, "в полдень|at noon|noon": 12, "дн[её]м|in the afternoon|afternoon": 14}
_PARTS |= {"вечером|in the evening|evening": 18}
_AT, _HOUR, _HALF = "(?:в|к|на|at|by) ", "(?P<hour>[0-9]{1,2})", r"(?P<half>[ap]\.?m\.?|утра|дня|вечера)"
_CLOCKS = (
    rf"(?:{_AT})?{_HOUR}[:.](?P<minute>[0-9]{{2}})(?: ?{_HALF})?",
    rf"(?:{_AT})?{_HOUR} ?{_HALF}",
    rf"{_AT}{_HOUR}(?: час\w*| ч\.?)?",
    "|".join(f"(?P<part{hour}>{words})" for words, hour in _PARTS.items()),
)
# strings: who reads no moment compiles none
_MOMENTS = [form for clock in _CLOCKS for form in (f"(?:(?P<day>.+?),? )?(?:{clock})", f"(?:{clock}),? (?P<day>.+)")]
_NAMED_DAYS = {"сегодня": 0, "today": 0, "завтра": 1, "tomorrow": 1, "послезавтра": 2, "day after tomorrow": 2}
_LATER = (
    r"(?:через|in) (?:(?P<number>[0-9]{1,3}|an?|half an) ?)?"
    r"(?:(?P<minutes>минут\w*|min(?:ute)?s?)|(?P<half>полчаса)|(?P<hours>час\w*|hours?)|(?P<days>день|дн\w+|days?)"
    r"|(?P<weeks>недел\w*|weeks?))"
)


def moment(words: str, now: datetime) -> datetime:
    """Return the next such moment by the clock of `now`; Invalid("moment_unclear"), also for one without its time.

    Invalid("moment_past") for a day that was named and has gone by. What may be a date is no time: 12.03.
    """
    plain = typed.plain(words).lower()
    if _NUMBERS.fullmatch(plain):
        raise errors.Invalid("moment_unclear", words[:40])
    if (later := re.fullmatch(_LATER, plain)) and not later["days"] and not later["weeks"]:
        return now + _span(later)
    for form in _MOMENTS:
        if (found := re.fullmatch(form, plain)) and (at := _clock(found)) and (on := _day(found["day"] or "", at, now)):
            chosen = datetime.combine(on, at, now.tzinfo)
            if chosen <= now:
                raise errors.Invalid("moment_past", words[:40])
            return chosen
    raise errors.Invalid("moment_unclear", words[:40])


def _span(found: re.Match[str]) -> timedelta:
    """Return "через 2 часа" as the time until then."""
    said = found["number"] or "1"
    number = 0.5 if found["half"] or said == "half an" else float(said) if said.isdecimal() else 1.0
    unit = next((name for name in ("minutes", "days", "weeks") if found[name]), "hours")
    return timedelta(**{unit: number})


def _clock(found: re.Match[str]) -> time | None:
    """Return the time of day that a form found; None for one that no clock has."""
    said = found.groupdict()
    if part := next((name for name, value in said.items() if name.startswith("part") and value), None):
        return time(int(part.removeprefix("part")))
    hour, minute, half = int(said["hour"]), int(said.get("minute") or 0), (said.get("half") or "")[:1]
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half in ("p", "д", "в") else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _day(words: str, at: time, now: datetime) -> date | None:
    """Return the day that was said of a time: by its name, its weekday or its date; None for what is none."""
    today, words = now.date(), words.removeprefix("на ")
    has_gone = datetime.combine(today, at, now.tzinfo) <= now
    if not words:
        return today + timedelta(days=int(has_gone))
    if words in _NAMED_DAYS:
        return today + timedelta(days=_NAMED_DAYS[words])
    if later := re.fullmatch(_LATER, words):
        return today + _span(later) if later["days"] or later["weeks"] else None
    for names, weekday in WEEKDAYS:
        if re.fullmatch(f"(?:(?:во?|on) )?(?:{names})", words):
            ahead = (weekday - today.weekday()) % 7
            return today + timedelta(days=ahead or (7 if has_gone else 0))
    try:
        day, month, year = parse(words)
        found = date(year or today.year, month, day)
        is_over = not year and (found < today or (found == today and has_gone))
        return found.replace(year=today.year + 1) if is_over else found
    except (errors.Invalid, ValueError):
        return None
