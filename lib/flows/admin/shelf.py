"""Settings that are rows: what is on sale and for how much, and which alerts this administrator wants to hear.

home -> product, pack -> what changes them (act)          alerts -> on or off, at once
"""

from collections.abc import Awaitable, Callable, Mapping

from lib import db
from lib.credits import catalog
from lib.flows.admin import lists
from lib.office import trail
from lib.people import notify
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show what a button asks for."""
    action, argument = screen.pressed(turn)
    await SCREENS.get(action, _home)(turn, argument)


async def _home(turn: Turn, _: str) -> None:
    products = await db.run(lambda conn: catalog.list_products(conn, hidden=True))
    packs = await db.run(catalog.list_packs)
    lines = [
        turn.text(
            "admin.shelf.product" if product.is_on else "admin.shelf.product_off",
            name=lists.named(turn, "product", product.code),
            price=product.price,
        )
        for product in products
    ]
    offers = [turn.text("admin.shelf.pack", code=pack.code, stars=pack.stars, credits=pack.credits) for pack in packs]
    words = turn.text("admin.shelf", products="\n".join(lines), packs="\n".join(offers) or "—")
    buttons = [Button(lists.named(turn, "product", one.code), f"shelf:product:{one.code}") for one in products]
    rows = screen.in_rows(buttons)
    sold = [Button(turn.text("admin.shelf.pack_button", code=one.code), f"shelf:pack:{one.code}") for one in packs]
    rows += screen.in_rows(sold, 3)
    await turn.show(words, [*rows, screen.home(turn, "menu:home")])


async def _product(turn: Turn, code: str) -> None:
    product = await db.run(lambda conn: catalog.get_product(conn, code))
    if product is None:
        await screen.refuse_old_button(turn)
        await _home(turn, "")
        return
    words = turn.text(
        "admin.product" if product.is_on else "admin.product_off",
        name=lists.named(turn, "product", product.code),
        price=product.price,
        seconds=product.expected_seconds,
    )
    verb, style = ("hide", "danger") if product.is_on else ("offer", "success")
    deeds = [
        screen.button(turn, "admin.button.price", f"act:begin:price:{code}"),
        screen.button(turn, f"admin.button.{verb}", f"act:begin:{verb}:{code}", style),
    ]
    await turn.show(words, [deeds, screen.home(turn, "shelf:home")])


async def _pack(turn: Turn, code: str) -> None:
    packs = await db.run(catalog.list_packs)
    pack = next((one for one in packs if one.code == code), None)
    if pack is None:
        await screen.refuse_old_button(turn)
        await _home(turn, "")
        return
    deeds = [
        screen.button(turn, "admin.button.pack", f"act:begin:pack:{code}"),
        screen.button(turn, "admin.button.packoff", f"act:begin:packoff:{code}", "danger"),
    ]
    words = turn.text("admin.pack", code=pack.code, stars=pack.stars, credits=pack.credits)
    await turn.show(words, [deeds, screen.home(turn, "shelf:home")])


async def _alerts(turn: Turn, _: str) -> None:
    muted = await db.run(lambda conn: trail.muted(conn, turn.chat.id))
    rows = [
        [Button(("🔕 " if kind in muted else "🔔 ") + turn.text(f"admin.alert.{kind}"), f"shelf:alert:{kind}")]
        for kind in notify.ALERTS
    ]
    await turn.show(turn.text("admin.alerts"), [*rows, screen.home(turn, "menu:home")])


async def _alert(turn: Turn, kind: str) -> None:
    """Switch one kind; pressed twice it is as it was, and the screen shows how it is."""
    if kind in notify.ALERTS:
        muted = await db.run(lambda conn: trail.muted(conn, turn.chat.id))
        await db.run(lambda conn: trail.mute(conn, turn.chat.id, kind, off=kind not in muted))
    await _alerts(turn, "")


SCREENS: Mapping[str, Callable[[Turn, str], Awaitable[None]]] = {
    "home": _home,
    "product": _product,
    "pack": _pack,
    "alerts": _alerts,
    "alert": _alert,
}
