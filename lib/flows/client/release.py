"""A number that another account holds and that this one has proven: a code for the owner of a shop; and the way back.

join: number taken -> release:code -> eight digits, for a day
the holder's message -> release:keep -> the number stays
"""

from datetime import timedelta

from lib import db, errors, limits
from lib.flows.client import visitor
from lib.jobs import kick
from lib.loyalty import releases
from lib.telegram import screen
from lib.telegram.dispatch import Turn

CODES = limits.Limit("release", 5, timedelta(hours=1))


async def handle(turn: Turn) -> None:
    """Show a code, or keep the number."""
    if screen.parts(turn)[0] == "keep":
        await _keep(turn)
    else:
        await _code(turn)


async def _code(turn: Turn) -> None:
    """Show eight digits to a person who has just shared the number, and to nobody who only claims to have."""
    proof = visitor.PROOF.of(turn.state)
    if proof is None:
        rows = [[screen.button(turn, "client.button.join", "join:new", style="primary")], screen.home(turn)]
        await turn.show(turn.text("client.release.prove"), rows)
        return
    if await turn.limited(CODES):
        return
    try:
        code = await releases.offer(releases.Claim(turn.state.who["id"], proof.holder_id, proof.mark))
    except errors.Unavailable:
        await turn.show(turn.text("client.error.codes_away"), [screen.home(turn)])
        return
    await turn.show(turn.text("client.release.code", code=f"{code[:4]} {code[4:]}"), [screen.home(turn)])


async def _keep(turn: Turn) -> None:
    kept = await db.run(lambda conn: releases.keep(conn, turn.state.who["id"]))
    turn.after.append(kick.drain)
    words = turn.text("client.release.stays" if kept else "client.release.nothing")
    await turn.show(words, [screen.home(turn)])
