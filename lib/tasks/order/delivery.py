"""Delivers what was made: the status message becomes the result; of several, one below their album takes its place.

What was delivered is known by the ids that Telegram gave the files, and is not delivered again by a worker that takes
over a dead one's job. Showing the result twice would change nothing, the message is the same; only what was sent right
before the death of its worker can come twice.
"""

import asyncio
from typing import Any

from lib import db, storage, text
from lib.credits import ledger
from lib.drawing.card import received
from lib.providers import makers
from lib.studio import after
from lib.studio import files as stored_files
from lib.tasks.order.desk import Desk
from lib.telegram.client import Film, Keyboard, Picture, SentMessage

type Delivered = dict[tuple[int, str], str]  # Telegram's id by (file, kind)


async def deliver(desk: Desk) -> None:
    """Show the results and send the files in full quality, once."""
    ids = [file.id for item in desk.items() for file in item.files.values()]
    known: Delivered = {}
    if not desk.made:  # another run has made them, and may have delivered some
        known = await db.run(lambda conn: stored_files.telegram_ids(conn, ids, desk.order.bot))
    if desk.order.count > 1:
        await _several(desk, known)
    else:
        await _one(desk, known)


async def _one(desk: Desk, known: Delivered) -> None:
    kind, way = ("video", "video") if desk.order.is_video else (f"{_kind(desk)}-preview", "photo")
    file_id = desk.item(0).files[kind].id
    if (file_id, way) not in known:
        shown = await _shown(desk, 0)
        message_id = desk.order.message_id
        telegram_id = await desk.chat.show_picture(message_id, shown, await _caption(desk), keyboard(desk))
        await remember(desk, way, {file_id: telegram_id})
    if not desk.order.is_video and (desk.item(0).files[_kind(desk)].id, "document") not in known:
        await _send_files(desk, [0])


async def _several(desk: Desk, known: Delivered) -> None:
    kind, way = ("video", "video") if desk.order.is_video else (f"{_kind(desk)}-preview", "photo")
    numbers = range(desk.order.count)
    await desk.show("making.delivering")
    shown_ids = [desk.item(number).files[kind].id for number in numbers]
    if not all((file_id, way) in known for file_id in shown_ids):
        sent = await desk.chat.send_album([await _shown(desk, number) for number in numbers])
        await remember(desk, way, _ids(shown_ids, sent))
    if not desk.order.is_video:
        full_ids = [desk.item(number).files[_kind(desk)].id for number in numbers]
        if not all((file_id, "document") in known for file_id in full_ids):
            await _send_files(desk, list(numbers))
    await desk.close(await _caption(desk), keyboard(desk))  # an album has no buttons of its own


async def _shown(desk: Desk, number: int) -> Picture | Film:
    """Return what is looked at in the chat."""
    if not desk.order.is_video:
        return Picture(f"{_kind(desk)}.jpg", await _bytes(desk, number, f"{_kind(desk)}-preview"))
    width, height, seconds = _measures(desk, number)
    name = f"lotok-{desk.job_id}-{number + 1}.mp4"
    poster = await _bytes(desk, number, "poster")
    cover = Picture("cover.jpg", await asyncio.to_thread(received.thumbnail, poster))
    return Film(Picture(name, await _bytes(desk, number, "video")), width, height, seconds, cover)


async def _send_files(desk: Desk, numbers: list[int]) -> None:
    """Send the pictures in full quality, as files."""
    order, kind = desk.order, _kind(desk)
    looks = order.scene if kind == "background" else order.preset
    files = []
    for number in numbers:
        name = f"lotok-{looks}-{desk.job_id}{f'-{number + 1}' if len(numbers) > 1 else ''}.png"
        files.append(Picture(name, await _bytes(desk, number, kind)))
    if len(files) == 1:
        clear = order.product == "card" and order.preset == "clear"
        note = text.say(order.language, "card.clear_file" if clear else "card.full_quality")
        sent = [await desk.chat.send_document(files[0], note, reply_to=order.message_id)]
    else:
        sent = await desk.chat.send_documents(files, text.say(order.language, "making.full_quality"))
    await remember(desk, "document", _ids([desk.item(number).files[kind].id for number in numbers], sent))


async def send_own(desk: Desk, number: int) -> None:
    """Send an item of a batch as soon as it is there, once."""
    file = desk.item(number).files["card"]
    known: Delivered = {}
    if number not in desk.made:  # another run has made it, and may have delivered it
        known = await db.run(lambda conn: stored_files.telegram_ids(conn, [file.id], desk.order.bot))
    if (file.id, "document") not in known:
        note = text.say(desk.order.language, "making.batch_file", n=number + 1, count=desk.order.count)
        picture = Picture(file_name(desk, number), await _bytes(desk, number, "card"))
        await remember(desk, "document", {file.id: (await desk.chat.send_document(picture, note)).file_id})


def file_name(desk: Desk, number: int) -> str:
    """Return what the file of an item is called."""
    return f"lotok-{desk.order.preset}-{desk.job_id}-{number + 1}.png"


async def _bytes(desk: Desk, number: int, kind: str) -> bytes:
    made = desk.made.get(number, {}).get(kind)
    return made or await storage.get(desk.item(number).files[kind].pathname)


async def remember(desk: Desk, way: str, ids: dict[int, str]) -> None:
    """Remember how Telegram knows files of this order, as photos, documents or videos."""
    named = {file_id: telegram_id for file_id, telegram_id in ids.items() if telegram_id}
    if named:
        await db.run(lambda conn: stored_files.remember_telegram_ids(conn, desk.order.bot, way, named))


def _ids(file_ids: list[int], sent: list[SentMessage]) -> dict[int, str]:
    return {file_id: one.file_id for file_id, one in zip(file_ids, sent, strict=False)}


async def _caption(desk: Desk) -> str:
    order = desk.order
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, desk.run.job.user_id))
    width, height, seconds = _measures(desk, 0)
    facts: dict[str, Any] = {"balance": balance, "count": order.count, "width": width, "height": height}
    facts |= {"seconds": seconds, **_range(desk)}
    if order.is_video:
        key = "making.videos_done" if order.count > 1 else "making.video_done"
        key = "making.videos_mixed" if facts["least"] < facts["most"] else key
    elif order.product == "background":
        key = "making.backgrounds_done" if order.count > 1 else "making.background_done"
    else:
        facts["preset"] = text.say(order.language, f"preset.{order.preset}")
        many = "making.slides_done" if order.product == "set" else "making.set_done"
        key = many if order.count > 1 else "card.done"
    lines = [text.say(order.language, key, **facts)]
    chosen = makers.chain(order.product, order.preset)[0]
    ours = [number for number in range(order.count) if _is_ours(desk, number)]
    if invented := _invented(desk):
        lines.append(text.say(order.language, f"making.invented.{invented}"))
    if chosen.provider != "local" and order.maker != "own" and ours:
        cause = text.say(order.language, f"making.cause.{desk.item(ours[0]).why or 'failed'}")
        lines.append(text.say(order.language, "making.by_ourselves", cause=cause))
        if order.needs_cut and any(desk.item(number).note.startswith("framed") for number in ours):
            lines.append(text.say(order.language, "making.framed"))
    return "\n\n".join(lines)


def _invented(desk: Desk) -> str:
    """Name what of the results a model has invented; "" when it has made none of them."""
    made = [item for item in desk.items() if item.by and not item.by.startswith("local:")]
    if not made:
        return ""
    if desk.order.is_video:
        return "clip"
    return "around" if all(item.note == "placed" for item in made) else "all"


def _is_ours(desk: Desk, number: int) -> bool:
    return desk.item(number).by.startswith("local:")


def keyboard(desk: Desk) -> Keyboard:
    """Return the ways on from the result."""
    language, job = desk.order.language, desk.run.job
    return [
        *after.rows(language, job),
        [desk.button("making.history", "history:home"), desk.button("making.new", "order:new")],
        [after.bad(language, job), desk.button("button.menu", "menu:home")],
    ]


def _measures(desk: Desk, number: int) -> tuple[int, int, int]:
    """Return (width, height, seconds) of a result as its file has them."""
    file = desk.item(number).files["video" if desk.order.is_video else _kind(desk)]
    return file.width, file.height, file.seconds or desk.order.seconds


def _range(desk: Desk) -> dict[str, Any]:
    """Return the shortest and the longest length of the results, and the sizes that occur."""
    measures = [_measures(desk, number) for number in range(desk.order.count)]
    lengths = [seconds for _, _, seconds in measures]
    sizes = dict.fromkeys(f"{width}×{height}" for width, height, _ in measures)
    return {"least": min(lengths), "most": max(lengths), "sizes": ", ".join(sizes)}


def _kind(desk: Desk) -> str:
    return "background" if desk.order.product == "background" else "card"
