"""Writes down what a client said in a voice message to a shop, shows it to them, and has it answered like typed words.

What was understood is data like any other words. Where it cannot be written down the client reads that.
"""

from datetime import timedelta

from lib import clock, db, errors, log, retry, text
from lib.assistant import handover, talks
from lib.assistant.talks import HeardLine
from lib.jobs import kick
from lib.jobs.run import Run
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
            await _passed_on(heard, words, why)
    except errors.Blocked:
        log.note(blocked=True)


async def _words(bot: str, file_id: str, language: str) -> str:
    """Return what was said; "" when it cannot be told."""
    try:
        return (await openai.transcribe(await client.download(bot, file_id), language)).strip()
    except errors.Rejected as refusal:
        log.event("voice_not_written", error=str(refusal)[:200])
        return ""


async def _passed_on(heard: HeardLine, words: str, why: str) -> None:
    """Bring the words to the staff where a person answers, or is wanted; the worker that answers is told otherwise."""
    if heard.state == "person":
        await db.run(lambda conn: handover.pass_on(conn, heard.id, heard.talk_id, heard.line_id, words))
    elif why:
        await db.run(lambda conn: handover.call(conn, heard.id, heard.talk_id, why, at=clock.now()))
    await kick.drain()
