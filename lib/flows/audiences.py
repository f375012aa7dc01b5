"""To whom a broadcast goes, as its author chooses it: conditions that all must hold, each with a few values."""

from typing import Any

from lib import db
from lib.loyalty import offers, partners, tags
from lib.reach import broadcasts
from lib.reach.broadcasts import Broadcast
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

GROUPS = ("new", "loyal", "champion", "sleeping", "at_risk", "lost")
DAYS = {"away": (30, 60, 90), "seen": (7, 30), "birthday": (7, 30)}
CONDITIONS = (*DAYS, "group", "tier", "city", "tag", "unused")
PLACES = ("city", "category")  # the platform's own
NUMBERS = (*DAYS, "tier", "unused")
ROOM = 26  # characters of a button of which two stand side by side on a phone
BOTS = ("client", "partner", "studio")
KINDS = ("notice", "news")  # what concerns everybody, and what the platform praises


def is_away(days: int) -> bool:
    """Whether a report may ask for those who have not been seen for so many days."""
    return 1 <= days <= 366


def changed(one: Broadcast, wish: str) -> dict[str, Any] | None:
    """Return the fields that a pressed value changes; None for a press that only opens a condition."""
    name, _, value = wish.partition("=")
    if wish == "all":
        return {"filter": {}}
    if name == "role" and value in BOTS and not one.partner_id:
        return {"bot": value, "filter": {}}
    if name == "kind" and value in KINDS and not one.partner_id:
        return {"kind": value}
    if not value:
        return None
    is_number = name in NUMBERS and value.isascii() and value.isdecimal() and len(value) < 19
    kept: Any = int(value) if is_number else value
    known = (
        (name in DAYS and kept in (*DAYS[name], one.filter.get(name)))
        or (name == "group" and value in GROUPS)
        or (name in ("tier", "unused") and isinstance(kept, int))
        or (name == "city" and len(value) <= 60 and not value.endswith(screen.CUT))
        or (name == "tag" and len(value) <= tags.LONGEST and not value.endswith(screen.CUT))
        or (name == "category" and value in partners.CATEGORIES)
    )
    if not known:
        return None
    without = {key: was for key, was in one.filter.items() if key != name}
    return {"filter": without if one.filter.get(name) == kept else {**without, name: kept}}


async def rows(turn: Turn, one: Broadcast, opened: str, data: str) -> Keyboard:
    """Return the conditions, or the values of the opened one: what is chosen is ticked, and goes by a second press."""
    found = await db.run(lambda conn: _values(turn, conn, one))
    if opened in found:
        buttons = [Button(_ticked(one, wish, label), screen.fitted(f"{data}:", wish)) for wish, label in found[opened]]
        short = [button for button in buttons if len(button.label) <= ROOM]
        return [*screen.in_rows(short), *([button] for button in buttons if button not in short)]
    bots = [] if one.partner_id else [(f"role={bot}", turn.text(f"news.to.role.{bot}")) for bot in BOTS]
    bots += [] if one.partner_id else [(f"kind={kind}", turn.text(f"news.to.kind.{kind}")) for kind in KINDS]
    roles = [[Button(_ticked(one, wish, label), f"{data}:{wish}")] for wish, label in bots]
    conditions = [
        Button(("✅ " if name in one.filter else "") + turn.text(f"news.to.name.{name}"), f"{data}:{name}")
        for name, values in found.items()
        if values
    ]
    everybody = [screen.button(turn, "news.button.all", f"{data}:all")]
    return [*roles, *screen.in_rows(conditions), *([everybody] if one.filter else [])]


def opens(one: Broadcast, wish: str) -> bool:
    """Whether a press opens a condition."""
    return wish in (CONDITIONS if one.partner_id else PLACES)


async def whole(one: Broadcast, wish: str) -> str:
    """Return a value of which a button may hold the beginning alone."""
    name, _, value = wish.partition("=")
    if not wish.endswith(screen.CUT) or name not in ("city", "tag"):
        return wish
    found = await db.run(lambda conn: _cities(conn, one) if name == "city" else tags.of_shop(conn, one.partner_id))
    return f"{name}={screen.whole(value, found)}"


def _ticked(one: Broadcast, wish: str, label: str) -> str:
    name, _, value = wish.partition("=")
    chosen = {"role": one.bot, "kind": one.kind}.get(name, one.filter.get(name))
    return f"✅ {label}" if str(chosen) == value else label


type Values = dict[str, list[tuple[str, str]]]


async def _values(turn: Turn, conn: db.Connection, one: Broadcast) -> Values:
    """Return what each condition may be: the press, and its label."""
    places = [(f"city={city}", city) for city in await _cities(conn, one)]
    if not one.partner_id:
        kinds = [(f"category={name}", turn.text(f"partner.category.{name}")) for name in partners.CATEGORIES]
        return {"city": places, "category": kinds} if one.bot != "studio" else {}
    found: Values = {
        name: [(f"{name}={days}", turn.text(f"news.to.{name}", days=days)) for days in _days(one, name)]
        for name in DAYS
    }
    found["group"] = [(f"group={name}", turn.text(f"news.to.group.{name}")) for name in GROUPS]
    found["tier"] = [(f"tier={tier.id}", tier.title) for tier in await offers.tiers(conn, one.partner_id)]
    found["city"] = places
    found["tag"] = [(f"tag={tag}", tag) for tag in await tags.of_shop(conn, one.partner_id)]
    promos = await offers.list_promotions(conn, one.partner_id)
    live = [promo for promo in promos if promo.status == "approved" and promo.shown][:8]
    found["unused"] = [(f"unused={promo.id}", promo.title) for promo in live]
    return found


def _days(one: Broadcast, name: str) -> list[int]:
    return sorted({*DAYS[name], *([one.filter[name]] if name in one.filter else [])})


async def _cities(conn: db.Connection, one: Broadcast) -> list[str]:
    if one.partner_id:
        return await broadcasts.cities(conn, one.partner_id)
    return [city.name for city in await partners.cities(conn, limit=8)]


async def said(turn: Turn, one: Broadcast) -> str:
    """Return the conditions in words."""
    parts = [] if one.partner_id else [turn.text(f"news.to.role.{one.bot}")]
    if not one.partner_id and one.kind == "news":
        parts.append(turn.text("news.to.agreed"))
    for name, value in one.filter.items():
        if name in DAYS:
            parts.append(turn.text(f"news.to.{name}", days=value))
        elif name == "group":
            parts.append(turn.text(f"news.to.group.{value}"))
        elif name in ("city", "tag"):
            parts.append(turn.text(f"news.to.{name}", **{name: value}))
        elif name == "category":
            parts.append(turn.text("news.to.category", title=turn.text(f"partner.category.{value}")))
        else:
            parts.append(await _named(turn, one, name, value))
    return ", ".join(parts) or turn.text("news.to.all")


async def _named(turn: Turn, one: Broadcast, name: str, value: int) -> str:
    """Return a condition on a tier or a promotion, which may be gone."""
    if name == "tier":
        tiers = await db.run(lambda conn: offers.tiers(conn, one.partner_id))
        return turn.text("news.to.tier", title=next((tier.title for tier in tiers if tier.id == value), "—"))
    promos = await db.run(lambda conn: offers.list_promotions(conn, one.partner_id, limit=100))
    return turn.text("news.to.unused", title=next((promo.title for promo in promos if promo.id == value), "—"))
