"""Shows in one message of its author's chat how far a broadcast is, each few seconds, until it stops or ends.

An author who has gone on to something else in that message keeps what they see, and hears of the end in another one.
"""

from datetime import timedelta

from lib import config, db, errors, log, retry
from lib.jobs.run import Run
from lib.loyalty import staff
from lib.people import users
from lib.people.users import User
from lib.reach import broadcasts, promises, results
from lib.reach.broadcasts import Broadcast
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=5))
LEASE = timedelta(seconds=30)
EVERY = timedelta(seconds=5)
ASLEEP = timedelta(hours=1)  # at night nothing is sent, and a look each few seconds would only keep the database awake


async def run(run: Run) -> None:
    """Rewrite the message once; while the broadcast runs, look again, rarely while all its readers sleep."""
    ids = run.job.args["partner"], run.job.args["broadcast"]
    one = await db.run(lambda conn: broadcasts.get(conn, *ids))
    author = await db.run(lambda conn: _author(conn, one))
    if one.round != run.job.args["round"] or one.progress_id is None or author is None:
        return
    report = await db.run(lambda conn: results.report(conn, one))
    chat = Chat("partner" if one.partner_id else "admin", author.tg_id)
    words, rows = results.shown(one, report, author.language)
    asked = {"bot": chat.bot, "message_id": one.progress_id, "awaits": promises.of_broadcast(one.id), "at": 0.0}
    try:
        if not await promises.has_gone_on(asked, chat.id):
            await chat.edit(one.progress_id, words, rows)
        elif one.state != "running":
            await chat.say(words, rows)
    except errors.Blocked:
        log.note(blocked=True)
        return
    if one.state == "running":
        await run.wait(min(report.next_at, run.now + ASLEEP) if report.next_at else run.now + EVERY)


async def _author(conn: db.Connection, one: Broadcast) -> User | None:
    """Return who made it, as long as they may see it: a manager of the shop, or an administrator."""
    if one.partner_id:
        return await staff.manager(conn, one.partner_id, one.created_by)
    author = await users.get_user(conn, one.created_by)
    return author if author and author.tg_id in config.get().admin_ids else None
