"""Sends one part of a broadcast: about a thousand people, fifteen in half a second.

    turn (note who has answered, begin the next) -> book a block -> send -> turn, before the last answers are in -> ...

Two of a bot's parts run side by side, so that one goes on where the other ends or dies. A worker whose time is up gives
its part back: the rows say how far it is.
"""

import time
from datetime import datetime, timedelta

from lib import db, errors, limits, log, retry, text
from lib.jobs import kick, table
from lib.jobs.run import Run
from lib.jobs.table import NewJob
from lib.people import notify
from lib.reach import broadcasts, hours, parts
from lib.reach.broadcasts import Broadcast
from lib.reach.flight import Flight
from lib.reach.parts import PartKey
from lib.reach.sending import Mail

BACKOFF = retry.Backoff(base=timedelta(seconds=1), cap=timedelta(minutes=1))
LEASE = timedelta(seconds=30)
SPARE = timedelta(seconds=12)
AGAIN = timedelta(seconds=3)  # by then this worker takes nothing more


async def run(run: Run) -> None:
    """Send the part, or as much of it as the time allows."""
    key = PartKey.read(run.job.args)
    taken = await db.run(lambda conn: parts.take(conn, key, run.id, run.job.lease_token, run.now))
    log.note(broadcast=key.broadcast_id, part=key.n, taken=taken)
    if taken == "held":
        await run.wait(run.now + timedelta(seconds=1))
    elif taken == "done":
        await _advance(run, key)
    elif taken == "taken":
        await _work(run, key)


async def _work(run: Run, key: PartKey) -> None:
    """Go from turn to turn until nobody is left, the broadcast stops, or the time is up."""
    one = await db.run(lambda conn: broadcasts.get(conn, key.partner_id, key.broadcast_id))
    until = await db.run(lambda conn: parts.until(conn, key))
    mail = Mail(one)
    await mail.open()
    give_up_at = time.time() + (run.until - SPARE - run.now).total_seconds()
    async with Flight(mail, give_up_at) as flight:
        ended = await _turns(run, key, flight, until)
    if ended:
        await _advance(run, key)
    elif flight.must_rest:
        await _put_off(run, one)
    else:
        night = hours.night_left(run.now, until)
        if night:
            await _advance(run, key)
        await run.wait(run.now + (night or AGAIN))
        await kick.drain()


async def _turns(run: Run, key: PartKey, flight: Flight, until: datetime) -> bool:
    """Send block after block; return whether nobody is left to be written to now, or else it is for later."""
    others_wait = False
    while True:
        await (flight.room() if others_wait else flight.land())
        over = flight.must_rest or time.time() > flight.give_up_at or bool(hours.night_left(run.now, until))
        if over:
            await flight.land()
        size = 0 if over else 1 if flight.mail.is_first else parts.BLOCK
        noted = flight.noted()
        found = await db.run(lambda conn: parts.turn(conn, key, run.job.lease_token, noted, run.now, take=size))  # noqa: B023
        flight.begin(found.people)
        runs = found.state == "running"
        if not flight.people and (not found.left_over or not runs or over):
            return not found.left_over or not runs
        others_wait = runs and found.left_over > flight.people and not flight.mail.is_first


async def _put_off(run: Run, one: Broadcast) -> None:
    """Pause the broadcast while Telegram wants nothing for long, and have the administrators know.

    It goes on by itself (lib/tasks/resume.py): no pause without its end. Of two parts the first to pause it says so.
    """
    rest = limits.resting(one.bot)
    try:
        await db.run(lambda conn: _pause(conn, run, one, rest))
    except errors.Conflict as already:
        log.note(not_paused=str(already))
        return
    await _alert(one, "flood", minutes=-(-rest // timedelta(minutes=1)))


async def _pause(conn: db.Connection, run: Run, one: Broadcast, rest: timedelta) -> None:
    """Pause this round of it and queue its end, both or neither."""
    args = {"partner": one.partner_id, "broadcast": one.id, "round": run.job.args["round"]}
    later = NewJob(one.created_by, f"resume:{one.id}:{args['round']}", args)
    async with conn.transaction():
        await broadcasts.steer(conn, one.partner_id, one.id, "pause", run.now, reason="flood")
        await table.create_free_jobs(conn, "resume", [later], max_attempts=20, run_at=run.now + rest)


async def _alert(one: Broadcast, what: str, minutes: int = 0) -> None:
    """Tell the administrators of a shop's broadcast, or of the platform's own."""

    def worded(language: str) -> dict[str, object]:
        return {"shop": one.shop or text.say(language, "news.sender.platform"), "minutes": minutes}

    await notify.alert_admins(one.bot, f"alert.broadcast_{what}", worded, number=one.id)


async def _advance(run: Run, key: PartKey) -> None:
    """See what the part means for the whole: the rest may go, it is done, or it has stopped by itself."""
    state = await db.run(lambda conn: parts.advance(conn, key, run.now))
    log.note(state=state)
    if state in ("blocks", "refused"):
        one = await db.run(lambda conn: broadcasts.get(conn, key.partner_id, key.broadcast_id))
        await _alert(one, state)
