"""The digests that a manager gets of a shop: which of them, each a switch of their own.

digests:home[:<shop>] -> digests:set:<shop>:<kind>:<on or off>
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
    action, argument = screen.pressed(turn)
    shop, kind, wish, *_ = [*argument.split(":"), "", ""]
    place = await workplace.at_work_in(turn, shop if screen.number(shop) else "")
    if place is None:
        return
    turn.state.step = ""
    try:
        wanted = await db.run(lambda conn: _wanted(conn, place, kind if action == "set" else "", wants=wish == "on"))
    except (errors.Denied, errors.Missing):
        await screen.refuse_old_button(turn)
        return
    rows = [[_switch(turn, place.partner_id, one, is_on=one in wanted)] for one in digests.KINDS]
    await turn.show(turn.text("digest.home", title=place.title), [*rows, screen.home(turn, "figures:home")])


async def _wanted(conn: db.Connection, place: Staff, kind: str, *, wants: bool) -> list[str]:
    if kind:
        return await digests.choose(conn, place.partner_id, place.user_id, kind, wants=wants)
    return await digests.wanted(conn, place.partner_id, place.user_id)


def _switch(turn: Turn, shop: int, kind: str, *, is_on: bool) -> Button:
    label = f"{'✅' if is_on else '⬜️'} {turn.text(f'digest.kind.{kind}')}"
    return Button(label, f"digests:set:{shop}:{kind}:{'off' if is_on else 'on'}")
