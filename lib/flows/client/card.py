"""One's cards: the list, and one shop's card with its QR code.

card:<shop>          the card, with a code that lives for minutes; pressed again it is a new code
card:list:<number>   the list, from the card with this number on
"""

from lib import db
from lib.flows import client
from lib.loyalty import members, partners
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the card that was asked for, or the list."""
    what, start, _ = client.wanted(turn)
    if not await client.registered(turn):
        return
    if what == "list":
        await _list(turn, client.number(start))
    elif await client.own_card(turn, client.number(what)):
        await client.show_card(turn, client.number(what))


async def _list(turn: Turn, start: int) -> None:
    """Show a page of the cards; there are a hundred at most, which one round trip brings."""
    found = await db.run(lambda conn: members.cards(conn, turn.state.who["id"]))
    ordered = sorted(found, key=lambda card: not card.favourite)
    page, left = ordered[start : start + partners.PAGE], ordered[start + partners.PAGE :]
    lines = [
        turn.text("client.home.card", mark="★ " if card.favourite else "", title=card.title, points=card.available)
        for card in page
    ]
    buttons = [Button(client.short(card.title), f"card:{card.partner_id}") for card in page]
    words = (
        "\n\n".join([turn.text("client.card.list"), "\n".join(lines)]) if page else turn.text("client.home.no_cards")
    )
    leaf = client.pages(turn, "card:list", start, start + partners.PAGE if left else None)
    shops = [client.button(turn, "client.button.shops", "find:shops")]
    await turn.show(words, [*client.in_rows(buttons), *leaf, shops, client.home(turn)])
