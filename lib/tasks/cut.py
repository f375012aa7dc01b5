"""Cuts the product out of a photo that has just come, keeps the cut for a day, and shows it while the words are typed.

    photo had ─> cut ─> kept ─> noted in the checkpoint ─> shown in the message that promised it

That message is for nothing else, so the cut overwrites nothing newer, whenever it comes. A cut that nobody was
promised, of an older order's photo, is only kept and noted. For a finished order it shows the pictures of
its other ways.
"""

from datetime import timedelta
from typing import Any

from lib import errors, log, retry
from lib.drawing import work
from lib.drawing.card import sample, white
from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import CutPhoto
from lib.drawing.ground import photo
from lib.jobs.run import Run
from lib.studio import cuts
from lib.studio import files as stored_files
from lib.studio.cuts import KnownCut
from lib.telegram import client
from lib.telegram.client import Chat, Keyboard, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(seconds=20))
LEASE = timedelta(seconds=60)


async def run(run: Run) -> None:
    """Cut, keep and show; a run that takes over goes on where the other one died."""
    known, cut = KnownCut.read(run.checkpoint), None
    if known is None:
        cut, known = await _kept(run)
    if run.job.args.get("message_id"):
        await _show(run, known, cut)


async def _kept(run: Run) -> tuple[CutPhoto, KnownCut]:
    """Cut the photo, keep the cut, and note what is known of it."""
    like = await _like(run.job.user_id, run.job.args)
    cut, known, data = await work.draw(_made, await _photo(run.job.user_id, run.job.args), like)
    await cuts.keep(run.job.user_id, run.id, data, cut.pictures[0].image.size)
    await run.save(**known.dump())
    return cut, known


async def _photo(user_id: int, asked: dict[str, Any]) -> bytes:
    """Return the photo from Telegram, or from our storage for one that an order has kept."""
    if asked.get("file_id"):
        return await client.download(asked["bot"], asked["file_id"])
    _, data = await stored_files.source(user_id, asked["source"])
    return data


def _made(data: bytes, like: CutPhoto | None = None) -> tuple[CutPhoto, KnownCut, bytes]:
    """Cut a photo; return the cut, what to know of it, and its stored form."""
    source = photo.open_photo(data)
    cut = like or cutout.of(data)
    ways = tuple(picture.how for picture in cut.pictures)
    alone = tuple(picture.how for picture in cut.pictures if picture.stands_free)
    known = KnownCut(cut.verdict, ways, alone, bool(alone) or white.works(source, cut.pictures[-1]))
    return cut, known, result.dump(cut)


async def _like(user_id: int, asked: dict[str, Any]) -> CutPhoto | None:
    """Return the cut that an order has kept of the same photo, if it is still there."""
    return result.kept(await cuts.kept(user_id, asked["like"])) if asked.get("like") else None


async def _show(run: Run, known: KnownCut, cut: CutPhoto | None) -> None:
    """Turn the message into the picture, with what can be chosen; for a hopeless photo, into what would help."""
    asked, chat = run.job.args, Chat(run.job.args["bot"], run.job.args["chat_id"], paced=True)
    cut = cut or result.kept(await cuts.kept(run.job.user_id, run.job.key))
    words, keyboard, ways = _offer(run, known)
    try:
        if cut is None or not keyboard:
            await chat.edit(asked["message_id"], words)
            return
        shown = [cut.chosen(result.way(way)) for way in ways]
        picture = Picture("cut.jpg", await work.draw(sample.drawn, shown))
        await chat.show_picture(asked["message_id"], picture, words, keyboard)
    except errors.Blocked:
        log.note(blocked=True)


def _offer(run: Run, known: KnownCut) -> tuple[str, Keyboard, tuple[str, ...]]:
    """Return the words, the buttons and the ways that are shown: of a draft's photo, or of a finished order."""
    asked = run.job.args
    if "order" not in asked:
        return *cuts.said(asked["language"], run.id, known), known.shown
    others = known.others(asked["used"], alone=asked["alone"])
    return *cuts.said_again(asked["language"], asked["order"], others), others
