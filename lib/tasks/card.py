"""Draws an ordered card and delivers it: the status message becomes the card, the full-quality file follows.

    drawn and stored (checkpoint "files") -> shown -> file sent -> done

What was delivered is known by the ids that Telegram gave the files, and is not delivered again by a worker that takes
over a dead one's job. Showing the card twice would change nothing, the message is the same; only a file sent right
before the death of its worker can come twice.
"""

import asyncio
import contextlib
from datetime import timedelta

from lib import credits, db, errors, generation, jobs, log, retry, storage, text
from lib.telegram import client
from lib.telegram.client import Button, Chat, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=5))
LEASE = timedelta(seconds=60)

type Delivered = dict[tuple[int, str], str]  # Telegram's id by (file, kind)

_drawing = asyncio.Semaphore(1)  # one core draws one card at a time; the others' transfers go on meanwhile


async def run(run: jobs.Run) -> None:
    """Bring the order one step further until it is done; raise Rejected for a photo that cannot be used."""
    order = run.job.args
    chat = Chat(order["bot"], order["chat_id"])
    delivered: Delivered = {}
    drawn: dict[str, bytes] = {}
    if "files" in run.checkpoint:
        ids = [file_id for file_id, _ in run.checkpoint["files"].values()]
        delivered = await db.run(lambda conn: generation.telegram_ids(conn, ids, order["bot"]))
    else:
        with contextlib.suppress(errors.Rejected):
            await chat.edit(order["message_id"], text.say(order["language"], "card.drawing"))
        drawn = await _draw(run)
    with contextlib.suppress(errors.Blocked):
        await _show(run, chat, drawn, delivered)
        await _send(run, chat, drawn, delivered)


async def _draw(run: jobs.Run) -> dict[str, bytes]:
    """Draw the card, store it in both qualities and note where; return the bytes by kind."""
    from lib.providers import local

    order = run.job.args
    photo = await client.download(order["bot"], order["file_id"])
    wanted = local.CardOrder(order["preset"], order["title"], tuple(order["benefits"]), order["variant"])
    async with _drawing:
        card = await asyncio.to_thread(local.render_card, photo, wanted)
    log.note(preset=order["preset"], layout=card.layout)
    preview, full = await asyncio.gather(
        storage.put("card-preview", card.jpeg, job_id=run.job.id, ext="jpg", content_type="image/jpeg"),
        storage.put("card", card.png, job_id=run.job.id, ext="png", content_type="image/png"),
    )
    size = {"width": card.width, "height": card.height}
    stored = [
        {"kind": "card-preview", "pathname": preview, "content_type": "image/jpeg", "bytes": len(card.jpeg), **size},
        {"kind": "card", "pathname": full, "content_type": "image/png", "bytes": len(card.png), **size},
    ]
    files = await db.run(lambda conn: generation.add_files(conn, run.job.user_id, run.job.id, stored))
    await run.save(files={file.kind: [file.id, file.pathname] for file in files}, layout=card.layout, **size)
    return {"card-preview": card.jpeg, "card": card.png}


async def _show(run: jobs.Run, chat: Chat, drawn: dict[str, bytes], delivered: Delivered) -> None:
    file_id, pathname = run.checkpoint["files"]["card-preview"]
    if (file_id, "photo") in delivered:
        return
    picture = Picture("card.jpg", drawn.get("card-preview") or await storage.get(pathname))
    shown = await chat.show_picture(run.job.args["message_id"], picture, await _caption(run), _keyboard(run))
    await _remember(run, file_id, "photo", shown)


async def _send(run: jobs.Run, chat: Chat, drawn: dict[str, bytes], delivered: Delivered) -> None:
    file_id, pathname = run.checkpoint["files"]["card"]
    if (file_id, "document") in delivered:
        return
    order = run.job.args
    file = Picture(f"lotok-{order['preset']}-{run.job.id}.png", drawn.get("card") or await storage.get(pathname))
    note = text.say(order["language"], "card.full_quality")
    sent = await chat.send_document(file, note, reply_to=order["message_id"])
    await _remember(run, file_id, "document", sent.file_id)


async def _remember(run: jobs.Run, file_id: int, kind: str, telegram_id: str) -> None:
    if telegram_id:
        bot = run.job.args["bot"]
        await db.run(lambda conn: generation.remember_telegram_id(conn, file_id, bot, kind, telegram_id))


async def _caption(run: jobs.Run) -> str:
    order = run.job.args
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, run.job.user_id))
    preset = text.say(order["language"], f"preset.{order['preset']}")
    size = {"width": run.checkpoint["width"], "height": run.checkpoint["height"]}
    lines = [text.say(order["language"], "card.done", preset=preset, balance=balance, **size)]
    if order["preset"] == "white" and run.checkpoint["layout"] == "framed":
        lines.append(text.say(order["language"], "card.framed_white"))
    return "\n\n".join(lines)


def _keyboard(run: jobs.Run) -> client.Keyboard:
    def button(key: str, data: str) -> Button:
        return Button(text.say(run.job.args["language"], key), data)

    return [
        [button("button.again", f"card:again:{run.job.id}"), button("button.formats", f"card:format:{run.job.id}")],
        [button("button.new", "card:new"), button("button.menu", "menu:home")],
    ]
