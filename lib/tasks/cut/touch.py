"""Shows the pieces of a cut that may be wrong, in place of the cut's picture; or that picture again."""

from dataclasses import replace
from datetime import timedelta

from lib import db, errors, log, retry, text
from lib.drawing.cut import result
from lib.jobs.run import Run
from lib.studio import cuts
from lib.studio.cuts import KnownCut
from lib.tasks.cut import shown
from lib.telegram.client import Chat

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(seconds=20), max_attempts=3)
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Show what is wanted of a cut that is kept; say so where it no longer is."""
    asked, user_id = run.job.args, run.job.user_id
    chat = Chat(asked["bot"], asked["chat_id"], paced=True)
    job = await db.run(lambda conn: cuts.find(conn, user_id, asked["cut"]))
    known = KnownCut.read(job.checkpoint) if job else None
    cut = result.kept(await cuts.get(user_id, asked["cut"]))
    try:
        if job is None or known is None or cut is None:
            await chat.say(text.say(asked["language"], "studio.touch.gone"))
            return
        now = {"language": asked["language"], "chosen": asked.get("chosen", "")}
        show = shown.show if asked["view"] == "cut" or not known.pieces else shown.pieces
        await show(replace(job, args=job.args | now), known, cut)
    except errors.Blocked:
        log.note(blocked=True)
