"""The product of a scene that a model invents: cut out before it is asked, and put back into what it has made.

The cut is the one that the seller has seen, or one that is made for the order and kept with it for a day: a result may
come to another run. Where no cut is sure, the model gets the whole photo, and redraws the product, too.
"""

import functools

from lib import errors, log, storage
from lib.drawing import work
from lib.drawing.cut import cutout, result
from lib.drawing.cut.result import CutPhoto, ProductPicture
from lib.studio import cuts
from lib.studio.items import Item
from lib.tasks.order import source
from lib.tasks.order.desk import Desk


async def product(desk: Desk, item: Item) -> ProductPicture | None:
    """Return the picture of the product that is put back; None where the model redraws the whole photo."""
    if desk.order.product != "background":
        return None
    cut = await _kept(desk) or await _made(desk, item)
    picture = cut.chosen(result.way(desk.order.way)) if cut else None
    return picture if picture and picture.stands_free else None


async def _kept(desk: Desk) -> CutPhoto | None:
    if not desk.cut:
        path, order = desk.run.checkpoint.get("cut_path"), desk.order
        own = functools.partial(cuts.of_order, desk.run.job.user_id, order.cut, order.way)
        desk.cut = await (_stored(path) if path else own())
    return result.kept(desk.cut or b"")


async def _stored(path: str) -> bytes:
    try:
        return await storage.get(path)
    except (errors.Missing, errors.Unavailable) as error:
        log.event("cut_not_found", error=str(error)[:200])
        return b""


async def _made(desk: Desk, item: Item) -> CutPhoto | None:
    try:
        cut = await work.draw(cutout.of, await source.photo(desk, item))
    except errors.Rejected as error:
        log.event("cut_not_made", error=str(error)[:200])
        return None
    data = await work.in_thread(result.dump, cut)
    kept = await cuts.keep(desk.run.job.user_id, desk.job_id, data, cut.pictures[0].image.size)
    desk.cut = data
    await desk.save(cut_path=kept.pathname)
    return cut
