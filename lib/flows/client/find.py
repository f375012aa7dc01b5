"""Looking round: shops, promotions and services, by city and category, ten a page.

find:<kind>:<shop or 0>:<from>     a list; kind is shops, promos or services
find:city:<kind>, find:what:<kind>  the filters
find:in:<kind>:<number or all>, find:of:<kind>:<category or all>

The filters are a Lookout; at first the city is the client's own, if it has shops.
"""

from dataclasses import dataclass, replace
from typing import Any

from lib import db
from lib.flows import when
from lib.flows.client import visitor
from lib.flows.client.visitor import Lookout
from lib.loyalty import members, offers, partners
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

KINDS = ("shops", "promos", "services")
ROW_OF_ONE = 5
LABELS = screen.PageLabels("client.button.previous", "client.button.next")


@dataclass(frozen=True)
class ListedCities:
    """The cities on the screen; a button names one by its place."""

    names: tuple[str, ...]


CITIES = DraftKey("cities", ListedCities)


async def handle(turn: Turn) -> None:
    """Show a list, or a filter's choices, or take a choice."""
    what, kind, argument = screen.parts(turn)
    if what in KINDS:
        await _list(turn, what, screen.number(kind), screen.number(argument))
    elif what == "city" and kind in KINDS:
        await _cities(turn, kind)
    elif what == "what" and kind in KINDS:
        await _categories(turn, kind)
    elif what in ("in", "of") and kind in KINDS:
        await _choose(turn, what, kind, argument)
    else:
        await _list(turn, "shops", 0, 0)


async def _filter(turn: Turn) -> Lookout:
    """Return the chosen city and category."""
    chosen = visitor.LOOKOUT.of(turn.state)
    if chosen is None:
        found = await db.run(lambda conn: members.get_client(conn, turn.state.who["id"]))
        known = await db.run(partners.cities) if found else []
        city = found.city if found and found.city in [one.name for one in known] else ""
        chosen = Lookout(city)
        visitor.LOOKOUT.keep(turn.state, chosen)
    return chosen


async def _list(turn: Turn, kind: str, shop: int, start: int) -> None:
    chosen = Lookout("") if shop else await _filter(turn)
    found = await _found(turn, kind, _terms(chosen, shop), start)
    page = found[: partners.PAGE]
    lines = [_line(turn, kind, one) for one in page]
    buttons = [Button(screen.short(one.title), _target(kind, one)) for one in page]
    place = f"find:{kind}:{shop}"
    leaf = screen.pages(turn, place, start, page[-1].id if len(found) > partners.PAGE else None, LABELS)
    empty = f"client.find.no_{kind}_here" if shop else f"client.find.no_{kind}"
    words = screen.paragraphs(turn.text(f"client.find.{kind}"), *lines) if page else turn.text(empty)
    rows = screen.in_rows(buttons, 1 if len(buttons) <= ROW_OF_ONE else 2)
    filters = [] if shop else [_filters(turn, kind, chosen)]
    back = f"shop:{shop}" if shop else ""
    await turn.show(words, [*rows, *leaf, *filters, screen.home(turn, back)])


def _terms(chosen: Lookout, shop: int) -> dict[str, Any]:
    only = {"partner_id": shop} if shop else {}
    return {"limit": partners.PAGE + 1, "city": chosen.city or None, "category": chosen.category or None, **only}


async def _found(turn: Turn, kind: str, more: dict[str, Any], start: int) -> list[Any]:
    """Return a page and one more, which tells that there is another page."""
    if kind == "shops":
        more = {name: value for name, value in more.items() if name != "partner_id"}
        return list(await db.run(lambda conn: partners.list_approved(conn, **more, after=start)))
    if kind == "services":
        return list(await db.run(lambda conn: offers.browse_services(conn, **more, after=start)))
    more |= {"today": when.today(turn)}
    return list(await db.run(lambda conn: offers.browse_promotions(conn, **more, before=start or None)))


def _line(turn: Turn, kind: str, one: Any) -> str:
    if kind == "shops":
        return turn.text(
            "client.find.shop",
            title=one.title,
            category=visitor.category(turn, one.category),
            city=one.city,
            percent=one.earn_bp,
        )
    if kind == "services":
        return turn.text("client.find.service", title=one.title, points=one.price_points, partner=one.partner)
    return turn.text("client.find.promo", title=one.title, partner=one.partner, day=when.plain_day(turn, one.ends_on))


def _target(kind: str, one: Any) -> str:
    if kind == "shops":
        return f"shop:{one.id}"
    return f"{'gift' if kind == 'services' else 'promo'}:{one.partner_id}:{one.id}"


def _filters(turn: Turn, kind: str, chosen: Lookout) -> list[Button]:
    """Return the buttons that change the filters; each says what is chosen now."""
    city = screen.short(chosen.city) if chosen.city else turn.text("client.find.every_city")
    name = visitor.category(turn, chosen.category) if chosen.category else turn.text("client.find.everything")
    return [Button(city, f"find:city:{kind}"), Button(name, f"find:what:{kind}")]


async def _cities(turn: Turn, kind: str) -> None:
    known = await db.run(partners.cities)
    CITIES.keep(turn.state, ListedCities(tuple(one.name for one in known)))
    buttons = [Button(screen.short(one.name), f"find:in:{kind}:{index}") for index, one in enumerate(known)]
    every = [screen.button(turn, "client.find.every_city", f"find:in:{kind}:all")]
    await turn.show(
        turn.text("client.find.choose_city"), [every, *screen.in_rows(buttons), screen.home(turn, f"find:{kind}")]
    )


async def _categories(turn: Turn, kind: str) -> None:
    city = (await _filter(turn)).city or None
    known = await db.run(lambda conn: partners.categories(conn, city))
    buttons = [Button(visitor.category(turn, one.name), f"find:of:{kind}:{one.name}") for one in known]
    every = [screen.button(turn, "client.find.everything", f"find:of:{kind}:all")]
    await turn.show(
        turn.text("client.find.choose_category"), [every, *screen.in_rows(buttons), screen.home(turn, f"find:{kind}")]
    )


async def _choose(turn: Turn, what: str, kind: str, argument: str) -> None:
    """Take a filter. A city comes as its number in the list on the screen, as its name may be too long for a button."""
    chosen, listed = await _filter(turn), CITIES.of(turn.state)
    known = listed.names if listed else ()
    if what == "of":
        chosen = replace(chosen, category=argument if argument in partners.CATEGORIES else "")
    elif argument == "all":
        chosen = replace(chosen, city="")
    elif turn.on_screen and argument.isdecimal() and int(argument) < len(known):
        chosen = replace(chosen, city=known[int(argument)])
    else:
        await screen.refuse_old_button(turn)
    visitor.LOOKOUT.keep(turn.state, chosen)
    await _list(turn, kind, 0, 0)
