"""The buttons below an answer: what it names can be ordered, the answer rated, a person of the staff called.

The webhook and the worker make the same ones. An answer is known by its talk and run, which are there before its line.
"""

from collections.abc import Sequence

from lib import text
from lib.assistant import requests
from lib.menu.goods import MenuItem
from lib.menu.index import Index
from lib.menu.versions import OpenShop
from lib.telegram.client import Button, Keyboard

ORDERED = 4  # items of an answer that can be put into the basket


def keyboard(
    language: str, shop: OpenShop, index: Index, items: Sequence[MenuItem], talk_id: int, run_no: int
) -> Keyboard:
    """Return the buttons of an answer that named these items."""
    offered = [one for one in items if one.available][:ORDERED]
    order = [Button(_label(one.title), requests.button(shop, index, one.code), style="primary") for one in offered]
    rows: Keyboard = [order[at : at + 2] for at in range(0, len(order), 2)]
    thumbs = [Button(mark, f"thumb:{shop.id}:{talk_id}:{run_no}:{good}") for mark, good in (("👍", 1), ("👎", 0))]
    person = Button(text.say(language, "talk.button.person"), f"person:call:{shop.id}")
    back = Button(text.say(language, "button.back"), f"shop:{shop.id}")
    return [*rows, [person], thumbs, [back, Button(text.say(language, "button.menu"), "menu:home")]]


def _label(title: str) -> str:
    return f"🧺 {title if len(title) <= 16 else title[:15].rstrip() + '…'}"
