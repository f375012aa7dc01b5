"""The buttons below an answer: what it names can be ordered, and the shop written to."""

from collections.abc import Sequence

from lib import text
from lib.assistant import requests
from lib.menu.goods import MenuItem
from lib.menu.index import Index
from lib.menu.versions import OpenShop
from lib.telegram.client import Button, Keyboard

ORDERED = 4  # items of an answer that can be put into the basket


def keyboard(language: str, shop: OpenShop, index: Index, items: Sequence[MenuItem]) -> Keyboard:
    """Return the buttons of an answer that named these items."""
    offered = [one for one in items if one.available][:ORDERED]
    order = [Button(_label(one.title), requests.button(shop, index, one.code), style="primary") for one in offered]
    rows: Keyboard = [order[at : at + 2] for at in range(0, len(order), 2)]
    write = Button(text.say(language, "client.button.write"), f"letter:{shop.id}")
    back = Button(text.say(language, "button.back"), f"shop:{shop.id}")
    return [*rows, [write], [back, Button(text.say(language, "button.menu"), "menu:home")]]


def _label(title: str) -> str:
    return f"🧺 {title if len(title) <= 18 else title[:17].rstrip() + '…'}"
