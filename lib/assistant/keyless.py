"""The answer to a client's question from the menu alone, without a model: items with their prices, the address.

Every word of it stands in the menu or in the sentences: nothing is made up. It is what clients get without a key, and
what they get while the model is out of reach, not allowed or spent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lib import clock, text
from lib.assistant import about
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import FoundItem, FoundItems, Index
from lib.menu.versions import OpenShop
from lib.menu.wish import MenuWish
from lib.text import HtmlSentence

SHOWN = 5  # of an answer; a question about a whole shelf is answered with the shelf
ROOM = 3000


@dataclass(frozen=True)
class MenuReply:
    """An answer as Telegram HTML, and the items that it names; `missed`: the menu has nothing for the question."""

    words: str
    missed: bool = False
    items: tuple[MenuItem, ...] = ()


def reply(language: str, shop: OpenShop, index: Index, question: str, *, now: datetime | None = None) -> MenuReply:
    """Answer a question from a shop's menu and from what the shop told of itself."""
    if told := about.answer(language, shop, question, now or clock.now()):
        return _besides(language, index, told, about.others(question))
    found = index.ask(question)
    items = tuple(one.item for one in found.items)
    if items and not found.guess:
        return MenuReply(_items(language, found), items=items)
    if cannot := about.cannot(language, question):
        return MenuReply(cannot, missed=True)
    if items:
        return MenuReply(_items(language, found), missed=True, items=items)
    words = text.say(language, "client.ask.thanks" if found.small_talk else "client.ask.nothing")
    composition = [text.say(language, "client.ask.composition")] if found.wish.without else []
    return MenuReply("\n\n".join([words, *composition]), missed=not found.small_talk)


def _besides(language: str, index: Index, told: str, question: str) -> MenuReply:
    """Return what was told of the shop, what the menu surely has for the rest, and what cannot be told of it."""
    asked = [index.ask(one) for one in dict.fromkeys((question, about.able(question)))]
    found = next((one for one in asked if one.items and not one.guess), None)
    said = [told, _items(language, found) if found else "", about.cannot(language, question)]
    return MenuReply("\n\n".join(filter(None, said)), items=tuple(one.item for one in found.items) if found else ())


def _items(language: str, found: FoundItems) -> str:
    shown = found.items if found.wish.shelf else found.items[:SHOWN]
    heads = [text.say(language, "client.ask.guess")] if found.guess else []
    heads += _limits(language, found.wish)
    lines = text.fitting([_line(language, one) for one in shown], ROOM)
    notes = [text.say(language, "client.ask.composition")] if found.wish.without else []
    more = len(found.items) - len(lines)
    notes += [text.say(language, "client.ask.more", count=more)] if more else []
    return "\n\n".join([*heads, *lines, *notes])


def _limits(language: str, wish: MenuWish) -> list[str]:
    """Say how the limits of a question were understood, in whole roubles: below 2,000 is up to 2,000."""
    least = None if wish.least is None else wish.least // 100 * 100
    most = None if wish.most is None else -(-wish.most // 100) * 100
    if least is not None and most is not None:
        return [text.say(language, "client.ask.between", least=least, most=most)]
    if most is not None:
        return [text.say(language, "client.ask.up_to", most=most)]
    return [text.say(language, "client.ask.from", least=least)] if least is not None else []


def _line(language: str, found: FoundItem) -> str:
    item = found.item
    about = f"\n{text.say(language, 'client.ask.about', about=item.description)}" if item.description else ""
    gone = "" if item.available else f"\n{text.say(language, 'client.ask.sold_out')}"
    return named(language, item, found.variants) + about + gone


def named(language: str, item: MenuItem, variants: Sequence[Variant]) -> str:
    """Return an item with the prices of these variants, as HTML."""
    listed = HtmlSentence(" · ".join(price(language, one) for one in variants))
    said = text.say(language, "client.ask.per", prices=listed, unit=item.unit) if item.unit else listed
    return text.say(language, "client.ask.item", title=item.title, prices=said)


def price(language: str, one: Variant) -> str:
    """Return the price of a variant with its name, as HTML."""
    key = "free" if not one.kopecks else "price_from" if one.at_least else "price"
    said = text.say(language, f"client.ask.{key}", price=one.kopecks)
    return text.say(language, "client.ask.variant", name=one.name, price=said) if one.name else said


def prices(language: str, variants: Sequence[Variant], unit: str = "") -> str:
    """Return the prices of variants in one line, as plain text."""
    listed = HtmlSentence(" · ".join(price(language, one) for one in variants))
    return text.plain(text.say(language, "client.ask.per", prices=listed, unit=unit) if unit else listed)
