"""Everything by which an administrator changes something: what it will do, and the doing of it.

`see` returns what the confirm screen says, and refuses what cannot be done: Missing, Conflict or Denied with a code.
`do` does it, once for the key of its confirm screen, writes who did it and why, and returns what the result says.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lib import db, errors
from lib.credits import catalog, ledger, payments
from lib.loyalty import releases
from lib.office import letters, people, queue, shops, trail
from lib.people import users

MOST_CREDITS = 10_000
type Facts = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """An administrator's wish: to whom or what, how much, why, and who wants it."""

    subject: str
    reason: str = ""
    numbers: tuple[int, ...] = ()
    tg_id: int = 0
    user_id: int = 0
    key: str = ""

    @property
    def actor(self) -> str:
        """How the trail names them."""
        return trail.actor(self.tg_id)

    @property
    def id(self) -> int:
        """The subject as a number; Missing when it is not a number."""
        if not (self.subject.isascii() and self.subject.isdecimal() and len(self.subject) < 19):
            raise errors.Missing("no_subject", self.subject[:40])
        return int(self.subject)


type Step = Callable[[Wish], Awaitable[Facts]]


@dataclass(frozen=True)
class Act:
    """One of the acts. `asks` names what must be typed first; `why` the ready-made reasons; `way` where it leads."""

    see: Step
    do: Step
    why: str
    way: str
    asks: str = ""
    harms: bool = True


async def _see_person(wish: Wish) -> Facts:
    person = await db.run(lambda conn: people.get(conn, wish.id))
    if person.erased_at:
        raise errors.Conflict("erased", wish.subject)
    return {"name": full_name(person), "tg_id": person.tg_id, "balance": person.balance, "banned": person.banned_at}


def full_name(person: people.Dossier | people.Hit | users.User) -> str:
    """Return a person's name as Telegram shows it."""
    return " ".join(part for part in (person.first_name, person.last_name) if part) or f"id {person.tg_id}"


async def _see_grant(wish: Wish) -> Facts:
    facts = await _see_person(wish)
    amount = wish.numbers[0] if wish.numbers else 0
    return {**facts, "amount": amount, "after": facts["balance"] + amount}


async def _grant(wish: Wish) -> Facts:
    amount = wish.numbers[0]
    if not 0 < amount <= MOST_CREDITS:
        raise errors.Invalid("odd_grant", str(amount))
    facts = await _see_grant(wish)
    work = {"key": wish.key, "actor": wish.actor, "reason": wish.reason}
    balance, _ = await db.run(lambda conn: ledger.grant(conn, wish.id, amount, **work))
    return {**facts, "after": balance}


async def _see_ban(wish: Wish) -> Facts:
    facts = await _see_person(wish)
    if facts["banned"]:
        raise errors.Conflict("banned_already", wish.subject)
    return facts


async def _ban(wish: Wish) -> Facts:
    facts = await _see_person(wish)
    done = await db.run(lambda conn: people.ban(conn, wish.id, actor=wish.actor, reason=wish.reason))
    await people.forget_state(facts["tg_id"])
    if not done:
        raise errors.Conflict("banned_already", wish.subject)
    return facts


async def _see_unban(wish: Wish) -> Facts:
    facts = await _see_person(wish)
    if not facts["banned"]:
        raise errors.Conflict("not_banned", wish.subject)
    return facts


async def _unban(wish: Wish) -> Facts:
    facts = await _see_person(wish)
    done = await db.run(lambda conn: people.unban(conn, wish.id, actor=wish.actor, reason=wish.reason))
    await people.forget_state(facts["tg_id"])
    if not done:
        raise errors.Conflict("not_banned", wish.subject)
    return facts


async def _see_release(wish: Wish) -> Facts:
    facts = await _see_person(wish)
    phone = await db.run(lambda conn: releases.phone_of(conn, wish.id))
    return {**facts, "tail": phone[-4:]}


async def _release(wish: Wish) -> Facts:
    facts = await _see_release(wish)
    work: dict[str, Any] = {"actor_id": wish.user_id, "reason": wish.reason, "title": "Лоток"}

    async def ask(conn: db.Connection) -> None:
        async with conn.transaction():
            await releases.ask(conn, wish.id, **work)
            await trail.note(conn, wish.actor, "phone.release", f"user {wish.id}", wish.reason)

    await db.run(ask)
    return facts


async def _see_job(wish: Wish) -> Facts:
    job = await db.run(lambda conn: queue.get(conn, wish.id))
    user = await db.run(lambda conn: users.get_user(conn, job.user_id)) if job.user_id else None
    name = full_name(user) if user else ""
    return {"id": job.id, "task": job.task, "state": job.state, "price": job.price, "name": name,
            "balance": user.balance if user else 0, "charged": 0, "left": 0}  # fmt: skip


async def _see_retry(wish: Wish) -> Facts:
    facts = await _see_job(wish)
    again = await db.run(lambda conn: queue.retried_as(conn, wish.id))
    if again:
        raise errors.Conflict("retried_already", str(again))
    if facts["state"] not in ("failed", "cancelled"):
        raise errors.Conflict("job_not_failed", facts["state"])
    refunded = await db.run(lambda conn: queue.refunded(conn, wish.id))
    charged = facts["price"] if refunded else 0
    if charged > facts["balance"]:
        raise errors.Conflict("retry_too_dear", str(charged))
    return {**facts, "charged": charged, "left": facts["balance"] - charged, "free": not charged}


async def _retry(wish: Wish) -> Facts:
    retried = await db.run(lambda conn: queue.retry(conn, wish.id, actor=wish.actor, reason=wish.reason))
    if not retried.created:
        raise errors.Conflict("retried_already", str(retried.job.id))
    facts = await _see_job(wish)
    return {**facts, "new": retried.job.id, "charged": retried.charged, "free": not retried.charged}


async def _see_cancel(wish: Wish) -> Facts:
    facts = await _see_job(wish)
    if facts["state"] in ("done", "failed", "cancelled"):
        raise errors.Conflict("job_ended", facts["state"])
    return {**facts, "free": not facts["price"]}


async def _cancel(wish: Wish) -> Facts:
    job = await db.run(lambda conn: queue.cancel(conn, wish.id, actor=wish.actor, reason=wish.reason))
    facts = await _see_job(wish)
    return {**facts, "stopped": job.state == "cancelled", "free": not job.price}


async def _see_letter(wish: Wish) -> Facts:
    letter = await db.run(lambda conn: letters.get_letter(conn, wish.id))
    return {"id": letter.id, "bot": letter.bot, "kind": letter.kind, "tries": letter.tries, "letter": letter}


async def _see_replay(wish: Wish) -> Facts:
    facts = await _see_letter(wish)
    if "update_id" not in facts["letter"].payload:
        raise errors.Conflict("unreadable", wish.subject)
    if facts["letter"].sender == wish.tg_id and facts["bot"] == "admin":
        raise errors.Conflict("own_turn", wish.subject)  # it would wait for the very turn that replays it
    return facts


async def _replay(wish: Wish) -> Facts:
    facts = await _see_replay(wish)
    letter: letters.Letter = facts["letter"]
    taken = await letters.replay(letter)
    work = {"actor": wish.actor, "reason": wish.reason}
    if taken:
        await db.run(lambda conn: letters.drop(conn, letter, action="letter.replay", **work))
    else:
        subject = f"letter {letter.id}"
        await db.run(lambda conn: trail.note(conn, wish.actor, "letter.replay_failed", subject, wish.reason))
    return {**facts, "taken": taken}


async def _drop(wish: Wish) -> Facts:
    facts = await _see_letter(wish)
    work = {"actor": wish.actor, "reason": wish.reason}
    done = await db.run(lambda conn: letters.drop(conn, facts["letter"], **work))
    if not done:
        raise errors.Conflict("letter_moved", wish.subject)
    return facts


async def _see_product(wish: Wish) -> Facts:
    product = await db.run(lambda conn: catalog.get_product(conn, wish.subject))
    if product is None:
        raise errors.Missing("no_product", wish.subject[:40])
    return {"code": product.code, "old": product.price, "price": product.price, "is_on": product.is_on}


async def _see_price(wish: Wish) -> Facts:
    facts = await _see_product(wish)
    if wish.numbers == (facts["old"],):
        raise errors.Conflict("same_price", str(facts["old"]))
    return {**facts, "price": wish.numbers[0] if wish.numbers else facts["old"]}


async def _price(wish: Wish) -> Facts:
    facts = await _see_price(wish)
    ids: dict[str, Any] = {"code": wish.subject, "actor": wish.actor, "reason": wish.reason}
    await db.run(lambda conn: catalog.change_product(conn, price=wish.numbers[0], **ids))
    return facts


def _shelf(is_on: bool) -> tuple[Step, Step]:
    """Return how a product is put on sale, or taken off it."""

    async def see(wish: Wish) -> Facts:
        facts = await _see_product(wish)
        if facts["is_on"] == is_on:
            raise errors.Conflict("on_already" if is_on else "off_already", wish.subject)
        return facts

    async def do(wish: Wish) -> Facts:
        facts = await see(wish)
        ids: dict[str, Any] = {"code": wish.subject, "actor": wish.actor, "reason": wish.reason}
        await db.run(lambda conn: catalog.change_product(conn, is_on=is_on, **ids))
        return facts

    return see, do


async def _see_pack(wish: Wish) -> Facts:
    packs = await db.run(catalog.list_packs)
    pack = next((pack for pack in packs if pack.code == wish.subject), None)
    if pack is None:
        raise errors.Missing("no_pack", wish.subject[:40])
    if wish.numbers == (pack.stars, pack.credits):
        raise errors.Conflict("same_pack", wish.subject)
    stars, amount = wish.numbers if len(wish.numbers) == 2 else (pack.stars, pack.credits)
    return {"code": pack.code, "old_stars": pack.stars, "old": pack.credits, "stars": stars, "amount": amount}


async def _pack(wish: Wish) -> Facts:
    facts = await _see_pack(wish)
    stars, amount = wish.numbers
    work = {"actor": wish.actor, "reason": wish.reason}
    await db.run(lambda conn: catalog.put_pack(conn, wish.subject, stars, amount, **work))
    return facts


async def _drop_pack(wish: Wish) -> Facts:
    facts = await _see_pack(wish)
    await db.run(lambda conn: catalog.drop_pack(conn, wish.subject, actor=wish.actor, reason=wish.reason))
    return facts


async def _see_refund(wish: Wish) -> Facts:
    payment = await db.run(lambda conn: ledger.get_payment(conn, wish.id))
    if payment is None:
        raise errors.Missing("no_payment", wish.subject)
    if payment.state not in ("paid", "refunding"):
        raise errors.Conflict("refunded_already", payment.state)
    user = await db.run(lambda conn: users.get_user(conn, payment.user_id))
    if user is None or user.tg_id < 0:
        raise errors.Conflict("erased", wish.subject)
    taken = payment.credits if payment.state == "paid" else 0
    if taken > user.balance:
        raise errors.Conflict("credits_spent", str(taken - user.balance))
    return {"id": payment.id, "stars": payment.stars, "amount": taken, "name": full_name(user),
            "balance": user.balance, "after": user.balance - taken}  # fmt: skip


async def _refund(wish: Wish) -> Facts:
    facts = await _see_refund(wish)
    try:
        await payments.refund(wish.id, actor=wish.actor, reason=wish.reason)
    except errors.ShortOfCredits as short:
        raise errors.Conflict("credits_spent", str(short)) from short
    except errors.Unavailable:
        return {**facts, "stopped": False}  # it is under way; the hourly comparison ends it
    return facts


def _judge(kind: str, status: str, was: str) -> tuple[Step, Step]:
    """Return how a shop, a service or a promotion leaves one status for another, by a word with a reason."""

    async def see(wish: Wish) -> Facts:
        partner_id, _, thing_id = wish.subject.partition(".")
        ids = (Wish(partner_id).id, Wish(thing_id or partner_id).id)
        thing = await db.run(lambda conn: shops.get(conn, kind, *ids))
        if thing.status != was:
            raise errors.Conflict("decided_already", thing.status)
        return {"name": thing.title, "ids": ids}

    async def do(wish: Wish) -> Facts:
        facts = await see(wish)
        work: dict[str, Any] = {
            "actor_id": wish.user_id,
            "status": status,
            "was": was,
            "reason": wish.reason,
            "key": wish.key,
        }
        await db.run(lambda conn: shops.decide(conn, kind, *facts["ids"], **work))
        return facts

    return see, do


ACTS: Mapping[str, Act] = {
    "grant": Act(_see_grant, _grant, why="grant", way="people:card:{subject}", asks="credits", harms=False),
    "ban": Act(_see_ban, _ban, why="ban", way="people:card:{subject}"),
    "unban": Act(_see_unban, _unban, why="unban", way="people:card:{subject}", harms=False),
    "release": Act(_see_release, _release, why="release", way="people:card:{subject}"),
    "retry": Act(_see_retry, _retry, why="retry", way="queue:job:{subject}", harms=False),
    "cancel": Act(_see_cancel, _cancel, why="cancel", way="queue:job:{subject}"),
    "replay": Act(_see_replay, _replay, why="replay", way="letters:list", harms=False),
    "drop": Act(_see_letter, _drop, why="drop", way="letters:list"),
    "refund": Act(_see_refund, _refund, why="refund", way="people:payment:{subject}"),
    "refuse_partner": Act(*_judge("partner", "rejected", "pending"), why="partner", way="moderate:list:partner"),
    "refuse_service": Act(*_judge("service", "rejected", "pending"), why="offer", way="moderate:list:service"),
    "refuse_promotion": Act(*_judge("promotion", "rejected", "pending"), why="offer", way="moderate:list:promotion"),
    "close": Act(*_judge("partner", "blocked", "approved"), why="ban", way="shops:card:{subject}"),
    "reopen": Act(*_judge("partner", "approved", "blocked"), why="unban", way="shops:card:{subject}", harms=False),
    "price": Act(_see_price, _price, why="price", way="shelf:home", asks="price"),
    "offer": Act(*_shelf(True), why="price", way="shelf:home", harms=False),
    "hide": Act(*_shelf(False), why="price", way="shelf:home"),
    "pack": Act(_see_pack, _pack, why="price", way="shelf:home", asks="pack"),
    "packoff": Act(_see_pack, _drop_pack, why="price", way="shelf:home"),
}
