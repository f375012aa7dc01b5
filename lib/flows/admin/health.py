"""Shows whether anything is wrong and how much there is of everything; two more screens are about makers and results.

home -> providers
     -> results that sellers called bad
"""

from collections.abc import Awaitable, Callable, Mapping

from lib import db
from lib import text as sentences
from lib.flows import when
from lib.flows.admin import lists, worries
from lib.office import pulse, shops
from lib.reach import health as sight
from lib.studio import mends
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show what a button asks for; its button shows it again."""
    await SCREENS.get(turn.came.text.partition(":")[2], _home)(turn)


async def _home(turn: Turn) -> None:
    found = await db.run(pulse.look)
    figures, clubs = await db.run(pulse.figures), await db.run(shops.figures)
    wrong = worries.worries(turn, found) + worries.service_worries(turn, await worries.services())
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
    liability = clubs.liability_minor
    facts = {"shops": clubs.shops, "blocked": clubs.blocked, "members": clubs.members, "liability": liability}
    parts.append(turn.text("admin.health.clubs", **facts))
    parts.append(await _version(turn))
    rows = [
        [
            screen.button(turn, "admin.button.refresh", "health:home"),
            screen.button(turn, "admin.button.queue", "queue:home"),
        ],
        [
            screen.button(turn, "admin.button.providers", "health:providers"),
            screen.button(turn, "admin.button.bad", "health:bad"),
        ],
        [screen.button(turn, "admin.button.alarms", "alerts:home")],
    ]
    if found.refunding or found.debts or found.unmatched:
        rows.append([screen.button(turn, "admin.button.unsettled", "people:unsettled")])
    await turn.show(screen.paragraphs(*parts), [*rows, screen.home(turn, "menu:home")])


async def _version(turn: Turn) -> str:
    """Return which code runs, its last migration and since when."""
    known, at = sight.deployment(), await sight.since()
    commit, since = known["commit"], when.day_and_time(turn, at) if at else ""
    return "\n".join(
        [
            turn.text("admin.health.version", version=known["version"]),
            *([turn.text("admin.health.commit", commit=commit)] if commit else []),
            turn.text("admin.health.migration", migration=known["migration"]),
            *([turn.text("admin.health.since", since=since)] if since else []),
        ]
    )


def _figures(turn: Turn, figures: pulse.PlatformFigures) -> list[str]:
    people = {"people": figures.people, "week": figures.people_week, "seen": figures.seen_day, "banned": figures.banned}
    orders = {"day": figures.orders_day, "week": figures.orders_week, "failed": figures.failed_week}
    sold = {"payments": figures.payments_month, "stars": figures.stars_month, "sold": figures.sold_month}
    return [
        turn.text("admin.health.people", **people),
        turn.text("admin.health.orders", **orders),
        turn.text("admin.health.money", **sold, unspent=figures.unspent),
    ]


async def _show_providers(turn: Turn) -> None:
    providers = await worries.services()
    off = [one for one in providers if one.halt == "off"]
    parts = [turn.text("admin.providers")]
    if len(off) == len(worries.KEYS):
        parts.append(turn.text("admin.providers.none"))
        providers = [one for one in providers if one not in off]
    parts += ["\n".join(_lines(turn, one)) for one in providers]
    rows = [[screen.button(turn, "admin.button.refresh", "health:providers")], screen.home(turn, "health:home")]
    await turn.show(screen.paragraphs(*parts), rows)


def _lines(turn: Turn, one: worries.ProviderHealth) -> list[str]:
    """Return what is said of a provider: whether it may be asked, its money, its calls, its last success."""
    facts = one.facts
    lines = [turn.text("admin.provider", name=worries.service_name(turn, one), state=worries.service_state(turn, one))]
    if facts.daily_limit is not None and one.halt != "off":
        limit = worries.cents(facts.daily_limit)
        lines.append(turn.text("admin.provider.cost_of", spent=worries.cents(facts.spent), limit=limit))
    elif facts.spent:
        lines.append(turn.text("admin.provider.cost", spent=worries.cents(facts.spent)))
    if facts.hour:
        told = {"calls": facts.hour, "done": facts.hour_done, "failed": facts.hour_failed}
        lines.append(turn.text("admin.provider.hour", **told))
    if facts.day:
        told = {"calls": facts.day, "done": facts.day_done, "failed": facts.day_failed}
        lines.append(turn.text("admin.provider.day", **told))
    elif one.halt != "off":
        lines.append(turn.text("admin.provider.idle"))
    if facts.last_done_at:
        lines.append(turn.text("admin.provider.last", since=lists.span(turn, facts.last_done_at)))
    elif facts.day_failed:
        lines.append(turn.text("admin.provider.no_success"))
    return lines


async def _show_bad(turn: Turn) -> None:
    """Count what was called bad in 30 days by product, look and reason."""
    counts = await db.run(mends.count_complaints)
    lines = [_bad_line(turn, one) for one in counts] or [turn.text("admin.bad.none")]
    await turn.show(screen.paragraphs(turn.text("admin.bad"), "\n".join(lines)), [screen.home(turn, "health:home")])


def _bad_line(turn: Turn, one: mends.ComplaintCount) -> str:
    looks = (f"preset.{one.look}", f"studio.scene.{one.look}", f"studio.template.{one.look}")
    keys = (f"studio.product.{one.product}", *looks)
    what = " · ".join(turn.text(key) for key in keys if sentences.knows(key)) or one.product
    reason = turn.text(f"mend.bad.{one.reason}")
    return turn.text("admin.bad.line", what=what, reason=reason, number=one.number, refunded=one.refunded)


SCREENS: Mapping[str, Callable[[Turn], Awaitable[None]]] = {
    "home": _home,
    "providers": _show_providers,
    "bad": _show_bad,
}
