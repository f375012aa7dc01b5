"""The digests that a manager gets of a shop: which of them, each a switch of their own.

digests:home[:<shop>] -> digests:set:<kind>:<on or off>
"""

from lib import db, errors
from lib.flows.partner import workplace
from lib.loyalty.staff import Staff
from lib.reach import digests
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the switches, after turning one if that was asked for."""
    action, first, second = screen.parts(turn)
    place = await workplace.at_work_in(turn, first if action == "home" else "")
    if place is None:
        return
    turn.state.step = ""
    try:
        wanted = await db.run(lambda conn: _wanted(conn, place, first if action == "set" else "", wants=second == "on"))
    except (errors.Denied, errors.Missing):
        await screen.refuse_old_button(turn)
        return
    rows = [[_switch(turn, kind, is_on=kind in wanted)] for kind in digests.KINDS]
    await turn.show(turn.text("digest.home", title=place.title), [*rows, screen.home(turn, "figures:home")])


async def _wanted(conn: db.Connection, place: Staff, kind: str, *, wants: bool) -> list[str]:
    if kind:
        return await digests.choose(conn, place.partner_id, place.user_id, kind, wants=wants)
    return await digests.wanted(conn, place.partner_id, place.user_id)


def _switch(turn: Turn, kind: str, *, is_on: bool) -> Button:
    label = f"{'✅' if is_on else '⬜️'} {turn.text(f'digest.kind.{kind}')}"
    return Button(label, f"digests:set:{kind}:{'off' if is_on else 'on'}")
