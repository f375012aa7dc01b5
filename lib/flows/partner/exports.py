"""A shop's lists as files: which one, as Excel or CSV, of which period.

home -> pick (what, form) -> go (a period by its name) -> a job, whose file comes as a message of its own
                          -> own -> two dates, typed -> the same
stop: the button of the message that says how far a file is
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from zoneinfo import ZoneInfo

from lib import clock, db, errors
from lib.flows import periods, sheets
from lib.flows.partner import workplace
from lib.flows.periods import ChosenPeriod
from lib.loyalty import partners
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn

KINDS = ("clients", "operations", "requests", "broadcasts")


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
    return what if what in KINDS else KINDS[0], form if form in sheets.FORMS else sheets.FORMS[0]


async def _pick(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    what, form = _choice(argument)
    words = turn.text("partner.exports.pick", what=turn.text(f"partner.sheet.name.{what}"), title=place.title)
    asks = turn.text(f"partner.exports.period.{what}")
    await turn.show(screen.paragraphs(note, words, asks), _ways(turn, what, form))


def _ways(turn: Turn, what: str, form: str) -> Keyboard:
    named = [
        screen.button(turn, f"partner.exports.{name}", f"exports:go:{what}:{form}:{name}") for name in periods.NAMES
    ]
    own = [screen.button(turn, "partner.exports.own", f"exports:own:{what}:{form}")]
    return [
        sheets.forms(turn, form, f"exports:pick:{what}"),
        *screen.in_rows(named),
        own,
        screen.home(turn, "exports:home"),
    ]


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
    return await sheets.order(turn, what, form, period, partner_id=place.partner_id)


async def _stop(turn: Turn, _: Staff, argument: str) -> None:
    await sheets.stop(turn, argument)


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "home": _home,
    "pick": _pick,
    "own": _own,
    "go": _go,
    "stop": _stop,
}
