"""Points of a client who did not show their card: the cashier waits for the client's word.

redeem -> [take] -> waiting -> the client presses [confirm], the cashier [check] -> done
                       └-> six digits that the client tells: a card that was shown -> redeem -> [take] -> done
"""

import contextlib
from collections.abc import Iterator
from datetime import timedelta

from lib import db, errors, limits, typed
from lib.flows.partner import workplace
from lib.flows.partner.till.serving import TILL, Serving
from lib.jobs import kick
from lib.loyalty import cards, counter
from lib.loyalty.spending import SpendRequest
from lib.telegram import screen
from lib.telegram.dispatch import Turn

WRONG = 10  # codes in an hour that a cashier may mistype at one shop; a million are there to be guessed


@contextlib.contextmanager
def guessing(turn: Turn, partner_id: int) -> Iterator[None]:
    """Count a code that nobody has; Denied("too_many_codes") after too many, whatever the next one is."""
    limit = limits.Limit(f"code:{partner_id}", WRONG, timedelta(hours=1))
    if limits.take(dict(turn.state.limits), limit):
        raise errors.Denied("too_many_codes")
    try:
        yield
    except errors.Missing as error:
        if error.code == "code_unknown":
            limits.take(turn.state.limits, limit)
        raise


async def look_up(turn: Turn, partner_id: int, words: str) -> counter.CounterVisitor:
    """Return whom or what a cashier has typed, and count a wrong code; see `counter.look_up`."""
    with guessing(turn, partner_id) if len(typed.digits(words)) == 6 else contextlib.nullcontext():
        return await db.run(lambda conn: counter.look_up(conn, partner_id, words))


async def wait(turn: Turn, asked: SpendRequest) -> None:
    """Show that the client has been asked; a press before they have answered says so."""
    turn.after.append(kick.drain)
    if not asked.made:
        await turn.answer(turn.text("partner.till.not_yet"), alert=True)
    await _show(turn)


async def told(turn: Turn, draft: Serving, digits: str) -> bool:
    """Take the digits that the client tells; False, and the screen says why, when they are not this client's."""
    try:
        with guessing(turn, draft.shop):
            card = await cards.open_code(draft.shop, digits)
        if card.member_id != draft.member:
            raise errors.Denied("code_of_another_client")
    except (errors.Missing, errors.Conflict, errors.Denied) as error:
        await _show(turn, workplace.refusal(turn, error))
        return False
    TILL.keep(turn.state, draft.shown(card.nonce))
    return True


async def _show(turn: Turn, note: str = "") -> None:
    draft = TILL.of(turn.state)
    if draft is None:
        return
    words = turn.text("partner.till.waiting", name=draft.name, points=draft.points)
    check = screen.button(turn, "partner.button.check", "till:take", style="primary")
    await turn.show(screen.paragraphs(note, words), [[check], screen.home(turn, "till:points")])
