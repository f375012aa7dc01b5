"""The shop's menu with prices: a file comes in, what it changes is shown, and one press publishes it or goes back.

prices:home -> items: one by one, by form
            -> a CSV or XLSX file -> its faults, or what changes -> publish:<version that was seen>
            -> file (the menu as CSV, or an example) · back:<version that was seen>

The file itself is not kept: its id is, and publishing reads it once more.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from lib import db, errors
from lib.flows.partner import workplace
from lib.loyalty.staff import Staff
from lib.menu import cells, sheet, suspects, versions
from lib.menu.goods import MenuItem, Variant
from lib.menu.sheet import MenuSheet, SheetFault
from lib.menu.versions import MenuVersion
from lib.telegram import client, screen
from lib.telegram.client import Keyboard, Picture
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

SHOWN = 12  # faults, and titles of each kind


@dataclass(frozen=True)
class MenuFile:
    """A file that was sent for a shop's menu."""

    shop: int
    file_id: str


FILE = DraftKey("menu_file", MenuFile)


async def handle(turn: Turn) -> None:
    """Answer a button, or take a file."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    action, argument = screen.pressed(turn)
    if turn.came.attachment and turn.state.step == "prices:file":
        await _take(turn, place)
    elif action in SCREENS:
        await SCREENS[action](turn, place, argument)
    else:
        if turn.came.kind == "press":
            await screen.refuse_old_button(turn)
        await _home(turn, place, "", turn.text("partner.prices.file_only") if turn.came.kind != "press" else "")


async def _home(turn: Turn, place: Staff, argument: str = "", note: str = "") -> None:
    turn.state.step = "prices:file"
    FILE.drop(turn.state)
    menu = await db.run(lambda conn: versions.newest(conn, place.partner_id))
    key = "partner.prices.now" if menu.items else "partner.prices.none"
    words = turn.text(key, title=place.title, count=len(menu.items), version=menu.version)
    await turn.show(screen.paragraphs(note, words), _rows(turn, menu))


def _rows(turn: Turn, menu: MenuVersion) -> Keyboard:
    label = "partner.button.menu_file" if menu.items else "partner.button.menu_example"
    rows = [
        [screen.button(turn, "partner.button.items", "items:list", style="primary")],
        [screen.button(turn, label, "prices:file")],
    ]
    if menu.version > 1:
        rows.append([screen.button(turn, "partner.button.menu_back", f"prices:back:{menu.version}")])
    return [*rows, screen.home(turn)]


async def _take(turn: Turn, place: Staff) -> None:
    """Show what a file would change, or each of its faults."""
    file = turn.came.attachment
    if file is None or file.kind != "document":
        await _home(turn, place, "", turn.text("partner.prices.file_only"))
        return
    menu = await db.run(lambda conn: versions.newest(conn, place.partner_id))
    try:
        if file.size > cells.MOST_BYTES:
            raise errors.Invalid("file_too_large")
        found = await _read(turn, file.file_id, menu)
    except errors.Invalid as error:
        await _home(turn, place, "", workplace.refusal(turn, error))
        return
    if found.faults:
        await _home(turn, place, "", _faults(turn, found.faults))
        return
    FILE.keep(turn.state, MenuFile(place.partner_id, file.file_id))
    publish = screen.button(turn, "partner.button.menu_publish", f"prices:publish:{menu.version}", style="primary")
    rows = [[publish], screen.home(turn, "prices:home")]
    await turn.show(_preview(turn, menu.items, found.items), rows)


async def _read(turn: Turn, file_id: str, menu: MenuVersion) -> MenuSheet:
    return sheet.read(await client.download(turn.chat.bot, file_id), menu.items)


def _faults(turn: Turn, faults: Sequence[SheetFault]) -> str:
    lines = [
        turn.text(
            "partner.prices.fault",
            row=one.row,
            fault=turn.text(f"partner.prices.fault.{one.code}", cell=screen.short(one.cell, 40)),
        )
        for one in faults[:SHOWN]
    ]
    if len(faults) > SHOWN:
        lines.append(turn.text("partner.prices.more", count=len(faults) - SHOWN))
    return screen.paragraphs(turn.text("partner.prices.faults"), "\n".join(lines))


def _preview(turn: Turn, before: Sequence[MenuItem], after: Sequence[MenuItem]) -> str:
    change = versions.difference(before, after)
    parts = [turn.text("partner.prices.preview", count=len(after))]
    for kind, titles in (("added", change.added), ("changed", change.changed), ("gone", change.gone)):
        if titles:
            listed = ", ".join(titles[:SHOWN]) + ("…" if len(titles) > SHOWN else "")
            parts.append(turn.text(f"partner.prices.{kind}", count=len(titles), titles=listed))
    jumps = [turn.text("partner.prices.jump", title=title, was=was, now=now) for title, was, now in change.jumps]
    if jumps:
        parts.append("\n".join([turn.text("partner.prices.jumps"), *jumps[:SHOWN]]))
    if len(parts) == 1:
        parts.append(turn.text("partner.prices.same"))
    if marked := suspects.found(after):
        listed = ", ".join(screen.short(one.title, 40) for one in marked[:SHOWN])
        parts.append(turn.text("partner.prices.suspects", titles=listed))
    return screen.paragraphs(*parts)


async def _publish(turn: Turn, place: Staff, argument: str) -> None:
    """Publish the file that was looked at, if the menu is still the one that it was compared with."""
    file, seen, actor = FILE.of(turn.state), screen.number(argument), turn.state.who["id"]
    if file is None or file.shop != place.partner_id:
        await screen.refuse_old_button(turn)
        await _home(turn, place)
        return
    try:
        menu = await db.run(lambda conn: versions.newest(conn, place.partner_id))
        found = await _read(turn, file.file_id, menu)
        if found.faults:
            raise errors.Conflict("menu_changed")
        await db.run(lambda conn: versions.publish(conn, place.partner_id, actor, found.items, seen=seen))
    except (errors.Invalid, errors.Conflict, errors.Denied) as error:
        await _home(turn, place, "", workplace.refusal(turn, error))
        return
    await versions.forget(place.partner_id)
    key = "partner.prices.published" if place.status == "approved" else "partner.prices.published_closed"
    await _home(turn, place, "", turn.text(key))


async def _back(turn: Turn, place: Staff, argument: str) -> None:
    seen, actor = screen.number(argument), turn.state.who["id"]
    try:
        await db.run(lambda conn: versions.go_back(conn, place.partner_id, actor, seen=seen))
    except (errors.Conflict, errors.Denied) as error:
        await _home(turn, place, "", workplace.refusal(turn, error))
        return
    await versions.forget(place.partner_id)
    await _home(turn, place, "", turn.text("partner.prices.went_back"))


async def _file(turn: Turn, place: Staff, argument: str) -> None:
    """Send the menu as a file, or an example while there is none."""
    menu = await db.run(lambda conn: versions.newest(conn, place.partner_id))
    items = menu.items or _example(turn)
    data = sheet.dump(items, turn.state.who["language"])
    await turn.chat.send_document(Picture("menu.csv", data), turn.text("partner.prices.file"))
    await turn.answer()


def _example(turn: Turn) -> tuple[MenuItem, ...]:
    said = {
        name: turn.text(f"partner.prices.example.{name}") for name in ("category", "title", "small", "large", "about")
    }
    sizes = (Variant(said["small"], 25000), Variant(said["large"], 29000))
    return (MenuItem("1", said["category"], said["title"], sizes, said["about"]),)


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "home": _home,
    "publish": _publish,
    "back": _back,
    "file": _file,
}
