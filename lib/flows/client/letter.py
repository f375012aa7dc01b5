"""A message to a shop: what was said so far, then words, which the owner and the managers get in the partner bot.

letter:<shop> -> words -> sent
"""

from dataclasses import dataclass
from datetime import timedelta

from lib import db, errors, limits, text
from lib.flows import when
from lib.flows.client import visitor
from lib.jobs import kick
from lib.loyalty import members, partners, staff, talk
from lib.loyalty.partners import Partner
from lib.telegram import screen
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

LETTERS = limits.Limit("letter", 10, timedelta(hours=1))
SHOWN = 5
ROOM = 3600  # of a message's 4096 for what was said: the latest is always whole


@dataclass(frozen=True)
class ShopLetter:
    """A message to a shop that is being written."""

    shop: int


LETTER = DraftKey("letter", ShopLetter)


async def handle(turn: Turn) -> None:
    """Ask for the words, or take them to the shop."""
    if turn.came.kind == "press":
        await _ask(turn, screen.number(screen.parts(turn)[0]))
    elif turn.came.kind == "text":
        await _send(turn, _shop(turn))
    else:
        await _ask(turn, _shop(turn), turn.text("client.words_only"))


def _shop(turn: Turn) -> int:
    draft = LETTER.of(turn.state)
    return draft.shop if draft else 0


async def _ask(turn: Turn, shop: int, note: str = "") -> None:
    member = await visitor.own_card(turn, shop)
    if member is None or not await _is_read(turn, shop):
        return
    partner = await db.run(lambda conn: partners.get(conn, shop))
    said = await db.run(lambda conn: talk.messages(conn, shop, member_id=member.id, limit=SHOWN))
    lines = [
        turn.text(
            "client.letter.theirs" if one.staff_id else "client.letter.mine",
            title=partner.title,
            at=when.day_and_time(turn, one.created_at),
            words=one.words,
        )
        for one in said
    ]
    turn.state.step = "letter:words"
    LETTER.keep(turn.state, ShopLetter(shop))
    words = turn.text("client.letter.ask", title=partner.title, limit=talk.WORDS)
    rows = [screen.home(turn, f"shop:{shop}")]
    await turn.show(screen.paragraphs(note, *text.fitting(lines, ROOM)[::-1], words), rows)


async def _is_read(turn: Turn, shop: int) -> bool:
    """Tell whether anybody reads what is written to a shop, or say that nobody does."""
    partner = await db.run(lambda conn: partners.get(conn, shop))
    if not partner.gone and await visitor.managers(shop):
        return True
    turn.state.step = ""
    await turn.show(turn.text("client.error.no_partner"), [screen.home(turn)])
    return False


async def _send(turn: Turn, shop: int) -> None:
    """Keep the words and tell the people who run the shop; the limit keeps a person from flooding it."""
    user_id, words = turn.state.who["id"], turn.came.text
    if len(words.strip()) > talk.WORDS:
        await _ask(turn, shop, turn.text("client.letter.long", limit=talk.WORDS))
        return
    if await limits.wait(turn.chat.id, LETTERS):
        turn.state.step = ""
        await turn.show(turn.text("client.letter.too_many"), [screen.home(turn, f"shop:{shop}")])
        return
    if not await _is_read(turn, shop):
        return
    try:
        partner = await db.run(lambda conn: partners.get(conn, shop))
        await db.run(lambda conn: write(conn, partner, user_id, words))
    except (errors.Invalid, errors.Missing) as error:
        turn.state.step = ""
        await turn.show(visitor.refusal(turn, error), [screen.home(turn)])
        return
    turn.state.step = ""
    LETTER.drop(turn.state)
    turn.after.append(kick.drain)
    rows = [[screen.button(turn, "client.button.write_more", f"letter:{shop}")], screen.home(turn, f"shop:{shop}")]
    await turn.show(turn.text("client.letter.sent", title=partner.title), rows)


async def write(conn: db.Connection, partner: Partner, user_id: int, words: str) -> None:
    """Keep the words and tell the owner and the managers, both or neither.

    One who has not started the partner bot finds it there later.
    """
    async with conn.transaction():
        number = await talk.write(conn, partner.id, user_id, words)
        member = await members.get_own(conn, partner.id, user_id)
        fields = {"title": partner.title, "name": member.name, "words": words.strip()}
        ways = [[("partner.button.answer", f"inbox:talk:{member.id}"), ("button.menu", "menu:home")]]
        once = f"letter:{partner.id}:{number}"
        await staff.tell_managers(conn, partner.id, "client.letter.told", fields, ways, once=once)
