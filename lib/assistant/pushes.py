"""What becomes of a request, told at once to those who wait for it: new ones to the staff, states to the client.

A request and what is told of it are written together, both or neither. One that nobody has accepted is told of again
by the task `requests`.
"""

from datetime import datetime, timedelta
from typing import Any

from lib import clock, db
from lib.assistant import requests, slip
from lib.assistant.requests import ShopRequest
from lib.assistant.slip import Said
from lib.jobs import table
from lib.jobs.table import NewJob
from lib.loyalty import staff
from lib.people import notify

TASK = "requests"
PATIENCE = timedelta(minutes=10)  # then the staff hear of it again


async def place(
    conn: db.Connection, partner_id: int, user_id: int, request_id: int, *, edition: int
) -> tuple[ShopRequest, bool]:
    """Place a draft as `requests.place` does, and tell the staff."""
    async with conn.transaction():
        request, fresh = await requests.place(conn, partner_id, user_id, request_id, edition=edition)
        if fresh:
            await tell_staff(conn, request, "request.told.new", "new")
            wake = NewJob(user_id, f"{TASK}:{partner_id}:{request.id}", {"partner": partner_id, "request": request.id})
            await table.create_free_jobs(conn, TASK, [wake], max_attempts=20, run_at=clock.now() + PATIENCE)
    return request, fresh


async def move(
    conn: db.Connection, partner_id: int, request_id: int, actor_id: int, state: str, reason: str = ""
) -> tuple[ShopRequest, bool]:
    """Move a request as `requests.move` does, and tell the client; or the staff, when the client cancelled it."""
    async with conn.transaction():
        request, fresh = await requests.move(conn, partner_id, request_id, actor_id, state, reason)
        if fresh and request.moves[-1].by_client:
            await tell_staff(conn, request, "request.told.withdrawn", "withdrawn")
        elif fresh:
            await tell_client(conn, request, request.state)
    return request, fresh


async def tell_of_erasure(conn: db.Connection, user_id: int) -> None:
    """Tell those who wait for what ended with an erasure: the staff of an erased client's, the clients of a shop's."""
    for partner_id, number in await requests.stopped_by_erasure(conn, user_id):
        request = await requests.get(conn, partner_id, number)
        if request.user_id == user_id:
            await tell_staff(conn, request, "request.told.withdrawn", "withdrawn")
        else:
            await tell_client(conn, request, request.state)


async def tell_staff(conn: db.Connection, request: ShopRequest, key: str, once: str, *, owner: int = 0) -> None:
    """Tell everybody who works at the shop, or its owner alone."""
    fields: dict[str, Any] = {"shop": request.shop, "number": request.number}
    fields |= {"goods": _said(slip.goods(request)), "facts": _said(slip.facts(request))}
    look = f"requests:one:{request.partner_id}:{request.id}"
    ways = [[("request.button.look", look)]]
    if request.state == "new":
        accept = f"requests:move:{request.partner_id}:{request.id}:accepted"
        refuse = f"requests:why:{request.partner_id}:{request.id}"
        soon = [(f"request.button.in_{one}", f"{accept}:{one}") for one in requests.MINUTES]
        ways = [[("request.button.accepted", accept), ("request.button.refuse", refuse)], soon]
    for one in await staff.readers(conn, request.partner_id):
        if not owner or one.user_id == owner:
            key_once = f"request:{once}:{request.partner_id}:{request.id}:{one.user_id}"
            await notify.tell(conn, one.user_id, "partner", key, fields, ways, once=key_once)


async def tell_client(conn: db.Connection, request: ShopRequest, what: str) -> None:
    """Tell the client what has become of it."""
    key = f"request.told.{what}_{request.way}" if what == "ready" else f"request.told.{what}"
    why = slip.reason(request.moves[-1])
    minutes = slip.promised(request.moves[-1])
    key += "_why" if why else "_in" if minutes and what == "accepted" else ""
    fields: dict[str, Any] = {"shop": request.shop, "number": request.number, "place": request.place}
    fields["minutes"] = minutes
    fields["why"] = notify.spoken(why[0], **why[1]) if why else ""
    ways = [[("request.button.mine", f"requests:one:{request.partner_id}:{request.id}")]]
    once = f"request:{what}:{request.partner_id}:{request.id}"
    await notify.tell(conn, request.user_id, "client", key, fields, ways, once=once)


async def remind(conn: db.Connection, partner_id: int, request_id: int, *, again: bool, owner_id: int) -> bool:
    """Tell of a request that nobody has accepted: the staff first, then the owner and the client; False when it was."""
    request = await requests.get(conn, partner_id, request_id)
    if request.state != "new":
        return False
    if again:
        await tell_staff(conn, request, "request.told.waits", "waits_again", owner=owner_id)
        await tell_client(conn, request, "unanswered")
    else:
        await tell_staff(conn, request, "request.told.waits", "waits")
    return True


async def sum_up(
    conn: db.Connection, partner_id: int, owner_id: int, since: datetime, until: datetime, title: str
) -> bool:
    """Tell the owner of a day's requests; False when there were none."""
    sums = await requests.sum_up(conn, partner_id, since, until)
    if not sums.placed:
        return False
    fields = {"shop": title, "day": notify.day(since.date()), "placed": sums.placed, "done": sums.done}
    fields |= {"cancelled": sums.cancelled, "open": sums.open, "sum": sums.total_minor}
    ways = [[("request.button.all", "requests:list:work")]]
    once = f"requests:{partner_id}:{since:%Y%m%d}"
    return await notify.tell(conn, owner_id, "partner", "request.told.day", fields, ways, once=once)


def _said(sentences: list[Said]) -> dict[str, Any]:
    return notify.listed([notify.spoken(key, **fields) for key, fields in sentences])
