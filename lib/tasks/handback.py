"""Gives a talk back to the assistant when nobody of the staff has written in it for two hours, and tells the client."""

from datetime import timedelta

from lib import clock, db, errors, log, retry
from lib.assistant import handover, talks
from lib.jobs import kick
from lib.jobs.run import Run

BACKOFF = retry.Backoff(base=timedelta(minutes=1), cap=timedelta(minutes=30))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Give it back, or wait as long as the staff are still writing."""
    partner_id, talk_id = run.job.args["partner"], run.job.args["talk"]
    try:
        talk = await db.run(lambda conn: talks.get(conn, partner_id, talk_id))
    except errors.Missing as gone:
        log.note(no_talk=str(gone))
        return
    now = clock.now()
    if talk.closed_at is not None or talk.person_until is None:
        return
    if talk.person_until > now:
        await run.wait(talk.person_until)
        return
    answered = await db.run(lambda conn: handover.was_answered(conn, talk))
    key = "talk.told.quiet" if answered else "talk.told.nobody"
    if await db.run(lambda conn: handover.give_back(conn, talk, at=now, key=key)):
        await kick.drain()
