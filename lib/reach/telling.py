"""Tells the administrators what fires: one message for what came together, edited in place, answered when it is over.

    new page      the first at once; what comes within a minute of a message goes into that message
    still firing  the message's number and duration are edited, at most once in five minutes
    over          a silent answer to the message
    tickets       one message a day, after ten in the morning

What was said to whom is in Redis for two days, and so is for how long somebody wants quiet about what: without Redis a
new message is sent. Alerts are cut whole where they would be too many for a message.
"""

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lib import cache, config, errors, log, text
from lib.people import notify
from lib.people.notify import Admin
from lib.reach.alerts import Alert, Change
from lib.telegram.client import Button, Chat, Keyboard

ROOM = 3500  # characters of a message, 4096 with its head and its end
GATHER, EDIT, KEPT = timedelta(seconds=60), timedelta(minutes=5), timedelta(days=2)
ZONE, MORNING = ZoneInfo("Europe/Moscow"), 10
MUTES = ("hour", "morning")


@dataclass(frozen=True)
class ToldMessage:
    """The last message of one administrator: through which bot, when, when it was edited, and which alerts it names."""

    bot: str
    id: int
    at: float
    edited: float
    names: list[list[str]]

    @staticmethod
    def read(stored: str | None) -> "ToldMessage | None":
        """Return what was kept of it."""
        try:
            return ToldMessage(**json.loads(stored)) if stored else None
        except (ValueError, TypeError):
            return None

    def holds(self, alert: Alert) -> bool:
        """Whether it names this alert."""
        return list(alert.key) in self.names


async def tell(change: Change, now: datetime) -> None:
    """Tell every administrator who wants to hear it what has changed, and in the morning what can wait."""
    wanted = await notify.hearers("alarm")
    await asyncio.gather(*(_tell(admin, change, now) for admin in wanted))
    tickets = [one for one in change.firing if one.severity == "ticket"]
    if tickets and await _is_morning(now):
        await asyncio.gather(*(_say(admin, _words(admin, "alarm.tickets", tickets, now)) for admin in wanted))


async def _tell(admin: Admin, change: Change, now: datetime) -> None:
    """Bring one administrator's messages up to date; a fault of Telegram leaves it to the next look."""
    pages = [one for one in change.firing if one.severity == "page"]
    try:
        last = ToldMessage.read(await cache.get(f"alert_message:{admin.id}"))
        held = [one for one in pages if last and last.holds(one)]
        quiet = await muted(admin.id, [one.name for one in pages], now)
        new = [one for one in pages if one not in held and one.name not in quiet]
        over = [one for one in change.resolved if last and last.holds(one)]
        if last and over:
            await _answer(last, admin, over, now)
        if new:
            await _send(admin, last, held, new, now)
        elif last and last.names and (over or now.timestamp() - last.edited >= EDIT.total_seconds()):
            await _edit(admin, last, held, now)
    except errors.Upstream as error:
        log.event("alert_not_told", admin=admin.id, error=str(error))


async def _send(admin: Admin, last: ToldMessage | None, held: list[Alert], new: list[Alert], now: datetime) -> None:
    """Send what is new; what came within a minute of the last message goes into that."""
    if last and now.timestamp() - last.at < GATHER.total_seconds() and await _edit(admin, last, [*held, *new], now):
        return
    sent = await _say(admin, _words(admin, "alarm.pages", new, now))
    if sent:
        at = now.timestamp()
        await _keep(admin, ToldMessage(sent[0], sent[1], at, at, [list(one.key) for one in new]))


async def _edit(admin: Admin, last: ToldMessage, pages: list[Alert], now: datetime) -> bool:
    """Rewrite the last message with these; False when it can no longer be rewritten."""
    words = _words(admin, "alarm.pages", pages, now) if pages else text.say(admin.language, "alarm.over_all")
    keyboard = _keyboard(admin) if pages and last.bot == "admin" else None
    if not await Chat(last.bot, admin.id).edit(last.id, words, keyboard):
        return False
    names = [list(one.key) for one in pages]
    await _keep(admin, ToldMessage(last.bot, last.id, last.at, now.timestamp(), names))
    return True


async def _answer(last: ToldMessage, admin: Admin, over: list[Alert], now: datetime) -> None:
    language = admin.language
    lines = [text.say(language, "alarm.over", what=_what(one, language), minutes=_minutes(one, now)) for one in over]
    await Chat(last.bot, admin.id, paced=True).say("\n".join(lines), reply_to=last.id, silent=True)


async def _say(admin: Admin, words: str) -> tuple[str, int] | None:
    """Send it through the admin bot, else through another that they have started; None when there is none."""
    for bot in filter(config.get().bot_tokens.get, ("admin", "studio")):
        with contextlib.suppress(errors.Rejected):
            return bot, await Chat(bot, admin.id, paced=True).say(words, _keyboard(admin) if bot == "admin" else None)
    return None


async def _keep(admin: Admin, message: ToldMessage) -> None:
    await cache.set(f"alert_message:{admin.id}", json.dumps(vars(message)), KEPT)


def _words(admin: Admin, key: str, alerts: Sequence[Alert], now: datetime) -> str:
    """Return the message: as many alerts as fit, each whole, and how many there are beside them."""
    language = admin.language
    told = [said(language, one, now) for one in alerts]
    shown = text.fitting(told, ROOM)
    more = text.say(language, "alarm.more", n=len(told) - len(shown)) if len(told) > len(shown) else ""
    return "\n\n".join(filter(None, [text.say(language, key, n=len(told)), *shown, more]))


def said(language: str, alert: Alert, now: datetime) -> str:
    """Return an alert in words: what is wrong, for how long, and what to do."""
    what, todo = _what(alert, language), text.say(language, f"alarm.todo.{alert.name}", label=alert.label)
    return text.say(language, "alarm.one", what=what, minutes=_minutes(alert, now), todo=todo)


def _what(alert: Alert, language: str) -> str:
    return text.say(language, f"alarm.{alert.name}", label=alert.label, **alert.facts)


def _minutes(alert: Alert, now: datetime) -> int:
    return int((now - alert.since).total_seconds() // 60)


def _keyboard(admin: Admin) -> Keyboard:
    mute = [Button(text.say(admin.language, f"alarm.mute.{span}"), f"alerts:mute:{span}") for span in MUTES]
    return [mute, [Button(text.say(admin.language, "alarm.now"), "alerts:home")]]


async def _is_morning(now: datetime) -> bool:
    """Return True to the first who asks after ten in the morning of a day."""
    local = now.astimezone(ZONE)
    return local.hour >= MORNING and await cache.once(f"alert_tickets:{local:%Y-%m-%d}", timedelta(days=2))


async def mute(admin: int, names: Sequence[str], span: str, now: datetime) -> dict[str, datetime]:
    """Let one administrator hear nothing of these alerts for an hour, or until morning; return until when, by name.

    What is quiet for longer already stays so: only `unmute` ends it before its time.
    """
    until = now + timedelta(hours=1) if span == "hour" else _next_morning(now)
    known = await muted(admin, names, now)
    found = {name: max(until, known.get(name, until)) for name in names}
    for name, at in found.items():
        await cache.set(f"alert_mute:{admin}:{name}", str(at.timestamp()), at - now)
    return found


async def unmute(admin: int, names: Sequence[str]) -> None:
    """Let one administrator hear of these alerts again."""
    await cache.delete(*(f"alert_mute:{admin}:{name}" for name in names))


async def muted(admin: int, names: Sequence[str], now: datetime) -> dict[str, datetime]:
    """Return those of the alerts that an administrator does not want to hear of just now, each with its end."""
    unique = list(dict.fromkeys(names))
    if not unique:
        return {}
    [found] = await cache.pipeline([["MGET", *(cache.key(f"alert_mute:{admin}:{name}") for name in unique)]])
    ends = {name: datetime.fromtimestamp(float(at), UTC) for name, at in zip(unique, found, strict=True) if at}
    return {name: at for name, at in ends.items() if at > now}


def _next_morning(now: datetime) -> datetime:
    local = now.astimezone(ZONE)
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0)
    return (morning if morning > local else morning + timedelta(days=1)).astimezone(UTC)
