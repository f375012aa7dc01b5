"""What a shop sends by itself: each kind is a switch of the shop's, with words of its own if it likes.

Points that expire, birthday gifts and questions about a visit are notices to one person (lib/people/notify.py), which
ask here whether and in which words. An invitation to somebody who has not been seen for 60 days is advertising to many:
a broadcast of the kind `away`, cut and sent by the engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lib import db, errors
from lib.loyalty import night, partners
from lib.loyalty.partners import PLATFORM
from lib.reach import broadcasts

SQL = db.load("reach")

KINDS = ("expiry", "birthday", "rating", "away", "cart")
NEW = ("away", "cart")  # nobody got these before shops could switch them on
STALE = timedelta(hours=2)  # how long a basket is left alone
AWAY = 60  # days
WORDS = 600


@dataclass(frozen=True)
class ShopReminder:
    """A kind at a shop. What was sent before shops could say is on until they say otherwise."""

    kind: str
    is_on: bool
    words: str


async def of_shop(conn: db.Connection, partner_id: int) -> dict[str, ShopReminder]:
    """Return every kind, by name."""
    known = {
        one.kind: one for one in await SQL.reminders.within(PLATFORM).all(conn, ShopReminder, partner_id=partner_id)
    }
    return {kind: known.get(kind) or ShopReminder(kind, kind not in NEW, "") for kind in KINDS}


async def change(
    conn: db.Connection, partner_id: int, kind: str, *, is_on: bool | None = None, words: str | None = None
) -> ShopReminder:
    """Switch a kind, or give it other words. Invalid("too_long"), Missing("no_reminder").

    Invalid("auto_link"): nobody looks at what goes out by itself, so it leads nowhere.
    """
    if kind not in KINDS:
        raise errors.Missing("no_reminder", kind)
    if words is not None and len(words) > WORDS:
        raise errors.Invalid("too_long", str(WORDS))
    if words is not None and broadcasts.links_in(words):
        raise errors.Invalid("auto_link")
    before = (await of_shop(conn, partner_id))[kind]
    after = ShopReminder(kind, before.is_on if is_on is None else is_on, before.words if words is None else words)
    fields = {"is_on": after.is_on, "words": after.words}
    await SQL.set_reminder.within(PLATFORM).run(conn, partner_id=partner_id, kind=kind, **fields)
    return after


async def wanted(conn: db.Connection, partner_id: int, kind: str, user_id: int) -> ShopReminder | None:
    """Return the reminder of a kind for a person; None when the shop or the person does not want it."""
    one = (await of_shop(conn, partner_id))[kind]
    if not one.is_on:
        return None
    ids = {"partner_id": partner_id, "user_id": user_id, "kind": kind}
    return None if await SQL.has_refused.within(PLATFORM).one(conn, bool, **ids) else one


async def renewed(conn: db.Connection, user_id: int, reminds: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields of a reminder that are others by now; None when it may no longer go to a person.

    It has waited for the day. It names its `shop` and `kind`; of a basket the `request` and its `edition`, which must
    be as they were; of points the `member` and when they expire: what was spent in the morning is not named.
    """
    if await wanted(conn, reminds["shop"], reminds["kind"], user_id) is None:
        return None
    if "expires_at" in reminds:
        expires_at = datetime.fromisoformat(reminds["expires_at"])
        left = await night.expiring(conn, reminds["shop"], reminds["member"], expires_at)
        return {"points": left} if left else None
    if "request" not in reminds:
        return {}
    ids = {"partner_id": reminds["shop"], "id": reminds["request"], "edition": reminds["edition"]}
    return {} if await SQL.basket_stands.within(PLATFORM).one(conn, bool, **ids) else None


@dataclass(frozen=True)
class StaleBasket:
    """An order that a client began and has not sent: how many `items`, two of a kind being two; `edition` counts its
    changes.
    """

    partner_id: int
    request_id: int
    edition: int
    user_id: int
    items: int


async def baskets(conn: db.Connection, now: datetime) -> list[StaleBasket]:
    """Return the baskets that nobody has touched for two hours, and a day at most, where the shop reminds of them."""
    since = now - timedelta(days=1)
    return await SQL.baskets.within(PLATFORM).all(conn, StaleBasket, since=since, until=now - STALE)


async def inviting(conn: db.Connection) -> list[int]:
    """Return the shops that want to invite people back."""
    return await SQL.inviting.within(PLATFORM).all(conn, int)


async def invite_back(conn: db.Connection, shop: partners.Partner, now: datetime, words: str) -> int | None:
    """Have those who have not been at the shop for 60 days invited, each once; return the broadcast, None without one.

    `words` are ours, for a shop that has none. A shop has one a day, however often it is asked for.
    """
    one = (await of_shop(conn, shop.id))["away"]
    if not one.is_on or shop.status != "approved":
        return None
    ids = {"partner_id": shop.id, "owner_id": shop.owner_id, "words": one.words or words}
    return await SQL.invite_back.within(PLATFORM).one(conn, int, **ids, days=AWAY, now=now)
