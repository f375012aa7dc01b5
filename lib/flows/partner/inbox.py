"""Clients' messages to the shop, and the answers, which come to their chat.

list -> talk with one client -> words -> sent
"""

from dataclasses import dataclass

from lib import db, errors, text
from lib.flows import when
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import members, talk
from lib.loyalty.staff import Staff
from lib.people import notify
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

SHOWN = 6
ROOM = 3600  # of a message's 4096 for what was said: the latest is always whole


@dataclass(frozen=True)
class ClientTalk:
    """The client who is being answered."""

    member: int


TALK = DraftKey("talk", ClientTalk)


async def handle(turn: Turn) -> None:
    """Show the messages, or take an answer."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    wanted, argument = screen.pressed(turn)
    if wanted == "talk":
        await _talk(turn, place, screen.number(argument))
    elif turn.came.kind == "text" and turn.state.step == "inbox:talk":
        draft = TALK.of(turn.state)
        await _answer(turn, place, draft.member if draft else 0)
    else:
        await _list(turn, place, argument)


async def _list(turn: Turn, place: Staff, argument: str) -> None:
    turn.state.step = ""
    before = screen.number(argument) or None
    found = await db.run(lambda conn: talk.messages(conn, place.partner_id, before=before, limit=11))
    rows, seen = [], set()
    for one in found[:10]:
        if one.member_id not in seen:
            seen.add(one.member_id)
            mark = "" if one.staff_id or one.read_at else "● "
            label = f"{mark}{when.clock_or_day(turn, one.created_at)} {screen.short(one.name or '…', 14)}"
            rows.append([Button(label, f"inbox:talk:{one.member_id}")])
    if len(found) > 10:
        rows.append([screen.button(turn, "partner.button.more", f"inbox:list:{found[9].id}")])
    words = turn.text("partner.inbox.list" if rows else "partner.inbox.none", title=place.title)
    await turn.show(words, [*rows, screen.home(turn)])


async def _talk(turn: Turn, place: Staff, member_id: int, note: str = "") -> None:
    """Show the last messages, oldest first; they count as read now."""
    try:
        member = await db.run(lambda conn: members.get(conn, place.partner_id, member_id))
    except errors.Missing as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn, "inbox:list")])
        return
    said = await db.run(lambda conn: talk.messages(conn, place.partner_id, member_id=member.id, limit=SHOWN))
    await db.run(lambda conn: talk.mark_read(conn, place.partner_id, member.id))
    turn.state.step = "inbox:talk"
    TALK.keep(turn.state, ClientTalk(member.id))
    lines = [
        turn.text(
            "partner.inbox.ours" if one.staff_id else "partner.inbox.theirs",
            at=when.moment(turn, one.created_at),
            words=one.words,
        )
        for one in said
    ]
    latest = text.fitting(lines, ROOM)[::-1]
    parts = [note, turn.text("partner.inbox.talk", name=member.name), *latest, turn.text("partner.inbox.ask")]
    rows = [
        [screen.button(turn, "partner.button.client", f"clients:one:{member.id}")],
        screen.home(turn, "inbox:list"),
    ]
    await turn.show(screen.paragraphs(*parts), rows)


async def _answer(turn: Turn, place: Staff, member_id: int) -> None:
    words, actor = turn.came.text.strip(), turn.state.who["id"]
    if len(words) > talk.WORDS:
        await _talk(turn, place, member_id, turn.text("partner.error.too_long", detail=talk.WORDS))
        return
    try:
        await db.run(lambda conn: reply(conn, place, member_id, actor, words))
    except errors.AppError as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn, "inbox:list")])
        return
    turn.after.append(kick.drain)
    turn.settled = True
    await _talk(turn, place, member_id, turn.text("partner.inbox.sent"))


async def reply(conn: db.Connection, place: Staff, member_id: int, actor_id: int, words: str) -> None:
    """Keep the answer and have the client told, both or neither."""
    async with conn.transaction():
        member = await members.get(conn, place.partner_id, member_id)
        number = await talk.reply(conn, place.partner_id, member_id, actor_id, words)
        fields = {"title": place.title, "words": words}
        ways = [[("partner.button.answer", f"letter:{place.partner_id}")]]
        once = f"reply:{place.partner_id}:{number}"
        await notify.tell(conn, member.user_id, "client", "partner.push.answer", fields, ways, once=once)
