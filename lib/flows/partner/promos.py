"""Promotions: the list, one of them with its moderation status, and a new one by six short questions.

list -> one -> [pause] / [go on] / [a similar one] -> confirm
list -> kind -> title -> about -> dates -> days -> bill -> city -> limit -> confirm -> sent to moderation
                                                                                State.data["promo"]

A promotion holds at the till once an administrator has approved it; the ledger decides by the rows, not by this draft.
"""

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from lib import clock, dates, db, errors, money, text, typed
from lib.flows.partner import answers, listing, workplace
from lib.loyalty import offers, partners
from lib.loyalty.offers import Promotion
from lib.loyalty.staff import Staff
from lib.people import users
from lib.telegram import screen, wizard
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn
from lib.telegram.wizard import Draft, Form, Step
from lib.text import HtmlSentence

SKIPPED = {"news": ("days", "bill", "limit"), "multiplier": ("limit",)}
KINDS = {"x2": ("multiplier", 20_000), "x3": ("multiplier", 30_000), "extra": ("extra", 100), "news": ("news", 0)}
SPANS = (1, 7, 14, 30)
BILLS = (0, 50_000, 100_000, 200_000)
LIMITS = (1, 2, 3)
EVERY_DAY = 127


async def handle(turn: Turn) -> None:
    """Answer a button, or take words for the question that is open."""
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    action, argument = screen.pressed(turn)
    if action in SCREENS:
        await SCREENS[action](turn, place, argument)
    elif not wizard.is_open(turn, FORM):
        await screen.refuse_old_button(turn)
        await _list(turn, place, "")
    elif action == "send":
        await _send(turn, place)
    elif action == "day":
        await _tick(turn, screen.number(argument))
    else:
        await wizard.answer(turn, FORM)


async def _list(turn: Turn, place: Staff, argument: str) -> None:
    turn.state.step = ""
    before = screen.number(argument) or None
    found = await db.run(lambda conn: offers.list_promotions(conn, place.partner_id, before=before, limit=11))
    rows = listing.rows(turn, "promos", found, "partner.button.new_promo")
    words = turn.text("partner.promos.list" if found else "partner.promos.none", title=place.title)
    await turn.show(words, [*rows, screen.home(turn)])


async def _one(turn: Turn, place: Staff, argument: str) -> None:
    try:
        one = await db.run(lambda conn: offers.get_promotion(conn, place.partner_id, screen.number(argument)))
    except errors.Missing:
        await _list(turn, place, "")
        return
    state = "paused" if one.status == "approved" and not one.shown else one.status
    words = turn.text(
        "partner.promos.one", **_fields(turn, _of(one)), state=turn.text(f"partner.state.{state}"), reason=one.reason
    )
    if one.status == "rejected":
        words += "\n\n" + turn.text("partner.promos.reason", reason=one.reason)
    verb = "pause" if one.shown else "resume"
    rows = [[screen.button(turn, "partner.button.similar", f"promos:similar:{one.id}")]]
    if one.status != "rejected":
        rows.append([screen.button(turn, f"partner.button.{verb}", f"promos:{verb}:{one.id}")])
    await turn.show(words, [*rows, screen.home(turn, "promos:list")])


def _of(one: Promotion) -> dict[str, Any]:
    gain = one.multiplier_bp if one.kind == "multiplier" else one.extra_points
    span = [one.starts_on.isoformat(), one.ends_on.isoformat()]
    draft = {"kind": [one.kind, gain], "title": one.title, "about": one.about, "dates": span, "days": one.weekdays}
    return {**draft, "bill": one.min_bill_minor, "city": one.city or "", "limit": one.daily_limit or 0}


async def _show(turn: Turn, place: Staff, argument: str, *, shown: bool) -> None:
    actor, number = turn.state.who["id"], screen.number(argument)
    try:
        await db.run(lambda conn: offers.show_promotion(conn, place.partner_id, actor, number, shown=shown))
    except errors.Missing:
        pass  # by a button of long ago, or of nobody's making; the list is shown
    except errors.AppError as error:
        await turn.answer(workplace.refusal(turn, error), alert=True)
    await _one(turn, place, argument)


async def _pause(turn: Turn, place: Staff, argument: str) -> None:
    await _show(turn, place, argument, shown=False)


async def _resume(turn: Turn, place: Staff, argument: str) -> None:
    await _show(turn, place, argument, shown=True)


async def _new(turn: Turn, place: Staff, argument: str) -> None:
    await wizard.begin(turn, FORM, afresh=argument == "afresh", **await _facts(place))


async def _facts(place: Staff) -> dict[str, Any]:
    """Return what a draft must know of its shop: which it is, and where its days begin."""
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    return {"shop": shop.id, "zone": shop.tz}


async def _similar(turn: Turn, place: Staff, argument: str) -> None:
    """Begin with what one of them says; dates that have passed are asked for again."""
    try:
        one = await db.run(lambda conn: offers.get_promotion(conn, place.partner_id, screen.number(argument)))
    except errors.Missing:
        await _list(turn, place, "")
        return
    draft = {**_of(one), **await _facts(place)}
    if one.ends_on < _today(draft):
        del draft["dates"]
    turn.state.data[FORM.name] = draft
    await wizard.ask(turn, FORM)


def _fields(turn: Turn, draft: dict[str, Any]) -> dict[str, Any]:
    kind, gain = draft.get("kind", ("news", 0))
    days, city = draft.get("days", EVERY_DAY), draft.get("city", "")
    span = [text.date(turn.language, date.fromisoformat(day)) for day in draft.get("dates", [])]
    names = [turn.text(f"partner.day.{day}") for day in range(7) if days & (1 << day)]
    gains = [turn.text(f"partner.promos.gain.{kind}", times=gain // 100, points=gain)]
    gains += [turn.text("partner.promos.gain.limit", limit=draft["limit"])] if draft.get("limit") else []
    return {
        "title": draft.get("title", ""),
        "about": f"\n{draft['about']}" if draft.get("about") else "",
        "gain": HtmlSentence("\n".join(gains)),
        "dates": " — ".join(span),
        "days": turn.text("partner.promos.every_day") if days == EVERY_DAY else ", ".join(names),
        "bill": _bill(turn, draft.get("bill", 0)),
        "city": city or turn.text("partner.promos.any_city"),
    }


def _bill(turn: Turn, bill: int) -> str:
    return turn.text("partner.promos.from", bill=bill) if bill else turn.text("partner.promos.any_bill")


def _week(turn: Turn, draft: Draft) -> Keyboard:
    """Return the days of the week to be ticked, and the button that takes them as they are."""
    days = draft.get("days", EVERY_DAY)
    ticks = [
        Button(f"{'✅' if days & (1 << day) else '⬜️'} {turn.text(f'partner.day.{day}')}", f"promos:day:{day}")
        for day in range(7)
    ]
    return [ticks[:4], ticks[4:], [screen.button(turn, "partner.button.done", "promos:days")]]


async def _tick(turn: Turn, day: int) -> None:
    """Tick a day of the week or take it back; one of them always stays."""
    draft = turn.state.data[FORM.name]
    if day < 7:
        draft["days"] = (draft.get("days", EVERY_DAY) ^ (1 << day)) or 1 << day
    await wizard.ask(turn, FORM, "days")


def _today(draft: Draft) -> date:
    return clock.now().astimezone(ZoneInfo(draft.get("zone", users.ZONE))).date()


def _span(days: int, draft: Draft) -> list[str]:
    return [_today(draft).isoformat(), (_today(draft) + timedelta(days=days - 1)).isoformat()]


def _typed_dates(said: str, draft: Draft) -> list[str]:
    return _dates(typed.plain(said), _today(draft))


def _dates(words: str, today: date) -> list[str]:
    """Read "12.03 - 20.03", "12 March", "28.12 - 5.01": the first such days that are not over, if no year is said."""
    first, _, last = re.sub(r"\s*[-–—]\s*", "\n", words).partition("\n")
    try:
        day, month, year = dates.parse(last or first)
        whole = first if not last or not re.fullmatch(r"[0-9]{1,2}", first) else f"{first}.{month}"
        from_day, from_month, from_year = dates.parse(whole)
    except errors.Invalid:
        raise errors.Invalid("dates_unclear") from None
    later = not (year and from_year) and (month, day) < (from_month, from_day)  # over the New Year's night
    longest = timedelta(days=183 if later else 731)  # 20.03 - 12.03 is no year but a slip
    said = from_year or (year - later if year else 0)
    for begins in (said,) if said else range(today.year - 1, today.year + 2):
        with contextlib.suppress(ValueError):  # a 29 February that this year has not
            start, end = date(begins, from_month, from_day), date(year or begins + later, month, day)
            if start <= end <= start + longest and today <= end <= today + timedelta(days=731):
                return [start.isoformat(), end.isoformat()]
    raise errors.Invalid("dates_unclear")


async def _send(turn: Turn, place: Staff) -> None:
    draft = await wizard.confirmed(turn, FORM)
    if draft is None:
        return
    kind, gain = draft["kind"]
    start, end = (date.fromisoformat(day) for day in draft["dates"])
    more = {"multiplier": {"multiplier_bp": gain}, "extra": {"extra_points": gain}}.get(kind, {})
    fields = {"kind": kind, "title": draft["title"], "about": draft["about"], "starts_on": start, "ends_on": end}
    fields |= {"weekdays": draft.get("days", EVERY_DAY), "min_bill_minor": draft.get("bill", 0)}
    fields |= {"city": draft["city"] or None, **more, "daily_limit": draft.get("limit") or None}
    try:
        await db.run(lambda conn: offers.add_promotion(conn, place.partner_id, turn.state.who["id"], **fields))
    except errors.AppError as error:
        await wizard.ask(turn, FORM, "title", workplace.refusal(turn, error))
        return
    await workplace.to_review(turn, "promotion", title=fields["title"], shop=place.title)
    wizard.settle(turn, FORM)
    await turn.show(turn.text("partner.promos.sent", title=fields["title"]), [screen.home(turn, "promos:list")])


FORM = Form(
    flow="promos",
    name="promo",
    key="partner.promos.",
    facts=("shop", "zone"),
    steps=[
        Step("kind", lambda said, _: ["extra", money.parse_points(said, limit=100_000)],
             {name: list(kind) for name, kind in KINDS.items()}, answers.label("partner.button.")),
        Step("title", answers.words(2, 80)),
        Step("about", answers.words(1, 600), {"": ""}, answers.label("partner.button.skip")),
        Step("dates", _typed_dates, {str(days): partial(_span, days) for days in SPANS},
             lambda turn, days: turn.text(f"partner.button.span{days}")),
        Step("days", choices={"": lambda draft: draft.get("days", EVERY_DAY)}, keyboard=_week),
        Step("bill", lambda said, _: money.parse(said, limit=1_000_000_000), {str(one): one for one in BILLS},
             lambda turn, one: _bill(turn, int(one))),
        Step("city", answers.city, {"": ""}, answers.label("partner.button.any_city")),
        Step("limit", answers.points(100), {str(one): one for one in LIMITS}, width=3),
    ],
    sentences=answers.SENTENCES,
    fields=_fields,
    refusal=workplace.refusal,
    send="partner.button.to_review",
    back="promos:list",
    skipped=lambda draft: SKIPPED.get(draft["kind"][0], ()) if "kind" in draft else (),
    confirm=lambda draft: "confirm.news" if draft["kind"][0] == "news" else "confirm",
)  # fmt: skip

SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "list": _list,
    "one": _one,
    "pause": _pause,
    "resume": _resume,
    "new": _new,
    "similar": _similar,
}
