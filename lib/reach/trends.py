"""How a report says by how much something has changed, and over which days; how a share or a score reads."""

from datetime import date

from lib import text
from lib.reach.periods import Period

NONE = "—"


def change(language: str, now: int | None, before: int | None) -> str:
    """Return an arrow and by how much; "" where there was nothing to compare with."""
    if now is None or not before or before < 0:
        return ""
    percent = round((now - before) * 100 / before)
    if percent >= 1000:
        return f"↑ ×{text.number(language, round(now / before))}"
    arrow = "↑" if percent > 0 else "↓" if percent < 0 else "→"
    return f"{arrow}\u00a0{text.percent(language, abs(percent) * 100)}"


def steps(language: str, now: int | None, before: int | None) -> str:
    """Return an arrow and by how many points; "" where there was nothing to compare with."""
    if now is None or before is None:
        return ""
    arrow = "↑" if now > before else "↓" if now < before else "→"
    return f"{arrow}\u00a0{text.number(language, abs(now - before))}"


def score(language: str, nps: int | None) -> str:
    """Return a score from -100 to 100 with its sign."""
    return NONE if nps is None else f"{'+' if nps > 0 else ''}{text.number(language, nps)}"


def dates(language: str, first: date, last: date) -> str:
    """Return the days of a period as short as they can be said: 16–22 November."""
    if first == last:
        return text.day(language, first)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{text.day(language, last)}"
    if first.year == last.year:
        return f"{text.day(language, first)} – {text.day(language, last)}"
    return f"{text.date(language, first)} – {text.date(language, last)}"


def month(language: str, first: date) -> str:
    """Return a month by its name and year."""
    return f"{text.say(language, f'digest.month.{first.month}')} {first.year}"


def said(language: str, period: Period) -> str:
    """Return the days of a period: a month that is over by its name."""
    if period.code.startswith("m2"):
        return month(language, period.first)
    return dates(language, period.first, period.last)


def weekday(language: str, on: date) -> str:
    """Return the day of the week by its name."""
    return text.say(language, f"digest.weekday.{on.weekday()}")
