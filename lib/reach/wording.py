"""The words of a shop's digest, and the buttons below it; nothing is read here."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from lib import text
from lib.reach import digests, reminders, trends
from lib.reach.digests import Digest
from lib.telegram.client import Button, Keyboard

QUOTED = 200  # characters of a review
NAMED = 30


def digest(found: Digest, language: str) -> tuple[str, Keyboard]:
    """Return what a reader of a digest gets."""
    kind = digests.kind_of(found.period)
    if digests.is_empty(found.now):
        words = _say(found, language, f"digest.empty.{kind}", dates=trends.said(language, found.period))
        return words, [[_settings(found, language)]]
    if kind == "day":
        parts = [_line(found, language), _bad(found, language), as_of(found.as_of, found.shop.tz, language)]
        return _paragraphs(*parts), [[_settings(found, language)]]
    parts = [
        _say(found, language, f"digest.head.{kind}", dates=trends.said(language, found.period)),
        _sums(found, language),
        _points(found, language),
        _best(found, language),
        _clients(found, language),
        _ratings(found, language),
        _suggestion(found, language),
        as_of(found.as_of, found.shop.tz, language),
    ]
    return _paragraphs(*parts), _keyboard(found, language)


def as_of(moment: datetime | None, zone: str, language: str) -> str:
    """Return a line that says as of when the data is; nothing for data of now."""
    if moment is None:
        return ""
    return text.say(language, "digest.as_of", at=f"{moment.astimezone(ZoneInfo(zone)):%H:%M}")


def _say(found: Digest, language: str, key: str, **fields: Any) -> str:
    return text.say(language, key, shop=found.shop.title, **fields)


def _by(language: str, now: int | None, before: int | None) -> str:
    """Return a change as it follows a figure."""
    said = trends.change(language, now, before)
    return f" {said}" if said else ""


def _line(found: Digest, language: str) -> str:
    """Return a day in one line."""
    by = trends.change(language, found.now.turnover_minor, found.before.turnover_minor)
    than = text.say(language, "digest.line.by", by=by) if by else ""
    fields = {"receipts": found.now.receipts, "turnover": found.now.turnover_minor, "new": found.now.new_clients}
    return _say(found, language, "digest.line", dates=trends.said(language, found.period), by=than, **fields)


def _sums(found: Digest, language: str) -> str:
    now, before = found.now, found.before
    average = now.average_bill_minor
    fields = {
        "turnover": now.turnover_minor,
        "turnover_by": _by(language, now.turnover_minor, before.turnover_minor),
        "receipts": now.receipts,
        "receipts_by": _by(language, now.receipts, before.receipts),
        "average": trends.NONE if average is None else text.money(language, average),
        "average_by": _by(language, average, before.average_bill_minor),
        "new": now.new_clients,
        "new_by": _by(language, now.new_clients, before.new_clients),
        "returning": now.returning_clients,
        "returning_by": _by(language, now.returning_clients, before.returning_clients),
    }
    return text.say(language, "digest.sums", **fields)


def _points(found: Digest, language: str) -> str:
    now = found.now
    paid = round((now.turnover_minor - now.money_minor) * 1000 / now.turnover_minor) * 10 if now.turnover_minor else 0
    share = text.say(language, "digest.points.share", share=text.percent(language, paid)) if paid else ""
    fields = {"issued": now.issued, "redeemed": now.redeemed, "expiring": now.expiring, "share": share}
    return text.say(language, "digest.points", **fields)


def _best(found: Digest, language: str) -> str:
    best, lines = found.best, []
    if best.best_day is not None:
        fields = {"weekday": trends.weekday(language, best.best_day), "day": best.best_day}
        lines.append(text.say(language, "digest.best.day", **fields, sum=best.best_day_minor))
    if best.best_hour is not None:
        fields = {"first": f"{best.best_hour}:00", "last": f"{(best.best_hour + 1) % 24}:00"}
        lines.append(text.say(language, "digest.best.hour", **fields, sum=best.best_hour_minor))
    return "\n".join(lines)


def _clients(found: Digest, language: str) -> str:
    if not found.best.best_clients:
        return ""
    lines = [
        text.say(language, "digest.best.client", place=place, **{**one, "name": client(one["name"], language)})
        for place, one in enumerate(found.best.best_clients, 1)
    ]
    return "\n".join([text.say(language, "digest.best.clients"), *lines])


def client(name: str, language: str) -> str:
    """Return a client's name, cut to a line; a person who was erased or has left has none."""
    return text.short(name, NAMED) or text.say(language, "digest.nobody")


def _ratings(found: Digest, language: str) -> str:
    now, before = found.now, found.before
    if not now.ratings:
        return text.say(language, "digest.ratings.none")
    steps = trends.steps(language, now.nps, before.nps)
    fields = {"ratings": now.ratings, "nps": trends.score(language, now.nps), "nps_by": f" {steps}" if steps else ""}
    said = text.say(language, "digest.ratings", **fields)
    return "\n".join(filter(None, [said, _bad(found, language)]))


def _bad(found: Digest, language: str) -> str:
    if not found.best.bad_words:
        return ""
    words = text.short(found.best.bad_words, QUOTED)
    return text.say(language, "digest.bad", score=found.best.bad_score, words=words)


def _suggestion(found: Digest, language: str) -> str:
    if not found.suggests:
        return ""
    return text.say(language, f"digest.suggest.{found.suggests}", away=found.best.away, days=reminders.AWAY)


def _keyboard(found: Digest, language: str) -> Keyboard:
    shop, code = found.shop.id, found.period.code
    ways = {
        "away": f"cast:away:{shop}:{reminders.AWAY}",
        "poster": f"figures:poster:{shop}",
        "birthday": f"rules:edit:birthday_points:{shop}",
    }
    first = (
        [[Button(text.say(language, f"digest.button.{found.suggests}"), ways[found.suggests], style="primary")]]
        if found.suggests
        else []
    )
    more = Button(text.say(language, "digest.button.more"), f"compare:period:{shop}:{code}")
    page = Button(text.say(language, "digest.button.pdf"), f"compare:pdf:{shop}:{code}")
    return [*first, [page, more], [_settings(found, language)]]


def _settings(found: Digest, language: str) -> Button:
    return Button(text.say(language, "digest.button.settings"), f"digests:home:{found.shop.id}")


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
