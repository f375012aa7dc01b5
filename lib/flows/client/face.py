"""A card as it is shown: a new QR code and six new digits, the balance, what it is enough for, what expires."""

import asyncio
from collections.abc import Sequence

from lib import clock, db, errors, qr
from lib.flows import when
from lib.flows.client import visitor
from lib.loyalty import cards, members, offers, partners
from lib.reach import choices
from lib.telegram import client, screen
from lib.telegram.client import Keyboard, Picture
from lib.telegram.dispatch import Turn


async def show_card(turn: Turn, partner_id: int, note: str = "") -> None:
    """Show a card as a picture: a new QR code and six new digits, the balance, what it is enough for, what expires."""
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: members.cards(conn, user_id))
    card = next((one for one in found if one.partner_id == partner_id), None)
    if card is None:
        await visitor.own_card(turn, partner_id)
        return
    if card.status != "approved":
        rows = [
            [screen.button(turn, "client.button.details", f"points:{partner_id}")],
            screen.home(turn, "card:list:0"),
        ]
        partner = await db.run(lambda conn: partners.get(conn, partner_id))
        await turn.show(visitor.closed(turn, partner), rows)
        return
    if card.blocked:
        await _suspended(turn, card)
        return
    link, code, services, agreed = await asyncio.gather(
        _link(cards.issue(partner_id, card.member_id)),
        _code(partner_id, card.member_id),
        db.run(lambda conn: offers.browse_services(conn, partner_id=partner_id)),
        db.run(lambda conn: choices.has_agreed(conn, user_id, partner_id)),
    )
    words = "\n".join([note] * bool(note) + _face(turn, card, services) + ["", *_shown(turn, code)])
    if link:
        await turn.show_picture(Picture("card.png", qr.png(link)), words, _below(turn, card, agreed=agreed))
    else:
        await turn.show(words, _below(turn, card, agreed=agreed))


async def _suspended(turn: Turn, card: members.Card) -> None:
    """Say that the shop has suspended the card, before anybody stands at the till with it, and what to do."""
    shop = card.partner_id
    looks = [("details", f"points:{shop}"), ("history", f"history:{shop}")]
    rows = [
        [screen.button(turn, "client.button.write", f"letter:{shop}", style="primary")],
        [screen.button(turn, f"client.button.{key}", data) for key, data in looks],
        screen.home(turn, "card:list:0"),
    ]
    await turn.show(turn.text("client.card.suspended", title=card.title, points=card.available), rows)


def ordered(found: Sequence[members.Card]) -> list[members.Card]:
    """Return cards as a list has them: the favourites first, those of shops that are closed last."""
    return sorted(found, key=lambda card: (card.status != "approved", not card.favourite))


def line(turn: Turn, card: members.Card) -> str:
    """Return a card as a line of a list."""
    mark = "★ " if card.favourite else ""
    key = "client.home.suspended" if card.blocked else "client.home.card"
    key = key if card.status == "approved" else "client.home.closed"
    return turn.text(key, mark=mark, title=card.title, points=card.available)


async def _link(payload: str) -> str:
    """Return what the QR code leads to, or "" while the bot of the shops is off: the digits work without."""
    try:
        return await client.start_link("partner", payload)
    except errors.Missing:
        return ""


async def _code(partner_id: int, member_id: int) -> str:
    """Return six digits, or "" while Redis cannot keep them: the QR code works without."""
    try:
        return await cards.issue_code(partner_id, member_id)
    except errors.Unavailable:
        return ""


def number(card_no: int) -> str:
    """Return the number of a card as people read it."""
    return f"{card_no // 10000} {card_no % 10000:04}"


def _face(turn: Turn, card: members.Card, services: Sequence[offers.Service]) -> list[str]:
    worth = card.available * card.minor_per_point
    lines = [
        turn.text("client.card.title", title=card.title, number=number(card.card_no)),
        turn.text("client.card.balance", points=card.available, worth=worth),
    ]
    if card.pending:
        lines.append(turn.text("client.card.pending", points=card.pending))
    if card.next_at and card.next_points:
        lines.append(turn.text("client.card.expiring", points=card.next_points, day=when.last_day(turn, card.next_at)))
    prices = sorted((one.price_points, one.title) for one in services)
    if reached := [title for price, title in prices if price <= card.available]:
        lines.append(turn.text("client.card.reached", title=reached[-1]))
    elif prices:
        lines.append(turn.text("client.card.next", title=prices[0][1], points=prices[0][0] - card.available))
    return lines


def _shown(turn: Turn, code: str) -> list[str]:
    """Return how to show the card, and until when it works."""
    until = when.day_and_time(turn, clock.now() + cards.LIFE).rpartition(", ")[2]
    minutes = int(cards.LIFE.total_seconds() // 60)
    key = "client.card.show" if code else "client.card.show_qr"
    return [turn.text(key, code=f"{code[:3]}\u00a0{code[3:]}", until=until, minutes=minutes)]


def _below(turn: Turn, card: members.Card, *, agreed: bool) -> Keyboard:
    shop = card.partner_id
    news = ("enough", "off") if agreed else ("agree", "on")
    looks = [("details", f"points:{shop}"), ("history", f"history:{shop}")]
    ways = [("spend", f"find:services:{shop}"), ("shop", f"shop:{shop}")]
    return [
        [screen.button(turn, "client.button.refresh", f"card:{shop}", style="primary"), *screen.home(turn)],
        [screen.button(turn, f"client.button.{key}", data) for key, data in looks],
        [screen.button(turn, f"client.button.{key}", data) for key, data in ways],
        [screen.button(turn, f"news.button.{news[0]}", f"card:{news[1]}:{shop}")],
    ]
