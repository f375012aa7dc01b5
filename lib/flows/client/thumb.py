"""A client's thumb under an answer: thumb:<shop>:<talk>:<run>:<1 or 0>. Three answers of no use bring a person in."""

from lib import db
from lib.assistant import talks
from lib.flows.client import staffed
from lib.menu import versions
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Keep the thumb; the last one counts."""
    numbers = [screen.number(one) for one in turn.came.text.split(":")[1:]] if turn.came.kind == "press" else []
    if len(numbers) != 4:
        await screen.refuse_old_button(turn)
        return
    shop, talk_id, run_no, good = numbers
    user_id = turn.state.who["id"]
    rated = await db.run(lambda conn: talks.rate(conn, shop, user_id, talk_id, run_no, 1 if good else -1))
    if not rated:
        await screen.refuse_old_button(turn)
        return
    await turn.answer(turn.text("talk.liked" if good else "talk.disliked"))
    partner = None if good else await db.run(lambda conn: versions.open_shop(conn, shop))
    if partner:
        await staffed.call_if_lost(turn, partner, talk_id)
