"""The talk between clients and shops: ratings after a visit, messages, and which shops a client likes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib import db, errors
from lib.loyalty.partners import PAGE, of

SQL = db.load("loyalty_talk")

WORDS = 1000
GOOD, FAIR = 9, 7  # the least marks of those who would recommend the shop, and of those who would not say


@dataclass(frozen=True)
class Rating:
    """How likely a client is to recommend the shop, 0 to 10, after one visit."""

    txn_id: int
    member_id: int
    name: str
    score: int
    words: str
    created_at: datetime


@dataclass(frozen=True)
class Message:
    """A message of a client, or of the shop if staff_id is set."""

    id: int
    member_id: int
    name: str
    staff_id: int | None
    words: str
    created_at: datetime
    read_at: datetime | None


async def ask(
    conn: db.Connection, partner_id: int, member_id: int, txn_id: int, *, at: datetime, every: timedelta
) -> str | None:
    """Return the shop's zone when a client may be asked how a visit was, and remember that they are.

    None: not again within `every`, or else the shop or the client does not want it.
    """
    ids = {"partner_id": partner_id, "member_id": member_id, "txn_id": txn_id}
    return await SQL.ask.within(of(partner_id)).one(conn, str, **ids, at=at, every=every)


async def unask(conn: db.Connection, partner_id: int, txn_id: int) -> None:
    """Forget a question about a visit that was never sent: the next visit may be asked about."""
    await SQL.unask.within(of(partner_id)).run(conn, partner_id=partner_id, txn_id=txn_id)


async def rate(conn: db.Connection, partner_id: int, user_id: int, *, txn_id: int, score: int, words: str = "") -> bool:
    """Rate a visit of one's own, once; saying it again corrects it. Missing("no_operation"), Invalid("bad_score").

    True when these are the first words about the visit.
    """
    if not 0 <= score <= 10:
        raise errors.Invalid("bad_score", str(score))
    ids = {"partner_id": partner_id, "user_id": user_id, "txn_id": txn_id}
    first = await SQL.rate.within(of(partner_id)).one(conn, bool, **ids, score=score, words=words[:WORDS])
    if first is None:
        raise errors.Missing("no_operation", str(txn_id))
    return first


async def ratings(
    conn: db.Connection, partner_id: int, *, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[Rating]:
    """Return a page of ratings, newest first; `before` is (created_at, txn_id) of the page before's last."""
    at, number = before or (None, None)
    page = {"before_at": at, "before_id": number, "limit": limit}
    return await SQL.list_ratings.within(of(partner_id)).all(conn, Rating, partner_id=partner_id, **page)


async def write(conn: db.Connection, partner_id: int, user_id: int, words: str) -> int:
    """Write to a shop one is a client of; return the message's id. Missing("no_member"), Invalid("words_empty")."""
    ids = {"partner_id": partner_id, "user_id": user_id}
    made = await SQL.write.within(of(partner_id)).one(conn, int, **ids, words=_words(words))
    if made is None:
        raise errors.Missing("no_member", str(user_id))
    return made


async def reply(conn: db.Connection, partner_id: int, member_id: int, actor_id: int, words: str) -> int:
    """Answer a client; return the message's id. Missing("no_member") when either is not of this shop."""
    ids = {"partner_id": partner_id, "member_id": member_id, "actor_id": actor_id}
    made = await SQL.reply.within(of(partner_id)).one(conn, int, **ids, words=_words(words))
    if made is None:
        raise errors.Missing("no_member", str(member_id))
    return made


async def messages(
    conn: db.Connection, partner_id: int, *, member_id: int | None = None, before: int | None = None, limit: int = PAGE
) -> list[Message]:
    """Return a page of a shop's messages, or of those with one client, newest first."""
    ids = {"partner_id": partner_id, "member_id": member_id}
    return await SQL.list_messages.within(of(partner_id)).all(conn, Message, **ids, before=before, limit=limit)


async def mark_read(conn: db.Connection, partner_id: int, member_id: int) -> int:
    """Remember that the shop has read what a client wrote; return how many messages that were."""
    return await SQL.mark_read.within(of(partner_id)).run(conn, partner_id=partner_id, member_id=member_id)


async def set_favourite(conn: db.Connection, user_id: int, partner_id: int, *, liked: bool) -> None:
    """Put a shop among a client's favourites, or take it out; repeating it changes nothing."""
    query = SQL.add_favourite if liked else SQL.remove_favourite
    await query.within(db.Scope(person=user_id)).run(conn, user_id=user_id, partner_id=partner_id)


async def favourites(conn: db.Connection, user_id: int) -> list[int]:
    """Return the ids of a client's favourite shops."""
    return await SQL.list_favourites.within(db.Scope(person=user_id)).all(conn, int, user_id=user_id)


def _words(words: str) -> str:
    cleaned = words.strip()[:WORDS]
    if not cleaned:
        raise errors.Invalid("words_empty")
    return cleaned
