"""The shop's clients: the list, the search by last digits and name, one of them with history, points by hand, a block.

list -> one -> history
list -> words -> found -> one
one  -> [points] -> number and reason by words -> sure -> [give]
one  -> [tags] -> a tag of the shop's, pressed, or a new one, typed
one  -> [block] / [admit]
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from lib import db, errors, money, text, typed
from lib.flows import when
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import counter, members, night, points, tags
from lib.loyalty.members import FoundMember, Member
from lib.loyalty.staff import Staff
from lib.people import notify
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

MOST = 1_000_000
REASON = 200
GIFT = re.compile(r"(['\"«„“]?)([1-9]\d{0,2}(?: \d{3})+(?!\S)|\S+)(?: (.*))?", re.ASCII)


@dataclass(frozen=True)
class PointsGrant:
    """Points that are given by hand: to whom, how many, and why."""

    member: int
    points: int = 0
    reason: str = ""


GRANT = DraftKey("grant", PointsGrant)


async def handle(turn: Turn) -> None:
    """Answer a button, or search for what was typed."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    wanted, argument = screen.pressed(turn)
    if turn.came.kind == "text" and turn.state.step == "clients:points":
        await _sure(turn, place)
    elif turn.came.kind == "text" and turn.state.step.startswith("clients:tags:"):
        await _tag(turn, place, f"{turn.state.step.removeprefix('clients:tags:')}:{turn.came.text}")
    elif turn.came.kind == "text":
        await _found(turn, place, turn.came.text.strip(), 0)
    else:
        await SCREENS.get(wanted, _list)(turn, place, argument)


def _line(turn: Turn, one: FoundMember) -> str:
    return f"{screen.short(one.name or '…', 12)} ··{one.phone_tail} · {text.number(turn.language, one.available)}"


async def _list(turn: Turn, place: Staff, argument: str) -> None:
    turn.state.step = "clients:list"
    before = screen.number(argument) or None
    await night.catch_up(place.partner_id, batches=3)
    found = await db.run(lambda conn: members.list_all(conn, place.partner_id, before=before, limit=11))
    rows = [[Button(_line(turn, one), f"clients:one:{one.id}")] for one in found[:10]]
    if len(found) > 10:
        rows.append([screen.button(turn, "partner.button.more", f"clients:list:{found[9].id}")])
    if not before:
        rows.append([screen.button(turn, "partner.button.poster", "figures:poster", style="" if found else "primary")])
    if place.role == "owner":
        rows.append([screen.button(turn, "partner.button.release", "release:ask")])
    words = turn.text("partner.clients.list" if found else "partner.clients.none", title=place.title)
    await turn.show(words, [*rows, screen.home(turn)])


async def _found(turn: Turn, place: Staff, words: str, after: int) -> None:
    """Show a page of what was found; the words stay in the conversation for the next page."""
    turn.state.step = "clients:list"
    try:
        found = await db.run(lambda conn: counter.search(conn, place.partner_id, words, after=after, limit=11))
    except errors.Invalid as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn, "clients:list")])
        return
    turn.state.data["sought"] = words[:60]
    rows = [[Button(_line(turn, one), f"clients:one:{one.id}")] for one in found[:10]]
    if len(found) > 10 and any(sign.isdecimal() for sign in words):
        rows.append([screen.button(turn, "partner.button.more", f"clients:found:{found[9].id}")])
    key = "partner.clients.found" if found else "partner.clients.nobody"
    await turn.show(turn.text(key, words=words[:60]), [*rows, screen.home(turn, "clients:list")])


async def _more_found(turn: Turn, place: Staff, argument: str) -> None:
    await _found(turn, place, turn.state.data.get("sought", ""), screen.number(argument))


async def _who(turn: Turn, place: Staff, argument: str) -> Member | None:
    try:
        return await db.run(lambda conn: _as_of_now(conn, place, screen.number(argument)))
    except errors.Missing as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn, "clients:list")])
        return None


async def _as_of_now(conn: db.Connection, place: Staff, member_id: int) -> Member:
    return await members.as_of_now(conn, await members.get(conn, place.partner_id, member_id))


async def _one(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    one = await _who(turn, place, argument)
    if one is None:
        return
    turn.state.step = "clients:list"
    never = turn.text("partner.clients.never")
    words = turn.text(
        "partner.clients.one",
        name=one.name,
        tail=one.phone_tail,
        card=one.card_no,
        available=one.available,
        pending=turn.text("partner.till.pending", points=one.pending) if one.pending else "",
        tier=turn.text("partner.till.tier", tier=one.tier) if one.tier else "",
        visits=one.visits,
        spent=one.spent_minor,
        joined=when.moment(turn, one.joined_at),
        last=when.moment(turn, one.last_visit_at) if one.last_visit_at else never,
    )
    tagged = turn.text("partner.clients.tagged", tags=", ".join(one.tags)) if one.tags else ""
    owed = turn.text("partner.clients.owed", points=one.owed) if one.owed else ""
    blocked = turn.text("partner.clients.blocked") if one.blocked_at else ""
    verb = "admit" if one.blocked_at else "block"
    rows = [
        [screen.button(turn, "partner.button.serve", f"till:client:{one.id}", style="primary")],
        [
            screen.button(turn, "partner.button.history", f"clients:history:{one.id}"),
            screen.button(turn, "partner.button.grant", f"clients:points:{one.id}"),
        ],
        [
            screen.button(turn, "partner.button.tags", f"clients:tags:{one.id}"),
            screen.button(turn, f"partner.button.{verb}", f"clients:{verb}:{one.id}"),
        ],
        screen.home(turn, "clients:list"),
    ]
    await turn.show(screen.paragraphs(note, words, tagged, owed, blocked), rows)


async def _tags(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    """Show the shop's tags, this client's ticked; a press gives one or takes it off, and words make a new one."""
    one = await _who(turn, place, argument)
    if one is None:
        return
    turn.state.step = f"clients:tags:{one.id}"
    every = await db.run(lambda conn: tags.of_shop(conn, place.partner_id))
    rows = screen.in_rows(
        [
            Button(f"{'✅ ' if tag in one.tags else ''}{tag}", screen.fitted(f"clients:tag:{one.id}:", tag))
            for tag in every
        ]
    )
    words = turn.text("partner.clients.tags", name=one.name)
    await turn.show(screen.paragraphs(note, words), [*rows, screen.home(turn, f"clients:one:{one.id}")])


async def _tag(turn: Turn, place: Staff, argument: str) -> None:
    member, _, tag = argument.partition(":")
    ids = place.partner_id, turn.state.who["id"], screen.number(member)
    try:
        if turn.came.kind == "press":
            tag = screen.whole(tag, await db.run(lambda conn: tags.of_shop(conn, place.partner_id)))
        await db.run(lambda conn: tags.switch(conn, *ids, tag))
    except (errors.Invalid, errors.Conflict) as error:
        await _tags(turn, place, member, workplace.refusal(turn, error))
        return
    except (errors.Missing, errors.Denied) as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn, "clients:list")])
        return
    await _tags(turn, place, member)


async def _history(turn: Turn, place: Staff, argument: str) -> None:
    member, _, page = argument.partition(":")
    one = await _who(turn, place, member)
    if one is None:
        return
    before = screen.number(page) or None
    found = await db.run(lambda conn: points.member_history(conn, place.partner_id, one.id, before=before, limit=11))
    lines = [
        turn.text(
            "partner.clients.operation",
            at=when.moment(turn, row.created_at),
            kind=turn.text(f"partner.kind.{row.kind}"),
            sign=turn.text(f"partner.undo.sign.{row.kind}", points=row.points),
            bill=turn.text("partner.clients.bill", bill=row.bill_minor) if row.bill_minor else "",
            after=row.available_after,
        )
        for row in found[:10]
    ]
    rows = []
    if len(found) > 10:
        rows.append([screen.button(turn, "partner.button.more", f"clients:history:{one.id}:{found[9].id}")])
    head = turn.text("partner.clients.history" if lines else "partner.clients.no_history", name=one.name)
    words = screen.paragraphs(head, *lines)
    await turn.show(words, [*rows, screen.home(turn, f"clients:one:{one.id}")])


async def _block(turn: Turn, place: Staff, argument: str, *, blocked: bool = True) -> None:
    actor, member = turn.state.who["id"], screen.number(argument)
    try:
        await db.run(lambda conn: members.block(conn, place.partner_id, actor, member, blocked=blocked))
    except errors.AppError as error:
        await _one(turn, place, argument, workplace.refusal(turn, error))
        return
    await _one(turn, place, argument)


async def _admit(turn: Turn, place: Staff, argument: str) -> None:
    await _block(turn, place, argument, blocked=False)


async def _points(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    one = await _who(turn, place, argument)
    if one is None:
        return
    turn.state.step = "clients:points"
    GRANT.keep(turn.state, PointsGrant(one.id))
    words = turn.text("partner.clients.points", name=one.name)
    rows = [screen.home(turn, f"clients:one:{one.id}")]
    await turn.show(screen.paragraphs(note, words), rows)


def gift(words: str) -> tuple[str, str]:
    """Return the number that a line begins with, its thousands apart or not, and the rest, which is the reason."""
    found = GIFT.fullmatch(" ".join(typed.visible(words).split()))
    reason = found[3] or "" if found else ""
    return (found[2], reason[:-1] if found[1] and reason[-1:] in "'\"»“”" else reason) if found else ("", "")


async def _sure(turn: Turn, place: Staff) -> None:
    """Read "100 за ожидание" or "1 000 за ожидание": the number, then the reason, which must be there."""
    member = str((GRANT.of(turn.state) or PointsGrant(0)).member)
    number, reason = gift(turn.came.text)
    try:
        given = money.parse_points(number, limit=MOST)
        if len(reason.strip()) < 2:
            raise errors.Invalid("reason_missing")
        if len(reason) > REASON:
            raise errors.Invalid("too_long", str(REASON))
    except errors.Invalid as error:
        await _points(turn, place, member, workplace.refusal(turn, error))
        return
    one = await _who(turn, place, member)
    if one is None:
        return
    turn.state.step = "clients:sure"
    GRANT.keep(turn.state, PointsGrant(one.id, given, reason))
    words = turn.text("partner.clients.sure", name=one.name, points=given, reason=reason)
    give = screen.button(turn, "partner.button.accrue", "clients:give", style="success", points=given)
    await turn.show(words, [[give], screen.home(turn, f"clients:points:{one.id}")])


async def _give(turn: Turn, place: Staff, _: str) -> None:
    asked, actor = GRANT.of(turn.state), turn.state.who["id"]
    if asked is None or not asked.points or not turn.on_screen or turn.state.step != "clients:sure":
        await screen.refuse_old_button(turn)
        await _list(turn, place, "")
        return
    key = f"grant:{turn.chat.bot}:{turn.chat.id}:{turn.came.message_id}"
    given, reason = asked.points, asked.reason
    try:
        done = await db.run(
            lambda conn: points.grant(conn, place.partner_id, asked.member, actor, points=given, reason=reason, key=key)
        )
    except errors.AppError as error:
        await _one(turn, place, str(asked.member), workplace.refusal(turn, error))
        return
    fields = {"title": place.title, "points": done.points, "reason": reason, "available": done.available}
    ways = [[("partner.button.my_card", f"card:{place.partner_id}")]]
    once = f"receipt:{place.partner_id}:{done.txn_id}"
    await db.run(
        lambda conn: notify.tell(conn, done.user_id, "client", "partner.push.granted", fields, ways, once=once)
    )
    turn.after.append(kick.drain)
    turn.settled = True
    rows = [screen.home(turn, f"clients:one:{asked.member}")]
    await turn.show(turn.text("partner.clients.given", points=done.points, available=done.available), rows)
    turn.state.step = ""
    turn.state.data = {"shop": place.partner_id, "screen": turn.state.data["screen"]}


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "list": _list,
    "found": _more_found,
    "one": _one,
    "history": _history,
    "block": _block,
    "admit": _admit,
    "points": _points,
    "tags": _tags,
    "tag": _tag,
    "give": _give,
}
