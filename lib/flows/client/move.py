"""Moving one's cards to another Telegram account of the same person, as after a change of the number.

the old account: move:show -> a code for ten minutes
the new account: move:show, or the menu without a card -> move:enter -> the code -> what will move -> [move] -> done

A person who types the code of the old account counts as the same person; the old account is told. The rows decide what
there is to move, and a second time there is nothing.
"""

import contextlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from lib import cache, db, errors, limits, typed
from lib.flows.client import face, visitor
from lib.jobs import kick
from lib.loyalty import codes, members
from lib.people import notify, users
from lib.telegram import fsm, screen
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

LIFE = timedelta(minutes=10)
GUESSES = limits.Limit("move", 6, timedelta(hours=1))


@dataclass(frozen=True)
class AccountMove:
    """The code by which an older account is moved here."""

    code: str


MOVE = DraftKey("move", AccountMove)


async def handle(turn: Turn) -> None:
    """Show a code, take one, or move; a refusal is said, and what was there stays there."""
    try:
        await _step(turn)
    except errors.Conflict as error:
        await turn.show(visitor.refusal(turn, error), [screen.home(turn)])


async def _step(turn: Turn) -> None:
    what = screen.parts(turn)[0]
    if what == "show":
        await _show(turn)
    elif what == "go":
        await _go(turn)
    elif turn.came.kind == "text" and turn.state.step == "move:code":
        await _typed(turn)
    else:
        await _ask(turn)


async def _show(turn: Turn) -> None:
    if not await visitor.registered(turn):
        return
    code = f"{secrets.randbelow(10**8):08}"
    try:
        await cache.set(f"move:{code}", str(turn.state.who["id"]), LIFE)
    except errors.Unavailable:
        await turn.show(turn.text("client.error.codes_away"), [screen.home(turn, "settings:home")])
        return
    words = turn.text("client.move.code", code=_spaced(code), minutes=int(LIFE.total_seconds() // 60))
    enter = screen.button(turn, "client.button.have_code", "move:enter")
    await turn.show(words, [[enter], screen.home(turn, "settings:home")])


def _spaced(code: str) -> str:
    return f"{code[:4]} {code[4:]}"


async def _ask(turn: Turn, note: str = "") -> None:
    turn.state.step = "move:code"
    words = turn.text("client.move.ask")
    await turn.show(screen.paragraphs(note, words), [screen.home(turn)])


async def _typed(turn: Turn) -> None:
    """Say what the code would move; guesses are counted, and there are few."""
    code = typed.digits(turn.came.text)
    if await limits.wait(turn.chat.id, GUESSES):
        turn.state.step = ""
        await turn.show(turn.text("client.move.too_many"), [screen.home(turn)])
        return
    owner = await _owner(code)
    if owner in (0, turn.state.who["id"]):
        await _ask(turn, turn.text("client.move.wrong"))
        return
    found = await db.run(lambda conn: members.cards(conn, owner))
    turn.state.step = "move:confirm"
    MOVE.keep(turn.state, AccountMove(code))
    lines = [turn.text("client.home.card", mark="", title=card.title, points=card.available) for card in found[:10]]
    words = "\n".join([turn.text("client.move.confirm"), "", *lines])
    go = screen.button(turn, "client.button.move", "move:go", style="success")
    await turn.show(words, [[go], screen.home(turn)])


async def _owner(code: str) -> int:
    """Return whose code it is, 0 for nobody's."""
    if not (len(code) == 8 and code.isascii() and code.isdecimal()):
        return 0
    return screen.number(await codes.read(f"move:{code}") or "")


async def _go(turn: Turn) -> None:
    move = MOVE.of(turn.state)
    owner = await _owner(move.code) if move and turn.on_screen and turn.state.step == "move:confirm" else 0
    if move is None or not owner:
        await screen.refuse_old_button(turn)
        await _ask(turn)
        return
    try:
        await db.run(lambda conn: _move(conn, turn, owner))
    except errors.Missing:
        await _ask(turn, turn.text("client.move.wrong"))
        return
    except errors.Denied:
        turn.state.step = ""
        await turn.show(turn.text("client.move.blocked"), [screen.home(turn)])
        return
    with contextlib.suppress(errors.Unavailable):  # it has nothing left to move
        await cache.delete(f"move:{move.code}")
    await _forget(owner)
    turn.state.who["client"] = True
    turn.state.step = ""
    MOVE.drop(turn.state)
    turn.settled = True
    turn.after.append(kick.drain)
    await turn.show(turn.text("client.move.done"), [screen.home(turn)])


async def _forget(owner: int) -> None:
    """Make the bot look the old account up again: its open screens still take it for a client."""
    person = await db.run(lambda conn: users.get_user(conn, owner))
    if person is not None:
        with contextlib.suppress(errors.Unavailable):  # the rows refuse what it would do
            await fsm.forget("client", person.tg_id)


async def _move(conn: db.Connection, turn: Turn, owner: int) -> None:
    """Make the new account a client if need be, and give it everything; a number that it has proven itself stays."""
    user_id = turn.state.who["id"]
    old, own = await members.get_client(conn, owner), await members.get_client(conn, user_id)
    if old is None:
        raise errors.Missing("no_client")
    async with conn.transaction():
        if own is None:
            await members.register(conn, user_id, name=old.name, city=old.city)
        moved = {card.partner_id for card in await members.cards(conn, owner)}
        await members.merge(conn, owner, user_id)
        if own and own.phone:
            await members.set_phone(conn, user_id, own.phone)
        cards = [card for card in await members.cards(conn, user_id) if card.partner_id in moved]
        lines = "\n".join(f"{card.title}: {face.number(card.card_no)}" for card in cards[:20])
        more = {"client.move.not_me": {"cards": lines}} if lines else None
        once = f"move:{owner}:{turn.came.update_id}"
        await notify.tell(conn, owner, "client", "client.move.told", {}, once=once, more=more)
