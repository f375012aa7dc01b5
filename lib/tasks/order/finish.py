"""Makes a provider's bytes ours: sniffed, decoded, brought to the size that was ordered, encoded again, and stored."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from lib import errors
from lib.drawing import work
from lib.drawing.card import received
from lib.drawing.ground.output import FinishedCard
from lib.drawing.scene import invented
from lib.providers.contract import Offer, Output
from lib.studio import files as stored_files
from lib.studio.files import NewFile
from lib.studio.items import Item, StoredFile
from lib.tasks.order import asking, scenery
from lib.tasks.order.desk import Desk

transfer = asyncio.Semaphore(4)  # results that are held in memory at a time

_drawing: set[object] = set()


@contextlib.asynccontextmanager
async def turn(step: Offer) -> AsyncIterator[None]:
    """Hold the one core while something is drawn here; others draw elsewhere."""
    if step.provider != "local":
        yield
        return
    mine = object()
    _drawing.add(mine)
    try:
        async with work.cpu:
            yield
    finally:
        _drawing.discard(mine)


def in_line() -> int:
    """Return how many are being drawn here or wait for it."""
    return len(_drawing)


async def store(desk: Desk, item: Item, step: Offer, output: Output) -> tuple[dict[str, StoredFile], str]:
    """Store a result, or the still that its call was for; return the files by kind, and what is to know of it."""
    note = output.note
    if item.asked.still:
        files = [await _still(output)]
    elif desk.order.is_video:
        files = await _video(desk, step, output)
    else:
        files, note = await _picture(desk, item, step, output)
    rows = await stored_files.keep(desk.run.job.user_id, desk.job_id, files)
    desk.made[item.number] = {file.kind: file.data for file in files}
    sizes = {file.kind: (file.width, file.height, file.seconds) for file in files}
    return {row.kind: StoredFile(row.id, row.pathname, *sizes[row.kind]) for row in rows}, note


async def _still(output: Output) -> NewFile:
    data = await _ours(received.still, output.data)
    return NewFile("still", data, "image/jpeg", *asking.CLIP)


async def _picture(desk: Desk, item: Item, step: Offer, output: Output) -> tuple[list[NewFile], str]:
    kind = "background" if desk.order.product == "background" else "card"
    if step.provider == "local":
        card = FinishedCard(output.data, output.preview, output.width, output.height, output.note)
    else:
        wanted = asking.BACKGROUND if kind == "background" else asking.size_of(desk.order.preset)
        if product := await scenery.product(desk, item):
            card = await _ours(invented.put_back, output.data, product, desk.order.scene)
        else:
            card = await _ours(received.fitted, output.data, *wanted)
    files = [
        NewFile(f"{kind}-preview", card.jpeg, "image/jpeg", card.width, card.height),
        NewFile(kind, card.png, "image/png", card.width, card.height),
    ]
    return files, card.layout


async def _video(desk: Desk, step: Offer, output: Output) -> list[NewFile]:
    from lib.drawing.clip import clips

    mp4, poster, width, height, seconds = output.data, output.preview, output.width, output.height, desk.order.seconds
    if step.provider != "local":
        has_sound = bool(step.params.get("sound"))
        clip = await _ours(clips.checked, output.data, desk.order.seconds, has_sound=has_sound, mood=desk.order.mood)
        mp4, poster, width, height, seconds = clip.mp4, clip.poster, clip.width, clip.height, round(clip.seconds)
    film = NewFile("video", mp4, "video/mp4", width, height, seconds)
    return [film, NewFile("poster", poster, "image/jpeg", width, height)]


async def _ours[**P, T](make: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it; a provider's picture that is broken is the provider's failure, never the seller's."""
    try:
        return await work.draw(make, *args, **kwargs)
    except errors.Rejected as error:
        raise errors.Rejected("odd_result", str(error)) from error
