"""The cut of the photo while its order is put together: begun with the photo, chosen by one tap, asked before a charge.

Nothing waits for a cut but the charge of an order that only a cut can fill: a white background, a new scene. What is
known of it is read once, where a screen would offer those, and kept in the draft: where the product can stand free.
"""

import functools
import zlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

from lib import db, errors, limits, log
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.ordering import DRAFT, OrderDraft
from lib.jobs import kick
from lib.jobs.table import Job
from lib.studio import cuts
from lib.studio.cuts import KnownCut
from lib.telegram.dispatch import Turn

CUTS = limits.Limit("cut", 10, timedelta(minutes=10))
HOPELESS = ("picture_", "source_gone")  # how the errors begin that no second try helps against


async def begin(turn: Turn) -> None:
    """Have the draft's new photo cut; the message that says so becomes the picture.

    The job is queued once Telegram has its answer: a photo is taken whether or not it can be cut now. So it is
    where models draw the cards: it stands in their scenes, and a photo that is no good is known before it is paid for.
    """
    if limits.take(turn.state.limits, CUTS):
        return
    draft, message_id = drafts.of(turn), await turn.chat.say(turn.text("studio.cut.begun"))
    key = key_of(turn, message_id)
    drafts.keep(turn, replace(draft, cut=key))
    args = {"file_id": draft.file_id, "message_id": message_id, "language": turn.language}
    turn.after.append(functools.partial(queue, turn, key, args))


async def queue(turn: Turn, key: str, args: dict[str, Any]) -> None:
    """Queue a cut that a message has promised; the message takes it back when that cannot be done."""
    try:
        await _begun(turn, key, args)
        await kick.render()
    except errors.AppError as error:
        log.event("cut_not_begun", error=str(error)[:300])
        await turn.chat.edit(args["message_id"], turn.text("studio.cut.none"))


async def _begun(turn: Turn, key: str, args: dict[str, Any]) -> Job:
    user_id, args = turn.state.who["id"], {"bot": turn.chat.bot, "chat_id": turn.chat.id, **args}
    return await db.run(lambda conn: cuts.begin(conn, user_id, key, args))


def key_of(turn: Turn, photo: object) -> str:
    """Return the key of a cut: of the one that a message of this chat has promised, or of a photo."""
    return f"{cuts.TASK}:{turn.chat.bot}:{turn.chat.id}:{photo}"


async def learned(turn: Turn, draft: OrderDraft) -> OrderDraft:
    """Return the draft with where its product can stand free, as soon as that is known; without a useless photo."""
    draft, job = await _looked_up(turn, draft)
    if job and _is_hopeless(job):
        draft = replace(draft, file_id="", source=None, photos=(), titles=(), cut="", way="")
        drafts.keep(turn, draft)
    return draft


async def _looked_up(turn: Turn, draft: OrderDraft) -> tuple[OrderDraft, Job | None]:
    """Return the draft with what is known of its cut, and the job that cuts it while that is not known."""
    if not draft.cut or draft.free:
        return draft, None
    job = await job_of(turn, draft)
    draft = drafts.of(turn)
    known = KnownCut.read(job.checkpoint) if job else None
    if known:
        draft = replace(draft, free=known.free, clear=known.is_clear(draft.way))
        drafts.keep(turn, draft)
    return draft, None if known else job


def _is_hopeless(job: Job) -> bool:
    """Say whether the photo can never be cut, nor drawn: it cannot be opened, or is gone."""
    return job.state == "failed" and str(job.error_code).startswith(HOPELESS)


async def job_of(turn: Turn, draft: OrderDraft) -> Job | None:
    """Return the job that cuts the draft's photo; where pieces could not be put right, the draft has its cut as before.

    What was chosen of that is not known any longer.
    """
    user_id = turn.state.who["id"]
    job = await db.run(lambda conn: cuts.find(conn, user_id, draft.cut))
    if job is None or job.state != "failed" or "pieces" not in job.args:
        return job
    before = replace(draft, cut=job.args["like"])
    before = replace(before, way="", free="", clear=False) if job.args["pieces"] else before
    drafts.keep(turn, before)
    return await db.run(lambda conn: cuts.find(conn, user_id, before.cut))


async def choose(turn: Turn, argument: str) -> None:
    """Take the seller's choice among the pictures of a cut: of the draft's photo, and of no other."""
    number, _, way = argument.partition(":")
    draft = DRAFT.of(turn.state)
    job = await job_of(turn, draft) if draft else None
    draft = DRAFT.of(turn.state)
    known = KnownCut.read(job.checkpoint) if job else None
    if draft is None or job is None or known is None or str(job.id) != number or way not in known.offered:
        await turn.answer(turn.text("studio.cut.other"), alert=True)
        return
    drafts.keep(turn, replace(draft, way=way, free=known.free, clear=known.is_clear(way)))
    _, keyboard = cuts.said(turn.language, job.id, known, way)
    await turn.answer(turn.text("studio.cut.chosen"))
    await turn.chat.mark(turn.came.message_id, keyboard)


async def is_sure(turn: Turn, draft: OrderDraft) -> bool:
    """Say whether an order can be filled as far as the cut decides it: one that only a cut fills waits for it.

    What is not known yet is asked for, and the seller told to press again in a moment. Raises Rejected for a photo that
    can never be cut: it cannot be opened, or is gone.
    """
    if draft.way == "touched":
        if await _is_put_right(turn, draft):
            return False
        if await renewed(turn):
            await turn.answer(turn.text("studio.cut.right_gone"), alert=True)
            return False
    draft = drafts.of(turn)
    if not drafts.needs_cut(draft):
        return True
    draft, job = await _looked_up(turn, draft)
    if draft.free:
        return not drafts.cannot_stand(draft)
    if job and _is_hopeless(job):
        raise errors.Rejected(str(job.error_code), str(job.error))
    if job is None or job.state not in cuts.OPEN:
        photo = _photo_of(draft)
        mark = zlib.crc32(str(photo).encode())
        key = key_of(turn, f"unseen:{mark}:{job.id if job else 0}")
        drafts.keep(turn, replace(draft, cut=key))
        if drafts.is_clear(draft):  # the seller must see it to choose, where it is not sure
            message_id = await turn.chat.say(turn.text("studio.cut.begun"))
            photo |= {"message_id": message_id, "language": turn.language}
        await _begun(turn, key, photo)
    turn.after.append(kick.render)
    await turn.answer(turn.text("studio.cut.wait"), alert=True)
    return False


def _photo_of(draft: OrderDraft) -> dict[str, Any]:
    return {"source": draft.source} if draft.source else {"file_id": draft.file_id}


async def renewed(turn: Turn) -> bool:
    """Say whether the draft's cut was put right and is kept no longer: its photo is cut once more then, and shown."""
    draft = drafts.of(turn)
    if draft.way != "touched" or await _is_kept(turn, draft.cut):
        return False
    message_id = await turn.chat.say(turn.text("studio.cut.begun"))
    key = key_of(turn, message_id)
    drafts.keep(turn, replace(draft, cut=key, way="", free="", clear=False))
    args = _photo_of(draft) | {"message_id": message_id, "language": turn.language}
    turn.after.append(functools.partial(queue, turn, key, args))
    return True


async def _is_kept(turn: Turn, key: str) -> bool:
    """Say whether a cut is there to be drawn; the order waits for a storage that is out of reach."""
    try:
        return bool(await cuts.get(turn.state.who["id"], key))
    except errors.Unavailable:
        return True


async def _is_put_right(turn: Turn, draft: OrderDraft) -> bool:
    """Say whether pieces of the cut are being put right, which every order waits for; if so, the seller was told."""
    job = await job_of(turn, draft)
    if job is None or job.state not in cuts.OPEN:
        return False
    turn.after.append(kick.render)
    await turn.answer(turn.text("studio.touch.wait"), alert=True)
    return True
