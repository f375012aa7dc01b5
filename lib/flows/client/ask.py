"""A question to a shop's menu in the client's own words, answered from the menu alone, without a key.

ask:<shop> -> words -> the items that fit, with their prices; address and contact; or what it cannot tell. Every word
of an answer stands in the menu or in the sentences: nothing is made up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lib import db, errors, text
from lib.flows.client import visitor
from lib.loyalty import partners
from lib.menu import versions
from lib.menu.goods import Variant
from lib.menu.index import FoundItem, FoundItems
from lib.menu.versions import OpenShop
from lib.menu.wish import MenuWish
from lib.telegram import screen
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey
from lib.text import HtmlSentence

SHOWN = 5  # of an answer; a question about a whole shelf is answered with the shelf
ROOM = 3000
_PLACE = re.compile(
    r"адрес|где вы|где вас|где находит|как (?:к вам )?(?:добраться|доехать|пройти|проехать)|where are|address"
    r"|телефон (?:магазин|для|кафе)|ваш телефон|номер телефона|позвонить|контакт|phone number|contact"
    r"|во сколько|до скольк|часы работы|график|режим работы|открыт|закрыва|работаете|opening hours|are you open|close",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class MenuTalk:
    """The shop whose menu is being asked about."""

    shop: int


TALK = DraftKey("menu_talk", MenuTalk)


async def handle(turn: Turn) -> None:
    """Open the talk, or answer what was written."""
    talk = TALK.of(turn.state)
    if turn.came.kind == "press":
        await _open(turn, screen.number(screen.parts(turn)[0]))
    elif turn.came.kind == "text" and talk:
        await _answer(turn, talk.shop)
    else:
        await _open(turn, talk.shop if talk else 0, turn.text("client.words_only"))


async def _shop(turn: Turn, shop: int) -> OpenShop | None:
    """Return a shop that answers now, or say that it does not and return None."""
    found = await db.run(lambda conn: versions.open_shop(conn, shop))
    if found is not None:
        return found
    turn.state.step = ""
    try:
        words = visitor.closed(turn, await db.run(lambda conn: partners.get(conn, shop)))
    except errors.Missing:
        words = turn.text("client.error.no_partner", title="", detail="")
    await turn.show(words, [screen.home(turn)])
    return None


async def _open(turn: Turn, shop: int, note: str = "") -> None:
    partner = await _shop(turn, shop)
    if partner is None:
        return
    items = (await versions.index(partner)).items if partner.menu_version else ()
    turn.state.step = "ask:words" if items else ""
    TALK.keep(turn.state, MenuTalk(shop))
    if items:
        sections = dict.fromkeys(one.category for one in items if one.category)
        shelves = turn.text("client.ask.sections", names=", ".join(sections)) if sections else ""
        words = screen.paragraphs(note, turn.text("client.ask.open", title=partner.title), shelves)
    else:
        words = turn.text("client.ask.no_menu", title=partner.title)
    await turn.show(words, [screen.home(turn, f"shop:{shop}")])


async def _answer(turn: Turn, shop: int) -> None:
    partner = await _shop(turn, shop)
    if partner is None:
        return
    found = (await versions.index(partner)).ask(turn.came.text)
    if found.items:
        words = _items(turn, found)
    elif _PLACE.search(turn.came.text):
        words = _place(turn, partner)
    else:
        words = turn.text("client.ask.thanks" if found.small_talk else "client.ask.nothing")
        words = screen.paragraphs(words, turn.text("client.ask.composition") if found.wish.without else "")
    write = screen.button(turn, "client.button.write", f"letter:{shop}")
    await turn.show(words, [[write], screen.home(turn, f"shop:{shop}")])


def _items(turn: Turn, found: FoundItems) -> str:
    shown = found.items if found.wish.shelf else found.items[:SHOWN]
    heads = [turn.text("client.ask.guess")] if found.guess else []
    heads += _limits(turn, found.wish)
    lines = text.fitting([_line(turn, one) for one in shown], ROOM)
    notes = [turn.text("client.ask.composition")] if found.wish.without else []
    more = len(found.items) - len(lines)
    notes += [turn.text("client.ask.more", count=more)] if more else []
    return screen.paragraphs(*heads, *lines, *notes)


def _limits(turn: Turn, wish: MenuWish) -> list[str]:
    """Say how the limits of a question were understood, in whole roubles: below 2,000 is up to 2,000."""
    least = None if wish.least is None else wish.least // 100 * 100
    most = None if wish.most is None else -(-wish.most // 100) * 100
    if least is not None and most is not None:
        return [turn.text("client.ask.between", least=least, most=most)]
    if most is not None:
        return [turn.text("client.ask.up_to", most=most)]
    return [turn.text("client.ask.from", least=least)] if least is not None else []


def _line(turn: Turn, found: FoundItem) -> str:
    item = found.item
    about = f"\n{turn.text('client.ask.about', about=item.description)}" if item.description else ""
    gone = "" if item.available else f"\n{turn.text('client.ask.sold_out')}"
    return turn.text("client.ask.item", title=item.title, prices=_prices(turn, found.variants)) + about + gone


def _prices(turn: Turn, variants: Sequence[Variant]) -> str:
    return HtmlSentence(" · ".join(_price(turn, one) for one in variants))


def _price(turn: Turn, one: Variant) -> str:
    key = "free" if not one.kopecks else "price_from" if one.at_least else "price"
    price = turn.text(f"client.ask.{key}", price=one.kopecks)
    return turn.text("client.ask.variant", name=one.name, price=price) if one.name else price


def _place(turn: Turn, partner: OpenShop) -> str:
    where = ", ".join(part for part in (partner.city, partner.address) if part)
    contact = turn.text("client.ask.contact", contact=partner.contact) if partner.contact else ""
    return screen.paragraphs(turn.text("client.ask.place", title=partner.title, place=where), contact)
