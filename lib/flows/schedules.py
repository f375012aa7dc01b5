"""When a broadcast goes, as its author says it: at once, at a moment that they press or type, by whose clock."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import clock, dates, errors
from lib.reach import hours
from lib.reach.broadcasts import Broadcast
from lib.telegram.dispatch import Turn
from lib.text import HtmlSentence


def _now(one: Broadcast) -> datetime:
    return clock.now().astimezone(ZoneInfo(one.zone))


def typed(one: Broadcast, words: str) -> datetime:
    """Return "12.03 18:00" as the next such moment in the shop's zone; raise Invalid("when_unclear")."""
    on, _, at = words.strip().rpartition(" ")
    today = _now(one)
    try:
        day, month, year = dates.parse(on)
        hour, minute = map(int, at.split(":"))
        moment = datetime.combine(today.date(), time(hour, minute), today.tzinfo)
        moment = moment.replace(year=year or today.year, month=month, day=day)
        moment = moment if year or moment > today else moment.replace(year=today.year + 1)
    except (errors.Invalid, ValueError):
        raise errors.Invalid("when_unclear") from None
    if not today < moment < today + timedelta(days=366):
        raise errors.Invalid("when_unclear")
    return moment


def offered(one: Broadcast) -> dict[str, datetime | None]:
    """Return the moments that a press chooses, by name."""
    now = _now(one)
    evening = datetime.combine(now.date(), time(18), now.tzinfo)
    tomorrow = datetime.combine(now.date() + timedelta(days=1), time(12), now.tzinfo)
    return {"now": None, **({"evening": evening} if now < evening else {}), "tomorrow": tomorrow}


def pressed(one: Broadcast, wish: str) -> dict[str, Any] | None:
    """Return the fields that a press changes; None for one that only asks."""
    if wish == "clock":
        return {"by_clock": not one.by_clock}
    if wish == "now":
        return {"run_at": None, "by_clock": False}
    moments = offered(one)
    return {"run_at": moments[wish]} if wish in moments else None


def said(turn: Turn, one: Broadcast) -> HtmlSentence:
    """Return in words when it goes; of a moment at night also when people are awake."""
    at = one.run_at.astimezone(ZoneInfo(one.zone)) if one.run_at else _now(one)
    key = "now" if one.run_at is None else "clock" if one.by_clock else "at"
    when, morning = HtmlSentence(turn.text(f"news.when.{key}", at=at)), hours.awake(at, one.zone).from_at
    return when if morning == at else HtmlSentence(turn.text("news.when.night", when=when, at=morning))
