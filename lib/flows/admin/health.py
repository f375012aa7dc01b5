"""Is anything wrong, and how much there is of everything: one screen, and one about who makes the pictures.

home -> providers
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from lib import config, db, money, spending
from lib.admin import pulse, shops
from lib.flows.admin import back, button, named, span, worries
from lib.telegram.dispatch import Turn

KEYS = {"kie": "KIE_API_KEY", "openai": "OPENAI_API_KEY"}


@dataclass(frozen=True)
class Provider:
    """How a provider does, and why nobody may ask it now: off, spent, money, down; "" when everybody may."""

    facts: spending.State
    halt: str


async def handle(turn: Turn) -> None:
    """Show what a button asks for; its button shows it anew."""
    await SCREENS.get(turn.came.text.partition(":")[2], _home)(turn)


async def _home(turn: Turn) -> None:
    found = await db.run(pulse.look)
    figures, clubs = await db.run(pulse.figures), await db.run(shops.figures)
    wrong = worries(turn, found) + [
        turn.text("admin.worry.provider", name=_name(turn, one), why=_halt(turn, one))
        for one in await _providers()
        if one.halt not in ("", "off")
    ]
    parts = [
        turn.text("admin.wrong", lines="\n".join(wrong)) if wrong else turn.text("admin.fine"),
        turn.text(
            "admin.health.queue",
            queued=found.queued,
            running=found.running,
            finished=found.finished,
            failed=found.failed,
            held=found.held,
        ),
        *_figures(turn, figures),
    ]
    liability = money.show(clubs.liability_minor)
    facts = {"shops": clubs.shops, "blocked": clubs.blocked, "members": clubs.members, "liability": liability}
    parts.append(turn.text("admin.health.clubs", **facts))
    rows = [
        [button(turn, "admin.button.refresh", "health:home"), button(turn, "admin.button.queue", "queue:home")],
        [button(turn, "admin.button.providers", "health:providers")],
    ]
    if found.refunding or found.debts or found.unmatched:
        rows[1].append(button(turn, "admin.button.unsettled", "people:unsettled"))
    await turn.show("\n\n".join(parts), [*rows, back(turn, "menu:home")])


def _figures(turn: Turn, figures: pulse.Figures) -> list[str]:
    people = {"people": figures.people, "week": figures.people_week, "seen": figures.seen_day, "banned": figures.banned}
    orders = {"day": figures.orders_day, "week": figures.orders_week, "failed": figures.failed_week}
    sold = {"payments": figures.payments_month, "stars": figures.stars_month, "sold": figures.sold_month}
    return [
        turn.text("admin.health.people", **people),
        turn.text("admin.health.orders", **orders),
        turn.text("admin.health.money", **sold, unspent=figures.unspent),
    ]


async def _providers() -> list[Provider]:
    """Return all of them, the one that needs no key last. Neon and Redis are asked once each."""
    keyed = config.get().keyed_providers
    found = await db.run(lambda conn: spending.states(conn, [*KEYS, "local"]))
    resting = await spending.paused(list(keyed)) if keyed else {}
    return [Provider(one, _halted(one, keyed, resting)) for one in found]


def _halted(one: spending.State, keyed: tuple[str, ...], resting: Mapping[str, str]) -> str:
    if one.provider in KEYS and one.provider not in keyed:
        return "off"
    return "spent" if one.is_spent else resting.get(one.provider, "")


async def _show_providers(turn: Turn) -> None:
    providers = await _providers()
    off = [one for one in providers if one.halt == "off"]
    parts = [turn.text("admin.providers")]
    if len(off) == len(KEYS):
        parts.append(turn.text("admin.providers.none"))
        providers = [one for one in providers if one not in off]
    parts += ["\n".join(_lines(turn, one)) for one in providers]
    rows = [[button(turn, "admin.button.refresh", "health:providers")], back(turn, "health:home")]
    await turn.show("\n\n".join(parts), rows)


def _lines(turn: Turn, one: Provider) -> list[str]:
    """Return what is said of a provider: whether it may be asked, its money, its calls, its last success."""
    facts = one.facts
    lines = [turn.text("admin.provider", name=_name(turn, one), state=_halt(turn, one))]
    if facts.daily_limit is not None and one.halt != "off":
        limit = money.show(facts.daily_limit // 10)
        lines.append(turn.text("admin.provider.cost_of", spent=_dollars(facts.spent), limit=limit))
    elif facts.spent:
        lines.append(turn.text("admin.provider.cost", spent=_dollars(facts.spent)))
    if facts.hour:
        told = {"calls": facts.hour, "done": facts.hour_done, "failed": facts.hour_failed}
        lines.append(turn.text("admin.provider.hour", **told))
    if facts.day:
        told = {"calls": facts.day, "done": facts.day_done, "failed": facts.day_failed}
        lines.append(turn.text("admin.provider.day", **told))
    elif one.halt != "off":
        lines.append(turn.text("admin.provider.idle"))
    if facts.last_done_at:
        lines.append(turn.text("admin.provider.last", since=span(turn, facts.last_done_at)))
    elif facts.day_failed:
        lines.append(turn.text("admin.provider.no_success"))
    return lines


def _name(turn: Turn, one: Provider) -> str:
    return named(turn, "provider_name", one.facts.provider)


def _halt(turn: Turn, one: Provider) -> str:
    """Return why a provider may not be asked now, or that it may."""
    return turn.text(f"admin.provider.{one.halt or 'ready'}", setting=KEYS.get(one.facts.provider, ""))


def _dollars(thousandths: int) -> str:
    """Return what was spent; a started cent is a whole one."""
    return money.show(-(-thousandths // 10))


SCREENS: Mapping[str, Callable[[Turn], Awaitable[None]]] = {"home": _home, "providers": _show_providers}
