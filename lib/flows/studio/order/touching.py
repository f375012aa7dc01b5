"""The pieces of a cut that may be wrong: shown with numbers, marked by one tap each, and put right together.

    [put a piece right] -> job `touch` -> the pieces -> [1] [3] marked -> [put right] -> job `cut`, of those pieces

The message of the cut's picture is the one that shows them, and all its buttons name the cut's job: of the draft's
photo, or of a finished order that is to be drawn with another cut. Taps can be quicker than the buttons change: what is
marked stands in the conversation, and in the buttons for one that was forgotten.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from lib import db, limits
from lib.flows.studio.order import cutting
from lib.flows.studio.ordering import DRAFT
from lib.jobs import kick, table
from lib.jobs.table import Job
from lib.studio import cuts
from lib.studio.cuts import KnownCut
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

ACTIONS = ("touch", "piece", "touched", "others", "untouch")
TOUCHES = limits.Limit("touch", 30, timedelta(minutes=10))


@dataclass(frozen=True)
class Marking:
    """The pieces that are marked of a cut, and the key of the cut that is made with those put right."""

    cut: int = 0
    marks: int = 0
    key: str = ""


MARKING = DraftKey("marking", Marking)


async def pressed(turn: Turn, action: str, argument: str) -> None:
    """Show the pieces, mark one, put the marked ones right, or go back to the cut's picture."""
    number, _, bits = argument.partition(":")
    job = await _cut(turn, number)
    known = KnownCut.read(job.checkpoint) if job else None
    marking = _marking(turn, job, known, bits) if job and known and known.pieces else None
    if job is None or known is None or marking is None:
        await turn.answer(turn.text("studio.cut.other"), alert=True)
    elif after := await _after(turn, job, marking):
        words = turn.text(f"studio.touch.{'begun' if after.args.get('pieces') else 'looking'}")
        await turn.answer(words if after.state in cuts.OPEN else "")
    elif action == "piece":
        await _mark(turn, known, marking, bits)
    elif await turn.limited(TOUCHES):
        return
    elif action == "touched" and not marking.marks:
        await turn.answer(turn.text("studio.touch.unmarked"), alert=True)
    elif action in ("touched", "others"):
        await _put_right(turn, job, marking.marks if action == "touched" else 0)
    else:
        MARKING.drop(turn.state)
        await turn.answer()
        await _view(turn, job, "pieces" if action == "touch" else "cut")


async def _cut(turn: Turn, number: str) -> Job | None:
    """Return the job of a cut that its person may still change: the draft's, what that is made of, or an order's."""
    job = await cuts.find_number(turn.state.who["id"], number)
    if job is None or "order" in job.args:
        return job
    draft = DRAFT.of(turn.state)
    own = await cutting.job_of(turn, draft) if draft else None
    return job if own and job.key in (own.key, own.args.get("like")) else None


def _marking(turn: Turn, job: Job, known: KnownCut, bits: str) -> Marking | None:
    """Return what is marked of a cut; None for what no button of ours says."""
    marks, kept = cuts.marked(bits.partition(":")[0] or "0", known), MARKING.of(turn.state)
    if marks is None:
        return None
    return kept if kept and kept.cut == job.id else Marking(job.id, marks)


async def _after(turn: Turn, job: Job, marking: Marking) -> Job | None:
    """Return the cut that is made of this one, or was: the message shows it soon, or by now."""
    draft = DRAFT.of(turn.state)
    key = marking.key if "order" in job.args or draft is None or draft.cut == job.key else draft.cut
    after = await db.run(lambda conn: cuts.find(conn, job.user_id, key))
    return after if after and after.state != "failed" else None


async def _mark(turn: Turn, known: KnownCut, marking: Marking, bits: str) -> None:
    """Mark a piece, or no longer."""
    piece = bits.partition(":")[2]
    if piece in map(str, range(1, len(known.pieces) + 1)):
        marking = replace(marking, marks=marking.marks ^ 1 << int(piece) - 1)
    MARKING.keep(turn.state, marking)
    await turn.answer()
    _, keyboard = cuts.said_of_pieces(turn.language, marking.cut, known, marking.marks)
    await turn.chat.mark(turn.came.message_id, keyboard)


async def _put_right(turn: Turn, job: Job, marks: int) -> None:
    """Have the photo cut once more with the marked pieces put right; the draft takes that cut from now on.

    With none marked only the next pieces are found, and shown.
    """
    pieces = cuts.numbers(marks)
    key = begun = f"{job.key}:{marks}"
    while (before := await _made(job, key)) and before.state == "failed":
        key = f"{begun}.{before.id}"
    draft = DRAFT.of(turn.state)
    chosen = draft.way if draft and draft.cut == job.key and not marks else ""
    here = {"message_id": turn.came.message_id, "language": turn.language, "chosen": chosen}
    args: dict[str, Any] = job.args | here | {"like": job.key, "pieces": pieces, "righted": _righted(job) or marks > 0}
    if before is None:
        await db.run(lambda conn: cuts.begin(conn, job.user_id, key, args))
    MARKING.keep(turn.state, Marking(job.id, marks, key))
    if draft and draft.cut == job.key:
        draft = replace(draft, way="touched", free="", clear=False) if marks else draft
        DRAFT.keep(turn.state, replace(draft, cut=key))
    await turn.answer(turn.text("studio.touch.begun" if marks else "studio.touch.looking"))
    if before and before.state not in cuts.OPEN:
        await _view(turn, before, "cut" if marks else "pieces")
    turn.after.append(kick.render)


def _righted(job: Job) -> bool:
    """Say whether pieces were put right in this message, in whichever of its rounds."""
    return bool(job.args.get("righted") or job.args.get("pieces"))


async def _made(job: Job, key: str) -> Job | None:
    return await db.run(lambda conn: cuts.find(conn, job.user_id, key))


async def _view(turn: Turn, job: Job, view: str) -> None:
    """Have the message show the cut or its pieces."""
    key, where = f"{cuts.TOUCH}:{turn.chat.bot}:{turn.came.update_id}", {"bot": turn.chat.bot, "chat_id": turn.chat.id}
    draft = DRAFT.of(turn.state)
    chosen = draft.way if draft and draft.cut == job.key else ""
    args = where | {"message_id": turn.came.message_id, "language": turn.language}
    args |= {"cut": job.key, "view": view, "chosen": chosen}
    work = table.create_job_and_consume_credit
    await db.run(lambda conn: work(conn, job.user_id, task=cuts.TOUCH, key=key, args=args, price=0))
    turn.after.append(kick.render)
