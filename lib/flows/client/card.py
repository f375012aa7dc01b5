"""One's cards: the list, and one shop's card with its QR code.

card:<shop>          the card, with a code that lives for minutes; pressed again it is a new code
card:list:<number>   the list, from the card with this number on
"""

from lib import db
from lib.flows.client import face, visitor
from lib.loyalty import members, partners
from lib.reach import choices
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn

LABELS = screen.PageLabels("client.button.previous", "client.button.next")


async def handle(turn: Turn) -> None:
    """Show the card that was asked for, or the list."""
    what, start, _ = screen.parts(turn)
    if not await visitor.registered(turn):
        return
    if what == "list":
        await _list(turn, screen.number(start))
    elif what in ("on", "off"):
        await _agree(turn, screen.number(start), wants=what == "on")
    elif await visitor.own_card(turn, screen.number(what)):
        await face.show_card(turn, screen.number(what))


async def _agree(turn: Turn, partner_id: int, *, wants: bool) -> None:
    """Keep a yes or a no to the shop's news, and show the card again with the other button."""
    if not await visitor.own_card(turn, partner_id):
        return
    user_id, said_in = turn.state.who["id"], f"{turn.chat.bot}:{turn.came.message_id}"
    await db.run(lambda conn: choices.choose(conn, user_id, partner_id, "news", wants=wants, said_in=said_in))
    await turn.answer(turn.text("news.on" if wants else "news.off"), alert=True)
    await face.show_card(turn, partner_id)


async def _list(turn: Turn, start: int) -> None:
    """Show a page of the cards; there are a hundred at most, which one round trip brings."""
    found = await db.run(lambda conn: members.cards(conn, turn.state.who["id"]))
    ordered = face.ordered(found)
    page, left = ordered[start : start + partners.PAGE], ordered[start + partners.PAGE :]
    lines = [face.line(turn, card) for card in page]
    buttons = [Button(screen.short(card.title), f"card:{card.partner_id}") for card in page]
    words = (
        screen.paragraphs(turn.text("client.card.list"), "\n".join(lines))
        if page
        else turn.text("client.home.no_cards")
    )
    leaf = screen.pages(turn, "card:list", start, start + partners.PAGE if left else None, LABELS)
    shops = [screen.button(turn, "client.button.shops", "find:shops")]
    await turn.show(words, [*screen.in_rows(buttons), *leaf, shops, screen.home(turn)])
