"""A shop's lists as files: which one, as Excel or CSV, of which period.

home -> pick (what, form) -> go (a period by its name) -> a job, whose file comes as a message of its own
                          -> own -> two dates, typed -> the same
stop: the button of the message that says how far a file is
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from lib import clock, db, errors, limits
from lib.flows import periods
from lib.flows.partner import workplace
from lib.flows.periods import ChosenPeriod
from lib.jobs import kick, table
from lib.jobs.table import NewJob
from lib.loyalty import partners
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

KINDS = ("clients", "operations", "requests", "broadcasts")
FORMS = ("xlsx", "csv")
# A file is read from the whole of a shop's history: nobody needs it more often.
FILES = limits.Limit("export", 20, timedelta(days=1))


async def handle(turn: Turn) -> None:
    """Show what there is, take an order, or stop one."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    wanted, argument = screen.pressed(turn)
    if turn.came.kind == "text" and turn.state.step.startswith("exports:own:"):
        await _typed(turn, place, turn.state.step.removeprefix("exports:own:"))
        return
    if wanted != "stop":
        turn.state.step = ""
    await SCREENS.get(wanted, _home)(turn, place, argument)


async def _home(turn: Turn, place: Staff, _: str = "", note: str = "") -> None:
    kinds = [screen.button(turn, f"partner.sheet.name.{kind}", f"exports:pick:{kind}:xlsx") for kind in KINDS]
    words = turn.text("partner.exports.home", title=place.title)
    await turn.show(screen.paragraphs(note, words), [*screen.in_rows(kinds), screen.home(turn, "figures:home")])


def _choice(argument: str) -> tuple[str, str]:
    """Return what a button names, or the first there is for anything else: what and in which form."""
    what, form, *_ = [*argument.split(":"), ""]
    return what if what in KINDS else KINDS[0], form if form in FORMS else FORMS[0]


async def _pick(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    what, form = _choice(argument)
    words = turn.text("partner.exports.pick", what=turn.text(f"partner.sheet.name.{what}"), title=place.title)
    asks = turn.text(f"partner.exports.period.{what}")
    await turn.show(screen.paragraphs(note, words, asks), _ways(turn, what, form))


def _ways(turn: Turn, what: str, form: str) -> Keyboard:
    forms = [
        Button(f"{'✅ ' if one == form else ''}{turn.text(f'partner.exports.{one}')}", f"exports:pick:{what}:{one}")
        for one in FORMS
    ]
    named = [
        screen.button(turn, f"partner.exports.{name}", f"exports:go:{what}:{form}:{name}") for name in periods.NAMES
    ]
    own = [screen.button(turn, "partner.exports.own", f"exports:own:{what}:{form}")]
    return [forms, *screen.in_rows(named), own, screen.home(turn, "exports:home")]


async def _own(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    what, form = _choice(argument)
    turn.state.step = f"exports:own:{what}:{form}"
    back = screen.home(turn, f"exports:pick:{what}:{form}")
    await turn.show(screen.paragraphs(note, turn.text("partner.exports.ask")), [back])


async def _typed(turn: Turn, place: Staff, argument: str) -> None:
    try:
        period = periods.typed_by(turn.came.text, await _today(place))
    except errors.Invalid:
        await _own(turn, place, argument, turn.text("partner.exports.unclear"))
        return
    turn.state.step = ""
    await _pick(turn, place, argument, await _order(turn, place, *_choice(argument), period))


async def _go(turn: Turn, place: Staff, argument: str) -> None:
    period = periods.named(argument.rpartition(":")[2], await _today(place))
    if period is None:
        await _pick(turn, place, argument)
        return
    await turn.answer(await _order(turn, place, *_choice(argument), period), alert=False)


async def _today(place: Staff) -> date:
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    return clock.now().astimezone(ZoneInfo(shop.tz)).date()


async def _order(turn: Turn, place: Staff, what: str, form: str, period: ChosenPeriod) -> str:
    """Have the file made by a job and return what to say; an update that comes again orders nothing new."""
    if await limits.wait(turn.chat.id, FILES):
        return turn.text("partner.exports.too_often")
    days = {"since": period.since.isoformat() if period.since else "", "until": period.until.isoformat()}
    order = NewJob(
        turn.state.who["id"],
        f"sheet:{turn.chat.bot}:{turn.chat.id}:{turn.came.update_id}",
        {"bot": turn.chat.bot, "partner_id": place.partner_id, "what": what, "form": form, **days},
    )
    await db.run(lambda conn: table.create_free_jobs(conn, "sheet", [order]))
    turn.after.append(kick.drain)
    return turn.text("partner.exports.ordered")


async def _stop(turn: Turn, place: Staff, argument: str) -> None:
    """Stop a file that is being made; its worker says so in the message."""
    user_id, number = turn.state.who["id"], screen.number(argument)
    job = await db.run(lambda conn: table.get_job_by_id(conn, number))
    if job is None or job.user_id != user_id or job.task != "sheet":
        await screen.refuse_old_button(turn)
        return
    try:
        await db.run(lambda conn: table.cancel_job(conn, number, user_id))
    except errors.Conflict:
        asked = await db.run(lambda conn: table.ask_to_cancel(conn, number))
        await turn.answer(turn.text("partner.exports.stopping" if asked else "partner.exports.over"))
        return
    await turn.answer()
    await turn.chat.edit(turn.came.message_id, turn.text("partner.sheet.stopped"))


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "home": _home,
    "pick": _pick,
    "own": _own,
    "go": _go,
    "stop": _stop,
}
