"""A question to a shop in the client's own words, answered from its menu.

ask:<shop> -> words -> the answer, kept with the question in their talk; /new begins another talk
"""

from dataclasses import dataclass

from lib import clock, db, errors, text
from lib.assistant import below, handover, keyless, talks
from lib.assistant.talks import HeardLine
from lib.flows.client import staffed, visitor
from lib.loyalty import partners
from lib.menu import versions
from lib.menu.versions import OpenShop
from lib.telegram import screen
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey


@dataclass(frozen=True)
class MenuTalk:
    """The shop whose menu is being asked about."""

    shop: int


TALK = DraftKey("menu_talk", MenuTalk)


async def handle(turn: Turn) -> None:
    """Open the talk, answer what was written, or begin anew."""
    talk = TALK.of(turn.state)
    if turn.came.kind == "press":
        await _open(turn, screen.number(screen.parts(turn)[0]))
    elif turn.came.command == "new":
        await _anew(turn, talk)
    elif turn.came.kind == "text" and talk:
        await _answer(turn, talk.shop)
    else:
        await _open(turn, talk.shop if talk else 0, turn.text("client.words_only"))


async def _anew(turn: Turn, talk: MenuTalk | None) -> None:
    """Forget what was said in the talk, which ends here."""
    if talk is None:
        await turn.show(turn.text("client.ask.no_talk"), [screen.home(turn)])
        return
    user_id, now = turn.state.who["id"], clock.now()
    await db.run(lambda conn: talks.close(conn, talk.shop, user_id, at=now))
    await _open(turn, talk.shop, turn.text("client.ask.anew"))


async def _open(turn: Turn, shop: int, note: str = "") -> None:
    partner = await db.run(lambda conn: versions.open_shop(conn, shop))
    if partner is None:
        await _closed(turn, shop)
        return
    user_id = turn.state.who["id"]
    talk = await db.run(lambda conn: talks.open_of(conn, shop, user_id))
    items = (await versions.index(partner)).items if partner.menu_version else ()
    staffs = talk is not None and talk.state == "person"
    turn.state.step = "ask:words" if items or staffs else ""
    TALK.keep(turn.state, MenuTalk(shop))
    if staffs:
        words = screen.paragraphs(note, turn.text("talk.with_person", title=partner.title))
        await turn.show(words, [*staffed.back(turn, shop), screen.home(turn, f"shop:{shop}")])
        return
    if items:
        sections = dict.fromkeys(one.category for one in items if one.category)
        shelves = turn.text("client.ask.sections", names=", ".join(sections)) if sections else ""
        words = screen.paragraphs(note, turn.text("client.ask.open", title=partner.title), shelves)
    else:
        words = turn.text("client.ask.no_menu", title=partner.title)
    await turn.show(words, [screen.home(turn, f"shop:{shop}")])


async def _closed(turn: Turn, shop: int) -> None:
    """Say that a shop does not answer now."""
    turn.state.step = ""
    try:
        words = visitor.closed(turn, await db.run(lambda conn: partners.get(conn, shop)))
    except errors.Missing:
        words = turn.text("client.error.no_partner", title="", detail="")
    await turn.show(words, [screen.home(turn)])


async def _answer(turn: Turn, shop: int) -> None:
    """Keep the question and answer it; while a person of the staff answers, the question is theirs."""
    user_id, once = turn.state.who["id"], f"update:{turn.came.update_id}"
    heard = await db.run(lambda conn: talks.hear(conn, shop, user_id, turn.came.text, once=once, at=clock.now()))
    if heard is None:
        await _closed(turn, shop)
    elif heard.state == "person":
        await staffed.pass_on(turn, heard)
    elif not (why := handover.wanted(turn.came.text)) or not await staffed.call(turn, _shop(heard), heard.talk_id, why):
        await _answer_from_menu(turn, heard)


def _shop(heard: HeardLine) -> OpenShop:
    named = (heard.title, heard.city, heard.address, heard.contact)
    return OpenShop(heard.id, *named, heard.menu_version, heard.tz, heard.hours)


async def _answer_from_menu(turn: Turn, heard: HeardLine) -> None:
    partner = _shop(heard)
    index = await versions.index(partner)
    reply = keyless.reply(turn.language, partner, index, turn.came.text)
    rows = below.keyboard(turn.language, partner, index, reply.items, heard.talk_id, heard.run_no)
    await turn.show(reply.words, rows)
    words, ids, now = text.plain(reply.words), (partner.id, heard.talk_id, heard.run_no), clock.now()
    await db.run(lambda conn: talks.answer(conn, *ids, words, at=now, missed=reply.missed))
    if reply.missed:
        await staffed.call_if_lost(turn, partner, heard.talk_id)
