"""Cuts the product out of a photo that has just come, keeps the cut, and shows it while the words are typed.

    photo had ─> cut ─> kept ─> noted in the checkpoint ─> shown in the message that promised it

That message is for nothing else, so the cut overwrites nothing newer, whenever it comes. A cut that nobody was
promised, of an older order's photo, is only kept and noted. For a finished order it shows the pictures of
its other ways.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from lib import errors, retry
from lib.drawing import work
from lib.drawing.card import white
from lib.drawing.cover import choice
from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import CutPhoto, ProductPicture
from lib.drawing.ground import photo
from lib.jobs.run import Run
from lib.studio import cuts, orders
from lib.studio import files as stored_files
from lib.studio.cuts import KnownCut
from lib.tasks.cut import shown
from lib.telegram import client

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(seconds=20))
LEASE = timedelta(seconds=60)
LONGEST_KEY = orders.CUT_LIMIT - 24  # what the next round adds: its marks, and a job that has failed


async def run(run: Run) -> None:
    """Cut, keep and show; a run that takes over goes on where the other one died."""
    known, cut = KnownCut.read(run.checkpoint), None
    if known is None:
        cut, known = await _kept(run)
    if run.job.args.get("pieces") == [] and known.pieces:
        await shown.pieces(run.job, known, cut)
    elif run.job.args.get("message_id"):
        await shown.show(run.job, known, cut)


async def _kept(run: Run) -> tuple[CutPhoto, KnownCut]:
    """Cut the photo, keep the cut, and note what is known of it."""
    like = await _like(run.job.user_id, run.job.args)
    goes_on = len(run.job.key) < LONGEST_KEY
    wrong = run.job.args.get("pieces")
    cut, known, data = await work.draw(
        _made, await _photo(run.job.user_id, run.job.args), like, wrong, may_go_on=goes_on
    )
    await cuts.keep(run.job.user_id, run.id, data, cut.pictures[0].image.size)
    await run.save(**known.dump())
    return cut, known


async def _photo(user_id: int, asked: dict[str, Any]) -> bytes:
    """Return the photo from Telegram, or from our storage for one that an order has kept."""
    if asked.get("file_id"):
        return await client.download(asked["bot"], asked["file_id"])
    _, data = await stored_files.source(user_id, asked["source"])
    return data


def _made(
    data: bytes, like: CutPhoto | None, wrong: Collection[int] | None, *, may_go_on: bool
) -> tuple[CutPhoto, KnownCut, bytes]:
    """Cut a photo, or put these pieces of a cut right; return the cut, what to know of it, and its stored form.

    With none of them wrong the cut stays, and the next pieces are found. After many rounds no further ones are: the
    key of a cut grows with each.
    """
    source = photo.open_photo(data)
    if wrong is not None:
        if like is None:
            raise errors.Missing("cut_gone", "whose pieces these are")
        cut = cutout.touched(source, like, wrong)
    else:
        cut = like or cutout.of(data)
    ways = tuple(picture.how for picture in cut.pictures)
    alone = tuple(picture.how for picture in cut.pictures if picture.stands_free)
    is_white = bool(alone) or white.works(source, cut.pictures[-1])
    signs = cut.pieces.signs if cut.pieces and may_go_on else ""
    cropped = tuple(picture.how for picture in cut.pictures if picture.is_cut and not _fits_cover(picture))
    known = KnownCut(cut.verdict, ways, alone, is_white, signs, cropped)
    return cut, known, result.dump(cut)


def _fits_cover(picture: ProductPicture) -> bool:
    return choice.holds(picture.image.width / picture.image.height, picture.sides)


async def _like(user_id: int, asked: dict[str, Any]) -> CutPhoto | None:
    """Return the cut that an order has kept of the same photo, if it is still there; the one whose pieces are wrong."""
    find = cuts.get if "pieces" in asked else cuts.kept
    return result.kept(await find(user_id, asked["like"])) if asked.get("like") else None
