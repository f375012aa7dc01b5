"""Files of rows as a person orders them, in any bot: in which form, how often, by a job; and one is stopped."""

from datetime import timedelta
from typing import Any

from lib import db, errors, limits
from lib.flows.periods import ChosenPeriod
from lib.jobs import kick, table
from lib.jobs.table import NewJob
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn

FORMS = ("xlsx", "csv")
# A file may be read from the whole history: nobody needs it more often.
FILES = limits.Limit("export", 20, timedelta(days=1))


def forms(turn: Turn, form: str, data: str) -> list[Button]:
    """Return the forms to choose from, the chosen one ticked."""
    return [
        Button(f"{'✅ ' if one == form else ''}{turn.text(f'partner.exports.{one}')}", f"{data}:{one}") for one in FORMS
    ]


async def order(turn: Turn, what: str, form: str, period: ChosenPeriod, **whose: Any) -> str:
    """Have the file made by a job and return what to say; an update that comes again orders nothing new."""
    if await limits.wait(turn.chat.id, FILES):
        return turn.text("partner.exports.too_often")
    days = {"since": period.since.isoformat() if period.since else "", "until": period.until.isoformat()}
    job = NewJob(
        turn.state.who["id"],
        f"sheet:{turn.chat.bot}:{turn.chat.id}:{turn.came.update_id}",
        {"bot": turn.chat.bot, "what": what, "form": form, **whose, **days},
    )
    await db.run(lambda conn: table.create_free_jobs(conn, "sheet", [job]))
    turn.after.append(kick.drain)
    return turn.text("partner.exports.ordered")


async def stop(turn: Turn, argument: str) -> None:
    """Stop a file that is being made; its worker says so in the message."""
    user_id, number = turn.state.who["id"], screen.number(argument)
    job = await db.run(lambda conn: table.get_job_by_id(conn, number))
    if job is None or job.user_id != user_id or job.task != "sheet":
        await screen.refuse_old_button(turn)
        return
    try:
        await db.run(lambda conn: table.cancel_job(conn, number, user_id))
    except errors.Conflict:
        asked = await db.run(lambda conn: table.ask_to_cancel(conn, number))
        await turn.answer(turn.text("partner.exports.stopping" if asked else "partner.exports.over"))
        return
    await turn.answer()
    await turn.chat.edit(turn.came.message_id, turn.text("partner.sheet.stopped"))
