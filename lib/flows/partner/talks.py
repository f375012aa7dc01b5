"""Clients' talks that a person was called into: who waits, what was said, the answers in the shop's name.

talks:list[:<microseconds>:<talk>]
talks:take:<shop>:<talk> -> words or a photo -> the client has them    talks:back:<shop>:<talk>

The first to take a talk has it; the others read who does.
"""

from dataclasses import dataclass

from lib import clock, db, errors, text
from lib.assistant import handover, talks
from lib.assistant.talks import Talk, WaitingTalk
from lib.flows import when
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty.partners import PAGE
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

SHOWN = 8
ROOM = 3200  # of a message's 4096 for what was said: the latest is always whole
WORDS = 3000


@dataclass(frozen=True)
class TakenTalk:
    """The talk that is being answered."""

    shop: int
    talk: int


TALK = DraftKey("taken_talk", TakenTalk)


async def handle(turn: Turn) -> None:
    """Show who waits, take a talk, answer in it, or give it back."""
    what, first, second = screen.parts(turn)
    after = when.cursor(first, second) if what == "list" else None
    taken = TALK.of(turn.state) if turn.state.step == "talks:reply" else None
    shop = screen.number(first) if what in ("take", "back") else taken.shop if taken and not what else 0
    if shop:
        turn.state.data["shop"] = shop  # the message may be of another shop than the one chosen last
    place = await workplace.at_work(turn)
    if place is None:
        return
    try:
        if shop and place.partner_id != shop:
            raise errors.Missing("no_talk")
        await _act(turn, place, what, screen.number(second), taken, after)
    except errors.Missing:
        await screen.refuse_old_button(turn)
        await _list(turn, place, turn.text("talk.over") if taken and not what else "")  # its client is gone


async def _act(
    turn: Turn, place: Staff, what: str, number: int, taken: TakenTalk | None, after: when.PageCursor | None
) -> None:
    if what == "take":
        await _take(turn, place, number)
    elif what == "back":
        await _back(turn, place, number)
    elif taken and not what and turn.came.kind in ("text", "photo"):
        await _reply(turn, place, taken.talk)
    else:
        await _list(turn, place, turn.text("talk.use_words") if taken and not what else "", after)


async def _list(turn: Turn, place: Staff, note: str = "", after: when.PageCursor | None = None) -> None:
    """Show those who wait, those that have waited longest first; `after` is the last of the page before."""
    turn.state.step = ""
    now = clock.now()
    found = await db.run(lambda conn: talks.with_people(conn, place.partner_id, at=now, after=after, limit=PAGE + 1))
    rows = [[_entry(turn, one)] for one in found[:PAGE]]
    if len(found) > PAGE:
        onward = when.onward(found[PAGE - 1].person_until, found[PAGE - 1].id)
        rows.append([screen.button(turn, "partner.button.more", f"talks:list:{onward}")])
    words = turn.text("talk.list" if found else "talk.none", title=place.title)
    await turn.show(screen.paragraphs(note, words), [*rows, screen.home(turn)])


def _entry(turn: Turn, one: WaitingTalk) -> Button:
    who = screen.short(one.name or "…", 16)
    label = (
        f"{who} · {screen.short(one.taker, 12)}" if one.taker else f"● {who} · {when.clock_or_day(turn, one.last_at)}"
    )
    return Button(label, f"talks:take:{one.partner_id}:{one.id}")


async def _take(turn: Turn, place: Staff, number: int) -> None:
    """Take it, or say who has it or that it is over."""
    actor, now = turn.state.who["id"], clock.now()
    talk = await db.run(lambda conn: talks.get(conn, place.partner_id, number))
    mine = await db.run(lambda conn: talks.take(conn, place.partner_id, number, actor, at=now))
    if mine:
        await _show(turn, talk)
    elif talk.state == "person" and talk.closed_at is None:
        taker = await db.run(lambda conn: talks.taker(conn, place.partner_id, number))
        await turn.answer(turn.text("talk.taken", who=taker), alert=True)
        await _list(turn, place)
    else:
        await turn.answer(turn.text("talk.over"), alert=True)
        await _list(turn, place)


async def _show(turn: Turn, talk: Talk, note: str = "") -> None:
    turn.state.step = "talks:reply"
    TALK.keep(turn.state, TakenTalk(talk.partner_id, talk.id))
    said = await db.run(lambda conn: talks.lines(conn, talk.partner_id, talk.id, limit=SHOWN))
    lines = [
        turn.text(f"talk.line.{one.role}", words=text.beginning(one.words, 1000)) for one in said if one.role != "note"
    ]
    latest = text.fitting(lines[::-1], ROOM)[::-1]
    back = [screen.button(turn, "talk.button.give_back", f"talks:back:{talk.partner_id}:{talk.id}")]
    words = screen.paragraphs(note, *latest, turn.text("talk.reply"))
    await turn.show(words, [back, screen.home(turn, "talks:list")])


async def _reply(turn: Turn, place: Staff, number: int) -> None:
    """Send words or a photo; who has lost the talk meanwhile reads so, and nothing is sent."""
    words, file = turn.came.text.strip(), turn.came.attachment
    actor, now, once = turn.state.who["id"], clock.now(), f"update:{turn.came.update_id}"
    talk = await db.run(lambda conn: talks.get(conn, place.partner_id, number))
    if len(words) > (900 if file else WORDS):
        await _show(turn, talk, turn.text("partner.error.too_long", detail=900 if file else WORDS))
        return
    photo = file.file_id if file else ""
    if not await db.run(lambda conn: handover.reply(conn, talk, actor, words, once=once, at=now, photo=photo)):
        turn.state.step = ""
        await turn.show(turn.text("talk.over"), [screen.home(turn, "talks:list")])
        return
    turn.settled = True
    turn.after.append(kick.drain)
    await _show(turn, talk, turn.text("talk.sent"))


async def _back(turn: Turn, place: Staff, number: int) -> None:
    turn.state.step = ""
    now = clock.now()
    talk = await db.run(lambda conn: talks.get(conn, place.partner_id, number))
    given = await db.run(lambda conn: handover.give_back(conn, talk, at=now))
    if given:
        turn.after.append(kick.drain)
    await turn.answer(turn.text("talk.given_back" if given else "talk.over"))
    await _list(turn, place)
