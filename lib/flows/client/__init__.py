"""What the client bot's conversations share: whether somebody is a client yet, the card's screen, dates and buttons.

Nothing in a button is believed: an id names what to look for, and the rows say whether it is the person's own.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from lib import db, errors, qr, text
from lib.loyalty import cards, members, offers, partners, referrals, staff
from lib.people import notify, users
from lib.telegram import client
from lib.telegram.client import Button, Keyboard, Picture
from lib.telegram.dispatch import Turn

CAME_BY = "came_by"  # the link that brought somebody who has to register first, kept in State.data


async def is_client(turn: Turn) -> bool:
    """Tell whether the person has registered; remembered, as nobody stops being one short of being erased."""
    who = turn.state.who
    if not who.get("client"):
        who["client"] = await db.run(lambda conn: members.get_client(conn, who["id"])) is not None
    return bool(who["client"])


async def registered(turn: Turn) -> bool:
    """Tell whether the person is a client; whoever is not is offered to become one."""
    if await is_client(turn):
        return True
    rows = [[button(turn, "client.button.join", "join:new", style="primary")], home(turn)]
    await turn.show(turn.text("client.join.first"), rows)
    return False


async def inviting(payload: str) -> partners.Partner:
    """Return the shop that a link leads to. Invalid, Missing("no_partner"), Denied("partner_not_approved")."""
    code, _ = referrals.read_link(payload)
    partner = await db.run(lambda conn: partners.get_by_code(conn, code))
    if partner is None:
        raise errors.Missing("no_partner", code)
    if partner.status != "approved":
        raise errors.Denied("partner_not_approved")
    return partner


def welcome_gift(turn: Turn, partner: partners.Partner) -> str:
    """Return a line about what a shop gives to a new client, "" when that is nothing."""
    return turn.text("client.join.gift", points=partner.welcome_points) if partner.welcome_points else ""


async def own_card(turn: Turn, partner_id: int) -> members.Member | None:
    """Return the person's own card at a shop, or say that there is none and return None."""
    if not await registered(turn):
        return None
    try:
        return await db.run(lambda conn: members.get_own(conn, partner_id, turn.state.who["id"]))
    except errors.Missing:
        rows = [[button(turn, "client.button.shops", "find:shops")], home(turn)]
        await turn.show(turn.text("client.error.no_member"), rows)
        return None


async def tell_managers(partner_id: int, key: str, fields: dict[str, Any], ways: notify.Ways, *, once: str) -> None:
    """Tell the owner and the managers of a shop; who has not started the partner bot hears nothing."""
    people = await db.run(lambda conn: staff.list_all(conn, partner_id, limit=100))
    for to in [one.user_id for one in people if one.manages]:
        await db.run(
            lambda conn, to=to: notify.tell(conn, to, "partner", key, fields, ways, once=f"{once}:{to}")  # type: ignore[misc]
        )


async def show_card(turn: Turn, partner_id: int, note: str = "") -> None:
    """Show a card as a picture: a new QR code and six new digits, the balance, what it is enough for, what expires."""
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: members.cards(conn, user_id))
    card = next((one for one in found if one.partner_id == partner_id), None)
    if card is None:
        await own_card(turn, partner_id)
        return
    if card.status != "approved":
        rows = [[button(turn, "client.button.details", f"points:{partner_id}")], home(turn, "card:list:0")]
        await turn.show(turn.text("client.error.partner_blocked", title=card.title), rows)
        return
    link, code, services = await asyncio.gather(
        _link(cards.issue(partner_id, card.member_id)),
        _code(partner_id, card.member_id),
        db.run(lambda conn: offers.browse_services(conn, partner_id=partner_id)),
    )
    words = "\n".join([note] * bool(note) + _face(turn, card, services) + ["", *_shown(turn, code)])
    if link:
        await turn.show_picture(Picture("card.png", qr.png(link)), words, _below(turn, card))
    else:
        await turn.show(words, _below(turn, card))


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


def _face(turn: Turn, card: members.Card, services: Sequence[offers.Service]) -> list[str]:
    worth = card.available * card.minor_per_point
    lines = [
        turn.text("client.card.title", title=card.title, number=f"{card.card_no // 10000} {card.card_no % 10000:04}"),
        turn.text("client.card.balance", points=card.available, worth=worth),
    ]
    if card.pending:
        lines.append(turn.text("client.card.pending", points=card.pending))
    if card.next_at and card.next_points:
        lines.append(turn.text("client.card.expiring", points=card.next_points, day=last_day(turn, card.next_at)))
    prices = sorted((one.price_points, one.title) for one in services)
    if reached := [title for price, title in prices if price <= card.available]:
        lines.append(turn.text("client.card.reached", title=reached[-1]))
    elif prices:
        lines.append(turn.text("client.card.next", title=prices[0][1], points=prices[0][0] - card.available))
    return lines


def _shown(turn: Turn, code: str) -> list[str]:
    """Return how to show the card, and until when it works."""
    until = moment(turn, now() + cards.LIFE).rpartition(", ")[2]
    minutes = int(cards.LIFE.total_seconds() // 60)
    key = "client.card.show" if code else "client.card.show_qr"
    return [turn.text(key, code=f"{code[:3]} {code[3:]}", until=until, minutes=minutes)]


def _below(turn: Turn, card: members.Card) -> Keyboard:
    shop = card.partner_id
    looks = [("details", f"points:{shop}"), ("history", f"history:{shop}")]
    ways = [("spend", f"find:services:{shop}"), ("shop", f"shop:{shop}")]
    return [
        [button(turn, "client.button.refresh", f"card:{shop}", style="primary"), *home(turn)],
        [button(turn, f"client.button.{key}", data) for key, data in looks],
        [button(turn, f"client.button.{key}", data) for key, data in ways],
    ]


def button(turn: Turn, key: str, data: str, *, style: str = "", **fields: Any) -> Button:
    """Return a button whose label is a sentence."""
    return Button(turn.text(key, **fields), data, style=style)


def home(turn: Turn, back: str = "") -> list[Button]:
    """Return the last row of every screen: the way back, if there is one, and the menu."""
    way = [button(turn, "button.back", back)] if back else []
    return [*way, button(turn, "button.menu", "menu:home")]


def pages(turn: Turn, place: str, at: int, after: int | None, ways: tuple[str, str] = ("previous", "next")) -> Keyboard:
    """Return the row that leafs through a list, if it has more than a page. `place` begins the buttons' data.

    `ways` names the two buttons; the pages of a history are newer and older.

    The way here is kept in State.data, so that a page leads back to the one before it, and pressing twice does no harm.
    """
    kept = turn.state.data.get("trail") or {}
    trail = kept.get("at", [0]) if kept.get("place") == place else [0]
    trail = trail[: trail.index(at) + 1] if at in trail else [*trail, at][-50:]
    turn.state.data["trail"] = {"place": place, "at": trail}
    row = [button(turn, f"client.button.{ways[0]}", f"{place}:{trail[-2]}")] if len(trail) > 1 else []
    row += [button(turn, f"client.button.{ways[1]}", f"{place}:{after}")] if after else []
    return [row] if row else []


def in_rows(buttons: list[Button], width: int = 2) -> Keyboard:
    """Return buttons in rows."""
    return [buttons[start : start + width] for start in range(0, len(buttons), width)]


def short(words: str, length: int = 20) -> str:
    """Return words that fit on a button."""
    return words if len(words) <= length else words[: length - 1].rstrip() + "…"


def number(words: str) -> int:
    """Return the id in a button's data; 0, which nothing has, for anything else."""
    return int(words) if words.isascii() and words.isdecimal() and len(words) <= 18 else 0


def wanted(turn: Turn) -> tuple[str, str, str]:
    """Return the three parts behind the flow's name in a button's data, "" for those that are not there."""
    parts = turn.came.text.split(":") if turn.came.kind == "press" else []
    _, first, second, third, *_ = [*parts, "", "", "", ""]
    return first, second, third


def day(turn: Turn, at: datetime) -> str:
    """Return a date in the person's zone, "3 декабря", with the year if it is another one."""
    return plain_day(turn, at.astimezone(_zone(turn)).date())


def last_day(turn: Turn, expires_at: datetime) -> str:
    """Return the last day on which something still holds, where it ends at midnight."""
    return day(turn, expires_at - timedelta(seconds=1))


def plain_day(turn: Turn, date_: date) -> str:
    """Return a shop's own date, which no zone moves."""
    shown = text.day if date_.year == now().year else text.date
    return shown(turn.language, date_)


def today(turn: Turn) -> date:
    """Return the date where the person is."""
    return now().astimezone(_zone(turn)).date()


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)


def moment(turn: Turn, at: datetime) -> str:
    """Return a date and a time in the person's zone, "3 декабря, 14:05"."""
    return f"{day(turn, at)}, {at.astimezone(_zone(turn)):%H:%M}"


def _zone(turn: Turn) -> timezone:
    return timezone(timedelta(hours=users.ZONES.get(turn.state.who.get("zone", users.ZONE), 3)))


def category(turn: Turn, name: str) -> str:
    """Return a shop's category as people read it."""
    return turn.text(f"client.category.{name if name in partners.CATEGORIES else 'other'}")


def refusal(turn: Turn, error: errors.AppError, **fields: Any) -> str:
    """Return what a person reads of an error; raise it again when it is none of theirs."""
    key = f"client.error.{error.code}"
    if isinstance(error, errors.Upstream) or not text.knows(key):
        raise error
    return turn.text(key, **{"detail": error.detail, "title": "", **fields})
