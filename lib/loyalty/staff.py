"""The staff of a shop. The owner may do everything, a manager everything but manage managers; a cashier serves clients.

An invitation is a link for one person: s_<shop>_<secret>, three days, once, and no longer than its maker has the right
to invite. Only its hash is stored.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lib import db, errors, log
from lib.loyalty import partners
from lib.loyalty.partners import PAGE, Partner, of
from lib.people import notify, users

SQL = db.load("loyalty_staff")


@dataclass(frozen=True)
class Staff:
    """A person's place at a shop; `city` is where they serve clients."""

    partner_id: int
    user_id: int
    role: str
    city: str
    joined_at: datetime
    title: str
    status: str
    name: str

    @property
    def manages(self) -> bool:
        """Whether the settings, the figures and reversals are theirs."""
        return self.role in ("owner", "manager")


@dataclass(frozen=True)
class FormerStaff:
    """The place that somebody had until now."""

    title: str
    role: str
    removed_at: datetime


async def places(conn: db.Connection, user_id: int) -> list[Staff]:
    """Return the shops where a person works; `name` is empty."""
    return await SQL.my_places.within(db.Scope(person=user_id)).all(conn, Staff, user_id=user_id)


async def get(conn: db.Connection, partner_id: int, user_id: int) -> Staff:
    """Return a person's place at a shop; Denied("not_staff") for everybody else."""
    found = await SQL.get_staff.within(of(partner_id)).one(conn, Staff, partner_id=partner_id, user_id=user_id)
    if found is None:
        raise errors.Denied("not_staff", str(user_id))
    return found


async def manager(conn: db.Connection, partner_id: int, user_id: int) -> users.User | None:
    """Return a manager; None for somebody who no longer may see what a job has made.

    They were let go, erased or shut out since they asked.
    """
    try:
        place = await get(conn, partner_id, user_id)
    except errors.Denied:
        return None
    user = await users.get_user(conn, user_id)
    return user if user and user.tg_id > 0 and not user.banned and place.manages else None


async def shop_and_manager(conn: db.Connection, partner_id: int, user_id: int) -> tuple[Partner, users.User] | None:
    """Return the shop that a job is about and the manager who gets what it makes; None when they no longer may."""
    user = await manager(conn, partner_id, user_id)
    if user is None:
        log.note(no_longer_manages=True)
        return None
    return await partners.get(conn, partner_id), user


async def list_all(conn: db.Connection, partner_id: int, *, after: int = 0, limit: int = PAGE) -> list[Staff]:
    """Return a page of a shop's people; `after` is the last user_id of the page before."""
    return await SQL.list_staff.within(of(partner_id)).all(conn, Staff, partner_id=partner_id, after=after, limit=limit)


async def invite(conn: db.Connection, partner_id: int, actor_id: int, role: str) -> str:
    """Return the payload of a new invitation link, s_...

    Denied("role_too_low"), Denied("invites_suspended") while the shop is, Denied("partner_gone").
    """
    if role not in ("manager", "cashier"):
        raise errors.Invalid("unknown_role", role)
    secret = secrets.token_urlsafe(18)
    made = await SQL.invite.within(of(partner_id)).run(
        conn,
        partner_id=partner_id,
        actor_id=actor_id,
        role=role,
        token_hash=_hash(secret),
    )
    if not made:
        await refuse_shut(conn, partner_id)
        raise errors.Denied("role_too_low", str(actor_id))
    return f"s_{partner_id}_{secret}"


async def refuse_shut(conn: db.Connection, partner_id: int) -> None:
    """Refuse to invite into a shop that is suspended or closed for good, as `invite` does."""
    shop = await partners.get(conn, partner_id)
    if shop.status == "blocked":
        raise errors.Denied("partner_gone" if shop.gone else "invites_suspended", str(partner_id))


async def accept(conn: db.Connection, user_id: int, payload: str) -> tuple[int, str]:
    """Join a shop by an invitation; return the shop's id and the role.

    Missing("no_invite"), Conflict("invite_used"), Conflict("invite_expired"); Conflict("invite_void") when its maker no
    longer has the right to invite, Conflict("invite_needless") when they have that role, or a greater one, already,
    Conflict("invite_suspended") while the shop is.
    """
    prefix, _, rest = payload.partition("_")
    number, _, secret = rest.partition("_")
    if prefix != "s" or not number.isascii() or not number.isdecimal() or len(number) > 18 or not secret:
        raise errors.Missing("no_invite")
    partner_id = int(number)
    ids = {"partner_id": partner_id, "token_hash": _hash(secret)}
    role = await SQL.accept_invite.within(of(partner_id)).one(conn, str, user_id=user_id, **ids)
    if role is None:
        state = await SQL.invite_state.within(of(partner_id)).one(conn, str, user_id=user_id, **ids)
        if state is None:
            raise errors.Missing("no_invite")
        raise errors.Conflict(f"invite_{state}")
    return partner_id, role


async def join(conn: db.Connection, user_id: int, payload: str) -> Staff:
    """Accept an invitation and have the owner told of it, both or neither; it refuses as `accept` does."""
    async with conn.transaction():
        partner_id, role = await accept(conn, user_id, payload)
        place, shop = await get(conn, partner_id, user_id), await partners.get(conn, partner_id)
        fields = {"title": place.title, "name": place.name, "role": notify.spoken(f"partner.role.{role}")}
        ways = [[("partner.button.look", f"team:one:{user_id}")]]
        once = f"joined:{partner_id}:{user_id}:{int(place.joined_at.timestamp())}"
        await notify.tell(conn, shop.owner_id, "partner", "partner.push.joined", fields, ways, once=once)
    return place


async def readers(conn: db.Connection, partner_id: int) -> list[Staff]:
    """Return the people at work who can read what they are told: nobody who was shut out; `name` is empty."""
    return await SQL.list_readers.within(of(partner_id)).all(conn, Staff, partner_id=partner_id)


async def managers(conn: db.Connection, partner_id: int) -> list[int]:
    """Return the owner and the managers who can read what a shop is told."""
    return [one.user_id for one in await readers(conn, partner_id) if one.manages]


async def tell_managers(
    conn: db.Connection, partner_id: int, key: str, fields: Mapping[str, Any], ways: notify.Ways, *, once: str
) -> None:
    """Tell the owner and the managers of a shop; one who has not started the partner bot hears nothing."""
    await _tell_each(conn, await managers(conn, partner_id), key, fields, ways, once)


async def tell_team(
    conn: db.Connection, partner_id: int, key: str, fields: Mapping[str, Any], ways: notify.Ways, *, once: str
) -> None:
    """Tell everybody at a shop but the owner."""
    team = [one.user_id for one in await readers(conn, partner_id) if one.role != "owner"]
    await _tell_each(conn, team, key, fields, ways, once)


async def _tell_each(
    conn: db.Connection, people: list[int], key: str, fields: Mapping[str, Any], ways: notify.Ways, once: str
) -> None:
    for user_id in people:
        await notify.tell(conn, user_id, "partner", key, fields, ways, once=f"{once}:{user_id}")


async def remove(conn: db.Connection, partner_id: int, actor_id: int, user_id: int) -> None:
    """Let somebody go and have them told, both or neither, or leave; what they did stays theirs.

    Denied("role_too_low").
    """
    ids = {"partner_id": partner_id, "actor_id": actor_id, "user_id": user_id}
    async with conn.transaction():
        gone = await SQL.remove_staff.within(of(partner_id)).one(conn, FormerStaff, **ids)
        if gone is None:
            raise errors.Denied("role_too_low", str(actor_id))
        if actor_id != user_id:
            fields = {"title": gone.title, "role": notify.spoken(f"partner.role.{gone.role}")}
            once = f"let_go:{partner_id}:{user_id}:{gone.removed_at:%Y%m%dT%H%M%S%f}"
            await notify.tell(conn, user_id, "partner", "partner.push.let_go", fields, once=once)


async def move(conn: db.Connection, partner_id: int, actor_id: int, user_id: int, city: str | None) -> None:
    """Say in which city somebody serves clients: its promotions hold for their bills. None: the shop's own city.

    The owner moves managers and cashiers, a manager cashiers; Denied("role_too_low").
    """
    ids = {"partner_id": partner_id, "actor_id": actor_id, "user_id": user_id}
    if await SQL.move_staff.within(of(partner_id)).one(conn, int, **ids, city=city) is None:
        raise errors.Denied("role_too_low", str(actor_id))


async def cities(conn: db.Connection, partner_id: int) -> list[str]:
    """Return the shop's city, and then the others that its people and its promotions name."""
    return await SQL.cities_of_shop.within(of(partner_id)).all(conn, str, partner_id=partner_id)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
