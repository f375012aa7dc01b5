"""What the screens of the admin bot have in common: times and names, lists by pages, the way back, what is wrong."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lib import config, db, errors, text
from lib.office.people import Count
from lib.office.pulse import Pulse
from lib.people import users
from lib.studio import spending
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn

PAGE = 10
LABEL = 20
DATA = 64  # bytes that a button can carry
PLACE = 20  # of them for where a page begins
WORD = re.compile(r"[A-Za-z_]*")
DEEPEST = 50  # pages that are remembered on the way back
KEYS = {"kie": "KIE_API_KEY", "openai": "OPENAI_API_KEY"}  # the settings of the generation services


def button(turn: Turn, key: str, data: str, style: str = "") -> Button:
    """Return a button that says a sentence."""
    return Button(turn.text(key), data, style=style)


def back(turn: Turn, data: str) -> list[Button]:
    """Return the last row of a screen: where it was reached from, and the menu."""
    return [button(turn, "button.back", data), button(turn, "button.menu", "menu:home")]


def number(argument: str) -> int:
    """Return the number in a button's data; 0 for whatever is none, as any client can send any data."""
    return int(argument) if argument.isascii() and argument.isdecimal() and len(argument) < 19 else 0


def picks(data: str, ids: Sequence[object]) -> Keyboard:
    """Return buttons 1, 2, 3 ... for the lines of a list, five in a row; each leads to `data` and its line's id."""
    buttons = [Button(str(place), f"{data}:{one}") for place, one in enumerate(ids, 1)]
    return [buttons[start : start + 5] for start in range(0, len(buttons), 5)]


def pages(turn: Turn, place: str, at: str | int | None, onward: str | int | None) -> Keyboard:
    """Return the rows that turn a list's pages, as far as there is where to turn. `place` begins the buttons' data.

    The way here is kept in State.data, so that a page leads back to the one before it, and pressing twice does no harm.
    Whoever came by an old button has the way to the first page.
    """
    here, kept = str(at or ""), turn.state.data.get("pages") or {}
    way = kept["at"] if kept.get("place") == place and here else []
    way = way[: way.index(here) + 1] if here in way else [*way, here][-DEEPEST:]
    turn.state.data["pages"] = {"place": place, "at": way}
    start = [button(turn, "admin.first", place)] if here and way[-2:-1] != [""] else []
    row = [button(turn, "admin.previous", _page(place, way[-2]))] if len(way) > 1 else []
    row += [button(turn, "admin.next", _page(place, str(onward)))] if onward else []
    return [one for one in (row, start) if one]


def chosen(argument: str) -> tuple[str, str, str]:
    """Return the parts of "card:internal:120": two words that narrow a list down, "" for no choice, and a place."""
    first, second, place, *_ = [*argument.split(":"), "", "", ""]
    return first if WORD.fullmatch(first) else "", second if WORD.fullmatch(second) else "", place


def choices(turn: Turn, counts: Sequence[Count], data: Callable[[str], str], label: Callable[[str], str]) -> Keyboard:
    """Return buttons that narrow a list down to one word, with how many lines it has then; the first takes all."""
    total = sum(count.number for count in counts)
    rows = [[Button(f"{turn.text('admin.all')} · {total}", data(""))]]
    fitting = [count for count in counts if len(data(count.word)) <= DATA - PLACE]
    buttons = [
        Button(f"{short(label(count.word), LABEL - 3 - len(str(count.number)))} · {count.number}", data(count.word))
        for count in fitting
    ]
    return rows + [buttons[start : start + 2] for start in range(0, len(buttons), 2)]


def listed(turn: Turn, otherwise: str, *places: str) -> str:
    """Return the page that was last seen, if it is of one of these lists; it is where something was opened."""
    kept = turn.state.data.get("pages") or {}
    seen = str(kept.get("place", ""))
    known = any(seen == place or seen.startswith(f"{place}:") for place in places)
    return _page(seen, kept["at"][-1]) if known else otherwise


def _page(place: str, at: str) -> str:
    return f"{place}:{at}" if at else place


def when(turn: Turn, at: datetime | None) -> str:
    """Return a moment in the administrator's own time zone."""
    if at is None:
        return "—"
    zone = ZoneInfo(turn.state.who.get("zone", users.ZONE))
    local = at.astimezone(zone)
    shown = text.short_moment if local.year == datetime.now(zone).year else text.moment
    return shown(turn.language, local)


def span(turn: Turn, since: datetime) -> str:
    """Return how long ago something was, in the largest whole unit."""
    gone = max(datetime.now(UTC) - since, timedelta(0))
    minutes = int(gone.total_seconds() // 60)
    if minutes < 60:
        return turn.text("admin.span.minutes", n=minutes)
    if minutes < 48 * 60:
        return turn.text("admin.span.hours", n=minutes // 60)
    return turn.text("admin.span.days", n=minutes // 1440)


def named(turn: Turn, group: str, code: str) -> str:
    """Return the word for a code (admin.task.card), or the code itself where there is no word for it."""
    key = f"admin.{group}.{code}"
    return turn.text(key) if text.knows(key) else code


def short(words: str, most: int) -> str:
    """Return a line's worth of somebody's words."""
    line = " ".join(words.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


async def found(turn: Turn, screen: Awaitable[None]) -> None:
    """Show a screen; what it is about may be gone, or was never there: any client can send any data."""
    try:
        await screen
    except errors.Missing:
        turn.state.step = "people:find"
        await turn.answer(turn.text("error.old_button"))
        await turn.show(turn.text("admin.gone"), [[button(turn, "button.menu", "menu:home")]])


def worries(turn: Turn, pulse: Pulse) -> list[str]:
    """Return a line for everything that is wrong, the worst first; none when all is well."""
    lines = []
    if pulse.stuck() and pulse.waiting_since:
        since = span(turn, pulse.waiting_since)
        lines.append(turn.text("admin.worry.stuck", since=since, queued=pulse.queued))
    if pulse.is_failing and pulse.failing_task:
        task = named(turn, "task", pulse.failing_task)
        lines.append(turn.text("admin.worry.failing", task=task, failed=pulse.failed, finished=pulse.finished))
    if pulse.letters:
        lines.append(turn.text("admin.worry.letters", n=pulse.letters))
    if pulse.refunding:
        lines.append(turn.text("admin.worry.refunding", n=pulse.refunding))
    if pulse.unmatched:
        lines.append(turn.text("admin.worry.unmatched", n=pulse.unmatched))
    if pulse.debts:
        lines.append(turn.text("admin.worry.debts", n=pulse.debts))
    return lines


@dataclass(frozen=True)
class ProviderHealth:
    """How a provider does, and why nobody may ask it now: off, spent, money, down; "" when everybody may."""

    facts: spending.ProviderState
    halt: str


async def services() -> list[ProviderHealth]:
    """Return all of them, the one that needs no key last."""
    keyed = config.get().keyed_providers
    found = await db.run(lambda conn: spending.states(conn, [*KEYS, "local"]))
    return [
        ProviderHealth(one, "off" if one.provider in KEYS and one.provider not in keyed else one.halt) for one in found
    ]


def service_worries(turn: Turn, found: Sequence[ProviderHealth]) -> list[str]:
    """Return a line for everything that is wrong with the services in use."""
    return [
        turn.text("admin.worry.provider", name=service_name(turn, one), why=why)
        for one in found
        for why in _whys(turn, one)
    ]


def _whys(turn: Turn, one: ProviderHealth) -> list[str]:
    facts, found = one.facts, []
    if one.halt == "off":
        return []
    if one.halt:
        found.append(service_state(turn, one))
    if facts.is_nearly_spent:
        money_of_day = {"spent": cents(facts.spent), "limit": cents(facts.daily_limit or 0)}
        found.append(turn.text("admin.worry.provider.spent", **money_of_day))
    if facts.is_failing:
        failed = {
            "hour": facts.hour,
            "hour_failed": facts.hour_failed,
            "day": facts.day,
            "day_failed": facts.day_failed,
        }
        found.append(turn.text("admin.worry.provider.failing", **failed))
    return found


def service_name(turn: Turn, one: ProviderHealth) -> str:
    """Return what a service is called."""
    return named(turn, "provider_name", one.facts.provider)


def service_state(turn: Turn, one: ProviderHealth) -> str:
    """Return why a service may not be asked now, or that it may."""
    return turn.text(f"admin.provider.{one.halt or 'ready'}", setting=KEYS.get(one.facts.provider, ""))


def cents(thousandths: int) -> int:
    """Return an amount of ours; a started cent is a whole one."""
    return -(-thousandths // 10)
