"""Moments and dates as a person reads them: in their own time zone, and no longer than they need to be."""

from datetime import UTC, date, datetime, timedelta

from lib import clock, text
from lib.people import users
from lib.telegram import screen
from lib.telegram.dispatch import Turn

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
type PageCursor = tuple[datetime, int]  # the moment and the id of the last one of a page


def local(turn: Turn, at: datetime) -> datetime:
    """Return a moment in the person's zone."""
    return users.local(at, turn.state.who.get("zone", users.ZONE))


def today(turn: Turn) -> date:
    """Return the date where the person is."""
    return local(turn, clock.now()).date()


def moment(turn: Turn, at: datetime) -> str:
    """Return a date and a time."""
    return text.moment(turn.language, local(turn, at))


def short_moment(turn: Turn, at: datetime | None) -> str:
    """Return a date and a time for a list, with the year when it is another one, and a dash for never."""
    if at is None:
        return "—"
    shown = text.short_moment if local(turn, at).year == today(turn).year else text.moment
    return shown(turn.language, local(turn, at))


def clock_or_day(turn: Turn, at: datetime) -> str:
    """Return the time of today, or the day and month of another day."""
    own = local(turn, at)
    return f"{own:%H:%M}" if own.date() == today(turn) else text.short_day(turn.language, own)


def day_and_time(turn: Turn, at: datetime) -> str:
    """Return "3 декабря, 14:05"."""
    return f"{day(turn, at)}, {local(turn, at):%H:%M}"


def day(turn: Turn, at: datetime) -> str:
    """Return "3 декабря", with the year when it is another one."""
    return plain_day(turn, local(turn, at).date())


def last_day(turn: Turn, expires_at: datetime) -> str:
    """Return the last day on which something still holds, where it ends at midnight."""
    return day(turn, expires_at - timedelta(seconds=1))


def plain_day(turn: Turn, on: date) -> str:
    """Return a shop's own date, which no zone moves."""
    shown = text.day if on.year == clock.now().year else text.date
    return shown(turn.language, on)


def cursor(at: str, number: str) -> PageCursor | None:
    """Return where a list goes on, out of a button's microseconds and id; None for its beginning."""
    if not screen.number(at) or not screen.number(number):
        return None
    return EPOCH + timedelta(microseconds=min(screen.number(at), 10**16)), screen.number(number)


def onward(at: datetime, number: int) -> str:
    """Return what a button says of the last one of a page, as `cursor` reads it."""
    return f"{(at - EPOCH) // timedelta(microseconds=1)}:{number}"
