"""The periods of a shop's reports and what each is compared with, by the shop's own days.

    day        the one before this, against the same weekday a week earlier
    week       Monday to Sunday, against the week before
    month      against the month before
    this week, this month    so far, against as much of the one before
    own        two dates, against as many days before them
    last days  7, 30 or 90 and today the last of them, against as much of as many before

A period is a code in a button. A day begins at the shop's midnight, whatever the clocks there do.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib import errors

CLOSED = ("day", "week", "month")
RUNNING = ("week", "month")
SPANS = (7, 30, 90)
LONGEST = 366  # days
_DATE = "(20[0-9]{6})"


@dataclass(frozen=True)
class Period:
    """A stretch of time and the one that it is compared with; `until` and `before_until` are the first moment after."""

    code: str
    zone: str
    since: datetime
    until: datetime
    before_since: datetime
    before_until: datetime

    @property
    def first(self) -> date:
        """Its first day."""
        return _local(self.since, self.zone).date()

    @property
    def last(self) -> date:
        """Its last day."""
        return _last(self.until, self.zone)

    @property
    def before_first(self) -> date:
        """The first day of the other."""
        return _local(self.before_since, self.zone).date()

    @property
    def before_last(self) -> date:
        """The last day of the other."""
        return _last(self.before_until, self.zone)


def closed(kind: str, now: datetime, zone: str) -> Period:
    """Return the last day, week or month that is over."""
    today = _local(now, zone).date()
    if kind == "month":
        return _closed(kind, _month_before(today), zone)
    return _closed(kind, today - timedelta(days=1 if kind == "day" else today.weekday() + 7), zone)


def earlier(period: Period, number: int) -> Period:
    """Return the period of the same kind so many before this one."""
    kind = {"d": "day", "w": "week", "m": "month"}[period.code[0]]
    first = period.first
    for _ in range(number):
        first = _month_before(first) if kind == "month" else first - timedelta(days=1 if kind == "day" else 7)
    return _closed(kind, first, period.zone)


def read(code: str, now: datetime, zone: str) -> Period:
    """Return the period of a code; Invalid("bad_period") for what is none, begins after now, or is too long."""
    if code in RUNNING:
        return _running(code, now, zone)
    if code.isdecimal() and code.isascii() and int(code) in SPANS:
        days = timedelta(days=int(code))
        first = _local(now, zone).date() - days + timedelta(days=1)
        return _so_far(code, zone, first, first - days, now)
    try:
        if found := re.fullmatch(f"([dwm]){_DATE}", code):
            kind = {"d": "day", "w": "week", "m": "month"}[found[1]]
            return _begun(_closed(kind, date.fromisoformat(found[2]), zone), now)
        if found := re.fullmatch(f"{_DATE}-{_DATE}", code):
            return _begun(own(date.fromisoformat(found[1]), date.fromisoformat(found[2]), zone), now)
    except ValueError:
        pass  # a date that does not exist, such as the 31st of February: refused below as any odd code
    raise errors.Invalid("bad_period", code[:40])


def own(first: date, last: date, zone: str) -> Period:
    """Return the period of two dates, both included; Invalid("bad_period") for a year and more, or the wrong way."""
    days = (last - first).days + 1
    if not 1 <= days <= LONGEST:
        raise errors.Invalid("bad_period", f"{days}")
    after, before = last + timedelta(days=1), first - timedelta(days=days)
    return _between(f"{first:%Y%m%d}-{last:%Y%m%d}", zone, (first, after), (before, first))


def _closed(kind: str, first: date, zone: str) -> Period:
    code = f"{kind[0]}{first:%Y%m%d}"
    if kind == "month":
        first = first.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
        return _between(f"m{first:%Y%m%d}", zone, (first, after), (_month_before(first), first))
    after, week = first + timedelta(days=1 if kind == "day" else 7), timedelta(days=7)
    return _between(code, zone, (first, after), (first - week, after - week))


def _running(kind: str, now: datetime, zone: str) -> Period:
    today = _local(now, zone).date()
    if kind == "month":
        return _so_far(kind, zone, today.replace(day=1), _month_before(today), now)
    monday = today - timedelta(days=today.weekday())
    return _so_far(kind, zone, monday, monday - timedelta(days=7), now)


def _so_far(code: str, zone: str, first: date, before: date, now: datetime) -> Period:
    """Return the time from a day until now, against as much time from an earlier day on."""
    gone = _local(now, zone).replace(tzinfo=None) - datetime.combine(first, time())
    as_much = (datetime.combine(before, time()) + gone).replace(tzinfo=ZoneInfo(zone))
    since = _midnight(first, zone)
    return Period(code, zone, since, now, _midnight(before, zone), min(as_much, since))


def _between(code: str, zone: str, days: tuple[date, date], before: tuple[date, date]) -> Period:
    return Period(code, zone, *(_midnight(day, zone) for day in (*days, *before)))


def _begun(period: Period, now: datetime) -> Period:
    if period.since > now:
        raise errors.Invalid("bad_period", period.code)
    return period


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone))


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone))


def _last(until: datetime, zone: str) -> date:
    return _local(until - timedelta(microseconds=1), zone).date()
