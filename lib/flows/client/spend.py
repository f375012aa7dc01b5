"""The client's answer when a cashier who has not seen the card wants to take points: spend:<shop>:<request>:yes or no.

The question comes as a push from the till; the rows say whether it is the person's own, and still open.
"""

from lib import db, errors
from lib.jobs import kick
from lib.loyalty import partners, spending
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Agree or refuse, once; the question turns into what was answered."""
    shop, request, said = screen.parts(turn)
    partner_id, agrees = screen.number(shop), said == "yes"
    ids = (partner_id, screen.number(request), turn.state.who["id"])
    try:
        answer = await db.run(lambda conn: spending.answer(conn, *ids, agrees=agrees))
    except errors.Missing:
        await turn.answer(turn.text("client.spend.over"), alert=True)
        return
    partner = await db.run(lambda conn: partners.get(conn, partner_id))
    turn.state.data["screen"] = turn.came.message_id
    turn.state.data.pop("pictured", None)
    key = "client.spend.agreed" if agrees else "client.spend.refused"
    fields = {"title": partner.title, "points": answer.points, "bill": answer.bill_minor}
    await turn.show(turn.text(key, **fields), [screen.home(turn)])
    if not agrees:
        turn.after.append(kick.drain)
