"""Knows the visitor of the client bot: a client or not yet, by whose link, with which card; and words errors."""

from dataclasses import dataclass
from typing import Any

from lib import db, errors, text
from lib.loyalty import members, partners, referrals, staff
from lib.telegram import screen
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class PhoneProof:
    """That the person has just shown a number to be theirs which another account holds."""

    holder_id: int
    mark: str


@dataclass(frozen=True)
class Lookout:
    """Of which city and category a client looks at shops; "" for all."""

    city: str
    category: str = ""


PROOF = DraftKey("proof", PhoneProof)
LOOKOUT = DraftKey("lookout", Lookout)
ASKED = "asked_at_home"  # words that were asked of nobody; the shop whose button is pressed then answers them
CAME_BY = "came_by"  # the link that brought somebody who has to register first, kept in State.data


async def is_client(turn: Turn, *, afresh: bool = False) -> bool:
    """Tell whether the person is a client; remembered, until an erasure or a move of the cards to another account."""
    who = turn.state.who
    if afresh or not who.get("client"):
        who["client"] = await db.run(lambda conn: members.get_client(conn, who["id"])) is not None
    return bool(who["client"])


async def registered(turn: Turn) -> bool:
    """Tell whether the person is a client; somebody who is not is invited to become one."""
    if await is_client(turn):
        return True
    rows = [[screen.button(turn, "client.button.join", "join:new", style="primary")], screen.home(turn)]
    await turn.show(turn.text("client.join.first"), rows)
    return False


async def inviting(payload: str) -> partners.Partner:
    """Return the shop that a link leads to. Invalid, Missing("no_partner"), Denied("partner_not_approved")."""
    code, _ = referrals.read_link(payload)
    partner = await db.run(lambda conn: partners.get_by_code(conn, code))
    if partner is None or partner.gone:
        raise errors.Missing("no_partner", code)
    if partner.status != "approved":
        raise errors.Denied("partner_not_approved")
    return partner


def closed(turn: Turn, partner: partners.Partner) -> str:
    """Return what a client reads of a shop that does not work with points: not now, or never again."""
    key = "client.error.partner_gone" if partner.gone else "client.error.partner_blocked"
    return turn.text(key, title=partner.title)


def welcome_gift(turn: Turn, partner: partners.Partner) -> str:
    """Return a line about what a shop gives to a new client, "" when that is nothing."""
    return turn.text("client.join.gift", points=partner.welcome_points) if partner.welcome_points else ""


async def own_card(turn: Turn, partner_id: int) -> members.Member | None:
    """Return the person's own card at a shop, or say that there is none and return None."""
    if not await registered(turn):
        return None
    try:
        return await db.run(lambda conn: _own(conn, partner_id, turn.state.who["id"]))
    except errors.Missing:
        rows = [[screen.button(turn, "client.button.shops", "find:shops")], screen.home(turn)]
        await turn.show(turn.text("client.error.no_member"), rows)
        return None


async def _own(conn: db.Connection, partner_id: int, user_id: int) -> members.Member:
    return await members.as_of_now(conn, await members.get_own(conn, partner_id, user_id))


async def managers(partner_id: int) -> list[int]:
    """Return the people who read what clients write to a shop."""
    return await db.run(lambda conn: staff.managers(conn, partner_id))


def category(turn: Turn, name: str) -> str:
    """Return a shop's category as people read it."""
    return turn.text(f"client.category.{name if name in partners.CATEGORIES else 'other'}")


def refusal(turn: Turn, error: errors.AppError, **fields: Any) -> str:
    """Return what a person reads of an error; raise it again when it does not concern them."""
    key = f"client.error.{error.code}"
    if isinstance(error, errors.Upstream) or not text.knows(key):
        raise error
    return turn.text(key, **{"detail": error.detail, "title": "", **fields})
