"""The text for a finished card's page on a marketplace: free, by rules at once, by a model where there is a key."""

from datetime import timedelta

from lib import config, db, errors, limits
from lib.jobs import kick, table
from lib.jobs.table import Job
from lib.studio import listing
from lib.telegram import screen
from lib.telegram.dispatch import Turn

WRITTEN = limits.Limit("listing", 20, timedelta(hours=1))


async def show(turn: Turn, job: Job, _: str) -> None:
    """Show the text, or have it written into a message that says so."""
    title, benefits = str(job.args.get("title") or ""), [str(one) for one in job.args.get("benefits") or ()]
    found = listing.by_rules(title, benefits) if title else []
    if not found:
        await turn.answer(turn.text("studio.listing.none"), alert=True)
    elif config.get().openai_api_key and not await limits.wait(turn.chat.id, WRITTEN):
        await _have_written(turn, job)
    else:
        await turn.answer()
        await turn.chat.say(listing.said(turn.language, found), [screen.home(turn, f"history:open:{job.id}")])


async def _have_written(turn: Turn, job: Job) -> None:
    await turn.answer()
    message_id = await turn.chat.say(turn.text("studio.listing.writing"))
    args = {"bot": turn.chat.bot, "chat": turn.chat.id, "language": turn.language, "message_id": message_id}
    key, user_id = f"listing:{turn.chat.bot}:{turn.came.update_id}", turn.state.who["id"]
    work = table.create_job_and_consume_credit
    try:
        await db.run(lambda conn: work(conn, user_id, task="listing", key=key, args={**args, "order": job.id}, price=0))
    except errors.Conflict:  # the press was delivered twice, and the first message is the one that is filled
        await turn.chat.delete(message_id)
        return
    turn.after.append(kick.render)
