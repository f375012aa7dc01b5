"""What a client puts together at a shop before they order: items of the menu with their quantities.

a found item -> [which variant] -> the basket: less, more, out; more items; on to the questions (checkout)

It is a draft among the shop's requests: its prices are the menu's of this moment.
"""

from lib import db, errors, text
from lib.assistant import requests, slip
from lib.assistant.requests import RequestLine, ShopRequest
from lib.flows import slips
from lib.flows.client import talking, visitor
from lib.menu import versions
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer one of the buttons: basket:<what>:<shop>, and numbers that say which item or line."""
    what, *rest = turn.came.text.split(":")[1:] if turn.came.kind == "press" else [""]
    shop, *numbers = [screen.number(one) for one in rest] or [0]
    talking.listen(turn, shop)
    try:
        await _act(turn, what, shop, [*numbers, 0, 0, 0][:3])
    except (errors.Conflict, errors.Denied, errors.Missing) as error:
        await turn.show(_refusal(turn, error), [*_way_on(turn, error, shop), screen.home(turn, f"ask:{shop}")])


async def _act(turn: Turn, what: str, shop: int, numbers: list[int]) -> None:
    user_id = turn.state.who["id"]
    first, second, third = numbers
    if what == "pick":
        await _variants(turn, shop, first, second)
    elif what == "add":
        made = await db.run(lambda conn: requests.put(conn, shop, user_id, (first, second, third)))
        await show(turn, made)
    elif what == "set":
        quantity = min(second, requests.MOST)
        await show(turn, await db.run(lambda conn: requests.set_quantity(conn, shop, user_id, first, quantity)))
    elif what == "drop":
        await db.run(lambda conn: requests.drop_draft(conn, shop, user_id))
        await _empty(turn, shop, turn.text("request.dropped"))
    else:
        draft = await db.run(lambda conn: requests.get_draft(conn, shop, user_id))
        await (show(turn, draft) if draft else _empty(turn, shop))


async def _variants(turn: Turn, shop: int, version: int, place: int) -> None:
    """Ask which variant, at the prices of now; what a menu that changed meanwhile has no more is said so."""
    partner = await db.run(lambda conn: versions.open_shop(conn, shop))
    items = (await versions.index(partner)).items if partner else ()
    if partner and partner.menu_version != version:
        place = await db.run(lambda conn: versions.place_now(conn, shop, version, place))
    if partner is None or not 0 < place <= len(items):
        await screen.refuse_old_button(turn)
        await _empty(turn, shop, turn.text("request.menu_changed"))
        return
    item = items[place - 1]
    if not item.available:
        raise errors.Conflict("sold_out")
    add = f"basket:add:{shop}:{partner.menu_version}:{place}"
    rows = [
        [Button(_label(turn, one.name, one.kopecks, one.at_least), f"{add}:{at}")]
        for at, one in enumerate(item.variants, 1)
    ]
    words = turn.text("request.which", title=item.title)
    await turn.show(words, [*rows, screen.home(turn, f"ask:{shop}")])


def _label(turn: Turn, name: str, kopecks: int, at_least: bool) -> str:
    key = "request.price_from" if at_least else "request.price"
    return text.plain(turn.text(key, name=name, price=kopecks))


async def show(turn: Turn, draft: ShopRequest) -> None:
    """Show what is in the basket, with buttons to change it."""
    if not draft.lines:
        await _empty(turn, draft.partner_id)
        return
    rows = [row for one in draft.lines for row in _row(turn, draft, one)]
    shop = draft.partner_id
    ways: Keyboard = [
        [screen.button(turn, "request.button.more", f"ask:{shop}")],
        [screen.button(turn, "request.button.drop", f"basket:drop:{shop}")],
    ]
    if draft.total >= draft.least_minor and any(not one.gone for one in draft.lines):
        ways.insert(0, [screen.button(turn, "request.button.checkout", f"checkout:next:{shop}", style="primary")])
    least = turn.text("request.least", sum=draft.least_minor) if draft.total < draft.least_minor else ""
    words = screen.paragraphs(
        turn.text("request.basket", shop=draft.shop),
        slips.words(turn, slip.goods(draft)),
        least,
        draft.note and turn.text("request.note", words=draft.note),
    )
    await turn.show(words, [*rows, *ways, screen.home(turn)])


def _row(turn: Turn, draft: ShopRequest, one: RequestLine) -> Keyboard:
    """Return less, how many, more; what is gone can only go out."""
    place = f"basket:set:{draft.partner_id}:{one.place}"
    title = screen.short(f"{one.title}, {one.variant}" if one.variant else one.title, 24)
    if one.gone:
        return [[screen.button(turn, "request.button.out", f"{place}:0", title=title)]]
    name = Button(f"{title} × {one.quantity}", f"basket:open:{draft.partner_id}")
    return [[Button("−", f"{place}:{one.quantity - 1}"), name, Button("+", f"{place}:{one.quantity + 1}")]]


async def _empty(turn: Turn, shop: int, note: str = "") -> None:
    more = [screen.button(turn, "request.button.ask", f"ask:{shop}", style="primary")]
    await turn.show(note or turn.text("request.empty"), [more, screen.home(turn)])


def _way_on(turn: Turn, error: errors.AppError, shop: int) -> Keyboard:
    if error.code not in ("sold_out", "too_many_lines"):
        return []
    return [[screen.button(turn, "request.button.basket", f"basket:open:{shop}", style="primary")]]


def _refusal(turn: Turn, error: errors.AppError) -> str:
    key = f"request.error.{error.code}"
    return turn.text(key) if text.knows(key) else visitor.refusal(turn, error)
