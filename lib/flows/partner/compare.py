"""The analysis of a shop: a period beside the one before, hours and weekdays, who comes back, the points owed.

compare:period:<shop>:<code> · hours:<shop>:<code> · cohorts:<shop> · owed:<shop>: a job reads it into the screen
compare:own:<shop>:<screen> -> two dates are typed -> the screen of them
compare:chart:<shop>:<screen>[:<code>] · pdf:<shop>:<code>: a job draws it, and it comes as a message of its own
"""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from lib import clock, dates, db, errors, limits
from lib.flows.partner import promised, workplace
from lib.jobs import kick
from lib.loyalty import partners
from lib.loyalty.staff import Staff
from lib.reach import periods, tables
from lib.telegram import screen
from lib.telegram.dispatch import Turn

# They read a shop's history: nobody needs them more often.
PICTURES = limits.Limit("shop_file", 10, timedelta(minutes=10))
# What stands between two dates: any dash but the hyphen, which dates have, too; or a word.
BETWEEN = r"\s*[\u2010-\u2015\u2212]\s*|\s+(?:-|по|to|till)\s+|(?<=\d)-(?=\d+[.])|\s*,\s*"


async def handle(turn: Turn) -> None:
    """Order a screen, a picture or a page, or take two dates."""
    action, rest = screen.pressed(turn)
    shop, _, argument = rest.partition(":")
    place = await workplace.at_work_in(turn, shop)
    if place is None:
        return
    step = turn.state.step.rpartition(":")[2] if turn.state.step.startswith("compare:own:") else ""
    if turn.came.kind == "text" and step:
        await _take(turn, place, step)
    elif action == "own":
        await _ask(turn, place, argument)
    elif action in ("chart", "pdf"):
        await _draw(turn, place, action, argument)
    else:
        await promised.show(turn, place, action if action in promised.FIRST else "period", argument)


async def _ask(turn: Turn, place: Staff, what: str, note: str = "") -> None:
    what = what if what in ("period", "hours") else "period"
    turn.state.step = f"compare:own:{what}"
    back = screen.home(turn, f"compare:{what}:{place.partner_id}:{promised.FIRST[what]}")
    await turn.show(screen.paragraphs(note, turn.text("digest.ask.own")), [back])


async def _take(turn: Turn, place: Staff, what: str) -> None:
    """Take "1.10 – 15.10": the last such days, the second after the first."""
    try:
        code = own(turn.came.text, clock.now().astimezone(ZoneInfo(await _zone(place))).date())
    except errors.Invalid:
        await _ask(turn, place, what, turn.text("digest.ask.unclear"))
        return
    await promised.show(turn, place, what, code)


def own(words: str, today: date) -> str:
    """Return the code of the two dates that somebody typed; Invalid for what is none, or is still to come."""
    found = re.split(BETWEEN, words.strip(), maxsplit=1)
    if len(found) != 2:
        raise errors.Invalid("bad_period", words[:40])
    last = _date(found[1], today)
    first = _date(found[0], last)
    if last > today:
        raise errors.Invalid("bad_period", words[:40])
    return periods.own(first, last, "UTC").code


def _date(words: str, most: date) -> date:
    """Return a date that was typed; without a year the last one that is not after `most`."""
    day, month, year = dates.parse(words)
    try:
        found = date(year or most.year, month, day)
        return found if year or found <= most else date(most.year - 1, month, day)
    except ValueError:
        raise errors.Invalid("bad_period", words[:40]) from None


async def _zone(place: Staff) -> str:
    return (await db.run(lambda conn: partners.get(conn, place.partner_id))).tz


async def _draw(turn: Turn, place: Staff, action: str, argument: str) -> None:
    what, _, code = ("pdf", "", argument) if action == "pdf" else argument.partition(":")
    what = what if what in (*tables.SCREENS, "pdf") else "period"
    if await limits.wait(turn.chat.id, PICTURES):
        await turn.answer(turn.text("partner.figures.too_often"), alert=True)
        return
    await promised.order(turn, place, "chart", code, what=what)
    turn.after.append(kick.render)
    await turn.answer(turn.text("partner.figures.ordered"))
