"""A shop: what it is, its rules, and what a client can do there.

shop:<id>                the page
shop:like:<id>:<1 or 0>  among the favourites, or not
"""

from lib import db, errors
from lib.flows.client import visitor
from lib.loyalty import members, partners, talk
from lib.loyalty.partners import Partner
from lib.menu import versions
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the page, after changing the favourites if that was asked for."""
    what, shop, liked = screen.parts(turn)
    if what != "like":
        await _page(turn, screen.number(what))
    elif await visitor.registered(turn):
        await _like(turn, screen.number(shop), liked=liked == "1")


async def _page(turn: Turn, shop: int) -> None:
    try:
        partner = await db.run(lambda conn: partners.get(conn, shop))
    except errors.Missing:
        partner = None
    if partner is None or partner.status != "approved":
        words = turn.text("client.error.no_partner", title="", detail="")
        await turn.show(words, [[screen.button(turn, "client.button.shops", "find:shops")], screen.home(turn)])
        return
    user_id = turn.state.who["id"]
    cards = await db.run(lambda conn: members.cards(conn, user_id)) if await visitor.is_client(turn) else []
    joined = any(card.partner_id == shop for card in cards)
    liked = shop in await db.run(lambda conn: talk.favourites(conn, user_id))
    rows = _rows(turn, shop, joined=joined, liked=liked)
    if (await versions.published(shop)).items:
        menu = screen.button(turn, "client.button.shop_menu", f"items:{shop}")
        rows.insert(1, [menu, screen.button(turn, "client.button.ask", f"ask:{shop}")])
    await turn.show(_words(turn, partner), rows)


def _words(turn: Turn, partner: Partner) -> str:
    place = ", ".join(part for part in (partner.city, partner.address) if part)
    head = turn.text(
        "client.shop.title", title=partner.title, category=visitor.category(turn, partner.category), place=place
    )
    about = [turn.text("client.shop.words", words=words) for words in (partner.about, partner.contact) if words]
    rules = [turn.text("client.shop.earn", percent=partner.earn_bp)]
    rules.append(turn.text("client.shop.worth", worth=partner.minor_per_point))
    if partner.max_pay_pct:
        rules.append(turn.text("client.shop.pay", percent=partner.max_pay_pct * 100))
    if partner.welcome_points:
        rules.append(turn.text("client.shop.welcome", points=partner.welcome_points))
    if partner.birthday_points:
        rules.append(turn.text("client.shop.birthday", points=partner.birthday_points))
    key = "client.shop.expire" if partner.expire_days else "client.shop.forever"
    rules.append(turn.text(key, days=partner.expire_days))
    return screen.paragraphs(head, *about, "\n".join(rules))


def _rows(turn: Turn, shop: int, *, joined: bool, liked: bool) -> Keyboard:
    first = screen.button(turn, "client.button.show", f"card:{shop}", style="primary")
    if not joined:
        first = screen.button(turn, "client.button.join", f"join:shop:{shop}", style="primary")
    like = screen.button(
        turn, "client.button.liked" if liked else "client.button.like", f"shop:like:{shop}:{int(not liked)}"
    )
    looks = [
        screen.button(turn, "client.button.services", f"find:services:{shop}"),
        screen.button(turn, "client.button.promos", f"find:promos:{shop}"),
    ]
    write = screen.button(turn, "client.button.write", f"letter:{shop}")
    invite = screen.button(turn, "client.button.invite", f"invite:{shop}")
    talks = [[write, like], [invite]] if joined else [[like]]
    return [[first], looks, *talks, screen.home(turn, "find:shops")]


async def _like(turn: Turn, shop: int, *, liked: bool) -> None:
    try:
        await db.run(lambda conn: partners.get(conn, shop))
        await db.run(lambda conn: talk.set_favourite(conn, turn.state.who["id"], shop, liked=liked))
    except errors.Missing:
        await screen.refuse_old_button(turn)
    else:
        await turn.answer(turn.text("client.shop.liked" if liked else "client.shop.unliked"))
    await _page(turn, shop)
