"""A question to a shop in the client's own words, answered from its menu.

ask:<shop> -> words -> the answer, kept with the question in their talk; /new begins another talk

Without a model the menu answers at once. With one the question is queued, and a worker answers it into the chat; what
is asked meanwhile is answered together with it. The client stops an answer by the draft's button, /stop or the word.
"""

import re
from datetime import timedelta

from lib import cache, clock, config, db, errors, limits, text
from lib.assistant import atonce, below, handover, keyless, talks
from lib.assistant.keyless import MenuReply
from lib.assistant.talks import HeardLine
from lib.flows.client import staffed, talking, visitor
from lib.flows.client.talking import TALK, MenuTalk
from lib.jobs import kick, table
from lib.jobs.table import NewJob
from lib.loyalty import partners
from lib.menu import versions
from lib.menu.index import Index
from lib.menu.versions import OpenShop
from lib.telegram import screen
from lib.telegram.dispatch import Turn

VOICES = limits.Limit("voice", 3, timedelta(minutes=1))
LONGEST, VOICE_BYTES = 60, 2_000_000  # seconds, and what they may take
STOP = re.compile(r"\W*(?:стоп|хватит|остановись|stop|enough)\W*", re.IGNORECASE)


async def handle(turn: Turn) -> None:
    """Open the talk, answer what was written, or begin afresh."""
    talk = TALK.of(turn.state)
    if turn.came.kind == "press":
        await _enter(turn, screen.number(screen.parts(turn)[0]))
    elif turn.came.command == "new":
        await _afresh(turn, talk)
    elif _asks_to_stop(turn, talk):
        await _stop(turn, talk)
    elif turn.came.kind == "text" and talk:
        await _answer(turn, talk, turn.came.text)
    elif turn.came.kind == "voice" and talk:
        await _hear(turn, talk.shop)
    elif turn.came.kind == "photo" and talk:
        await _look(turn, talk.shop)
    else:
        await _open(turn, talk.shop if talk else 0, turn.text("client.words_only"))


def _asks_to_stop(turn: Turn, talk: MenuTalk | None) -> bool:
    if turn.came.kind == "text":
        return bool(talk and talk.line and STOP.fullmatch(turn.came.text))
    return turn.came.command == "stop" or turn.came.kind == "stopped"


async def _afresh(turn: Turn, talk: MenuTalk | None) -> None:
    """Forget what was said in the talk, which ends here."""
    if talk is None:
        await turn.show(turn.text("client.ask.no_talk"), [screen.home(turn)])
        return
    user_id, now = turn.state.who["id"], clock.now()
    if await db.run(lambda conn: handover.leave(conn, talk.shop, user_id, at=now)):
        turn.after.append(kick.drain)
    _let_end(talk, "next")
    await _open(turn, talk.shop, turn.text("client.ask.afresh"))


async def _enter(turn: Turn, shop: int) -> None:
    """Open a shop's talk; what was asked at home, of nobody, is answered at once."""
    if not (words := str(turn.state.data.pop(visitor.ASKED, ""))):
        await _open(turn, shop)
        return
    turn.state.step, talk = "ask:words", MenuTalk(shop)
    TALK.keep(turn.state, talk)
    await _answer(turn, talk, words)


async def _open(turn: Turn, shop: int, note: str = "") -> None:
    partner = await db.run(lambda conn: versions.open_shop(conn, shop))
    if partner is None:
        await _closed(turn, shop)
        return
    user_id = turn.state.who["id"]
    talk = await db.run(lambda conn: talks.open_of(conn, shop, user_id))
    items = (await versions.index(partner)).items if partner.menu_version else ()
    staffs = talk is not None and talk.person_until is not None and talk.person_until > clock.now()
    talking.listen(turn, shop)
    turn.state.step = turn.state.step if items or staffs else ""
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


async def _stop(turn: Turn, talk: MenuTalk | None) -> None:
    """Have the worker end the answer that it is writing; what was shown becomes the answer."""
    line = screen.number(turn.came.text) if turn.came.kind == "stopped" else talk.line if talk else 0
    if line:
        cache.ride([talks.ended(line, "stop")])
    if turn.came.kind != "stopped":
        await turn.chat.say(turn.text("client.ask.stopping" if line else "client.ask.nothing_to_stop"))


async def _hear(turn: Turn, shop: int) -> None:
    """Have a voice message written down, where that is possible."""
    settings, voice = config.get(), turn.came.voice
    if not (settings.openai_api_key and settings.openai_transcribe_model and voice):
        await _say_no(turn, shop, "client.ask.no_voice")
    elif turn.came.seconds > LONGEST or voice.size > VOICE_BYTES:
        await _say_no(turn, shop, "client.ask.voice_long")
    elif await limits.wait(turn.chat.id, VOICES):
        await _say_no(turn, shop, "client.ask.voice_often")
    else:
        update = {"update_id": turn.came.update_id, "bot": turn.chat.bot}
        job = NewJob(
            turn.state.who["id"],
            f"voice:{turn.chat.bot}:{turn.came.update_id}",
            {**update, "partner_id": shop, "file_id": voice.file_id},
        )
        await db.run(lambda conn: table.create_free_jobs(conn, "voice", [job], priority=50, max_attempts=3))
        turn.after.append(kick.drain)
        await turn.chat.act()


async def _look(turn: Turn, shop: int) -> None:
    """Show a photo to the person of the staff who answers; the assistant sees none."""
    user_id, once = turn.state.who["id"], f"update:{turn.came.update_id}"
    talk = await db.run(lambda conn: talks.open_of(conn, shop, user_id))
    words, heard = turn.came.text.strip() or "📷", None
    if talk and talk.state == "person":
        heard = await db.run(lambda conn: talks.hear(conn, shop, user_id, words, once=once, at=clock.now()))
    if heard and heard.state == "person":
        await staffed.pass_on(turn, heard, turn.came.text)
    else:
        await _say_no(turn, shop, "client.ask.no_photo")


async def _say_no(turn: Turn, shop: int, key: str) -> None:
    write = screen.button(turn, "client.button.write", f"letter:{shop}")
    await turn.show(turn.text(key), [[write], screen.home(turn, f"shop:{shop}")])


def _let_end(talk: MenuTalk, why: str) -> None:
    """Tell a worker that writes an answer why nobody wants it any more; it goes with the end of the turn."""
    if talk.line:
        cache.ride([talks.ended(talk.line, why)])


async def _answer(turn: Turn, talk: MenuTalk, said: str) -> None:
    """Keep the question and answer it; while a person of the staff answers, the question is theirs."""
    user_id, once = turn.state.who["id"], f"update:{turn.came.update_id}"
    why = handover.wanted(said)
    queue = {"bot": turn.chat.bot} if config.get().openai_api_key and not why else None
    ready = None if queue or why else atonce.ready(turn.language, talk.shop, said)
    answer = ready.answer if ready else None
    heard = await db.run(
        lambda conn: talks.hear(conn, talk.shop, user_id, said, once=once, at=clock.now(), queue=queue, ready=answer)
    )
    if heard is None:
        await _closed(turn, talk.shop)
    elif heard.state == "person":
        await staffed.pass_on(turn, heard, said)
    elif heard.asked:
        await _answer_later(turn, talk, heard)
    elif ready and heard.misses is not None:
        await _show(turn, heard, ready.reply, ready.index, lost=heard.misses >= handover.MISSES)
    elif not why or not await staffed.call(turn, _shop(heard), heard.talk_id, why):
        await _answer_from_menu(turn, heard, said)


async def _answer_later(turn: Turn, talk: MenuTalk, heard: HeardLine) -> None:
    """Show that an answer is being written, and wake the worker that writes it."""
    if heard.is_new:
        _let_end(talk, "next")
    TALK.keep(turn.state, MenuTalk(talk.shop, heard.line_id))
    turn.after.append(kick.drain)
    if not await turn.chat.draft(heard.line_id, ""):
        await turn.chat.act()


def _shop(heard: HeardLine) -> OpenShop:
    return atonce.shop(heard)


async def _answer_from_menu(turn: Turn, heard: HeardLine, said: str) -> None:
    partner = _shop(heard)
    index = await versions.index(partner)
    atonce.saw(heard)
    reply = keyless.reply(turn.language, partner, index, said)
    words, ids, now = text.plain(reply.words), (partner.id, heard.talk_id, heard.run_no), clock.now()
    await db.run(lambda conn: talks.answer(conn, *ids, words, at=now, missed=reply.missed))
    await _show(turn, heard, reply, index, lost=reply.missed)


async def _show(turn: Turn, heard: HeardLine, reply: MenuReply, index: Index, *, lost: bool) -> None:
    """Show the menu's answer; `lost`: it may be one too many of no use, so that a person is called."""
    partner = _shop(heard)
    await turn.show(
        reply.words, below.keyboard(turn.language, partner, index, reply.items, heard.talk_id, heard.run_no)
    )
    if lost:
        await staffed.call_if_lost(turn, partner, heard.talk_id)
