"""The figures of the shop, as text and as a picture; the poster for the counter.

home (7, 30 or 90 days) -> groups / staff
home -> [picture], [poster]: jobs, whose files come as messages of their own
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import db, limits, text
from lib.flows.partner import workplace
from lib.jobs import kick, table
from lib.jobs.table import NewJob
from lib.loyalty import partners, reports
from lib.loyalty.reports import ShopSummary
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

SPANS = (7, 30, 90)
SPAN = 30
# A file is read from the whole of a shop's history: nobody needs it more often.
FILES = limits.Limit("shop_file", 10, timedelta(minutes=10))


async def handle(turn: Turn) -> None:
    """Show the figures, or order one of the files."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    turn.state.step = ""
    wanted, argument = screen.pressed(turn)
    await SCREENS.get(wanted, _home)(turn, place, argument)


def _span(argument: str) -> int:
    return screen.number(argument) if screen.number(argument) in SPANS else SPAN


async def _home(turn: Turn, place: Staff, argument: str) -> None:
    span, now = _span(argument), datetime.now(UTC)
    since = now - timedelta(days=span)

    async def read(conn: db.Connection) -> tuple[ShopSummary, ShopSummary]:
        shop = await partners.get(conn, place.partner_id)
        before = since - timedelta(days=span)
        found, earlier = await reports.summaries(conn, shop, [(since, now), (before, since)])
        return found, earlier

    found, before = await db.run(read)
    words = turn.text("partner.figures.home", title=place.title, days=span, **_fields(turn, found, before))
    await turn.show(words, [_spans(turn, span), *_ways(turn, place, span), screen.home(turn)])


def _spans(turn: Turn, span: int) -> list[Button]:
    return [
        Button(f"{'• ' if one == span else ''}{turn.text('partner.figures.span', days=one)}", f"figures:home:{one}")
        for one in SPANS
    ]


def _ways(turn: Turn, place: Staff, span: int) -> Keyboard:
    """Return what else there is to see, and the files to order."""
    ways = (
        ("digest.button.compare", f"compare:period:{place.partner_id}:week"),
        ("digest.button.home", "digests:home"),
        ("partner.button.groups", "figures:groups"),
        ("partner.button.team_figures", f"figures:team:{span}"),
        ("partner.button.marks", "marks:list"),
        ("partner.button.invites", "invites:list"),
        ("partner.button.chart", f"figures:chart:{span}"),
        ("digest.button.pdf", f"figures:pdf:{span}"),
        ("partner.button.exports", "exports:home"),
        ("partner.button.poster", "figures:poster"),
    )
    return screen.in_rows([screen.button(turn, label, data) for label, data in ways])


def _fields(turn: Turn, found: ShopSummary, before: ShopSummary) -> dict[str, Any]:
    none = turn.text("partner.figures.none")

    def share(points: int | None) -> str:
        return none if points is None else text.percent(turn.language, round(points, -2))

    average = found.average_bill_minor
    return {
        "turnover": found.turnover_minor,
        "change": _change(turn, found.turnover_minor, before.turnover_minor),
        "receipts": found.receipts,
        "average": none if average is None else text.money(turn.language, average),
        "active": found.active,
        "new": found.new_clients,
        "returning": found.returning_clients,
        "clients": found.clients,
        "churn": share(found.churn_bp),
        "nps": none if found.nps is None else (f"{found.nps:+d}" if found.nps else "0").replace("-", "−"),
        "ratings": found.ratings,
        "issued": found.issued,
        "redeemed": found.redeemed,
        "redemption": share(found.redemption_bp),
        "available": found.available + found.pending,
        "liability": found.liability_minor,
        "expiring": found.expiring,
        "reversals": found.reversals,
    }


def _change(turn: Turn, now: int, before: int) -> str:
    """Return by how much the period differs from the one before; nothing without one."""
    if not before:
        return ""
    percent = round((now - before) * 100 / before)
    return f" ({'+' if percent > 0 else ''}{text.percent(turn.language, percent * 100)})"


async def _groups(turn: Turn, place: Staff, _: str) -> None:
    found = await db.run(lambda conn: reports.groups(conn, place.partner_id, datetime.now(UTC)))
    lines = [
        turn.text(
            "partner.figures.group",
            name=turn.text(f"partner.group.{one.name}"),
            clients=one.clients,
            spent=one.spent_minor,
        )
        for one in found
    ]
    words = turn.text("partner.figures.groups" if lines else "partner.figures.no_groups", title=place.title)
    await turn.show(screen.paragraphs(words, *lines), [screen.home(turn, "figures:home")])


async def _team(turn: Turn, place: Staff, argument: str) -> None:
    span, now = _span(argument), datetime.now(UTC)
    found = await db.run(lambda conn: reports.staff(conn, place.partner_id, now - timedelta(days=span), now))
    lines = [
        turn.text(
            "partner.figures.person",
            name=one.name or "…",
            operations=one.operations,
            turnover=one.turnover_minor,
            given=one.given,
            reversals=one.reversals,
        )
        + (f"\n{turn.text(f'partner.figures.odd.{one.odd}')}" if one.odd else "")
        for one in found[:20]
    ]
    words = turn.text("partner.figures.team" if lines else "partner.figures.no_team", title=place.title, days=span)
    await turn.show(screen.paragraphs(words, *lines), [screen.home(turn, "figures:home")])


async def _order(turn: Turn, place: Staff, task: str, **args: Any) -> None:
    """Have a file made by a job; a press that comes again orders nothing new."""
    user_id = turn.state.who["id"]
    if await limits.wait(turn.chat.id, FILES):
        await turn.answer(turn.text("partner.figures.too_often"), alert=True)
        return
    order = NewJob(
        user_id,
        f"{task}:{turn.chat.bot}:{turn.chat.id}:{turn.came.update_id}",
        {"bot": turn.chat.bot, "partner_id": place.partner_id, "language": turn.language, **args},
    )
    await db.run(lambda conn: table.create_free_jobs(conn, task, [order]))
    turn.after.append(kick.render)
    await turn.answer(turn.text("partner.figures.ordered"))


async def _chart(turn: Turn, place: Staff, argument: str) -> None:
    await _order(turn, place, "chart", what="period", period=str(_span(argument)))


async def _page(turn: Turn, place: Staff, argument: str) -> None:
    await _order(turn, place, "chart", what="pdf", period=str(_span(argument)))


async def _poster(turn: Turn, place: Staff, _: str) -> None:
    await _order(turn, place, "poster")


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "home": _home,
    "groups": _groups,
    "team": _team,
    "chart": _chart,
    "pdf": _page,
    "poster": _poster,
}
