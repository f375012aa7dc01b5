"""A person of the staff in a client's talk with a shop: called by the button, and sent back by the client.

person:call:<shop>    person:back:<shop>
"""

from datetime import timedelta

from lib import clock, db, limits
from lib.assistant import handover, talks
from lib.flows.client import staffed
from lib.jobs import kick
from lib.menu import versions
from lib.telegram import screen
from lib.telegram.dispatch import Turn

CALLS = limits.Limit("person", 5, timedelta(hours=1))


async def handle(turn: Turn) -> None:
    """Call somebody, or let the assistant answer again."""
    what, argument, _ = screen.parts(turn)
    shop = screen.number(argument)
    partner = await db.run(lambda conn: versions.open_shop(conn, shop))
    if partner is None:
        words = turn.text("client.error.no_partner")
        await turn.show(words, [screen.home(turn)])
    elif what == "back":
        await _back(turn, shop)
    elif not await turn.limited(CALLS):
        await _call(turn, partner)


async def _call(turn: Turn, partner: versions.OpenShop) -> None:
    """Hand over what has been said; a client who has said nothing yet is asked what it is about."""
    user_id, now = turn.state.who["id"], clock.now()
    said, once = turn.text("talk.button.person"), f"press:{turn.came.update_id}"
    heard = await db.run(lambda conn: talks.hear(conn, partner.id, user_id, said, once=once, at=now))
    if heard is None:
        return
    called = await db.run(lambda conn: handover.call(conn, partner.id, heard.talk_id, "asked", at=now))
    if called:
        turn.after.append(kick.drain)
    has_person = called or heard.state == "person"
    words = handover.sentence(turn.language, partner, now) if has_person else turn.text("talk.nobody")
    ways = staffed.back(turn, partner.id) if has_person else []
    await turn.chat.say(words, [*ways, screen.home(turn, f"ask:{partner.id}")])


async def _back(turn: Turn, shop: int) -> None:
    user_id, now = turn.state.who["id"], clock.now()
    if await db.run(lambda conn: handover.leave(conn, shop, user_id, at=now)):
        turn.after.append(kick.drain)
    ask = [screen.button(turn, "talk.button.ask", f"ask:{shop}", style="primary")]
    await turn.show(turn.text("talk.back"), [ask, screen.home(turn)])
