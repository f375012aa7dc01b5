"""A seller's own style: a logo, two colours, a pair of faces, used by all cards and clips until removed.

A draft stays as it is.

home -> [logo] -> a picture -> job `brand` -> a preview on the last product; or [without] -> home
home -> [colours] -> a palette, or #rrggbb written -> home
home -> [type] -> one of seven pairs -> home
home -> [show] -> job `brand`; home -> [remove] -> sure? -> gone
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from lib import db, limits, pictures
from lib.flows.studio import ordering
from lib.providers import makers
from lib.studio import brands
from lib.studio.brands import Brand
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.update import Attachment

PREVIEWS = limits.Limit("brand", 20, timedelta(hours=1))
ODD = {"brand:logo": "error.logo_format", "brand:colours": "studio.brand.odd_colours"}  # what is said to anything else


async def handle(turn: Turn) -> None:
    """Answer the buttons of the style, and take the logo or the colours that were asked for."""
    came, step = turn.came, turn.state.step
    if came.attachment and step == "brand:logo":
        await _logo(turn, came.attachment)
        return
    if came.kind == "text" and step == "brand:colours":
        await _written(turn)
        return
    if came.attachment or came.kind == "text":  # it answers nothing that was asked, and what was asked stays asked
        if step in ODD:
            await turn.show(turn.text(ODD[step]), [screen.home(turn, "brand:home")])
        else:
            await _home(turn)
        return
    wanted, argument = screen.pressed(turn)
    await SCREENS.get(wanted, _home)(turn, argument)


async def _home(turn: Turn, _: str = "", note: str = "") -> None:
    user_id = turn.state.who["id"]
    brand = await db.run(lambda conn: brands.get(conn, user_id))
    ordering.listen(turn)
    rows = [
        [screen.button(turn, "studio.brand.logo", "brand:logo")],
        [
            screen.button(turn, "studio.brand.colours", "brand:colours"),
            screen.button(turn, "studio.brand.pair", "brand:pair"),
        ],
    ]
    if brand:
        rows.append(
            [
                screen.button(turn, "studio.brand.show", "brand:show"),
                screen.button(turn, "studio.brand.drop", "brand:drop"),
            ]
        )
    await turn.show(screen.paragraphs(note, *_said(turn, brand)), [*rows, screen.home(turn)])


def _said(turn: Turn, brand: Brand | None) -> list[str]:
    by_model = [turn.text("studio.brand.by_model")] if makers.is_remote("card") or makers.is_remote("video5") else []
    if brand is None:
        return [turn.text("studio.brand.none"), *by_model]
    usual = turn.text("studio.brand.usual")
    facts = {
        "logo": turn.text("studio.brand.has_logo" if brand.logo else "studio.brand.no_logo"),
        "colours": " · ".join(filter(None, (brand.accent, brand.ground))) or usual,
        "pair": turn.text(f"studio.brand.pair.{brand.pair}") if brand.pair else usual,
    }
    return [turn.text("studio.brand.home", **facts), *by_model]


async def _ask_logo(turn: Turn, argument: str) -> None:
    if argument == "none":
        await _keep(turn, logo_id=0)
        return
    user_id = turn.state.who["id"]
    brand = await db.run(lambda conn: brands.get(conn, user_id))
    turn.state.step = "brand:logo"
    none = [[screen.button(turn, "studio.brand.without_logo", "brand:logo:none")]] if brand and brand.logo else []
    await turn.show(turn.text("studio.brand.ask_logo"), [*none, screen.home(turn, "brand:home")])


async def _logo(turn: Turn, file: Attachment) -> None:
    is_picture = file.kind == "photo" or file.mime.startswith("image/")
    if not is_picture or file.size > pictures.BYTES_LIMIT:
        key = "error.picture_too_heavy" if is_picture else "error.logo_format"
        await turn.show(turn.text(key), [screen.home(turn, "brand:home")])
        return
    await _draw(turn, file_id=file.file_id)


async def _draw(turn: Turn, **more: Any) -> None:
    """Have the style shown on a product; the message that says so becomes the picture."""
    if await turn.limited(PREVIEWS):
        return
    ordering.listen(turn)
    await ordering.promise(turn, brands.TASK, turn.text("studio.brand.drawing"), **more)


async def _show(turn: Turn, _: str) -> None:
    await turn.answer()
    await _draw(turn)


async def _colours(turn: Turn, argument: str) -> None:
    if argument in brands.PALETTES or argument == "none":
        accent, ground = brands.PALETTES.get(argument, ("", ""))
        await _keep(turn, accent=accent, ground=ground)
        return
    turn.state.step = "brand:colours"
    buttons = [screen.button(turn, f"studio.brand.palette.{name}", f"brand:colours:{name}") for name in brands.PALETTES]
    none = screen.button(turn, "studio.brand.by_product", "brand:colours:none")
    rows = [*screen.in_rows(buttons), [none], screen.home(turn, "brand:home")]
    await turn.show(turn.text("studio.brand.ask_colours"), rows)


async def _written(turn: Turn) -> None:
    found = brands.colours(turn.came.text)
    if not found:
        await turn.show(turn.text("studio.brand.odd_colours"), [screen.home(turn, "brand:home")])
        return
    await _keep(turn, accent=found[0], ground=found[1] if len(found) > 1 else None)


async def _pair(turn: Turn, argument: str) -> None:
    if argument in brands.PAIRS or argument == "none":
        await _keep(turn, pair="" if argument == "none" else argument)
        return
    buttons: list[Button] = [
        screen.button(turn, f"studio.brand.pair.{name}", f"brand:pair:{name}") for name in brands.PAIRS
    ]
    none = screen.button(turn, "studio.brand.by_cover", "brand:pair:none")
    rows = [*screen.in_rows(buttons), [none], screen.home(turn, "brand:home")]
    await turn.show(turn.text("studio.brand.ask_pair"), rows)


async def _keep(turn: Turn, **facts: str | int | None) -> None:
    user_id = turn.state.who["id"]
    await db.run(lambda conn: brands.keep(conn, user_id, **facts))  # type: ignore[arg-type]
    turn.state.step = ""
    await _home(turn, note=turn.text("studio.brand.kept"))


async def _drop(turn: Turn, argument: str) -> None:
    if argument != "sure" or not turn.on_screen:
        sure = screen.button(turn, "studio.brand.drop_sure", "brand:drop:sure", style="danger")
        await turn.show(turn.text("studio.brand.drop_ask"), [[sure], screen.home(turn, "brand:home")])
        return
    user_id = turn.state.who["id"]
    await db.run(lambda conn: brands.drop(conn, user_id))
    await _home(turn, note=turn.text("studio.brand.dropped"))


SCREENS: dict[str, Callable[[Turn, str], Awaitable[None]]] = {
    "home": _home,
    "logo": _ask_logo,
    "colours": _colours,
    "pair": _pair,
    "show": _show,
    "drop": _drop,
}
