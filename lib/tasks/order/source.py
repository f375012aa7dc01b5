"""The picture that an order begins with: encoded again, kept in our storage, and checked before anything is spent."""

from lib import db, errors, log, storage
from lib.drawing import work
from lib.drawing.card import received
from lib.providers import makers
from lib.studio import files, moderation, questions
from lib.tasks.order.desk import Desk
from lib.telegram import client


async def keep(desk: Desk) -> None:
    """Keep the picture for 30 days, and let nothing through that may not be shown; raise Rejected for both."""
    if "source" in desk.run.checkpoint:
        return
    await desk.show("making.preparing")
    begun_at = round(desk.now, 1)
    file_id, pathname = await (_known(desk) if desk.order.source is not None else _taken(desk))
    await _moderate(desk)
    await desk.save(source=file_id, source_path=pathname, begun_at=begun_at)


async def photo(desk: Desk) -> bytes:
    """Return the picture, from our storage in a run that did not bring it."""
    if not desk.photo:
        desk.photo = await _stored(desk.run.checkpoint["source_path"])
    return desk.photo


async def _known(desk: Desk) -> tuple[int, str]:
    ids = [desk.order.source or 0]
    found = await db.run(lambda conn: files.find_files(conn, desk.run.job.user_id, ids))
    if not found:
        raise errors.Rejected("source_gone", str(ids[0]))
    desk.photo = await _stored(found[0].pathname)
    return found[0].id, found[0].pathname


async def _stored(pathname: str) -> bytes:
    try:
        return await storage.get(pathname)
    except errors.Missing:  # removed since, with its 30 days
        raise errors.Rejected("source_gone", pathname) from None


async def _taken(desk: Desk) -> tuple[int, str]:
    sent = await client.download(desk.order.bot, desk.order.file_id)
    clean = await work.draw(received.clean, sent)
    desk.photo = clean.data
    new = files.NewFile("source", clean.data, clean.content_type, clean.width, clean.height)
    [file] = await files.keep(desk.run.job.user_id, desk.job_id, [new])
    return file.id, file.pathname


async def _moderate(desk: Desk) -> None:
    """Raise Rejected for words or a picture that break the rules: by a model where a key is, by a list in any case."""
    order = desk.order
    texts = [order.title, *order.benefits, order.wishes]
    found = moderation.check_words(texts)
    if found:
        raise errors.Rejected("words_refused", found)
    if not makers.has_key("openai"):
        return
    from lib.providers import openai

    picture = await work.draw(received.flat, desk.photo, 768)
    try:
        async with questions.counted(desk.run, "moderation", openai.MODERATION):
            broken = await openai.moderate(texts, picture)
    except errors.Upstream as error:  # the list of words has judged, and the providers have checks of their own
        log.event("moderation_away", error=str(error))
        return
    if broken:
        raise errors.Rejected("rules", ", ".join(broken))
