"""Goes on with a broadcast that a long rest of Telegram's has paused, when the rest is over.

One that somebody has paused, resumed or cancelled meanwhile is left as it is: a job is of one round.
"""

from datetime import timedelta

from lib import clock, db, errors, limits, log, retry
from lib.jobs import kick
from lib.jobs.run import Run
from lib.reach import broadcasts

BACKOFF = retry.Backoff(base=timedelta(seconds=5), cap=timedelta(minutes=5))
LEASE = timedelta(seconds=30)


async def run(run: Run) -> None:
    """Have it go on, if that is still what it waits for; while Telegram wants more rest, wait on."""
    ids = (run.job.args["partner"], run.job.args["broadcast"])
    try:
        one = await db.run(lambda conn: broadcasts.get(conn, *ids))
        if (one.state, one.reason, one.round) != ("paused", "flood", run.job.args.get("round", one.round)):
            log.note(not_resumed=f"{one.state} {one.reason} {one.round}")
            return
        await limits.look(one.bot)
        if left := limits.resting(one.bot):
            await run.wait(run.now + left)
            return
        await db.run(lambda conn: broadcasts.steer(conn, *ids, "resume", clock.now()))
    except (errors.Missing, errors.Conflict) as gone:
        log.note(not_resumed=str(gone))
        return
    await kick.drain()
