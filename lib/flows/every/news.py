"""What a person wants to hear: one press below a message says no, or yes again; /news shows all answers.

news:<off or on>:<shop>:<kind>, 0 being the platform; with ":list" the list is shown again.
"""

import contextlib

from lib import db, errors
from lib.reach import choices
from lib.reach.choices import NewsChoice
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Keep an answer, or show them all."""
    _, wish, shop, kind, place, *_ = [*turn.came.text.split(":"), "", "", "", "", ""]
    if turn.came.kind != "press" or wish not in ("on", "off") or kind not in choices.KINDS or not shop.isdecimal():
        await _list(turn)
        return
    user_id, number = turn.state.who["id"], screen.number(shop)
    wants, said_in = wish == "on", f"{turn.chat.bot}:{turn.came.message_id}"
    await db.run(lambda conn: choices.choose(conn, user_id, number, kind, wants=wants, said_in=said_in))
    if place == "list":
        await _list(turn)
        return
    await turn.answer(turn.text(f"news.{wish}"), alert=True)
    if not turn.on_screen:
        other = ("off", "news.button.off") if wish == "on" else ("on", "news.button.on")
        back = screen.button(turn, other[1], f"news:{other[0]}:{shop}:{kind}")
        with contextlib.suppress(errors.Rejected):
            await turn.chat.mark(turn.came.message_id, [[back]])


async def _list(turn: Turn) -> None:
    found = await db.run(lambda conn: choices.of_person(conn, turn.state.who["id"]))
    rows = [[_button(turn, one)] for one in found[:30]]
    await turn.show(turn.text("news.choices" if rows else "news.choices.none"), [*rows, screen.home(turn)])


def _button(turn: Turn, one: NewsChoice) -> Button:
    label = f"{screen.short(one.shop) or 'Лоток'} · {turn.text(f'news.kind.{one.kind}')}"
    wish = "off" if one.wants else "on"
    return Button(f"{'🔔' if one.wants else '🔕'} {label}", f"news:{wish}:{one.partner_id}:{one.kind}:list")
