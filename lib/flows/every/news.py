"""What a person wants to hear: one press below a message says no, or yes again; /news shows it all, sender by sender.

Only the pressed button changes, so that a link beside it still opens; a message too old to change is answered instead.

news:<off or on>:<shop>:<kind>, 0 being the platform; with ":list" the sender's screen is shown again
news:list -> news:shop:<shop>
"""

from lib import db
from lib.reach import choices
from lib.reach.choices import NewsSender
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Keep an answer, or show them all."""
    _, wish, shop, kind, place, *_ = [*turn.came.text.split(":"), "", "", "", "", ""]
    number = screen.number(shop)
    if turn.came.kind == "press" and wish == "shop" and shop.isdecimal():
        await _one(turn, number)
        return
    if turn.came.kind != "press" or wish not in ("on", "off") or kind not in choices.KINDS or not shop.isdecimal():
        await _list(turn)
        return
    user_id = turn.state.who["id"]
    wants, said_in = wish == "on", f"{turn.chat.bot}:{turn.came.message_id}"
    await db.run(lambda conn: choices.choose(conn, user_id, number, kind, wants=wants, said_in=said_in))
    if place == "list":
        await _one(turn, number)
        return
    said, other = turn.text(f"news.{wish}"), "off" if wants else "on"
    back = screen.button(turn, f"news.button.{other}", f"news:{other}:{shop}:{kind}")
    if await turn.swap(back):
        await turn.answer(said, alert=True)
    else:
        await turn.chat.say(said, [[back]])


async def _list(turn: Turn) -> None:
    turn.state.step = ""
    found = await db.run(lambda conn: choices.senders(conn, turn.state.who["id"]))
    rows = [[Button(_named(turn, one), f"news:shop:{one.partner_id}")] for one in found]
    await turn.show(turn.text("news.choices"), [*rows, screen.home(turn)])


async def _one(turn: Turn, partner_id: int) -> None:
    """Show what somebody sends, each kind with whether this person gets it."""
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: choices.senders(conn, user_id))
    one = next((one for one in found if one.partner_id == partner_id), None)
    if one is None:
        await screen.refuse_old_button(turn)
        await _list(turn)
        return
    kinds = await db.run(lambda conn: choices.of_sender(conn, user_id, partner_id))
    rows = [
        [
            Button(
                f"{'🔔' if wants else '🔕'} {turn.text(f'news.kind.{kind}')}",
                f"news:{'off' if wants else 'on'}:{partner_id}:{kind}:list",
            )
        ]
        for kind, wants in kinds.items()
    ]
    await turn.show(turn.text("news.choices.one", sender=_named(turn, one)), [*rows, screen.home(turn, "news:list")])


def _named(turn: Turn, one: NewsSender) -> str:
    return screen.short(one.shop, 40) or turn.text("news.sender.platform")
