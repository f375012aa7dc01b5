"""People as clients: their name, city and proven phone; joining a shop; finding a client at the counter."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lib import dates, db, errors, typed
from lib.loyalty import phones
from lib.loyalty.partners import PAGE, PLATFORM, of
from lib.people import users

SQL = db.load("loyalty_members")


@dataclass(frozen=True)
class Client:
    """A person as a client of any shop. The birthday is "MM-DD"; nobody needs the year."""

    user_id: int
    name: str
    city: str
    phone: str | None
    birthday: str | None
    wants_news: bool
    consent_at: datetime
    created_at: datetime


@dataclass(frozen=True)
class JoinedCard:
    """A card at a shop: a new one (with so many points of welcome), or the one the person has."""

    member_id: int
    card_no: int
    created: bool
    welcome: int
    blocked: bool = False


@dataclass(frozen=True)
class Card:
    """One shop of a client's: what is there, and what of it expires first."""

    partner_id: int
    member_id: int
    card_no: int
    title: str
    city: str
    category: str
    status: str
    available: int
    pending: int
    minor_per_point: int
    next_points: int | None
    next_at: datetime | None
    favourite: bool
    last_visit_at: datetime | None
    blocked: bool = False

    @property
    def works(self) -> bool:
        """Whether there is a code to show: the shop is open for business and has not suspended the card."""
        return self.status == "approved" and not self.blocked


@dataclass(frozen=True)
class Member:
    """A client of one shop, with the balance and the chat to write to. The next purchase repays the points `owed`."""

    partner_id: int
    id: int
    user_id: int
    tg_id: int
    language: str
    name: str
    card_no: int
    phone_tail: str
    referrer_id: int | None
    visits: int
    spent_minor: int
    joined_at: datetime
    last_visit_at: datetime | None
    blocked_at: datetime | None
    due_at: datetime | None
    available: int
    pending: int
    tier: str | None
    birthday: str | None
    city: str | None
    owed: int
    tags: list[str]


@dataclass(frozen=True)
class FoundMember:
    """A line of a list of clients."""

    id: int
    name: str
    phone_tail: str
    card_no: int
    last_visit_at: datetime | None
    available: int
    phone: str = ""  # only where it was asked for by the whole number


async def register(conn: db.Connection, user_id: int, *, name: str, city: str, phone: str | None = None) -> Client:
    """Make or refresh a client; `phone` is what Telegram's contact button gave and belongs to this very person.

    Conflict("phone_taken"): another account has the number; `merge` can join the two.
    """
    number = phones.told(phone) if phone else None
    fields = {"name": _name(name), "city": city.strip()[:60]}
    if number and await SQL.phone_owner.within(PLATFORM).one(conn, int, phone=number) not in (None, user_id):
        raise errors.Conflict("phone_taken")
    await SQL.register_client.within(db.Scope(person=user_id)).run(conn, user_id=user_id, phone=None, **fields)
    if number:
        await set_phone(conn, user_id, number)
    client = await get_client(conn, user_id)
    if client is None:
        raise errors.Missing("no_client", str(user_id))
    return client


async def set_phone(conn: db.Connection, user_id: int, phone: str) -> str:
    """Change the number and return it as it is kept. Conflict("phone_taken")."""
    number = phones.told(phone)
    await SQL.set_phone.run(conn, user_id=user_id, phone=number, mark=users.phone_mark(number))
    return number


async def phone_owner(conn: db.Connection, phone: str) -> int | None:
    """Return the user who has this number."""
    return await SQL.phone_owner.within(PLATFORM).one(conn, int, phone=phones.told(phone))


async def get_client(conn: db.Connection, user_id: int) -> Client | None:
    """Return the person as a client; None before registration."""
    return await SQL.get_client.within(db.Scope(person=user_id)).one(conn, Client, user_id=user_id)


async def change_client(
    conn: db.Connection,
    user_id: int,
    *,
    name: str | None = None,
    city: str | None = None,
    birthday: str | None = None,
    wants_news: bool | None = None,
) -> None:
    """Change what is named. The birthday comes as people write it: 7.03, 7 March. Invalid("birthday_unclear")."""
    done = await SQL.change_client.within(db.Scope(person=user_id)).run(
        conn,
        user_id=user_id,
        name=_name(name) if name is not None else None,
        city=city.strip()[:60] if city is not None else None,
        birthday=_birthday(birthday) if birthday is not None else None,
        wants_news=wants_news,
    )
    if not done:
        raise errors.Missing("no_client", str(user_id))


async def merge(conn: db.Connection, from_user: int, into_user: int, *, now: datetime | None = None) -> int:
    """Move every card, the points and the phone of one account to another of the same person; return how many cards.

    The caller has made sure that both are one person's: the code shown in the one was entered in the other. The first
    account is no longer a client. Missing("no_client"), Denied("member_blocked"): a blocked card stays where it is.
    """
    return await SQL.merge_people.one(conn, int, from_user=from_user, into_user=into_user, now=now) or 0


async def join(
    conn: db.Connection, partner_id: int, user_id: int, *, referrer_card: int | None = None, now: datetime | None = None
) -> JoinedCard:
    """Take a client into a shop, once; a repeated call returns the card they have. The welcome points come once for a
    person, whatever account or number they come with.

    A person whose erased account was blocked here gets a blocked card, for the shop to see and decide.
    A referrer counts only at the first time, and only a member of this shop. Missing("no_partner"),
    Denied("partner_blocked"), Denied("partner_not_approved"), Missing("no_client") before registration.
    """
    joined = await SQL.join_partner.one(
        conn, JoinedCard, partner_id=partner_id, user_id=user_id, referrer_card=referrer_card, now=now
    )
    if joined is None:
        raise errors.Missing("no_partner", str(partner_id))
    if joined.blocked:
        raise errors.Denied("member_blocked", str(joined.member_id))
    return joined


async def cards(conn: db.Connection, user_id: int, *, now: datetime | None = None) -> list[Card]:
    """Return every card of a person as of now, the last visited shop first: one round trip, a hundred at most."""
    return await SQL.my_cards.all(conn, Card, user_id=user_id, now=now)


async def get(conn: db.Connection, partner_id: int, member_id: int) -> Member:
    """Return a client of this shop; Missing("no_member") for everybody else's."""
    found = await SQL.get_member.within(of(partner_id)).one(conn, Member, partner_id=partner_id, member_id=member_id)
    if found is None:
        raise errors.Missing("no_member", str(member_id))
    return found


async def get_own(conn: db.Connection, partner_id: int, user_id: int) -> Member:
    """Return a person's own membership of a shop; Missing("no_member")."""
    found = await SQL.get_own_member.within(of(partner_id)).one(conn, Member, partner_id=partner_id, user_id=user_id)
    if found is None:
        raise errors.Missing("no_member", str(user_id))
    return found


async def as_of_now(conn: db.Connection, member: Member, *, now: datetime | None = None) -> Member:
    """Return a member with the points that are theirs now: the hourly job may not have come by since midnight."""
    if member.due_at is None or member.due_at > (now or datetime.now(UTC)):
        return member
    await SQL.settle_one.run(conn, partner_id=member.partner_id, member_id=member.id, now=now)
    return await get(conn, member.partner_id, member.id)


async def find_by_card(conn: db.Connection, partner_id: int, card_no: int) -> int | None:
    """Return the member with this card number."""
    return await SQL.find_by_card.within(of(partner_id)).one(conn, int, partner_id=partner_id, card_no=card_no)


async def find_by_phone(conn: db.Connection, partner_id: int, numbers: Sequence[str]) -> list[FoundMember]:
    """Return the members with one of these numbers, in their order: a number can be read in more than one way."""
    return await SQL.find_by_phone.within(of(partner_id)).all(
        conn, FoundMember, partner_id=partner_id, phones=list(numbers)
    )


async def search(
    conn: db.Connection, partner_id: int, words: str, *, after: int = 0, limit: int = PAGE
) -> list[FoundMember]:
    """Return clients by the last four digits of the phone, by name, or by both ("4567 Анна").

    A name is found with е for ё, and with or without its hyphen. With digits, `after` is the last id of the page
    before; by name alone there is one page, newest visit first. Invalid("search_unclear") when there is neither.
    """
    words = typed.plain(typed.narrow(words))
    tails = re.findall(r"(?<!\d)\d{4}(?!\d)", words, re.ASCII)
    name = " ".join(re.sub(r"[%_\\\d+()-]", " ", words).split())[:40].translate(_WITHOUT_YO)
    if tails:
        return await SQL.search.within(of(partner_id)).all(
            conn,
            FoundMember,
            partner_id=partner_id,
            tail=tails[0],
            name=name or None,
            after=after,
            limit=limit,
        )
    if len(name) < 2:
        raise errors.Invalid("search_unclear", words[:40])
    return await SQL.search_names.within(of(partner_id)).all(
        conn, FoundMember, partner_id=partner_id, name=name, limit=limit
    )


async def recent(
    conn: db.Connection, partner_id: int, *, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[FoundMember]:
    """Return the clients who were served last, out of the last thousand operations.

    `before` is (last_visit_at, id) of the page before's last.
    """
    at, number = before or (None, None)
    return await SQL.recent.within(of(partner_id)).all(
        conn, FoundMember, partner_id=partner_id, before_at=at, before_id=number, limit=limit
    )


async def list_all(
    conn: db.Connection, partner_id: int, *, before: int | None = None, limit: int = PAGE
) -> list[FoundMember]:
    """Return the clients of a shop, newest first; `before` is the last id of the page before."""
    return await SQL.list_members.within(of(partner_id)).all(
        conn, FoundMember, partner_id=partner_id, before=before, limit=limit
    )


async def block(
    conn: db.Connection, partner_id: int, actor_id: int, member_id: int, *, blocked: bool = True, reason: str = ""
) -> None:
    """Refuse a client any operation, or admit them again, by a manager. Denied("role_too_low")."""
    ids = {"partner_id": partner_id, "actor_id": actor_id, "member_id": member_id}
    done = await SQL.block_member.within(of(partner_id)).one(conn, int, **ids, blocked=blocked, reason=reason[:300])
    if done is None:
        await get(conn, partner_id, member_id)
        raise errors.Denied("role_too_low", str(actor_id))


_WITHOUT_YO = str.maketrans("ёЁ", "еЕ")


def _name(words: str) -> str:
    name = " ".join(words.split())[:80]
    if not name:
        raise errors.Invalid("name_empty")
    return name


def _birthday(words: str) -> str:
    try:
        day, month, _ = dates.parse(words)
    except errors.Invalid:
        raise errors.Invalid("birthday_unclear", words[:40]) from None
    return f"{month:02}-{day:02}"
