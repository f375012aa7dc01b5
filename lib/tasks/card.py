"""Draws an ordered card and delivers it: the status message becomes the card, the full-quality file follows.

    drawn -> stored (checkpoint "files") -> shown (checkpoint "shown") -> file sent (checkpoint "sent") -> done

Each step is skipped when its checkpoint is there, so a worker that takes over a dead one's job repeats one step at the
most. Showing the card twice changes nothing, the message is the same; only a file sent right before the death of its
worker can come twice.
"""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from lib import credits, db, errors, generation, jobs, log, retry, storage, text
from lib.telegram import client
from lib.telegram.client import Button, Chat, Picture

BACKOFF = retry.Backoff(base=timedelta(seconds=2), cap=timedelta(minutes=5))
LEASE = timedelta(seconds=60)

_drawing = asyncio.Semaphore(1)  # one core draws one card at a time; the others' transfers go on meanwhile


async def run(run: jobs.Run) -> None:
    """Bring the order one step further until it is done; raise Rejected for a photo that cannot be used."""
    order = run.job.args
    chat = Chat(order["bot"], order["chat_id"])
    drawn: dict[str, bytes] = {}
    if "files" not in run.checkpoint:
        with contextlib.suppress(errors.Rejected):
            await chat.edit(order["message_id"], text.say(order["language"], "card.drawing"))
        drawn = await _draw(run)
    with contextlib.suppress(errors.Blocked):
        await _deliver(run, chat, drawn)


async def _draw(run: jobs.Run) -> dict[str, bytes]:
    """Draw the card, store the preview and the full-quality file; return their bytes by kind."""
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
    await run.save(files={"preview": preview, "full": full}, size=[card.width, card.height])
    await _remember(run, {"preview": (preview, "image/jpeg", card.jpeg), "full": (full, "image/png", card.png)})
    return {"preview": card.jpeg, "full": card.png}


async def _remember(run: jobs.Run, files: dict[str, tuple[str, str, bytes]]) -> None:
    width, height = run.checkpoint["size"]
    for kind, (pathname, content_type, data) in files.items():
        await db.run(
            lambda conn, kind=kind, pathname=pathname, content_type=content_type, data=data: generation.add_file(  # type: ignore[misc]
                conn,
                user_id=run.job.user_id,
                job_id=run.job.id,
                kind=kind,
                pathname=pathname,
                content_type=content_type,
                size=len(data),
                width=width,
                height=height,
            )
        )


async def _deliver(run: jobs.Run, chat: Chat, drawn: dict[str, bytes]) -> None:
    order: dict[str, Any] = run.job.args
    files = run.checkpoint["files"]
    if "shown" not in run.checkpoint:
        preview = Picture("card.jpg", drawn.get("preview") or await storage.get(files["preview"]))
        caption, keyboard = await _caption(run), _keyboard(run)
        await run.save(shown=await chat.show_picture(order["message_id"], preview, caption, keyboard))
    if "sent" not in run.checkpoint:
        name = f"lotok-{order['preset']}-{run.job.id}.png"
        full = Picture(name, drawn.get("full") or await storage.get(files["full"]))
        note = text.say(order["language"], "card.full_quality")
        await run.save(sent=await chat.send_document(full, note, reply_to=order["message_id"]))


async def _caption(run: jobs.Run) -> str:
    order = run.job.args
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, run.job.user_id or 0))
    width, height = run.checkpoint["size"]
    preset = text.say(order["language"], f"preset.{order['preset']}")
    return text.say(order["language"], "card.done", preset=preset, width=width, height=height, balance=balance)


def _keyboard(run: jobs.Run) -> client.Keyboard:
    def button(key: str, data: str) -> Button:
        return Button(text.say(run.job.args["language"], key), data)

    return [
        [button("button.again", f"card:again:{run.job.id}"), button("button.formats", f"card:format:{run.job.id}")],
        [button("button.new", "card:new"), button("button.menu", "menu:home")],
    ]
