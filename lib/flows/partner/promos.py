"""Promotions: the list, one of them with its moderation status, and a new one by six short questions.

list -> one -> [pause] / [go on] / [a similar one] -> confirm
list -> kind -> title -> about -> dates -> days -> bill -> city -> limit -> confirm -> sent to moderation
                                                                                State.data["promo"]

A promotion holds at the till once an administrator has approved it; the ledger decides by the rows, not by this draft.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from lib import dates, db, errors, money, text, typed
from lib.flows.partner import workplace
from lib.loyalty import offers, partners
from lib.loyalty.offers import Promotion
from lib.loyalty.staff import Staff
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn
from lib.text import HtmlSentence

STEPS = ("kind", "title", "about", "dates", "days", "bill", "city", "limit", "confirm")
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
    wanted, argument = screen.pressed(turn)
    if wanted in SCREENS:
        await SCREENS[wanted](turn, place, argument)
    elif "promo" not in turn.state.data or (turn.came.kind == "press" and not turn.on_screen):
        await screen.refuse_old_button(turn)
        await _list(turn, place, "")
    elif turn.came.kind == "text":
        await _typed(turn, place)
    elif wanted == "send":
        await _send(turn, place)
    elif wanted == "back" and argument in STEPS:
        await _ask(turn, place, argument)
    else:
        await _pressed(turn, place, wanted, argument)


async def _list(turn: Turn, place: Staff, argument: str) -> None:
    turn.state.step = ""
    before = screen.number(argument) or None
    found = await db.run(lambda conn: offers.list_promotions(conn, place.partner_id, before=before, limit=11))
    rows = [
        [Button(f"{_mark(one.status, one.shown)} {screen.short(one.title, 16)}", f"promos:one:{one.id}")]
        for one in found[:10]
    ]
    if len(found) > 10:
        rows.append([screen.button(turn, "partner.button.more", f"promos:list:{found[9].id}")])
    rows.append([screen.button(turn, "partner.button.new_promo", "promos:new", style="primary")])
    words = turn.text("partner.promos.list" if found else "partner.promos.none", title=place.title)
    await turn.show(words, [*rows, screen.home(turn)])


def _mark(status: str, shown: bool) -> str:
    return {"pending": "🕓", "rejected": "✖️"}.get(status, "✅" if shown else "⏸")


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


def _steps(draft: dict[str, Any]) -> list[str]:
    """Return the questions that this kind of promotion has."""
    skipped = SKIPPED.get(draft.get("kind", [""])[0], ())
    return [step for step in STEPS if step not in skipped]


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
    """Go on with what was begun at this shop and left, if there is anything; [afresh] drops it."""
    draft = turn.state.data.get("promo", {})
    begun = argument != "afresh" and draft.get("shop") == place.partner_id and len(draft) > 1
    turn.state.data["promo"] = draft if begun else {"shop": place.partner_id}
    await _ask(turn, place, "confirm", turn.text("partner.apply.goes_on") if begun else "", afresh=begun)


async def _similar(turn: Turn, place: Staff, argument: str) -> None:
    """Begin with what one of them says; dates that have passed are asked for anew."""
    try:
        one = await db.run(lambda conn: offers.get_promotion(conn, place.partner_id, screen.number(argument)))
    except errors.Missing:
        await _list(turn, place, "")
        return
    draft = {**_of(one), "shop": place.partner_id}
    if one.ends_on < await _today(place):
        del draft["dates"]
    turn.state.data["promo"] = draft
    await _ask(turn, place, "confirm")


async def _ask(turn: Turn, place: Staff, step: str, note: str = "", *, afresh: bool = False) -> None:
    draft = turn.state.data["promo"]
    steps = _steps(draft)
    if step == "confirm":
        step = next((one for one in steps[:-1] if one not in draft), "confirm")
    turn.state.step = f"promos:{step}"
    before = steps[steps.index(step) - 1] if step != "kind" else ""
    news = step == "confirm" and draft["kind"][0] == "news"
    key = "partner.promos.confirm.news" if news else f"partner.promos.{step}"
    words = turn.text(key, **_fields(turn, draft))
    again = [[screen.button(turn, "partner.button.afresh", "promos:new:afresh")]] if afresh else []
    rows = [
        *_choices(turn, step, draft),
        *again,
        screen.home(turn, f"promos:back:{before}" if before else "promos:list"),
    ]
    await turn.show(screen.paragraphs(note, words), rows)


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
        "bill": turn.text("partner.promos.from", bill=draft["bill"])
        if draft.get("bill")
        else turn.text("partner.promos.any_bill"),
        "city": city or turn.text("partner.promos.any_city"),
    }


def _choices(turn: Turn, step: str, draft: dict[str, Any]) -> Keyboard:
    if step == "kind":
        return screen.in_rows([screen.button(turn, f"partner.button.{kind}", f"promos:kind:{kind}") for kind in KINDS])
    if step == "about":
        return [[screen.button(turn, "partner.button.skip", "promos:about")]]
    if step == "dates":
        return screen.in_rows(
            [screen.button(turn, f"partner.button.span{days}", f"promos:dates:{days}") for days in SPANS]
        )
    if step == "days":
        days = draft.setdefault("days", EVERY_DAY)
        ticks = [
            Button(f"{'✅' if days & (1 << day) else '⬜️'} {turn.text(f'partner.day.{day}')}", f"promos:day:{day}")
            for day in range(7)
        ]
        return [ticks[:4], ticks[4:], [screen.button(turn, "partner.button.done", "promos:days")]]
    if step == "bill":
        return screen.in_rows(
            [
                Button(
                    turn.text("partner.promos.from", bill=bill) if bill else turn.text("partner.promos.any_bill"),
                    f"promos:bill:{bill}",
                )
                for bill in BILLS
            ]
        )
    if step == "city":
        return [[screen.button(turn, "partner.button.any_city", "promos:city")]]
    if step == "limit":
        return [[Button(str(limit), f"promos:limit:{limit}") for limit in LIMITS]]
    return (
        [[screen.button(turn, "partner.button.to_review", "promos:send", style="success")]] if step == "confirm" else []
    )


async def _pressed(turn: Turn, place: Staff, wanted: str, argument: str) -> None:
    draft = turn.state.data["promo"]
    number = screen.number(argument)
    if wanted == "kind" and argument in KINDS:
        draft["kind"] = list(KINDS[argument])
    elif wanted in ("about", "city"):
        draft[wanted] = ""
    elif wanted == "dates" and number in SPANS:
        today = await _today(place)
        draft["dates"] = [today.isoformat(), (today + timedelta(days=number - 1)).isoformat()]
    elif wanted == "day" and number < 7:
        draft["days"] = (draft.get("days", EVERY_DAY) ^ (1 << number)) or 1 << number
        await _ask(turn, place, "days")
        return
    elif wanted == "bill" and number in BILLS:
        draft["bill"] = number
    elif wanted == "limit" and number in LIMITS:
        draft["limit"] = number
    await _next(turn, place)


async def _next(turn: Turn, place: Staff) -> None:
    """Ask what comes after the question on the screen, and the first that has no answer when all later ones have."""
    draft, step = turn.state.data["promo"], turn.state.step.partition(":")[2]
    steps = _steps(draft)
    step = step if step in steps else "kind"
    if step not in draft:
        await _ask(turn, place, step)
        return
    rest = steps[steps.index(step) + 1 :]
    await _ask(turn, place, next((one for one in rest if one not in draft), "confirm"))


async def _typed(turn: Turn, place: Staff) -> None:
    draft, step = turn.state.data["promo"], turn.state.step.partition(":")[2]
    words = turn.came.text.strip()
    try:
        if step == "kind":
            draft["kind"] = ["extra", money.parse_points(words, limit=100_000)]
        elif step in ("title", "about", "city"):
            draft[step] = _words(words, *{"title": (2, 80), "about": (1, 600), "city": (2, 60)}[step])
        elif step == "dates":
            draft["dates"] = _dates(typed.plain(words), await _today(place))
        elif step == "bill":
            draft["bill"] = money.parse(words, limit=1_000_000_000)
        elif step == "limit":
            draft["limit"] = money.parse_points(words, limit=100)
        else:  # days and the confirmation are answered by buttons
            await _ask(turn, place, step if step in STEPS else "kind")
            return
    except errors.Invalid as error:
        await _ask(turn, place, step, workplace.refusal(turn, error))
        return
    await _next(turn, place)


def _words(words: str, least: int, most: int) -> str:
    if not least <= len(words) <= most:
        raise errors.Invalid("too_short" if len(words) < least else "too_long", str(most))
    return words


async def _today(place: Staff) -> date:
    shop = await db.run(lambda conn: partners.get(conn, place.partner_id))
    return datetime.now(UTC).astimezone(ZoneInfo(shop.tz)).date()


def _dates(words: str, today: date) -> list[str]:
    """Read "12.03 - 20.03", "12 March", "12-20 March": this year, or the next when the day has passed."""
    first, _, last = re.sub(r"\s*[-–—]\s*", "\n", words).partition("\n")
    try:
        day, month, year = dates.parse(last or first)
        whole = first if not last or not re.fullmatch(r"[0-9]{1,2}", first) else f"{first}.{month}"
        from_day, from_month, from_year = dates.parse(whole)
        start = date(from_year or year or today.year, from_month, from_day)
        end = date(year or start.year, month, day)
        if not (from_year or year) and end < today:
            start, end = start.replace(year=start.year + 1), end.replace(year=end.year + 1)
    except (ValueError, errors.Invalid):
        raise errors.Invalid("dates_unclear") from None
    if end < max(start, today) or end > today + timedelta(days=731):
        raise errors.Invalid("dates_unclear")
    return [start.isoformat(), end.isoformat()]


async def _send(turn: Turn, place: Staff) -> None:
    draft = turn.state.data["promo"]
    if turn.state.step != "promos:confirm" or any(one not in draft for one in _steps(draft)[:-1]):
        await _ask(turn, place, "confirm")
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
        await _ask(turn, place, "title", workplace.refusal(turn, error))
        return
    await workplace.to_review(turn, "promotion", title=fields["title"], shop=place.title)
    turn.state.data.pop("promo")
    turn.state.step = ""
    turn.settled = True
    await turn.show(turn.text("partner.promos.sent", title=fields["title"]), [screen.home(turn, "promos:list")])


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "list": _list,
    "one": _one,
    "pause": _pause,
    "resume": _resume,
    "new": _new,
    "similar": _similar,
}
