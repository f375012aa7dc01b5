"""Tells those whose orders wait in line how far they are: the status of an order moves before its worker comes, too."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lib import cache, db, errors, log, text

SQL = db.load("line")

EVERY = timedelta(seconds=45)  # the drain is called each minute, and by every order between
MOST = 30  # messages at a time: they must not take what Telegram lets a bot send in a second from results


@dataclass(frozen=True)
class WaitingOrder:
    """An order in line; `waited` is in seconds."""

    id: int
    args: dict[str, Any]
    position: int
    waited: float


async def list_waiting(conn: db.Connection, limit: int = MOST) -> list[WaitingOrder]:
    """Return the orders that have been in line for a while, those first that have been there longest."""
    return await SQL.list_waiting.all(conn, WaitingOrder, limit=limit)


async def move() -> None:
    """Write its place and its time so far into the status message of each order; a failed message fails no order."""
    try:
        if not await cache.once("line_moved", EVERY):
            return
        waiting = await db.run(list_waiting)
    except errors.Upstream as error:
        log.event("line_not_moved", error=str(error)[:300])
        return
    if waiting:
        await asyncio.gather(*map(_say, waiting))


async def _say(one: WaitingOrder) -> None:
    from lib.telegram.client import Button, Chat

    order, language = one.args, one.args["language"]
    words = text.say(
        *(language, "studio.in_line"), number=one.id, position=one.position, time=text.span(language, one.waited)
    )
    cancel = Button(text.say(language, "button.cancel"), f"order:cancel:{one.id}")
    try:
        await Chat(order["bot"], order["chat_id"], paced=True).edit(order["message_id"], words, [[cancel]])
    except errors.Upstream as error:
        log.event("line_not_told", job_id=one.id, error=str(error)[:300])
