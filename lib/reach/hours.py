"""When somebody may be written to: from ten in the morning until nine in the evening, where they are."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from lib.loyalty.partners import ZONES

MORNING, EVENING = time(10), time(21)
NIGHT = timedelta(hours=13)  # from the evening of a day to the morning of the next


@dataclass(frozen=True)
class Hours:
    """The next stretch of time in which the people of a zone may be written to."""

    zone: str
    from_at: datetime
    until: datetime


def awake(at: datetime, zone: str) -> Hours:
    """Return the stretch of a zone that `at` lies in, from then on, or else the next one."""
    local = at.astimezone(ZoneInfo(zone))
    morning, evening = _on(local, MORNING), _on(local, EVENING)
    if local >= evening:
        tomorrow = local + timedelta(days=1)
        return Hours(zone, _on(tomorrow, MORNING), _on(tomorrow, EVENING))
    return Hours(zone, max(at, morning), evening)


def everywhere(at: datetime, zone: str, *, by_clock: bool = False) -> list[Hours]:
    """Return the hours of each zone, the shop's first; `by_clock`: at the same hour of everybody's own clock."""
    wall = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    zones = dict.fromkeys((zone, *ZONES))
    return [awake(wall.replace(tzinfo=ZoneInfo(one)) if by_clock else at, one) for one in zones]


def night_left(now: datetime, evening: datetime) -> timedelta:
    """Return how long people sleep on, of whom an evening is known, this or an earlier day's; nothing by day."""
    gone = now - evening
    if gone < timedelta(0):
        return timedelta(0)
    return max(NIGHT - gone % timedelta(days=1), timedelta(0))


def _on(local: datetime, clock: time) -> datetime:
    return datetime.combine(local.date(), clock, local.tzinfo)
