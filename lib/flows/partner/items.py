"""The items of a shop's menu, one by one: a form adds one, a press marks it as sold out, a few words change it.

items:list -> in:<section> -> one:<code> -> edit:<part>:<code>: title, prices, about, section, unit, photo, names
           -> out, has: sold out and here again · short, long: in the short menu or not · drop -> sure
           -> new: category -> title -> prices -> about -> confirm -> published          State.data["new_item"]

Every change is a new version of the menu, by the checks that a file goes through.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lib import db, errors, typed
from lib.assistant import misses
from lib.flows.partner import item_form, workplace
from lib.loyalty.staff import Staff
from lib.menu import sheet, suspects, versions
from lib.menu.goods import MenuItem
from lib.telegram import screen, wizard
from lib.telegram.client import Button, Keyboard, Picture
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

PAGE = 10
SECTIONS = 30  # as buttons; an item of a section further down is reached through a file


@dataclass(frozen=True)
class OpenItem:
    """The item on the screen, for what is typed or sent."""

    shop: int
    code: str


OPEN = DraftKey("open_item", OpenItem)


async def handle(turn: Turn) -> None:
    """Answer a button, or take words or a photo for the item or the question that is open."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    action, argument = screen.pressed(turn)
    asked = turn.state.step.removeprefix("items:edit_")
    if action in SCREENS:
        await SCREENS[action](turn, place, argument)
    elif action in CHANGES:
        await _change(turn, place, argument, CHANGES[action])
    elif turn.came.kind != "press" and asked in ASKED:
        await _take(turn, place, asked)
    elif not wizard.is_open(turn, item_form.FORM):
        await screen.refuse_old_button(turn)
        await _list(turn, place, "")
    elif action == "send":
        await _send(turn, place)
    else:
        await wizard.answer(turn, item_form.FORM)


async def _items(place: Staff) -> tuple[MenuItem, ...]:
    return (await db.run(lambda conn: versions.newest(conn, place.partner_id))).items


def _sections(items: Sequence[MenuItem]) -> list[str]:
    return list(dict.fromkeys(one.category for one in items))


async def _list(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    """Show the sections, or the items where there is but one."""
    items = await _items(place)
    sections = _sections(items)
    if len(sections) == 1:
        await _section(turn, place, "0", note)
        return
    turn.state.step = ""
    labels = [f"{one or turn.text('partner.items.no_section')} · {_count(items, one)}" for one in sections[:SECTIONS]]
    rows = screen.in_rows([Button(one, f"items:in:{number}") for number, one in enumerate(labels)])
    words = turn.text("partner.items.list" if items else "partner.items.none", title=place.title)
    await turn.show(screen.paragraphs(note, words), [*rows, [_new(turn)], screen.home(turn, "prices:home")])


def _count(items: Sequence[MenuItem], section: str) -> int:
    return sum(one.category == section for one in items)


def _new(turn: Turn) -> Button:
    return screen.button(turn, "partner.button.item_new", "items:new", style="primary")


async def _section(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    """Show a page of a section; <number of the section>:<where the page begins>."""
    number, _, start = argument.partition(":")
    items, at = await _items(place), screen.number(start)
    sections = _sections(items)
    if screen.number(number) >= len(sections):
        await _list(turn, place, "") if sections else await _none(turn, place, note)
        return
    section = sections[screen.number(number)]
    own = [one for one in items if one.category == section]
    turn.state.step = ""
    rows = [
        [Button(f"{_mark(one)} {screen.short(one.title, 30)}", f"items:one:{one.code}")] for one in own[at : at + PAGE]
    ]
    if len(own) > at + PAGE:
        rows.append([screen.button(turn, "partner.button.more", f"items:in:{number}:{at + PAGE}")])
    words = turn.text("partner.items.section", name=section or turn.text("partner.items.no_section"), count=len(own))
    back = screen.home(turn, "items:list" if len(sections) > 1 else "prices:home")
    await turn.show(screen.paragraphs(note, words), [*rows, [_new(turn)], back])


async def _none(turn: Turn, place: Staff, note: str) -> None:
    turn.state.step = ""
    words = turn.text("partner.items.none", title=place.title)
    await turn.show(screen.paragraphs(note, words), [[_new(turn)], screen.home(turn, "prices:home")])


def _mark(one: MenuItem) -> str:
    return "✅" if one.available else "🚫"


async def _found(turn: Turn, place: Staff, code: str) -> tuple[MenuItem, int] | None:
    """Return an item and the number of its section, or show the list when it is gone."""
    items = await _items(place)
    found = next((one for one in items if one.code == code), None)
    if found is None:
        await screen.refuse_old_button(turn)
        await _list(turn, place, "")
        return None
    return found, _sections(items).index(found.category)


async def _one(turn: Turn, place: Staff, code: str, note: str = "") -> None:
    found = await _found(turn, place, code)
    if found is None:
        return
    item, section = found
    turn.state.step = "items:edit_photo"  # a photo may be sent at once
    OPEN.keep(turn.state, OpenItem(place.partner_id, item.code))
    await turn.show(screen.paragraphs(note, _told(turn, item)), _rows(turn, item, section))


def _told(turn: Turn, item: MenuItem) -> str:
    prices = "\n".join(item_form.price(turn, one, item.unit) for one in item.variants)
    state = turn.text("partner.items.here" if item.available else "partner.items.sold_out")
    short = turn.text("partner.items.short" if item.in_short else "partner.items.full_only")
    photo = turn.text("partner.items.with_photo" if item.photo else "partner.items.no_photo")
    about = turn.text("partner.items.about", about=item.description) if item.description else ""
    head = turn.text(
        "partner.items.one", title=item.title, section=item.category or turn.text("partner.items.no_section")
    )
    called = turn.text("partner.items.names", names=", ".join(item.names)) if item.names else ""
    mark = turn.text("partner.items.suspect") if suspects.found([item]) else ""
    return screen.paragraphs(head, prices, about, "\n".join([state, short, photo]), called, mark)


def _rows(turn: Turn, item: MenuItem, section: int) -> Keyboard:
    stock = "out" if item.available else "has"
    asked = [screen.button(turn, f"partner.button.item_{one}", f"items:edit:{one}:{item.code}") for one in ASKED]
    size = "long" if item.in_short else "short"
    more = [
        screen.button(turn, f"partner.button.item_{size}", f"items:{size}:{item.code}"),
        screen.button(turn, "partner.button.item_drop", f"items:drop:{item.code}"),
    ]
    if item.photo:
        more.insert(1, screen.button(turn, "partner.button.item_look", f"items:look:{item.code}"))
    rows = screen.in_rows([*asked, *more])
    return [
        [screen.button(turn, f"partner.button.item_{stock}", f"items:{stock}:{item.code}", style="primary")],
        *rows,
        screen.home(turn, f"items:in:{section}"),
    ]


async def _edit(turn: Turn, place: Staff, argument: str) -> None:
    what, _, code = argument.partition(":")
    await (_ask(turn, place, code, what) if what in ASKED else _list(turn, place, ""))


async def _ask(turn: Turn, place: Staff, code: str, what: str, note: str = "") -> None:
    """Ask for one of an item's parts in words, or for its photo."""
    found = await _found(turn, place, code)
    if found is None:
        return
    turn.state.step = f"items:edit_{what}"
    OPEN.keep(turn.state, OpenItem(place.partner_id, code))
    words = turn.text(f"partner.items.ask.{what}", title=found[0].title)
    await turn.show(screen.paragraphs(note, words), [screen.home(turn, f"items:one:{code}")])


async def _take(turn: Turn, place: Staff, what: str) -> None:
    """Change the open item by what was typed or sent."""
    open_item = OPEN.of(turn.state)
    if open_item is None or open_item.shop != place.partner_id:
        await _list(turn, place, "")
        return
    file, said, code = turn.came.attachment, turn.came.text.strip(), open_item.code
    if what == "photo" and file and file.kind == "photo":
        photo = file.file_id
        await _change(turn, place, code, lambda item: replace(item, photo=photo))
    elif what == "photo" and turn.came.kind == "text" and typed.is_nothing(said):
        await _change(turn, place, code, lambda item: replace(item, photo=""))
    elif what == "photo" or turn.came.kind != "text":
        await _ask(turn, place, code, what, turn.text(f"partner.items.{'photo' if what == 'photo' else 'words'}_only"))
    else:
        await _change(turn, place, code, lambda item: _reworded(item, what, said), what)


def _reworded(item: MenuItem, what: str, said: str) -> MenuItem:
    """Return an item with other words or prices, checked as a file is. Invalid."""
    rows = sheet.rows(item)
    if what == "prices":
        rows = [{**rows[0], **one} for one in sheet.priced(said)]
    else:
        said = "" if what != "title" and typed.is_nothing(said) else said
        rows = [{**one, item_form.CELLS[what]: said} for one in rows]
    return replace(sheet.item(rows), photo=item.photo)


async def _change(
    turn: Turn, place: Staff, code: str, change: Callable[[MenuItem], MenuItem | None], asked: str = ""
) -> None:
    """Publish the menu with one item changed, or without it."""

    def changed(items: tuple[MenuItem, ...]) -> list[MenuItem]:
        return [kept for one in items if (kept := change(one) if one.code == code else one)]

    try:
        menu = await _publish(turn, place, changed)
    except (errors.Invalid, errors.Conflict, errors.Denied) as error:
        note = item_form.refusal(turn, error)
        await (_ask(turn, place, code, asked, note) if asked else _one(turn, place, code, note))
        return
    if any(one.code == code for one in menu.items):
        await _one(turn, place, code, turn.text("partner.items.saved"))
    else:
        await _list(turn, place, "", turn.text("partner.items.dropped"))


async def _publish(
    turn: Turn, place: Staff, change: Callable[[tuple[MenuItem, ...]], Sequence[MenuItem]]
) -> versions.MenuVersion:
    actor = turn.state.who["id"]
    menu = await db.run(lambda conn: versions.amend(conn, place.partner_id, actor, change))
    await versions.forget(place.partner_id)
    return menu


async def _drop(turn: Turn, place: Staff, code: str) -> None:
    """Ask once more before an item goes."""
    found = await _found(turn, place, code)
    if found is None:
        return
    turn.state.step = ""
    sure = screen.button(turn, "partner.button.item_drop", f"items:sure:{code}", style="danger")
    await turn.show(
        turn.text("partner.items.drop", title=found[0].title), [[sure], screen.home(turn, f"items:one:{code}")]
    )


async def _look(turn: Turn, place: Staff, code: str) -> None:
    found = await _found(turn, place, code)
    if found and found[0].photo:
        words = turn.text("partner.items.look", title=found[0].title)
        await turn.chat.send_photo(Picture("item.jpg", file_id=found[0].photo), words)
    if found:
        await turn.answer()


async def _begin(turn: Turn, place: Staff, argument: str) -> None:
    """Begin the form of a new item; a number is that of words that clients asked for and did not find."""
    sections = [one for one in _sections(await _items(place)) if one][: item_form.SECTIONS]
    if miss := await db.run(lambda conn: misses.get(conn, place.partner_id, screen.number(argument))):
        turn.state.data[item_form.FORM.name] = {
            "shop": place.partner_id,
            "sections": sections,
            "title": miss.words.capitalize(),
        }
        await wizard.ask(turn, item_form.FORM)
        return
    await wizard.begin(turn, item_form.FORM, afresh=argument == "afresh", shop=place.partner_id, sections=sections)


async def _send(turn: Turn, place: Staff) -> None:
    """Publish the menu with the new item at the end."""
    draft = await wizard.confirmed(turn, item_form.FORM)
    if draft is None:
        return
    if draft["shop"] != place.partner_id:
        await screen.refuse_old_button(turn)
        await _begin(turn, place, "afresh")
        return
    made: list[MenuItem] = []

    def added(items: tuple[MenuItem, ...]) -> list[MenuItem]:
        made[:] = [sheet.item(item_form.cells(draft), items)]
        return [*items, *made]

    try:
        await _publish(turn, place, added)
    except (errors.Invalid, errors.Conflict, errors.Denied) as error:
        await wizard.ask(turn, item_form.FORM, "title", item_form.refusal(turn, error))
        return
    wizard.settle(turn, item_form.FORM)
    await _one(turn, place, made[0].code, turn.text("partner.items.added"))


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "list": _list,
    "in": _section,
    "one": _one,
    "edit": _edit,
    "drop": _drop,
    "look": _look,
    "new": _begin,
}
ASKED = ("title", "prices", "about", "section", "unit", "photo", "names")
CHANGES: Mapping[str, Callable[[MenuItem], MenuItem | None]] = {
    "out": lambda item: replace(item, available=False),
    "has": lambda item: replace(item, available=True),
    "short": lambda item: replace(item, in_short=True),
    "long": lambda item: replace(item, in_short=False),
    "sure": lambda item: None,
}
