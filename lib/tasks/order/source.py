"""The picture that an order begins with: encoded again, kept in our storage, and checked before anything is spent."""

from dataclasses import replace

from lib import errors, log
from lib.drawing import work
from lib.drawing.card import received
from lib.providers import makers
from lib.studio import files, moderation, questions
from lib.studio.items import Item
from lib.tasks.order.desk import Desk
from lib.telegram import client


async def keep(desk: Desk) -> None:
    """Keep the picture for 30 days, and let nothing through that may not be shown; raise Rejected for both."""
    if "source" in desk.run.checkpoint:
        return
    await desk.show("making.preparing")
    begun_at = round(desk.now, 1)
    order = desk.order
    file_id, pathname = await (_taken(desk, order.file_id) if order.source is None else _known(desk, order.source))
    check_words(desk)
    for photo in (desk.photo, *await others(desk)):
        await _moderate(desk, photo)
    await desk.save(source=file_id, source_path=pathname, begun_at=begun_at)


async def keep_own(desk: Desk, item: Item) -> Item:
    """Do the same for an item of a batch, which has a photo of its own."""
    if item.path:
        return item
    file_id, pathname = await _taken(desk, desk.order.photos[item.number])
    await _moderate(desk, desk.photo)
    item = replace(item, source=file_id, path=pathname)
    await desk.keep(item)
    return item


async def photo(desk: Desk, item: Item) -> bytes:
    """Return the picture of an item, from our storage in a run that did not bring it."""
    if not desk.photo:
        desk.photo = await files.read_source(item.path or desk.run.checkpoint["source_path"])
    return desk.photo


async def others(desk: Desk) -> tuple[bytes, ...]:
    """Return the further photos of a clip, encoded again; Telegram keeps them, and we need not."""
    wanted = desk.order.photos[1:] if desk.order.is_video else ()
    if len(desk.others) < len(wanted):
        desk.others = tuple([await _clean(desk, file_id) for file_id in wanted])
    return desk.others


async def _clean(desk: Desk, file_id: str) -> bytes:
    clean = await work.draw(received.clean, await client.download(desk.order.bot, file_id))
    return clean.data


async def _known(desk: Desk, source: int) -> tuple[int, str]:
    file, desk.photo = await files.source(desk.run.job.user_id, source)
    return file.id, file.pathname


async def _taken(desk: Desk, file_id: str) -> tuple[int, str]:
    sent = await client.download(desk.order.bot, file_id)
    clean = await work.draw(received.clean, sent)
    desk.photo = clean.data
    new = files.NewFile("source", clean.data, clean.content_type, clean.width, clean.height)
    [file] = await files.keep(desk.run.job.user_id, desk.job_id, [new])
    return file.id, file.pathname


def check_words(desk: Desk) -> None:
    """Raise Rejected for words that break the rules by our list."""
    found = moderation.check_words(_texts(desk))
    if found:
        raise errors.Rejected("words_refused", found)


def _texts(desk: Desk) -> list[str]:
    order = desk.order
    return [order.title, *order.benefits, order.wishes, *order.titles]


async def _moderate(desk: Desk, photo: bytes) -> None:
    """Raise Rejected for words or a picture that break the rules by a model's judgement, where a key is."""
    if not makers.has_key("openai"):
        return
    from lib.providers import openai

    picture = await work.draw(received.flat, photo, 768)
    try:
        async with questions.counted(desk.run, "moderation", openai.MODERATION):
            broken = await openai.moderate(_texts(desk), picture)
    except errors.Upstream as error:  # the list of words has judged, and the providers have checks of their own
        log.event("moderation_away", error=str(error))
        return
    if broken:
        raise errors.Rejected("rules", ", ".join(broken))
