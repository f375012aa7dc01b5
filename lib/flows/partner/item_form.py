"""The form of a new item of a menu, and how an item's prices and faults are said."""

from collections.abc import Callable
from typing import Any

from lib import errors, text
from lib.flows.partner import answers, workplace
from lib.menu import sheet
from lib.menu.goods import Variant
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn
from lib.telegram.wizard import Draft, Form, Step

# What can be typed of an item, and which cell of a file it is.
CELLS = {"title": "title", "about": "description", "section": "category", "unit": "unit", "names": "names"}
SECTIONS = 8  # that can be chosen by a button


def price(turn: Turn, one: Variant, unit: str) -> str:
    """Return a variant with its price."""
    key = "partner.items.price_from" if one.at_least else "partner.items.price"
    price = turn.text(key, price=one.kopecks)
    price = turn.text("partner.items.price_unit", price=price, unit=unit) if unit else price
    return turn.text("partner.items.variant", name=one.name, price=price) if one.name else price


def refusal(turn: Turn, error: errors.AppError) -> str:
    """Return why an item is not taken, in the words that are used of a file."""
    key = f"partner.prices.fault.{error.code}"
    if not text.knows(key):
        return workplace.refusal(turn, error)
    return turn.text("partner.items.fault", fault=turn.text(key, cell=screen.short(error.detail, 40)))


def cells(draft: Draft) -> list[dict[str, str]]:
    """Return the answers as the rows of a file."""
    own = {"category": draft["section"], "title": draft["title"], "description": draft["about"]}
    return [{**own, **one} for one in sheet.priced(draft["prices"])]


def _read(name: str) -> Callable[[str, Draft], str]:
    """Return how a part of a new item is read: by the checks of a file."""

    def read(said: str, _: Draft) -> str:
        row = {"title": "—", "price": "1", CELLS.get(name, name): said}
        sheet.item([{**row, **one} for one in sheet.priced(said)] if name == "prices" else [row])
        return said

    return read


def _fields(turn: Turn, draft: Draft) -> dict[str, Any]:
    rows = [{"title": "—", **one} for one in sheet.priced(draft["prices"])] if draft.get("prices") else []
    prices = "\n".join(price(turn, one, "") for one in (sheet.item(rows).variants if rows else ()))
    about = turn.text("partner.items.about", about=draft["about"]) if draft.get("about") else ""
    said = {name: draft.get(name, "") for name in ("title", "section")}
    return {**said, "prices": text.HtmlSentence(prices), "about": text.HtmlSentence(about)}


def _listed(number: int) -> Callable[[Draft], str]:
    return lambda draft: str(draft["sections"][number]) if number < len(draft["sections"]) else ""


def _section_buttons(turn: Turn, draft: Draft) -> Keyboard:
    known = [Button(one, f"items:section:{number}") for number, one in enumerate(draft["sections"])]
    return [*screen.in_rows(known), [screen.button(turn, "partner.button.item_no_section", "items:section:none")]]


FORM = Form(
    flow="items",
    name="new_item",
    key="partner.items.new.",
    facts=("shop", "sections"),
    steps=[
        Step(
            "section",
            _read("section"),
            {**{str(number): _listed(number) for number in range(SECTIONS)}, "none": ""},
            keyboard=_section_buttons,
        ),
        Step("title", _read("title")),
        Step("prices", _read("prices")),
        Step("about", _read("about"), {"": ""}, answers.label("partner.button.skip")),
    ],
    sentences=answers.SENTENCES,
    fields=_fields,
    refusal=refusal,
    send="partner.button.menu_publish",
    back="items:list",
)
