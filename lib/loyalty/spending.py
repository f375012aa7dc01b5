"""Whether a client agrees to what a cashier wants to take who did not see their card.

    ask -> a message to the client --[confirm]--> the cashier may take it, for as long as the question lives
                                   --[not me]---> refused

The ledger looks for the answer itself (refuse_unconfirmed), for this operation, this sum and these points alone.
"""

from dataclasses import dataclass
from datetime import timedelta

from lib import db, errors
from lib.loyalty import members, partners, staff
from lib.loyalty.partners import of
from lib.people import users

SQL = db.load("loyalty_spending")

LIFE = timedelta(minutes=10)


@dataclass(frozen=True)
class SpendRequest:
    """A question to a client; `made`: it is new, and they have to be told of it."""

    id: int
    made: bool
    confirmed: bool
    refused: bool


@dataclass(frozen=True)
class Consent:
    """A client's yes or no to an operation, and who wanted it."""

    points: int
    bill_minor: int
    actor_id: int


async def ask(
    conn: db.Connection, partner_id: int, member_id: int, actor_id: int, *, bill_minor: int, points: int, key: str
) -> SpendRequest:
    """Return the question that is open for an operation, a new one if there is none.

    Denied("member_blocked") while the shop has suspended the card, Denied("not_staff").
    """
    ids = {"partner_id": partner_id, "member_id": member_id, "actor_id": actor_id}
    what = {"bill_minor": bill_minor, "points": points, "key": key, "life": LIFE}
    asked = await SQL.ask.within(of(partner_id)).one(conn, SpendRequest, **ids, **what)
    if asked is None:
        blocked = (await members.get(conn, partner_id, member_id)).blocked_at
        raise errors.Denied("member_blocked" if blocked else "not_staff", str(actor_id))
    return asked


async def answer(conn: db.Connection, partner_id: int, request_id: int, user_id: int, *, agrees: bool) -> Consent:
    """Take the client's word, once, and have the managers told of a refusal, both or neither.

    Missing("no_request"): answered already, too late, not theirs, or a yes to somebody who may take nothing any more.
    """
    ids = {"partner_id": partner_id, "request_id": request_id, "user_id": user_id}
    async with conn.transaction():
        answered = await SQL.answer.within(of(partner_id)).one(conn, Consent, **ids, agrees=agrees)
        if answered is None:
            raise errors.Missing("no_request", str(request_id))
        if not agrees:
            await _tell(conn, partner_id, request_id, answered)
    return answered


async def _tell(conn: db.Connection, partner_id: int, request_id: int, refused: Consent) -> None:
    """Tell the owner and the managers whose wish a client has refused."""
    partner = await partners.get(conn, partner_id)
    cashier = await users.get_user(conn, refused.actor_id)
    fields = {
        "title": partner.title,
        "name": cashier.first_name if cashier else "—",
        "points": refused.points,
        "bill": refused.bill_minor,
    }
    ways = [[("partner.button.look", "undo:list")]]
    once = f"notme:{partner_id}:{request_id}"
    await staff.tell_managers(conn, partner_id, "partner.push.not_me", fields, ways, once=once)
