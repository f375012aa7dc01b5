"""Makes a batch: the photos of one order one after the other, each delivered and earned by itself; at the end a ZIP.

    [next photo] kept ─> checked ─> made ─> sent, earned ─> behind all whose turn is now ─> [next photo] ... ─> ZIP
                     └────────┴──────┴─> failed: left out, and what it cost goes back when the order ends

A photo has the job's attempts for itself, because giving way gives them back. One that uses them up, as it takes its
workers with it, is left out on the last of them.

What was delivered is earned, noted in the same statement as the photo, so that a batch that is stopped, dies or fails
gives back the rest of its price and no more. A batch of which nothing came fails as a whole.
"""

import asyncio
import contextlib
import tempfile
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from lib import db, errors, log, storage, text
from lib.credits import ledger
from lib.studio import files as stored_files
from lib.studio import strips
from lib.studio.files import NewFile
from lib.studio.items import Item
from lib.tasks.order import delivery, making, source
from lib.tasks.order.desk import Desk
from lib.telegram.client import Picture

ZIP_LIMIT = 45 << 20  # bytes: bots may send 50 MB
SAID = 8  # photos whose reasons are told


async def go_on(desk: Desk) -> None:
    """Make and send the next photo; after the last one send all of them in one file, and say what became of them."""
    if "zip" not in desk.run.checkpoint:
        async with desk.moving():
            await _begin(desk)
            wait = await _next(desk)
            if wait is None and (_open(desk) or desk.run.job.attempts > 1):
                desk.run.give_way()
                return
        if wait is not None:
            await desk.rest(wait)
            return
        _require_any(desk)
        await _pack(desk)
    try:
        await _close(desk)
    except errors.Blocked:
        log.note(blocked=True)


async def _begin(desk: Desk) -> None:
    if "begun_at" not in desk.run.checkpoint:
        source.check_words(desk)
        await desk.save(begun_at=round(desk.now, 1), led=await _first_shown(desk))


async def _first_shown(desk: Desk) -> str:
    """Return the cover that the strip promised to a seller who chooses none: all photos stand on it."""
    user, order = desk.run.job.user_id, desk.order
    return "" if order.design else await db.run(lambda conn: strips.first_shown(conn, user, order))


def _open(desk: Desk) -> list[Item]:
    return [item for item in desk.items() if not item.sent and item.state != "failed"]


async def _next(desk: Desk) -> datetime | None:
    """Go on with the first photo that is open; one that cannot be used is left out."""
    for item in _open(desk)[:1]:
        count, ended = desk.order.count, item.number
        await desk.show("making.batch", round(100 * ended / count) or None, n=ended + 1, count=count)
        try:
            _require_tries(desk)
            await source.keep_own(desk, item)
            wait = await making.advance(desk, item.number)
        except errors.Rejected as error:
            log.event("photo_left_out", job_id=desk.job_id, item=item.number, code=error.code)
            await desk.keep(replace(desk.item(item.number), call=None, failed=error.code))
            return None
        if wait is not None:
            return wait
        await _hand_over(desk, item.number)
    return None


def _require_tries(desk: Desk) -> None:
    """Raise Rejected on the last attempt: the ones before it ended with an error of ours or a dead worker."""
    job = desk.run.job
    if job.attempts >= job.max_attempts:
        code = "picture_not_drawn" if job.error_code in (None, "internal") else job.error_code
        raise errors.Rejected(code, "its attempts are used up")


async def _hand_over(desk: Desk, number: int) -> None:
    """Send a photo's card and note that it is earned; a person who stopped the bot finds it in the history."""
    try:
        await delivery.send_own(desk, number)
    except errors.Blocked:
        log.note(blocked=True)
    sent = replace(desk.item(number), sent=True)
    number_sent = 1 + sum(item.sent for item in desk.items())
    await desk.save(**{f"item{number}": sent.dump(), "earned": earned(desk, number_sent)})


def earned(desk: Desk, sent: int) -> int:
    """Return how much of the price so many delivered photos have earned."""
    return desk.run.job.price * sent // desk.order.count


def _require_any(desk: Desk) -> None:
    """Raise the first photo's reason when nothing came of any."""
    if not any(item.sent for item in desk.items()):
        raise errors.Rejected(desk.item(0).failed, "nothing came of any photo")


async def _pack(desk: Desk) -> None:
    """Put all cards into ZIP files, each as large as Telegram takes, keep them and send them."""
    await desk.show("making.zipping")
    parts = await _parts(desk)
    for place, part in enumerate(parts, 1):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "cards.zip"
            await _write(desk, path, part)
            new = NewFile("zip", b"", "application/zip", path=path)
            [row] = await stored_files.keep(desk.run.job.user_id, desk.job_id, [new])
            name = f"lotok-{desk.job_id}{f'-{place}' if len(parts) > 1 else ''}.zip"
            with contextlib.suppress(errors.Blocked):
                note = text.say(desk.order.language, "making.zip", count=len(part))
                sent = await desk.chat.send_document(Picture(name, path=path), note)
                await delivery.remember(desk, "document", {row.id: sent.file_id})
    await desk.save(zip=len(parts))


async def _parts(desk: Desk) -> list[list[Item]]:
    """Share the cards out, so that each file is small enough."""
    made = [item for item in desk.items() if item.sent]
    ids, user = [item.files["card"].id for item in made], desk.run.job.user_id
    sizes = {row.id: row.bytes for row in await db.run(lambda conn: stored_files.find_files(conn, user, ids))}
    parts: list[list[Item]] = [[]]
    room = ZIP_LIMIT
    for item in made:
        size = sizes[item.files["card"].id] + 1000  # and its lines in the list
        if size > room and parts[-1]:
            parts.append([])
            room = ZIP_LIMIT
        parts[-1].append(item)
        room -= size
    return parts


async def _write(desk: Desk, path: Path, part: list[Item]) -> None:
    """Write a ZIP file with one card in memory at a time: pictures are packed already."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        for item in part:
            data = await storage.get(item.files["card"].pathname)
            await asyncio.to_thread(file.writestr, delivery.file_name(desk, item.number), data)


async def _close(desk: Desk) -> None:
    """Say below the files how many there are, what was left out and why, and what goes back."""
    language, job = desk.order.language, desk.run.job
    sent, left_out = [item for item in desk.items() if item.sent], [item for item in desk.items() if item.failed]
    back = job.price - earned(desk, len(sent))
    balance = back + await db.run(lambda conn: ledger.safe_get_balance(conn, job.user_id))
    facts = {"made": len(sent), "count": desk.order.count, "balance": balance, "back": back}
    lines = [text.say(language, "making.batch_part" if back else "making.batch_done", **facts)]
    for item in left_out[:SAID]:
        key = f"error.{item.failed}"
        why = text.say(language, key if text.knows(key) else "error.try_again", detail="", limit=0)
        lines.append(text.say(language, "making.batch_left_out", n=item.number + 1, why=why))
    await desk.close("\n\n".join(lines), delivery.keyboard(desk))
