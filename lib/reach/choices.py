"""What a person has said to messages of a kind from a shop: their consent, or that they no longer want them."""

from dataclasses import dataclass

from lib import db
from lib.loyalty import members
from lib.loyalty.partners import PLATFORM
from lib.reach import reminders

SQL = db.load("reach")

KINDS = ("news", *reminders.KINDS)
WORDING = 1  # of news.ask: counts up with each new wording of the consent


@dataclass(frozen=True)
class NewsSender:
    """Who may write to a person; the shop's title is empty for the platform."""

    partner_id: int
    shop: str


@dataclass(frozen=True)
class NewsChoice:
    """One answer; the shop's title is empty for the platform."""

    partner_id: int
    shop: str
    kind: str
    wants: bool


async def choose(conn: db.Connection, user_id: int, partner_id: int, kind: str, *, wants: bool, said_in: str) -> None:
    """Keep a person's answer, where and to which words they gave it; it holds at once, also for parts already cut."""
    said = {"wants": wants, "said_in": said_in, "wording": WORDING}
    ids = {"partner_id": partner_id, "user_id": user_id, "kind": kind}
    await SQL.choose.within(db.Scope(person=user_id)).run(conn, **ids, **said)


async def has_agreed(conn: db.Connection, user_id: int, partner_id: int) -> bool:
    """Tell whether a person has said yes to a shop's news."""
    ids = {"user_id": user_id, "partner_id": partner_id}
    return bool(await SQL.has_agreed.within(db.Scope(person=user_id)).one(conn, bool, **ids))


async def of_person(conn: db.Connection, user_id: int) -> list[NewsChoice]:
    """Return everything that a person has answered."""
    return await SQL.choices.within(PLATFORM).all(conn, NewsChoice, user_id=user_id)


async def senders(conn: db.Connection, user_id: int) -> list[NewsSender]:
    """Return the platform, and the shops that a person has a card of or has answered."""
    return await SQL.senders.within(PLATFORM).all(conn, NewsSender, user_id=user_id)


async def of_sender(conn: db.Connection, user_id: int, partner_id: int) -> dict[str, bool]:
    """Return what a shop sends, by kind, and whether this person gets it: as they said, or as it is for who has not."""
    said = {one.kind: one.wants for one in await of_person(conn, user_id) if one.partner_id == partner_id}
    sent = await reminders.of_shop(conn, partner_id) if partner_id else {}
    client = await members.get_client(conn, user_id)
    deaf = client is not None and not client.wants_news
    found = {
        kind: said.get(kind, kind != "news") for kind in KINDS if kind == "news" or (kind in sent and sent[kind].is_on)
    }
    found |= {kind: False for kind in ("news", "away", "expiry") if deaf and kind in found}
    if not found["news"]:  # who wants no news is not invited back
        found.pop("away", None)
    return found
