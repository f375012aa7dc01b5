"""A service that a client paid for in points is handed over: the till has shown what the voucher is for.

The code on the button opens nothing by itself: it must be of the shop where the person works, and unused.
"""

from lib import db, errors
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import counter
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Hand the service over, once, however often and by whomever the button is pressed."""
    place = await workplace.at_work(turn, serves=True)
    if place is None:
        return
    code = turn.came.text.rpartition(":")[2]
    ways = [[screen.button(turn, "partner.button.next_client", "till:find", style="primary")], screen.home(turn)]
    turn.state.step = "till:find"
    try:
        given = await db.run(lambda conn: counter.hand_over(conn, place, code))
    except errors.AppError as error:
        await turn.answer(workplace.refusal(turn, error), alert=True)
        return
    turn.after.append(kick.drain)
    await turn.show(turn.text("partner.till.given", service=given.title, name=given.name), ways)
    turn.state.data["screen"] = 0
