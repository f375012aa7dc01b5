"""The platform's week for its administrators: shops and their turnover, credits, what providers cost, what failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib import db, text
from lib.loyalty.partners import PLATFORM
from lib.reach import trends
from lib.reach.periods import Period

SQL = db.load("week")

ZONE = "Europe/Moscow"


@dataclass(frozen=True)
class PlatformWeek:
    """A week. Money is in kopecks; `spent` is what each provider cost, in thousandths of a dollar."""

    shops: int
    new_shops: int
    busy_shops: int
    clients: int
    turnover_minor: int
    best: list[dict[str, Any]]
    credits: int
    stars: int
    spent: dict[str, int]
    finished: int
    failed: int
    alerts: list[str]


async def read(conn: db.Connection, period: Period) -> tuple[PlatformWeek, PlatformWeek]:
    """Return a week and the one before it, in one statement."""
    spans = {
        "sinces": [period.since, period.before_since],
        "untils": [period.until, period.before_until],
    }
    now, before = await SQL.weeks.within(PLATFORM).all(conn, PlatformWeek, **spans)
    return now, before


def fields(language: str, period: Period, now: PlatformWeek, before: PlatformWeek) -> Mapping[str, Any]:
    """Return the fields of alert.week."""
    turnover = trends.change(language, now.turnover_minor, before.turnover_minor)
    clients = trends.change(language, now.clients, before.clients)
    return {
        "dates": trends.said(language, period),
        "shops": now.shops,
        "new": now.new_shops,
        "busy": now.busy_shops,
        "clients": now.clients,
        "clients_by": f" {clients}" if clients else "",
        "turnover": now.turnover_minor,
        "turnover_by": f" {turnover}" if turnover else "",
        "best": _best(language, now),
        "credits": now.credits,
        "stars": now.stars,
        "spent": _spent(language, now),
        "failed": now.failed,
        "finished": now.finished,
        "alerts": _alerts(language, now),
    }


def _best(language: str, now: PlatformWeek) -> str:
    lines = [
        text.say(
            language, "digest.platform.shop", place=place, title=text.short(one["title"], 30), sum=one["turnover_minor"]
        )
        for place, one in enumerate(now.best, 1)
    ]
    return text.HtmlSentence("\n".join(lines) or text.say(language, "digest.platform.no_shops"))


def _spent(language: str, now: PlatformWeek) -> str:
    lines = [
        text.say(language, "digest.platform.provider", provider=provider, sum=-(-cost // 10))
        for provider, cost in sorted(now.spent.items())
    ]
    return text.HtmlSentence(", ".join(lines) or text.say(language, "digest.platform.nothing"))


def _alerts(language: str, now: PlatformWeek) -> str:
    names = [
        text.say(language, f"digest.platform.alert.{one}") if text.knows(f"digest.platform.alert.{one}") else one
        for one in now.alerts
    ]
    counted = {name: names.count(name) for name in names}
    lines = [f"{name} ×{number}" if number > 1 else name for name, number in counted.items()]
    return ", ".join(lines) or text.say(language, "digest.platform.nothing")
