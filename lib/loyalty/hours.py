"""The opening hours of a shop: read as people type them, said as people read them, and whether it is open now.

    "пн–пт 9–20, сб 10–18" -> [days, hours] ... -> OpeningHours (a week, and days that differ) -> stored with the shop

Minutes are counted from midnight in the shop's own time zone; a day that ends after midnight ends past 1440.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from lib import dates, errors, typed

DAY = 24 * 60
MOST_DATES = 60  # days that differ
MOST_PARTS = 4  # of one day
AHEAD = 14  # days in which the next opening is looked for

type Parts = tuple[tuple[int, int], ...]

_GROUPS = (
    ("ежедневно|кажд\\w+ день|без выходных|все дни|daily|every ?day|all week", range(7)),
    ("будни\\w*|будням|рабоч\\w+ дн\\w+|weekdays?", range(5)),
    ("выходные|выходным|weekends?", (5, 6)),
)
_CLOCK = r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?(?:\s*(?:ч|час\w*)\b\.?)?"
_MONTH = r"(?:янв|фев|мар|апр|ма[йя]|июн|июл|авг|сен|окт|ноя|дек|jan|feb|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-zа-я]*"
_TOKEN = re.compile(
    rf"(?P<spans>(?P<first>\d{{1,2}})\s*-\s*(?P<last>\d{{1,2}}\s+{_MONTH}))"
    rf"|(?P<date>\d{{1,2}}\s+{_MONTH}|\d{{1,2}}\.(?:0[1-9]|1[0-2])(?:\.\d{{4}})?(?!\s*-\s*\d{{1,2}}[.:]\d\d)(?![.\d]))"
    rf"|(?P<hours>(?:(?:с|со|от|from)\s+)?{_CLOCK}\s*(?:-|до|to|till|until)\s*{_CLOCK})"
    + "".join(f"|(?P<day{at}>\\b(?:{names})\\b)" for names, at in dates.WEEKDAYS)
    + "".join(f"|(?P<group{at}>\\b(?:{names})\\b)" for at, (names, _) in enumerate(_GROUPS))
    + r"|(?P<always>\bкруглосуточно\b|24\s*/\s*7|24 часа|\bround the clock\b|\baround the clock\b)"
    r"|(?P<closed>\bвыходн(?:ой|ого)\b|\bзакрыт\w*|\bне работаем\b|\bclosed\b|\bday off\b)"
    r"|(?P<pause>\bперерыв\w*|\bобед\w*|\blunch\b|\bbreak\b)"
    r"|(?P<to>-|\bпо\b|\bto\b)"
    r"|(?P<filler>[,;./():]|\b(?:и|в|с|со|на|мы|работаем|открыты|часы работы|график|режим|and|on|open)\b)"
    r"|(?P<unknown>\S+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class OpeningHours:
    """When a shop is open: seven days from Monday, and the days that differ. Without a week nothing was told."""

    week: tuple[Parts, ...] = ()
    days: dict[date, Parts] = field(default_factory=dict)

    def on(self, day: date) -> Parts:
        """Return the parts of a day in which the shop is open."""
        return self.days.get(day, self.week[day.weekday()] if self.week else ())


@dataclass(frozen=True)
class OpenState:
    """Whether a shop is open, and until when, or when it opens next; None where that is not within sight."""

    is_open: bool
    until: datetime | None = None
    opens: datetime | None = None


@dataclass
class _Clause:
    """Days, and what was said of them; None of hours that stand alone."""

    week: list[int] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    parts: list[tuple[int, int]] = field(default_factory=list)
    pauses: list[tuple[int, int]] = field(default_factory=list)
    told: bool = False


def read(stored: dict[str, Any]) -> OpeningHours:
    """Return the hours out of their stored form; nothing told for what is not in it."""
    week = tuple(_parts(one) for one in stored.get("week", ()))
    days = {date.fromisoformat(day): _parts(one) for day, one in stored.get("days", {}).items()}
    return OpeningHours(week, days) if len(week) == 7 else OpeningHours()


def dump(hours: OpeningHours) -> dict[str, Any]:
    """Return the stored form."""
    days = {day.isoformat(): parts for day, parts in sorted(hours.days.items())}
    return {"week": hours.week, "days": days} if hours.week else {}


def parse(said: str, known: OpeningHours, today: date) -> OpeningHours:
    """Read typed hours: a new week, days that differ, or both. Invalid("hours_unclear", the words), ("no_week").

    Weekdays that are not named are days off. Days that differ are added to those known; past ones go.
    """
    clauses = list(_clauses(_tokens(said, today)))
    week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    days = {day: parts for day, parts in known.days.items() if day >= today}
    weekly = [one for one in clauses if one.week or not one.days]
    for clause in clauses:
        parts = _without(clause.parts, clause.pauses)
        if len(parts) > MOST_PARTS:
            raise errors.Invalid("hours_unclear", said[:40])
        days.update(dict.fromkeys(clause.days, tuple(parts)))
        for at in clause.week if clause.week or clause.days else range(7):
            week[at] = parts
    if not weekly and not known.week:
        raise errors.Invalid("no_week")
    if len(days) > MOST_DATES:
        raise errors.Invalid("too_many_days", str(MOST_DATES))
    return OpeningHours(tuple(map(tuple, week)) if weekly else known.week, days)


def state(hours: OpeningHours, now: datetime) -> OpenState:
    """Return whether a shop is open at a moment of its own clock."""
    spans = list(_spans(hours, now.date() - timedelta(days=1)))
    current = next((one for one in spans if one[0] <= now < one[1]), None)
    if current:
        far = now + timedelta(days=7)
        return OpenState(is_open=True, until=current[1] if current[1] < far else None)
    return OpenState(is_open=False, opens=next((start for start, _ in spans if start > now), None))


def asked_day(question: str, today: date) -> date | None:
    """Return the day that a question is about, if it names one: завтра, в воскресенье, 31 декабря."""
    flat = typed.plain(question).lower()
    near = {"сегодня": 0, "today": 0, "послезавтра": 2, "завтра": 1, "tomorrow": 1}
    for word, ahead in near.items():
        if re.search(rf"\b{word}\b", flat):
            return today + timedelta(days=ahead)
    for found in _TOKEN.finditer(flat):
        kind = found.lastgroup or ""
        if kind.startswith("day") and len(found[0]) > 1:
            return today + timedelta(days=(int(kind[3:]) - today.weekday()) % 7)
        if kind == "date":
            try:
                return _date(found[0], today)
            except errors.Invalid:
                continue
    return None


def grouped(hours: OpeningHours) -> list[tuple[int, int, Parts]]:
    """Return the week as runs of days with equal hours: first day, last day, parts."""
    runs: list[tuple[int, int, Parts]] = []
    for at, parts in enumerate(hours.week):
        if runs and runs[-1][2] == parts:
            runs[-1] = (runs[-1][0], at, parts)
        else:
            runs.append((at, at, parts))
    return runs


def differing(hours: OpeningHours, today: date) -> list[tuple[date, date, Parts]]:
    """Return the coming days that differ, as runs with equal hours."""
    runs: list[tuple[date, date, Parts]] = []
    for day, parts in sorted(hours.days.items()):
        if day < today:
            continue
        if runs and runs[-1][2] == parts and runs[-1][1] + timedelta(days=1) == day:
            runs[-1] = (runs[-1][0], day, parts)
        else:
            runs.append((day, day, parts))
    return runs


def _parts(stored: Sequence[Sequence[int]]) -> Parts:
    return tuple((int(start), int(end)) for start, end in stored)


def _spans(hours: OpeningHours, first: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield when the shop is open, from a day on; what meets at midnight is one."""
    held: tuple[datetime, datetime] | None = None
    for ahead in range(AHEAD + 2):
        day = first + timedelta(days=ahead)
        midnight = datetime.combine(day, datetime.min.time())
        for start, end in hours.on(day):
            span = (midnight + timedelta(minutes=start), midnight + timedelta(minutes=end))
            if held and span[0] <= held[1]:
                held = (held[0], max(held[1], span[1]))
            else:
                if held:
                    yield held
                held = span
    if held:
        yield held


def _tokens(said: str, today: date) -> list[tuple[str, Any]]:
    """Return what was typed as days, dates and hours. Invalid("hours_unclear")."""
    found: list[tuple[str, Any]] = []
    for token in _TOKEN.finditer(_flat(said)):
        kind = token.lastgroup or ""
        if token["spans"]:
            last = _date(token["last"], today)
            start = last.replace(day=int(token["first"])) if 1 <= int(token["first"]) <= last.day else last
            found.append(("days", [start + timedelta(days=one) for one in range((last - start).days + 1)]))
        elif token["date"]:
            found.append(("days", [_date(token["date"], today)]))
        elif token["hours"]:
            found.append(("hours", _hours(token)))
        elif kind == "unknown":
            raise errors.Invalid("hours_unclear", token[0][:40])
        elif kind.startswith("day"):
            found.append(("week", [int(kind[3:])]))
        elif kind.startswith("group"):
            found.append(("week", [*_GROUPS[int(kind[5:])][1]]))
        elif kind != "filler":
            found.append((kind, None))
    return found


def _flat(said: str) -> str:
    lines = [typed.plain(one) for one in said.splitlines()]
    return " ; ".join(one for one in lines if one).lower().replace("ё", "е")


def _hours(token: re.Match[str]) -> tuple[int, int]:
    """Return a span of a day in minutes; one that ends after midnight ends past 1440."""
    at = token.re.groupindex["hours"]
    start, end = (_minutes(token[first], token[first + 1], token[first + 2]) for first in (at + 1, at + 4))
    return start % DAY, end if end > start % DAY else end + DAY


def _minutes(hour: str, minute: str | None, half: str | None) -> int:
    hours, minutes = int(hour), int(minute or 0)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise errors.Invalid("hours_unclear", f"{hour}:{minute or 0}")
    return hours * 60 + minutes


def _date(words: str, today: date) -> date:
    """Return the next day of that name. Invalid("date_unclear")."""
    day, month, year = dates.parse(words)
    try:
        found = date(year or today.year, month, day)
        return found if year or found >= today else found.replace(year=found.year + 1)
    except ValueError as error:
        raise errors.Invalid("date_unclear", words[:40]) from error


def _clauses(tokens: list[tuple[str, Any]]) -> Iterator[_Clause]:
    """Join days with what was said of them, whichever comes first. Invalid("hours_unclear")."""
    says = ("hours", "closed", "always")
    first = next((kind for kind, _ in tokens if kind in ("week", "days", *says)), "")
    if not first or not any(kind in says for kind, _ in tokens):
        raise errors.Invalid("hours_unclear", "")
    days_first = first not in says
    clause, to, pause = _Clause(), False, False
    for kind, value in tokens:
        names_days = kind in ("week", "days")
        ended = clause.told and names_days if days_first else (clause.week or clause.days) and kind in says
        if ended and not to:
            yield clause
            clause = _Clause()
        if kind == "week" and to and clause.week:
            start = clause.week[-1]
            clause.week += [(start + one) % 7 for one in range(1, (value[0] - start) % 7 + 1)]
        elif names_days:
            (clause.week if kind == "week" else clause.days).extend(value)
        elif kind == "hours":
            (clause.pauses if pause else clause.parts).append(value)
        elif kind == "always":
            clause.parts.append((0, DAY))
        clause.told = clause.told or kind in says
        to, pause = kind == "to", kind == "pause"
    yield clause


def _without(parts: list[tuple[int, int]], pauses: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Take the breaks out of the hours."""
    kept = sorted(parts)
    for start, end in pauses:
        cut = [[(one[0], min(one[1], start)), (max(one[0], end), one[1])] for one in kept]
        kept = [each for pair in cut for each in pair if each[0] < each[1]]
    return kept
