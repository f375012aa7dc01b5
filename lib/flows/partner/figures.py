"""The figures of the shop, as text and as a picture; the poster for the counter.

home (7, 30 or 90 days) -> groups / staff
home -> [picture], [poster]: jobs, whose files come as messages of their own
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import clock, db, limits
from lib.flows.partner import promised, workplace
from lib.jobs import kick, table
from lib.jobs.table import NewJob
from lib.loyalty import night, partners, reports
from lib.loyalty.staff import Staff
from lib.reach import periods, tables
from lib.telegram import screen
from lib.telegram.dispatch import Turn

SPAN = 30
# A file is read from the whole of a shop's history: nobody needs it more often.
FILES = limits.Limit("shop_file", 10, timedelta(minutes=10))


async def handle(turn: Turn) -> None:
    """Show the figures, or order one of the files."""
    wanted, argument = screen.pressed(turn)
    # a digest's button is of its own shop, whichever was chosen last
    place = await workplace.at_work_in(turn, argument if wanted == "poster" else "")
    if place is None:
        return
    turn.state.step = ""
    await SCREENS.get(wanted, _home)(turn, place, argument)


def _span(argument: str) -> int:
    return screen.number(argument) if screen.number(argument) in periods.SPANS else SPAN


async def _home(turn: Turn, place: Staff, argument: str) -> None:
    """Show the figures at once, or have a job read them where there are many operations to go through."""
    span = str(_span(argument))

    async def read(conn: db.Connection) -> str:
        shop = await partners.get(conn, place.partner_id)
        period = periods.read(span, clock.now(), shop.tz)
        if await reports.is_long(conn, shop.id, period.before_since):
            return ""
        spans = [(period.since, period.until), (period.before_since, period.before_until)]
        found, before = await reports.summaries(conn, shop, spans)
        return tables.home(shop, period, found, before, turn.language)

    await night.catch_up(place.partner_id, batches=3)
    words = await db.run(read)
    if words:
        await turn.show(words, tables.home_keyboard(place.partner_id, span, turn.language))
    else:
        await promised.show(turn, place, "home", span)


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
