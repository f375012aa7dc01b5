"""A service for points: look, confirm with price and balance, have it. The voucher's code is shown at the counter.

gift:<shop>:<id> -> [get] -> gift:ask:... -> confirm -> [get for n points] -> the voucher, for good
gift:mine:<shop>:<last>   the vouchers one has, ten a page

The price on the confirm screen is the one that is paid, or nothing is. The operation's key is that message.
"""

import asyncio
from dataclasses import dataclass

from lib import clock, db, errors
from lib.flows import when
from lib.flows.client import visitor
from lib.loyalty import members, offers, partners, points
from lib.loyalty.members import Member
from lib.loyalty.offers import Service
from lib.loyalty.points import Receipt, Voucher
from lib.telegram import screen
from lib.telegram.client import Picture, download
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

LABELS = screen.PageLabels("client.button.newer", "client.button.older")


@dataclass(frozen=True)
class Purchase:
    """A service that is about to be bought, at the price that the confirm screen showed."""

    shop: int
    service: int
    price: int


BUY = DraftKey("buy", Purchase)


async def handle(turn: Turn) -> None:
    """Show a service, its confirm screen or one's vouchers; or take a confirmation."""
    what, first, second = screen.parts(turn)
    shop, number = screen.number(first), screen.number(second)
    if what == "mine":
        await _vouchers(turn, shop, number)
    elif what == "ask":
        await _ask(turn, shop, number)
    elif what == "buy":
        await _buy(turn, shop, number)
    elif what == "photo":
        await _photo(turn, shop, number)
    else:
        await _view(turn, screen.number(what), shop)


async def _service(turn: Turn, shop: int, number: int) -> Service | None:
    """Return a service that can be had now, or say that it cannot."""
    try:
        found = await db.run(lambda conn: offers.get_service(conn, shop, number))
        partner = await db.run(lambda conn: partners.get(conn, shop))
    except errors.Missing:
        found = None
    if found and found.status == "approved" and found.shown and partner.status == "approved":
        return found
    rows = [[screen.button(turn, "client.button.services", "find:services")], screen.home(turn)]
    await turn.show(turn.text("client.service.gone"), rows)
    return None


async def _view(turn: Turn, shop: int, number: int) -> None:
    found = await _service(turn, shop, number)
    if found is None:
        return
    lines = [turn.text("client.service.title", title=found.title, partner=found.partner, city=found.city)]
    if found.about:
        lines.append(turn.text("client.shop.words", words=found.about))
    lines.append(turn.text("client.service.price", points=found.price_points))
    photo = [[screen.button(turn, "client.button.photo", f"gift:photo:{shop}:{number}")]] if found.photo else []
    rows = [
        [screen.button(turn, "client.button.get", f"gift:ask:{shop}:{number}", style="primary")],
        *photo,
        [screen.button(turn, "client.button.shop", f"shop:{shop}")],
        screen.home(turn, "find:services"),
    ]
    await turn.show(screen.paragraphs(*lines), rows)


async def _photo(turn: Turn, shop: int, number: int) -> None:
    """Send the picture of a service, which the partner bot got: its file id means nothing to this bot."""
    found = await _service(turn, shop, number)
    if found is None:
        return
    try:
        data = await download("partner", found.photo)
        await turn.chat.send_photo(Picture("service.jpg", data), turn.text("client.service.photo", title=found.title))
    except (errors.Missing, errors.Rejected):
        await turn.answer(turn.text("client.service.no_photo"), alert=True)


async def _ask(turn: Turn, shop: int, number: int, note: str = "") -> None:
    """Show price, balance and what is left; the button is there only for a client who has enough."""
    found = await _service(turn, shop, number)
    member = await _member(turn, shop) if found else None
    if found is None or member is None:
        return
    left = member.available - found.price_points
    fields = {"title": found.title, "partner": found.partner, "price": found.price_points, "balance": member.available}
    key = "client.service.confirm" if left >= 0 else "client.service.short"
    words = turn.text(key, **fields, left=left, missing=-left, days=points.VOUCHER_DAYS)
    get = screen.button(
        turn, "client.button.pay", f"gift:buy:{shop}:{number}", style="success", points=found.price_points
    )
    back = screen.home(turn, f"gift:{shop}:{number}")
    await turn.show(screen.paragraphs(note, words), [[get], back] if left >= 0 else [back])
    turn.state.step = "gift:confirm" if left >= 0 else ""
    BUY.keep(turn.state, Purchase(shop, number, found.price_points))


async def _member(turn: Turn, shop: int) -> Member | None:
    """Return the person's card at the shop; a person without one is led to get one."""
    if not await visitor.registered(turn):
        return None
    try:
        return await db.run(lambda conn: members.get_own(conn, shop, turn.state.who["id"]))
    except errors.Missing:
        rows = [[screen.button(turn, "client.button.join", f"join:shop:{shop}", style="primary")], screen.home(turn)]
        await turn.show(turn.text("client.service.card_first"), rows)
        return None


async def _buy(turn: Turn, shop: int, number: int) -> None:
    buy = BUY.of(turn.state)
    if turn.came.message_id == turn.state.data.get("bought_on"):
        await turn.answer(turn.text("client.service.bought_already"), alert=True)
        return
    asked = buy is not None and (buy.shop, buy.service) == (shop, number)
    if buy is None or not asked or not turn.on_screen or turn.state.step != "gift:confirm":
        await screen.refuse_old_button(turn)
        await _ask(turn, shop, number)
        return
    found = await _service(turn, shop, number)
    member = await _member(turn, shop) if found else None
    if found is None or member is None:
        return
    key = f"gift:{turn.chat.bot}:{turn.chat.id}:{turn.came.message_id}"
    user_id = turn.state.who["id"]
    try:
        receipt = await db.run(
            lambda conn: points.buy_service(conn, shop, member.id, user_id, service_id=number, price=buy.price, key=key)
        )
    except errors.Conflict as error:
        await _ask(turn, shop, number, visitor.refusal(turn, error))
        return
    except (errors.Denied, errors.Missing) as error:
        await turn.show(visitor.refusal(turn, error), [screen.home(turn)])
        return
    await _bought(turn, found, receipt)


async def _bought(turn: Turn, found: Service, receipt: Receipt) -> None:
    """Turn the confirm screen into the voucher; what comes next is another message."""
    code = receipt.code or ""
    voucher = next(iter(await _mine(turn, found.partner_id, receipt.member_id, receipt.txn_id + 1)), None)
    words = turn.text(
        "client.service.bought",
        title=found.title,
        partner=found.partner,
        code=f"{code[:4]} {code[4:]}",
        day=when.last_day(turn, voucher.expires_at) if voucher else "",
        points=receipt.points,
        balance=receipt.available,
    )
    rows = [[screen.button(turn, "client.button.vouchers", f"gift:mine:{found.partner_id}"), *screen.home(turn)]]
    await asyncio.gather(turn.answer(), turn.chat.edit(turn.came.message_id, words, rows))
    turn.state.step = ""
    BUY.drop(turn.state)
    turn.state.data |= {"screen": 0, "bought_on": turn.came.message_id}


async def _mine(turn: Turn, shop: int, member_id: int, before: int, limit: int = 1) -> list[Voucher]:
    return await db.run(lambda conn: points.vouchers(conn, shop, member_id, before=before or None, limit=limit))


async def _vouchers(turn: Turn, shop: int, before: int) -> None:
    member = await visitor.own_card(turn, shop)
    if member is None:
        return
    found = await _mine(turn, shop, member.id, before, partners.PAGE + 1)
    page = found[: partners.PAGE]
    lines = [_line(turn, voucher) for voucher in page]
    last = page[-1].txn_id if len(found) > partners.PAGE else None
    leaf = screen.pages(turn, f"gift:mine:{shop}", before, last, LABELS)
    words = screen.paragraphs(turn.text("client.service.mine"), *lines) if page else turn.text("client.service.none")
    first = [] if page else [[screen.button(turn, "client.button.services", f"find:services:{shop}", style="primary")]]
    await turn.show(words, [*first, *leaf, screen.home(turn, f"points:{shop}")])


def _line(turn: Turn, voucher: Voucher) -> str:
    state = "used" if voucher.used_at else "cancelled" if voucher.cancelled_at else "open"
    if state == "open" and voucher.expires_at <= clock.now():
        state = "expired"
    at = voucher.used_at or voucher.cancelled_at
    day = when.day(turn, at) if at else when.last_day(turn, voucher.expires_at)
    code = f"{voucher.code[:4]} {voucher.code[4:]}"
    return turn.text(f"client.voucher.{state}", title=voucher.title, code=code, day=day)
