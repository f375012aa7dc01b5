"""The menu of a shop to look through: the short form, the sections, a section, an item with its photo.

items:<shop> -> full:<shop> -> in:<shop>:<version>:<section>:<from> -> one:<shop>:<version>:<place> -> photo, basket

A button names the version of the menu that was seen: one of another version is old.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from lib import db, errors, text
from lib.assistant import keyless, requests
from lib.flows.client import talking, visitor
from lib.loyalty import partners
from lib.menu import versions
from lib.menu.goods import MenuItem
from lib.menu.index import Index
from lib.menu.versions import OpenShop
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard, Picture, download
from lib.telegram.dispatch import Turn

PAGE = 10
SHORT = 30  # items of the short form
ROOM = 3000
SECTIONS = 40


async def handle(turn: Turn) -> None:
    """Show what a button names."""
    what, *rest = [*turn.came.text.split(":")[1:], ""] if turn.came.kind == "press" else [""]
    if what not in SCREENS:
        what, rest = "short", [what]
    shop, version, *numbers = [screen.number(one) for one in [*rest, "", "", "", ""][:4]]
    talking.listen(turn, shop)
    partner = await db.run(lambda conn: versions.open_shop(conn, shop))
    index = await versions.index(partner) if partner and partner.menu_version else None
    if partner is None or index is None or not index.items:
        await _nothing(turn, shop)
    elif version and version != partner.menu_version:
        await screen.refuse_old_button(turn)
        await _full(turn, partner, index, numbers)
    else:
        await SCREENS[what](turn, partner, index, numbers)


async def _nothing(turn: Turn, shop: int) -> None:
    """Say that a shop does not answer now, or has no menu."""
    turn.state.step = ""
    try:
        partner = await db.run(lambda conn: partners.get(conn, shop))
    except errors.Missing:
        await turn.show(turn.text("client.error.no_partner", title="", detail=""), [screen.home(turn)])
        return
    is_open = partner.status == "approved"
    words = turn.text("client.ask.no_menu", title=partner.title) if is_open else visitor.closed(turn, partner)
    await turn.show(words, [screen.home(turn, f"shop:{shop}" if is_open else "")])


def _sections(items: Sequence[MenuItem]) -> list[str]:
    return list(dict.fromkeys(one.category for one in items))


async def _short(turn: Turn, shop: OpenShop, index: Index, numbers: Sequence[int]) -> None:
    """Show the short form; the sections where it leaves nothing out."""
    short = [one for one in index.items if one.in_short]
    if not short or len(short) == len(index.items):
        await _full(turn, shop, index, numbers)
        return
    lines = text.fitting([_line(turn, one) for one in short[:SHORT]], ROOM)
    full = screen.button(turn, "client.button.full_menu", f"items:full:{shop.id}", style="primary")
    words = screen.paragraphs(turn.text("client.items.short", title=shop.title), "\n".join(lines))
    await turn.show(words, [[full], _ask(turn, shop), screen.home(turn, f"shop:{shop.id}")])


async def _full(turn: Turn, shop: OpenShop, index: Index, numbers: Sequence[int]) -> None:
    """Show the sections, or the items where there is but one."""
    sections = _sections(index.items)
    if len(sections) == 1:
        await _section(turn, shop, index, [0, 0])
        return
    labels = [one or turn.text("client.items.other") for one in sections[:SECTIONS]]
    rows = screen.in_rows(
        [Button(one, f"items:in:{shop.id}:{shop.menu_version}:{number}") for number, one in enumerate(labels)]
    )
    words = turn.text("client.items.full", title=shop.title)
    await turn.show(words, [*rows, _ask(turn, shop), screen.home(turn, f"shop:{shop.id}")])


def _ask(turn: Turn, shop: OpenShop) -> list[Button]:
    return [screen.button(turn, "client.button.ask", f"ask:{shop.id}")]


async def _section(turn: Turn, shop: OpenShop, index: Index, numbers: Sequence[int]) -> None:
    sections, (number, start) = _sections(index.items), numbers
    if number >= len(sections):
        await _full(turn, shop, index, numbers)
        return
    own = [(place, one) for place, one in enumerate(index.items, 1) if one.category == sections[number]]
    page = own[start : start + PAGE]
    place = f"items:in:{shop.id}:{shop.menu_version}:{number}"
    rows = screen.picks(f"items:one:{shop.id}:{shop.menu_version}", [at for at, _ in page])
    turns = [screen.button(turn, "client.button.items_before", f"{place}:{max(start - PAGE, 0)}")] if start else []
    if len(own) > start + PAGE:
        turns.append(screen.button(turn, "client.button.items_after", f"{place}:{start + PAGE}"))
    lines = [turn.text("client.items.numbered", place=at, line=_line(turn, one)) for at, (_, one) in enumerate(page, 1)]
    head = turn.text("client.items.section", name=sections[number] or turn.text("client.items.other"))
    back = f"items:full:{shop.id}" if len(sections) > 1 else f"shop:{shop.id}"
    ways: Keyboard = [turns] if turns else []
    await turn.show(screen.paragraphs(head, "\n".join(lines)), [*rows, *ways, screen.home(turn, back)])


def _line(turn: Turn, item: MenuItem) -> str:
    gone = "" if item.available else f" · {turn.text('client.ask.sold_out')}"
    return text.HtmlSentence(keyless.named(turn.language, item, item.variants) + gone)


async def _one(turn: Turn, shop: OpenShop, index: Index, numbers: Sequence[int]) -> None:
    place = numbers[0]
    if not 0 < place <= len(index.items):
        await _full(turn, shop, index, numbers)
        return
    item = index.items[place - 1]
    about = turn.text("client.ask.about", about=item.description) if item.description else ""
    which = f"{shop.id}:{shop.menu_version}:{place}"
    rows = [[screen.button(turn, "client.button.photo", f"items:photo:{which}")]] if item.photo else []
    if item.available:
        order = requests.button(shop, index, item.code)
        rows.insert(
            0, [screen.button(turn, "request.button.add", order, style="primary", title=screen.short(item.title))]
        )
    back = f"items:in:{shop.id}:{shop.menu_version}:{_sections(index.items).index(item.category)}"
    await turn.show(screen.paragraphs(_line(turn, item), about), [*rows, _ask(turn, shop), screen.home(turn, back)])


async def _photo(turn: Turn, shop: OpenShop, index: Index, numbers: Sequence[int]) -> None:
    """Send an item's photo, which the partner bot holds."""
    item = index.items[numbers[0] - 1] if 0 < numbers[0] <= len(index.items) else None
    if item is None or not item.photo:
        await screen.refuse_old_button(turn)
        return
    try:
        data = await download("partner", item.photo)
        await turn.chat.send_photo(Picture("item.jpg", data), turn.text("client.items.photo", title=item.title))
    except (errors.Missing, errors.Rejected):
        await turn.answer(turn.text("client.service.no_photo"), alert=True)
    else:
        await turn.answer()


SCREENS: Mapping[str, Callable[[Turn, OpenShop, Index, Sequence[int]], Awaitable[None]]] = {
    "short": _short,
    "full": _full,
    "in": _section,
    "one": _one,
    "photo": _photo,
}
