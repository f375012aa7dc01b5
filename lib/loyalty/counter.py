"""Serves a client at a shop's counter: runs an operation of the ledger and tells the client of it at once.

Operations are done by somebody in their place at a shop (`Staff`), whom the caller has just read.
The ledger decides; this adds the showing of the card, which is spent on one operation, and the message to the client's
chat. A repeated call does and says nothing new.
"""

import contextlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import db, errors, typed
from lib.loyalty import cards, members, night, partners, phones, points, referrals, spending, talk
from lib.loyalty.staff import Staff
from lib.people import notify, users

# The question how it was comes when the client has left the counter, and not after every coffee.
RATE_AFTER = timedelta(minutes=3)
RATE_EVERY = timedelta(days=14)

# A card's payload, alone or in the link that a QR code holds.
CARD = re.compile(r"(?:^|start=)(c_[A-Za-z0-9_-]{20,62})$")


@dataclass(frozen=True)
class CounterVisitor:
    """The result of a look-up at the counter: clients to choose from, one with the showing of a card, or a voucher.

    `numbers` are the ways in which a phone number was read, the likeliest first.
    """

    clients: list[members.FoundMember] = field(default_factory=list)
    member_id: int = 0
    nonce: str = ""
    voucher: points.Voucher | None = None
    numbers: list[str] = field(default_factory=list)


async def look_up(conn: db.Connection, partner_id: int, words: str) -> CounterVisitor:
    """Find the client or the voucher that a cashier has typed: a card's link or six digits, a voucher's or a card's
    eight, a phone number in any spelling, its last digits, a name.

    Raises what the card, the voucher or the search refuses; nobody found is an empty answer.
    """
    words = typed.plain(words)
    digits = typed.digits(words)
    if payload := CARD.search(words):
        card = await cards.open(payload[1], partner_id=partner_id)
        return CounterVisitor(member_id=card.member_id, nonce=card.nonce)
    if len(digits) == 6:
        card = await cards.open_code(partner_id, digits)
        return CounterVisitor(member_id=card.member_id, nonce=card.nonce)
    if len(digits) == 8:
        member = await members.find_by_card(conn, partner_id, int(digits))
        return (
            CounterVisitor(member_id=member)
            if member
            else CounterVisitor(voucher=await points.voucher(conn, partner_id, digits))
        )
    if numbers := await _numbers(conn, partner_id, words):
        return _called(await members.find_by_phone(conn, partner_id, numbers), numbers)
    found = await members.search(conn, partner_id, words)
    return CounterVisitor(member_id=found[0].id) if len(found) == 1 else CounterVisitor(found)


async def search(
    conn: db.Connection, partner_id: int, words: str, *, after: int = 0, limit: int = 10
) -> list[members.FoundMember]:
    """Return a shop's clients by a whole phone number, by its last digits, by a name; see `members.search`."""
    if numbers := await _numbers(conn, partner_id, words):
        return [] if after else await members.find_by_phone(conn, partner_id, numbers)
    return await members.search(conn, partner_id, words, after=after, limit=limit)


async def _numbers(conn: db.Connection, partner_id: int, words: str) -> list[str]:
    """Return the phone numbers that words may mean, those of the shop's country first; none when they are no number."""
    if not phones.looks_like_one(words):
        return []
    shop = await partners.get(conn, partner_id)
    with contextlib.suppress(errors.Invalid):
        return phones.readings(words, partners.country(shop.tz))
    return []


def _called(found: list[members.FoundMember], numbers: list[str]) -> CounterVisitor:
    """Return the one whose number it is; where only another reading finds somebody, or two do, it has to be asked."""
    if [one.phone for one in found] == numbers[:1]:
        return CounterVisitor(member_id=found[0].id)
    return CounterVisitor(found, numbers=numbers)


async def accrue(
    conn: db.Connection,
    place: Staff,
    member_id: int,
    *,
    bill_minor: int,
    nonce: str,
    key: str,
    again: bool = False,
    now: datetime | None = None,
) -> points.Receipt:
    """Give the points of a bill, tell the client, and ask them later how it was.

    The cashier's place says all that is told of the shop, and the ledger looks at the rows itself: nothing is read
    first.
    """
    if nonce:
        await cards.use(nonce, key)
    ids = (place.partner_id, member_id, place.user_id)
    done = await points.accrue(conn, *ids, bill_minor=bill_minor, key=key, again=again, now=now)
    fields: dict[str, object] = {
        "title": place.title,
        "points": done.earned,
        "bill": done.bill_minor,
        "available": done.available,
    }
    later = done.active_at is not None and done.active_at > done.created_at and done.pending > 0
    if later and done.active_at:
        fields["at"] = notify.day(done.active_at)
    await _tell(conn, done, _card(place.partner_id, "accrued_later" if later else "accrued", fields))
    await _ask_how_it_was(conn, place, done)
    return done


async def redeem(
    conn: db.Connection,
    place: Staff,
    member_id: int,
    *,
    bill_minor: int,
    spend: int,
    nonce: str,
    key: str,
    again: bool = False,
    now: datetime | None = None,
) -> points.Receipt:
    """Take points for a part of a bill, tell the client, and ask them later how it was.

    Without the showing of a card the client has to have agreed: see `ask`.
    """
    if nonce:
        await cards.use(nonce, key)
    what: dict[str, Any] = {"bill_minor": bill_minor, "points": spend, "shown": bool(nonce), "again": again}
    done = await points.redeem(conn, place.partner_id, member_id, place.user_id, **what, key=key, now=now)
    fields = {
        "title": place.title,
        "points": done.points,
        "earned": done.earned,
        "pay": done.paid_minor,
        "bill": done.bill_minor,
        "available": done.available,
    }
    await _tell(conn, done, _card(place.partner_id, "redeemed", fields))
    await _ask_how_it_was(conn, place, done)
    return done


async def ask(
    conn: db.Connection, place: Staff, member: members.Member, *, bill_minor: int, spend: int, key: str
) -> spending.SpendRequest:
    """Ask a client who did not show their card whether they agree: by a button, or by digits to tell the cashier.

    Conflict("client_away"): they have stopped the bot, so that no question would reach them.
    """
    if not await users.hears(conn, member.user_id, "client"):
        raise errors.Conflict("client_away", str(member.id))
    ids = (place.partner_id, member.id, place.user_id)
    async with conn.transaction():  # a question that is known here is on its way to the client
        asked = await spending.ask(conn, *ids, bill_minor=bill_minor, points=spend, key=key)
        if asked.made:
            await _put_question(conn, place, member, asked, {"points": spend, "bill": bill_minor})
    return asked


async def _put_question(
    conn: db.Connection, place: Staff, member: members.Member, asked: spending.SpendRequest, amounts: dict[str, int]
) -> None:
    fields: dict[str, object] = {"title": place.title, **amounts}
    data = f"spend:{place.partner_id}:{asked.id}"
    ways = [[("partner.button.agree", f"{data}:yes")], [("partner.button.not_me", f"{data}:no")]]
    with contextlib.suppress(errors.Unavailable):  # without Redis there are no digits, and the button will do
        code = await cards.issue_code(place.partner_id, member.id)
        fields["code"] = f"{code[:3]} {code[3:]}"
    said = "partner.push.agree" if "code" in fields else "partner.push.agree_button"
    await notify.tell(conn, member.user_id, "client", said, fields, ways, once=f"{data}:ask")


async def reverse(conn: db.Connection, place: Staff, txn_id: int, *, reason: str, key: str) -> points.Receipt:
    """Take an operation back, and tell the client why; they are not asked any more how it was."""
    shop_id = place.partner_id
    done = await points.reverse(conn, shop_id, txn_id, place.user_id, reason=reason, key=key)
    if await notify.withdraw(conn, _question(shop_id, txn_id)):
        await talk.unask(conn, shop_id, txn_id)
    what = await _undone(conn, shop_id, txn_id, done)
    fields = {"title": place.title, "what": what, "reason": reason, "available": done.available}
    await _tell(conn, done, _card(shop_id, "reversed", fields))
    return done


async def _undone(conn: db.Connection, shop_id: int, txn_id: int, done: points.Receipt) -> dict[str, Any]:
    """Return what was taken back, and how many points it moved: of a part paid in points, those of the rest, too."""
    was = await points.get(conn, shop_id, txn_id)
    kind = was.kind if was.kind in ("accrue", "redeem", "service") else "gift"
    said = {"bill": was.bill_minor, "points": done.points}
    taken = await points.taken_with_rest(conn, shop_id, txn_id) if kind == "redeem" else 0
    if taken:
        return notify.spoken("partner.reversed.redeem_rest", **said, taken=taken)
    return notify.spoken(f"partner.reversed.{kind}", **said)


async def hand_over(conn: db.Connection, place: Staff, code: str) -> points.Voucher:
    """Spend a voucher for what it stands for, once, and tell the client, both or neither."""
    async with conn.transaction():
        given = await points.use_voucher(conn, place.partner_id, code, place.user_id)
        fields = {"title": place.title, "service": given.title}
        once = f"voucher:{place.partner_id}:{given.txn_id}"
        await notify.tell(conn, given.user_id, "client", "partner.push.voucher", fields, once=once)
    return given


async def tell_referrers(
    conn: db.Connection, shop: partners.Partner, receipt_id: int, *, level: int | None = None
) -> None:
    """Tell each referrer, or that of one level, once, what a purchase of somebody they invited has brought them."""
    for one in await referrals.paid(conn, shop.id, receipt_id):
        if level not in (None, one.level):
            continue
        waits = one.active_at > datetime.now(UTC)
        key = "partner.push.reward_later" if waits else "partner.push.reward"
        fields = {"title": shop.title, "points": one.points} | ({"at": notify.day(one.active_at)} if waits else {})
        ways = [[("partner.button.my_card", f"card:{shop.id}")]]
        once = f"reward:{shop.id}:{receipt_id}:{one.level}"
        await notify.tell(conn, one.user_id, "client", key, fields, ways, once=once)


@dataclass(frozen=True)
class Push:
    """The message to a client about an operation: a sentence, and the button that opens their card."""

    shop_id: int
    key: str
    fields: dict[str, object]
    ways: notify.Ways


def _card(shop_id: int, what: str, fields: dict[str, object]) -> Push:
    return Push(shop_id, f"partner.push.{what}", fields, [[("partner.button.my_card", f"card:{shop_id}")]])


async def _tell(conn: db.Connection, done: points.Receipt, push: Push) -> None:
    more = {"partner.push.repaid": {"points": done.recovered}} if done.recovered else {}
    more |= {"partner.push.owed": {"points": done.missing}} if done.missing else {}
    what = (push.key, push.fields, push.ways)
    await notify.tell(conn, done.user_id, "client", *what, once=f"receipt:{push.shop_id}:{done.txn_id}", more=more)


async def _ask_how_it_was(conn: db.Connection, place: Staff, done: points.Receipt) -> None:
    """Ask for a mark from 0 to 10, at most once in RATE_EVERY for one client of one shop, and not at night."""
    shop_id = place.partner_id
    zone = await talk.ask(conn, shop_id, done.member_id, done.txn_id, at=done.created_at, every=RATE_EVERY)
    if zone is None:
        return
    off = [("news.button.off", f"news:off:{shop_id}:rating")]
    marks = [(str(mark), f"nps:{shop_id}:{done.txn_id}:{mark}") for mark in range(11)]
    await notify.tell(
        conn,
        done.user_id,
        "client",
        "partner.push.rate",
        {"title": place.title},
        [marks[:6], marks[6:], off],
        once=_question(shop_id, done.txn_id),
        at=night.by_day(zone, done.created_at + RATE_AFTER),
        reminds={"shop": shop_id, "kind": "rating"},
    )


def _question(shop_id: int, txn_id: int) -> str:
    return f"rate:{shop_id}:{txn_id}"
