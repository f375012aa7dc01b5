"""When a broadcast goes, as its author says it: at once, at a moment that they press or type, by whose clock."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import clock, dates, errors
from lib.reach import reading
from lib.reach.broadcasts import Broadcast
from lib.telegram.dispatch import Turn
from lib.text import HtmlSentence


def _now(one: Broadcast) -> datetime:
    return clock.now().astimezone(ZoneInfo(one.zone))


def typed(one: Broadcast, words: str) -> datetime:
    """Return what was typed as the next such moment in the shop's zone, within a year.

    Invalid("when_unclear"), Invalid("when_past").
    """
    now = _now(one)
    try:
        moment = dates.moment(words, now)
    except errors.Invalid as error:
        raise errors.Invalid("when_past" if error.code == "moment_past" else "when_unclear") from None
    if moment > now + timedelta(days=366):
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
    return reading.when(one, turn.language)
