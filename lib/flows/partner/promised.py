"""A screen that a job reads: promised in a message, and put in there by lib/tasks/analysis.py.

State.data["awaits"] is the update that promised it, until something else is shown.
"""

from datetime import timedelta
from typing import Any

from lib import clock, db, errors, limits
from lib.jobs import kick, table
from lib.jobs.table import NewJob
from lib.loyalty import partners
from lib.loyalty.staff import Staff
from lib.reach import periods
from lib.telegram import screen
from lib.telegram.dispatch import Turn

# They read a shop's history: nobody needs them more often.
SCREENS = limits.Limit("analysis", 30, timedelta(minutes=10))
# What a screen shows first.
FIRST = {"period": "week", "hours": "90", "cohorts": "", "owed": "", "home": "30"}


async def show(turn: Turn, place: Staff, what: str, code: str) -> None:
    """Promise the screen and have it read; a period that is none becomes the first one of the screen."""
    if await turn.limited(SCREENS):
        return
    turn.state.step = ""
    await turn.show(turn.text("digest.reading"), [screen.home(turn, "" if what == "home" else "figures:home")])
    turn.state.data["awaits"] = turn.came.update_id
    promised = {"message_id": turn.state.data["screen"], "awaits": turn.came.update_id, "at": clock.now().timestamp()}
    await order(turn, place, "analysis", code, what=what, **promised)
    turn.after.append(kick.drain)


def known(code: str, zone: str, what: str) -> str:
    """Return the code of a period by the shop's own days; for what is none, the first that a screen shows."""
    first = FIRST.get(what, "week")
    try:
        return periods.read(code, clock.now(), zone).code if first else ""
    except errors.Invalid:
        return first


async def order(turn: Turn, place: Staff, task: str, code: str, *, what: str, **asked: Any) -> None:
    """Queue the job; a press that comes again orders nothing new."""
    args = {"bot": turn.chat.bot, "partner_id": place.partner_id, "language": turn.language, "what": what, **asked}
    key = f"{task}:{turn.chat.bot}:{turn.chat.id}:{turn.came.update_id}"

    async def work(conn: db.Connection) -> None:
        period = known(code, (await partners.get(conn, place.partner_id)).tz, what)
        await table.create_free_jobs(conn, task, [NewJob(turn.state.who["id"], key, {**args, "period": period})])

    await db.run(work)
