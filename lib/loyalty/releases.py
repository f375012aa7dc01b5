"""A number that somebody else has now: recycled by its operator, or its old account is lost. How it becomes free.

    the newcomer shares the number: proven, taken -> a code
    the code -> the owner of a shop, with a reason (an administrator needs no code) -> 24 hours, the holder is told
        -> the holder keeps it, or it comes off the old account; its cards and points stay where they are

Nobody is harmed by a code: it only says who has proven which number. Each step is in the trail of the shop.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from lib import cache, config, db, errors
from lib.jobs import table
from lib.jobs.table import NewJob
from lib.loyalty import codes, members
from lib.people import notify, users

SQL = db.load("releases")
PLATFORM = db.Scope(platform=True)
CODE_LIFE = timedelta(hours=24)


@dataclass(frozen=True)
class Claim:
    """The meaning of a code: who has proven a number, and who holds it."""

    asked_for: int
    holder_id: int
    mark: str

    def dump(self) -> str:
        """Return the stored form."""
        return f"{self.asked_for}:{self.holder_id}:{self.mark}"


@dataclass(frozen=True)
class Release:
    """A number that is to come off an account."""

    id: int
    holder_id: int
    asked_for: int | None
    partner_id: int | None
    actor_id: int
    due_at: datetime
    phone_mark: bytes


def prove(asked_for: int, holder_id: int, phone: str) -> Claim:
    """Return the claim of a person whose own number, by Telegram's word, is another account's."""
    return Claim(asked_for, holder_id, users.mark(phone, "phone").hex())


async def offer(claim: Claim) -> str:
    """Return eight digits for a claim; Unavailable while Redis cannot keep them."""
    code = f"{secrets.randbelow(10**8):08}"
    await cache.set(f"release:{code}", claim.dump(), CODE_LIFE)
    return code


async def claim(code: str) -> Claim:
    """Return what a code says; Missing("no_code"): nobody has it, or had it too long ago; Conflict("codes_away")."""
    found = await codes.read(f"release:{code}") if len(code) == 8 else None
    if not found:
        raise errors.Missing("no_code")
    asked_for, holder_id, mark = found.split(":")
    return Claim(int(asked_for), int(holder_id), mark)


async def phone_of(conn: db.Connection, holder_id: int, mark: str = "") -> str:
    """Return the number that an account holds, and that is the claim's if one is given; Conflict("number_moved")."""
    client = await members.get_client(conn, holder_id)
    if client is None or not client.phone or (mark and users.mark(client.phone, "phone").hex() != mark):
        raise errors.Conflict("number_moved", str(holder_id))
    return client.phone


async def ask(
    conn: db.Connection,
    holder_id: int,
    *,
    actor_id: int,
    reason: str,
    title: str,
    by: Claim | None = None,
    partner_id: int | None = None,
    now: datetime | None = None,
) -> Release:
    """Have a number come off an account in 24 hours, and tell its holder, in the name of `title`.

    Denied("role_too_low") for a person who does not own the shop, Conflict("release_waits"), Conflict("number_moved"),
    Conflict("number_kept"): the holder has said within the last 30 days that it is theirs, which only an administrator
    overrules.
    """
    phone = await phone_of(conn, holder_id, by.mark if by else "")
    facts = {"holder": holder_id, "asked_for": by.asked_for if by else None, "partner_id": partner_id, "now": now}
    async with conn.transaction():
        asked = await SQL.ask.one(
            conn, Release, **facts, actor_id=actor_id, reason=reason[:300], mark=users.mark(phone, "phone")
        )
        if asked is None:
            raise errors.Missing("no_client", str(holder_id))
        order = NewJob(holder_id, f"release:{asked.id}", {"id": asked.id})
        await table.create_free_jobs(conn, "release", [order], max_attempts=20, run_at=asked.due_at)
        fields = {"title": title, "tail": phone[-4:], "at": notify.moment(asked.due_at)}
        ways = [[("client.button.keep_number", "release:keep")]]
        await notify.tell(conn, holder_id, "client", "client.release.asked", fields, ways, once=f"release:{asked.id}")
    return asked


async def keep(conn: db.Connection, holder_id: int, *, now: datetime | None = None) -> bool:
    """Leave the number with its holder, who has said that it is theirs, and tell the one who asked; False: nobody."""
    async with conn.transaction():
        asked = await SQL.keep.one(conn, Release, holder=holder_id, now=now)
        if asked is not None:
            await _tell(conn, asked, "kept")
    return asked is not None


async def finish(conn: db.Connection, release_id: int, *, now: datetime | None = None) -> bool:
    """Take the number off its account when its time has come, and tell everybody; False: there is nothing to take.

    A request ends without an effect when the holder has another number, or the person who asked has lost the right.
    The message and the end are one transaction: a worker that is killed leaves both to the next one.
    """
    asked = await SQL.get.within(PLATFORM).one(conn, Release, id=release_id)
    if asked is None:
        return False
    client = await members.get_client(conn, asked.holder_id) if await _may(conn, asked) else None
    same = client and client.phone and users.mark(client.phone, "phone") == asked.phone_mark
    phone = client.phone if client and same else ""
    async with conn.transaction():
        done = await SQL.release.one(conn, Release, id=release_id, phone=phone, now=now)
        if done is not None:
            await notify.tell(conn, done.holder_id, "client", "client.release.gone", {}, once=f"released:{done.id}")
            await _tell(conn, done, "done")
        elif asked.asked_for and await SQL.get.within(PLATFORM).one(conn, Release, id=release_id) is None:
            ways = [[("client.button.join", "join:new")]]
            once = f"release:over:{asked.id}"
            await notify.tell(conn, asked.asked_for, "client", "client.release.over", {}, ways, once=once)
    return done is not None


async def _may(conn: db.Connection, asked: Release) -> bool:
    """Tell whether an administrator who asked still is one; of a shop's owner Postgres knows it."""
    actor = None if asked.partner_id else await users.get_user(conn, asked.actor_id)
    return asked.partner_id is not None or bool(actor and actor.tg_id in config.get().admin_ids)


async def _tell(conn: db.Connection, asked: Release, how: str) -> None:
    """Tell the newcomer and the owner of the shop how it ended, within the transaction that ends it."""
    if asked.asked_for:
        ways = [[("client.button.join", "join:new")]] if how == "done" else []
        once = f"release:{how}:{asked.id}"
        await notify.tell(conn, asked.asked_for, "client", f"client.release.{how}", {}, ways, once=once)
    if asked.partner_id:
        once = f"release:{how}:{asked.id}:owner"
        await notify.tell(conn, asked.actor_id, "partner", f"partner.release.{how}", {}, once=once)
