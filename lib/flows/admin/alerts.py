"""What fires just now, and for how long; quiet about all of it for an hour or until morning.

home -> mute:hour, mute:morning (at once)
"""

from lib import clock, db
from lib.flows import when
from lib.reach import alerts, telling
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show what fires, or be quiet about it first; what is pressed twice is only quiet for longer."""
    action, span = screen.pressed(turn)
    firing = [one for one in await db.run(alerts.every) if one.state == "firing"]
    note = ""
    if action == "mute" and span in telling.MUTES and firing:
        until = await telling.mute(turn.chat.id, [one.name for one in firing], span, clock.now())
        note = turn.text("admin.alarms.quiet", at=when.short_moment(turn, until))
    await _show(turn, firing, note)


async def _show(turn: Turn, firing: list[alerts.Alert], note: str) -> None:
    now = clock.now()
    told = [telling.said(turn.language, one, now) for one in firing]
    head = turn.text("admin.alarms" if told else "admin.alarms.none", n=len(told))
    mute = [screen.button(turn, f"alarm.mute.{span}", f"alerts:mute:{span}") for span in telling.MUTES]
    rows = [*([mute] if told else []), [screen.button(turn, "admin.button.refresh", "alerts:home")]]
    await turn.show(screen.paragraphs(note, head, *told[:20]), [*rows, screen.home(turn, "health:home")])
