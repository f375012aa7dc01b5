"""The alerts that fire now; an administrator silences them for an hour or until morning, or hears them again.

home -> mute:hour, mute:morning, unmute (at once)
"""

import contextlib
from datetime import datetime

from lib import clock, db, errors, text
from lib.flows import when
from lib.reach import alerts, telling
from lib.reach.alerts import Alert
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show what fires, or be quiet or loud about it first; a second press only makes the quiet longer."""
    action, span = screen.pressed(turn)
    firing = [one for one in await db.run(alerts.every) if one.state == "firing"]
    names, now = [one.name for one in firing], clock.now()
    if action == "mute" and span in telling.MUTES:
        await telling.mute(turn.chat.id, names, span, now)
    elif action == "unmute":
        await telling.unmute(turn.chat.id, names)
    quiet = dict[str, datetime]()
    with contextlib.suppress(errors.Unavailable):  # an outage of Redis is itself among what fires
        quiet = await telling.muted(turn.chat.id, names, now)
    await _show(turn, firing, quiet, now)


async def _show(turn: Turn, firing: list[Alert], quiet: dict[str, datetime], now: datetime) -> None:
    told = [_told(turn, one, quiet.get(one.name), now) for one in firing]
    shown = text.fitting(told, telling.ROOM)
    head = turn.text("admin.alarms" if told else "admin.alarms.none", n=len(told))
    more = turn.text("alarm.more", n=len(told) - len(shown)) if len(told) > len(shown) else ""
    new = turn.text("admin.alarms.new") if quiet else ""
    mute = [screen.button(turn, f"alarm.mute.{span}", f"alerts:mute:{span}") for span in telling.MUTES]
    loud = [screen.button(turn, "admin.button.unmute", "alerts:unmute")]
    rows = [*([mute] if told else []), *([loud] if quiet else [])]
    rows.append([screen.button(turn, "admin.button.refresh", "alerts:home")])
    await turn.show(screen.paragraphs(head, *shown, more, new), [*rows, screen.home(turn, "health:home")])


def _told(turn: Turn, one: Alert, quiet_until: datetime | None, now: datetime) -> str:
    """Return an alert in words, and until when nothing is said of it."""
    quiet = turn.text("admin.alarms.quiet", at=when.short_moment(turn, quiet_until)) if quiet_until else ""
    return "\n".join(filter(None, [telling.said(turn.language, one, now), quiet]))
