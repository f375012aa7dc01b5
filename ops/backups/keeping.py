"""Which backups stay: the newest of each of the last 7 days, 4 weeks and 6 months that have one.

The newest of all, and the newest that was restored, stay in any case: until a newer one has been restored too, it is
the only one that is known to be good.
"""

from collections.abc import Callable, Collection
from datetime import datetime

DAYS, WEEKS, MONTHS = 7, 4, 6


def kept(made: Collection[datetime], restored: datetime | None = None) -> set[datetime]:
    """Return the moments of the backups that stay."""
    newest = sorted(made, reverse=True)
    found = {*newest[:1], *([restored] if restored in newest else [])}
    for most, period in ((DAYS, _day), (WEEKS, _week), (MONTHS, _month)):
        found |= _newest_of_each(newest, most, period)
    return found


def _newest_of_each(newest: list[datetime], most: int, period: Callable[[datetime], tuple[int, ...]]) -> set[datetime]:
    of_each: dict[tuple[int, ...], datetime] = {}
    for moment in newest:
        of_each.setdefault(period(moment), moment)
    return set(list(of_each.values())[:most])


def _day(moment: datetime) -> tuple[int, ...]:
    return moment.year, moment.month, moment.day


def _week(moment: datetime) -> tuple[int, ...]:
    return tuple(moment.isocalendar())[:2]


def _month(moment: datetime) -> tuple[int, ...]:
    return moment.year, moment.month
