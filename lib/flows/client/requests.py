"""A client's own requests at all shops, newest first, and each with its state; one that waits can be taken back.

requests:list:<last id of the page before>    requests:one:<shop>:<id>    requests:stop, requests:cancel:<shop>:<id>
"""

from lib import db, errors
from lib.assistant import pushes
from lib.assistant import requests as orders
from lib.assistant.requests import ShopRequest
from lib.flows import slips
from lib.flows.client import talking
from lib.jobs import kick
from lib.loyalty.partners import PAGE
from lib.telegram import screen
from lib.telegram.dispatch import Turn

LABELS = screen.PageLabels("client.button.newer", "client.button.older")


async def handle(turn: Turn) -> None:
    """Show the list or one request, or take one back after a question."""
    turn.state.step = ""
    what, first, second = screen.parts(turn)
    shop, number, user_id = screen.number(first), screen.number(second), turn.state.who["id"]
    try:
        if what == "one":
            await _one(turn, await db.run(lambda conn: orders.get(conn, shop, number, user_id=user_id)))
        elif what == "stop":
            await _ask(turn, await db.run(lambda conn: orders.get(conn, shop, number, user_id=user_id)))
        elif what == "cancel":
            await _cancel(turn, shop, number)
        else:
            await _list(turn, shop)
    except errors.Missing:
        await screen.refuse_old_button(turn)
        await _list(turn, 0)


async def _list(turn: Turn, before: int) -> None:
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: orders.list_of_client(conn, user_id, before=before or None, limit=PAGE + 1))
    page = found[:PAGE]
    rows = [[slips.entry(turn, one, f"requests:one:{one.partner_id}:{one.id}", shop=True)] for one in page]
    leaf = screen.pages(turn, "requests:list", before, page[-1].id if len(found) > PAGE else None, LABELS)
    words = turn.text("request.mine" if page else "request.none")
    find = [] if page else [[screen.button(turn, "client.button.shops", "find:shops", style="primary")]]
    await turn.show(words, [*rows, *leaf, *find, screen.home(turn)])


async def _one(turn: Turn, request: ShopRequest, note: str = "") -> None:
    place = f"{request.partner_id}:{request.id}"
    stop = [[screen.button(turn, "request.button.stop", f"requests:stop:{place}")]] if request.state == "new" else []
    more = [[screen.button(turn, "request.button.ask", f"ask:{request.partner_id}")]]
    words = screen.paragraphs(note, slips.card(turn, request, staff=False))
    talking.listen(turn, request.partner_id)
    await turn.show(words, [*stop, *more, screen.home(turn, "requests:list")])


async def _ask(turn: Turn, request: ShopRequest) -> None:
    if request.state != "new":
        await _one(turn, request, turn.text("request.too_late"))
        return
    place = f"{request.partner_id}:{request.id}"
    rows = [
        [screen.button(turn, "request.button.cancel", f"requests:cancel:{place}", style="danger")],
        [screen.button(turn, "request.button.leave", f"requests:one:{place}")],
    ]
    await turn.show(turn.text("request.stop", number=request.number, shop=request.shop), rows)


async def _cancel(turn: Turn, shop: int, number: int) -> None:
    user_id = turn.state.who["id"]
    request = await db.run(lambda conn: orders.get(conn, shop, number, user_id=user_id))
    if request.state == "new":
        request, fresh = await db.run(lambda conn: pushes.move(conn, shop, number, user_id, "cancelled"))
        if fresh:
            turn.after.append(kick.drain)
    key = "request.stopped" if request.moves[-1].by_client else "request.too_late"
    await _one(turn, request, turn.text(key, number=request.number))
