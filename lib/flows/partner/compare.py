"""The analysis of a shop: a period beside the one before, hours and weekdays, who comes back, the points owed.

compare:period:<shop>:<code> · hours:<shop>:<code> · cohorts:<shop> · owed:<shop>: a job reads it into the screen
compare:own:<shop>:<screen> -> two dates are typed -> the screen of them
compare:chart:<shop>:<screen>[:<code>] · pdf:<shop>:<code>: a job draws it, and it comes as a message of its own
"""

import re
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import clock, dates, db, errors, limits
from lib.flows.partner import workplace
from lib.jobs import kick, table
from lib.jobs.table import NewJob
from lib.loyalty import partners
from lib.loyalty.staff import Staff
from lib.reach import periods, tables
from lib.telegram import screen
from lib.telegram.dispatch import Turn

# Both read a shop's history: nobody needs them more often.
SCREENS = limits.Limit("analysis", 30, timedelta(minutes=10))
PICTURES = limits.Limit("shop_file", 10, timedelta(minutes=10))
# What a screen shows first.
FIRST = {"period": "week", "hours": "90", "cohorts": "", "owed": ""}


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
        await _show(turn, place, action if action in tables.SCREENS else "period", argument)


async def _ask(turn: Turn, place: Staff, what: str, note: str = "") -> None:
    what = what if what in ("period", "hours") else "period"
    turn.state.step = f"compare:own:{what}"
    back = screen.home(turn, f"compare:{what}:{place.partner_id}:{FIRST[what]}")
    await turn.show(screen.paragraphs(note, turn.text("digest.ask.own")), [back])


async def _take(turn: Turn, place: Staff, what: str) -> None:
    """Take "1.10 – 15.10": the last such days, the second after the first."""
    try:
        code = own(turn.came.text, clock.now().astimezone(ZoneInfo(await _zone(place))).date())
    except errors.Invalid:
        await _ask(turn, place, what, turn.text("digest.ask.unclear"))
        return
    await _show(turn, place, what, code)


def own(typed: str, today: date) -> str:
    """Return the code of the two dates that somebody typed; Invalid for what is none, or is still to come."""
    found = re.split(r"\s*[–—]\s*|\s+(?:-|по|to|till)\s+|(?<=\d)-(?=\d+[.])|\s*,\s*", typed.strip(), maxsplit=1)
    if len(found) != 2:
        raise errors.Invalid("bad_period", typed[:40])
    last = _date(found[1], today)
    first = _date(found[0], last)
    if last > today:
        raise errors.Invalid("bad_period", typed[:40])
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


async def _show(turn: Turn, place: Staff, what: str, code: str) -> None:
    """Promise the screen and have it read; a period that is none becomes the first one of the screen."""
    if await turn.limited(SCREENS):
        return
    turn.state.step = ""
    code = _known(code) or FIRST[what] if FIRST[what] else ""
    await turn.show(turn.text("digest.reading"), [screen.home(turn, "figures:home")])
    await _order(turn, place, "analysis", what=what, period=code, message_id=turn.state.data["screen"])
    turn.after.append(kick.drain)


def _known(code: str) -> str:
    try:
        return periods.read(code, clock.now(), "UTC").code
    except errors.Invalid:
        return ""


async def _draw(turn: Turn, place: Staff, action: str, argument: str) -> None:
    what, _, code = ("pdf", "", argument) if action == "pdf" else argument.partition(":")
    what = what if what in (*tables.SCREENS, "pdf") else "period"
    if await limits.wait(turn.chat.id, PICTURES):
        await turn.answer(turn.text("partner.figures.too_often"), alert=True)
        return
    await _order(turn, place, "chart", what=what, period=_known(code) or "week")
    turn.after.append(kick.render)
    await turn.answer(turn.text("partner.figures.ordered"))


async def _order(turn: Turn, place: Staff, task: str, **asked: Any) -> None:
    """Queue the job; a press that comes again orders nothing new."""
    args = {"bot": turn.chat.bot, "partner_id": place.partner_id, "language": turn.language, **asked}
    key = f"{task}:{turn.chat.bot}:{turn.chat.id}:{turn.came.update_id}"
    order = NewJob(turn.state.who["id"], key, args)
    await db.run(lambda conn: table.create_free_jobs(conn, task, [order]))
