"""The pieces of a cut that may be wrong: shown with numbers, marked by one tap each, and put right together.

    [put a piece right] -> job `touch` -> the pieces -> [1] [3] marked -> [put right] -> job `cut`, of those pieces

The message of the cut's picture is the one that shows them, and all its buttons name the cut's job: of the draft's
photo, or of a finished order that is to be drawn with another cut. What is marked stands in the buttons themselves.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from lib import db, limits
from lib.flows.studio.ordering import DRAFT
from lib.jobs import kick, table
from lib.jobs.table import Job
from lib.studio import cuts
from lib.studio.cuts import KnownCut
from lib.telegram.dispatch import Turn

ACTIONS = ("touch", "piece", "touched", "others", "untouch")
TOUCHES = limits.Limit("touch", 30, timedelta(minutes=10))


async def pressed(turn: Turn, action: str, argument: str) -> None:
    """Show the pieces, mark one, put the marked ones right, or go back to the cut's picture."""
    number, _, bits = argument.partition(":")
    job = await _cut(turn, number)
    known = KnownCut.read(job.checkpoint) if job else None
    marks = cuts.marked(bits or "0", known) if known else None
    if job is None or known is None or not known.pieces or marks is None:
        await turn.answer(turn.text("studio.cut.other"), alert=True)
    elif action == "piece":
        await turn.answer()
        _, keyboard = cuts.said_of_pieces(turn.language, job.id, known, marks)
        await turn.chat.mark(turn.came.message_id, keyboard)
    elif await turn.limited(TOUCHES):
        return
    elif action == "touched" and not marks:
        await turn.answer(turn.text("studio.touch.unmarked"), alert=True)
    elif action in ("touched", "others"):
        await _put_right(turn, job, marks if action == "touched" else 0)
    else:
        await turn.answer()
        await _view(turn, job, "pieces" if action == "touch" else "cut")


async def _cut(turn: Turn, number: str) -> Job | None:
    """Return the job of a cut that its person may still change: the draft's, or one for a finished order."""
    job = await cuts.find_number(turn.state.who["id"], number)
    draft = DRAFT.of(turn.state)
    return job if job and ("order" in job.args or (draft and draft.cut == job.key)) else None


async def _put_right(turn: Turn, job: Job, marks: int) -> None:
    """Have the photo cut once more with the marked pieces put right; the draft takes that cut from now on.

    With none marked only the next pieces are found, and shown.
    """
    pieces = cuts.numbers(marks)
    key = f"{job.key}:{marks}"
    here = {"message_id": turn.came.message_id, "language": turn.language}
    args: dict[str, Any] = job.args | here | {"like": job.key, "pieces": pieces}
    before = await db.run(lambda conn: cuts.find(conn, job.user_id, key))
    if before is None:
        await db.run(lambda conn: cuts.begin(conn, job.user_id, key, args))
    draft = DRAFT.of(turn.state)
    if draft and draft.cut == job.key:
        draft = replace(draft, way="touched", free="", clear=False) if marks else draft
        DRAFT.keep(turn.state, replace(draft, cut=key))
    await turn.answer(turn.text("studio.touch.begun" if marks else "studio.touch.looking"))
    if before:
        await _view(turn, before, "cut" if marks else "pieces")
    turn.after.append(kick.render)


async def _view(turn: Turn, job: Job, view: str) -> None:
    """Have the message show the cut or its pieces."""
    key, where = f"{cuts.TOUCH}:{turn.chat.bot}:{turn.came.update_id}", {"bot": turn.chat.bot, "chat_id": turn.chat.id}
    args = where | {"message_id": turn.came.message_id, "language": turn.language}
    args |= {"cut": job.key, "view": view}
    work = table.create_job_and_consume_credit
    await db.run(lambda conn: work(conn, job.user_id, task=cuts.TOUCH, key=key, args=args, price=0))
    turn.after.append(kick.render)
