"""Writes down what a client said in a voice message to a shop, shows it to them, and has it answered like typed words.

What was understood is data like any other words. Where it cannot be written down the client reads that. What becomes of
the words is said, as it is of typed ones: a person has them or was called, a worker answers, or the menu does.
"""

from datetime import timedelta

from lib import clock, db, errors, log, retry, text
from lib.assistant import atonce, below, handover, keyless, talks
from lib.assistant.talks import HeardLine
from lib.jobs import kick
from lib.jobs.run import Run
from lib.menu import versions
from lib.people import profiles
from lib.providers import openai
from lib.telegram import client
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=1), cap=timedelta(seconds=5), max_attempts=3)
LEASE = timedelta(seconds=90)


async def run(run: Run) -> None:
    """Write it down and ask; nothing is asked twice, as the line has the update's key."""
    order, user_id = run.job.args, run.job.user_id or 0
    person = await profiles.by_id(user_id)
    if person is None or person.tg_id <= 0:
        return
    chat = Chat(order["bot"], person.tg_id)
    try:
        words = await _words(order["bot"], order["file_id"], person.language)
        if not words:
            await chat.say(text.say(person.language, "client.ask.voice_lost"))
            return
        if not run.checkpoint.get("told"):
            await chat.say(text.say(person.language, "client.ask.voice_said", words=words[:1000]))
            await run.save(told=True)
        why = handover.wanted(words)
        queue = None if why else {"bot": order["bot"]}
        ids, once, at = (order["partner_id"], user_id), f"update:{order['update_id']}", clock.now()
        heard = await db.run(lambda conn: talks.hear(conn, *ids, words, once=once, at=at, queue=queue))
        if heard is not None:
            await _answered(chat, person.language, heard, words, why)
    except errors.Blocked:
        log.note(blocked=True)


async def _words(bot: str, file_id: str, language: str) -> str:
    """Return what was said; "" when it cannot be told."""
    try:
        return (await openai.transcribe(await client.download(bot, file_id), language)).strip()
    except errors.Rejected as refusal:
        log.event("voice_not_written", error=str(refusal)[:200])
        return ""


async def _answered(chat: Chat, language: str, heard: HeardLine, words: str, why: str) -> None:
    """Bring the words to the staff where a person answers or is wanted; else a worker answers, or the menu."""
    shop, now = atonce.shop(heard), clock.now()
    if heard.state == "person":
        await db.run(lambda conn: handover.pass_on(conn, heard.id, heard.talk_id, heard.line_id, words))
        if heard.taken_by is None:
            await chat.say(text.say(language, "talk.passed_on"), handover.back(language, shop.id))
    elif why and await _called(heard, why):
        await chat.say(handover.sentence(language, shop, now), handover.back(language, shop.id))
    elif not heard.asked:
        await _by_menu(chat, language, heard, words)
    await kick.drain()


async def _called(heard: HeardLine, why: str) -> bool:
    return await db.run(lambda conn: handover.call(conn, heard.id, heard.talk_id, why, at=clock.now()))


async def _by_menu(chat: Chat, language: str, heard: HeardLine, words: str) -> None:
    """Answer from the menu: the assistant is off, or nobody may be called."""
    shop, now = atonce.shop(heard), clock.now()
    index = await versions.index(shop)
    reply = keyless.reply(language, shop, index, words)
    ids, said = (heard.id, heard.talk_id, heard.run_no), text.plain(reply.words)
    await db.run(lambda conn: talks.answer(conn, *ids, said, at=now, missed=reply.missed))
    await chat.say(reply.words, below.keyboard(language, shop, index, reply.items, heard.talk_id, heard.run_no))
    if reply.missed and await db.run(lambda conn: handover.call_if_lost(conn, heard.id, heard.talk_id, at=now)):
        await chat.say(handover.sentence(language, shop, now), handover.back(language, shop.id))
