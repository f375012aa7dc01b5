"""To whom a broadcast goes, as its author chooses it: conditions that all must hold, each with a few values."""

from typing import Any

from lib import db
from lib.loyalty import offers, partners
from lib.reach import broadcasts
from lib.reach.broadcasts import Broadcast
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

GROUPS = ("new", "loyal", "champion", "sleeping", "at_risk", "lost")
DAYS = {"away": (30, 60, 90), "seen": (7, 30), "birthday": (7, 30)}
ROOM = 26  # characters of a button of which two stand side by side on a phone
BOTS = ("client", "partner", "studio")


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
    if not value:
        return None
    kept: Any = int(value) if value.isdecimal() and len(value) < 19 else value
    known = (
        (name in DAYS and kept in (*DAYS[name], one.filter.get(name)))
        or (name == "group" and value in GROUPS)
        or (name in ("tier", "unused") and isinstance(kept, int))
        or (name == "city" and len(value) <= 60)
        or (name == "category" and value in partners.CATEGORIES)
    )
    if not known:
        return None
    without = {key: was for key, was in one.filter.items() if key != name}
    return {"filter": without if one.filter.get(name) == kept else {**without, name: kept}}


async def rows(turn: Turn, one: Broadcast, opened: str, data: str) -> Keyboard:
    """Return the conditions as buttons; what is chosen is ticked, and a second press takes it back."""
    found = await _shop(turn, one) if one.partner_id else await _platform(turn, one)
    buttons = [
        Button(_ticked(one, wish, label), f"{data}:{wish}")
        for wish, label in found
        if len(f"{data}:{wish}".encode()) <= 64
    ]
    everybody = [screen.button(turn, "news.button.all", f"{data}:all")]
    short = [button for button in buttons if len(button.label) <= ROOM]
    return [everybody, *screen.in_rows(short), *([button] for button in buttons if button not in short)]


def _ticked(one: Broadcast, wish: str, label: str) -> str:
    name, _, value = wish.partition("=")
    chosen = one.bot if name == "role" else one.filter.get(name)
    return f"✅ {label}" if str(chosen) == value else label


async def _shop(turn: Turn, one: Broadcast) -> list[tuple[str, str]]:
    found = [
        (f"{name}={days}", turn.text(f"news.to.{name}", days=days))
        for name, some in DAYS.items()
        for days in sorted({*some, *([one.filter[name]] if name in one.filter else [])})
    ]
    found += [(f"group={name}", turn.text(f"news.to.group.{name}")) for name in GROUPS]
    tiers = await db.run(lambda conn: offers.tiers(conn, one.partner_id))
    found += [(f"tier={tier.id}", turn.text("news.to.tier", title=tier.title)) for tier in tiers]
    cities = await db.run(lambda conn: broadcasts.cities(conn, one.partner_id))
    found += [(f"city={city}", turn.text("news.to.city", city=city)) for city in cities]
    promos = await db.run(lambda conn: offers.list_promotions(conn, one.partner_id))
    live = [promo for promo in promos if promo.status == "approved" and promo.shown][:5]
    found += [
        (f"unused={promo.id}", turn.text("news.to.unused", title=screen.short(promo.title, 24))) for promo in live
    ]
    return found


async def _platform(turn: Turn, one: Broadcast) -> list[tuple[str, str]]:
    found = [(f"role={bot}", turn.text(f"news.to.role.{bot}")) for bot in BOTS]
    if one.bot == "studio":
        return found
    cities = await db.run(lambda conn: partners.cities(conn, limit=8))
    found += [(f"city={city.name}", city.name) for city in cities]
    return found + [(f"category={name}", turn.text(f"partner.category.{name}")) for name in partners.CATEGORIES]


async def said(turn: Turn, one: Broadcast) -> str:
    """Return the conditions in words."""
    parts = [] if one.partner_id else [turn.text(f"news.to.role.{one.bot}")]
    for name, value in one.filter.items():
        if name in DAYS:
            parts.append(turn.text(f"news.to.{name}", days=value))
        elif name == "group":
            parts.append(turn.text(f"news.to.group.{value}"))
        elif name == "city":
            parts.append(turn.text("news.to.city", city=value))
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
