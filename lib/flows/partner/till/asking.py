"""Points of a client who did not show their card: the cashier waits for the client's word.

redeem -> [take] -> waiting -> the client presses [confirm], the cashier [check] -> done
                       └-> six digits that the client tells: a card that was shown -> redeem -> [take] -> done

A showing counts for SHOWN: a screen that was left open is no proof that the client is still there.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import db, errors, limits, typed
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import cards, counter
from lib.loyalty.members import Member
from lib.loyalty.spending import SpendRequest
from lib.telegram import screen
from lib.telegram.dispatch import Turn

SHOWN = timedelta(minutes=10)
WRONG = 10  # codes in an hour that a cashier may mistype at one shop; a million are there to be guessed


def nonce(draft: dict[str, Any], *, now: datetime | None = None) -> str:
    """Return the showing of the card that a draft has, "" when there was none or it is too long ago."""
    since = (now or datetime.now(UTC)).timestamp() - SHOWN.total_seconds()
    return str(draft["nonce"]) if draft.get("shown_at", 0) > since else ""


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


async def wait(turn: Turn, member: Member, draft: dict[str, Any], asked: SpendRequest) -> None:
    """Show that the client has been asked; a press before they have answered says so."""
    turn.after.append(kick.drain)
    if not asked.made:
        await turn.answer(turn.text("partner.till.not_yet"), alert=True)
    await _show(turn, member.name, draft["points"])


async def told(turn: Turn, partner_id: int, member: Member, draft: dict[str, Any], digits: str) -> bool:
    """Take the digits that the client tells; False, and the screen says why, when they are not this client's."""
    try:
        with guessing(turn, partner_id):
            card = await cards.open_code(partner_id, digits)
        if card.member_id != member.id:
            raise errors.Denied("code_of_another_client")
    except (errors.Missing, errors.Conflict, errors.Denied) as error:
        await _show(turn, member.name, draft["points"], workplace.refusal(turn, error))
        return False
    draft |= {"nonce": card.nonce, "shown_at": datetime.now(UTC).timestamp()}
    return True


async def _show(turn: Turn, name: str, points: int, note: str = "") -> None:
    words = turn.text("partner.till.waiting", name=name, points=points)
    check = screen.button(turn, "partner.button.check", "till:take", style="primary")
    await turn.show(screen.paragraphs(note, words), [[check], screen.home(turn, "till:points")])
