"""Shows the pictures of a cut, with what can be chosen: of a draft's photo, or of a finished order."""

from lib import errors, log
from lib.drawing import work
from lib.drawing.card import numbered, sample
from lib.drawing.cut import result
from lib.drawing.cut.result import CutPhoto
from lib.jobs.table import Job
from lib.studio import cuts
from lib.studio.cuts import KnownCut
from lib.telegram.client import Chat, Keyboard, Picture

OTHERS = 3  # ways that a finished order is offered in one picture


async def show(job: Job, known: KnownCut, cut: CutPhoto | None = None) -> None:
    """Turn the message into the picture, with what can be chosen; for a hopeless photo, into what would help.

    A job that is shown again has the language of its reader by now, and what was `chosen` meanwhile.
    """
    asked, chat = job.args, Chat(job.args["bot"], job.args["chat_id"], paced=True)
    cut = cut or result.kept(await cuts.kept(job.user_id, job.key))
    words, keyboard, ways = _offer(job, known)
    try:
        if cut is None or not ways:
            await chat.edit(asked["message_id"], words, keyboard)
            return
        shown = [cut.chosen(result.way(way)) for way in ways]
        picture = Picture("cut.jpg", await work.draw(sample.drawn, shown))
        await chat.show_picture(asked["message_id"], picture, words, keyboard)
    except errors.Blocked:
        log.note(blocked=True)


async def pieces(job: Job, known: KnownCut, cut: CutPhoto | None = None) -> None:
    """Turn the message into the picture of the pieces that may be wrong."""
    asked, chat = job.args, Chat(job.args["bot"], job.args["chat_id"], paced=True)
    cut = cut or result.kept(await cuts.kept(job.user_id, job.key))
    words, keyboard = cuts.said_of_pieces(asked["language"], job.id, known, 0)
    try:
        if cut and cut.pieces:
            picture = Picture("pieces.jpg", await work.draw(numbered.drawn, cut))
            await chat.show_picture(asked["message_id"], picture, words, keyboard)
    except errors.Blocked:
        log.note(blocked=True)


def _offer(job: Job, known: KnownCut) -> tuple[str, Keyboard, tuple[str, ...]]:
    """Return the words, the buttons and the ways that are shown: of a draft's photo, or of a finished order."""
    asked = job.args
    if "order" not in asked:
        said = cuts.said(asked["language"], job.id, known, asked.get("chosen", ""))
        return *said, () if known.verdict == "hopeless" else known.shown
    others = known.others(asked["used"], alone=asked["alone"])[:OTHERS]
    if asked.get("righted") or asked.get("pieces"):  # just now, whichever pieces an earlier drawing had put right
        others = tuple(way for way in ("touched",) if way in known.alone or not asked["alone"])
    return *cuts.said_again(asked["language"], asked["order"], others, job.id, known), others
