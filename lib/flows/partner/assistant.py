"""The shop's assistant: its switch, tone and words, what it refuses, what it did not find, what it did, and a trial.

assistant:home -> on, off · tone:<one> · ask:<setting> -> typed -> home
               -> misses[:<shop>] -> miss:<id> -> name:<id> -> typed -> to:<id>:<code> · forget:<id> · items:new:<id>
               -> days -> disliked · try -> typed -> the answer, which no client sees and nothing counts
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from lib import clock, config, db, errors, text, typed
from lib.assistant import keyless, misses, settings, talks
from lib.assistant.settings import AssistantSettings
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty.staff import Staff
from lib.menu import sheet, versions, words
from lib.menu.goods import MenuItem
from lib.menu.index import Index
from lib.telegram import screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

SHOWN = 10  # of what was not found
DAYS = 14
# What is typed, and what clears it.
TYPED = ("manner", "instructions", "refused", "client_answers", "shop_answers")


@dataclass(frozen=True)
class OpenMiss:
    """Words that were not found and become another name of an item now."""

    shop: int
    miss: int


MISS = DraftKey("open_miss", OpenMiss)


async def handle(turn: Turn) -> None:
    """Answer a button, or take words for what is open."""
    action, argument = screen.pressed(turn)
    if action == "misses" and argument:
        turn.state.data["shop"] = screen.number(argument)  # a message tells of one shop, another may be chosen
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    step = turn.state.step.removeprefix("assistant:")
    if action in SCREENS:
        await SCREENS[action](turn, place, argument)
    elif turn.came.kind == "text" and step in TYPED:
        await _typed(turn, place, step)
    elif turn.came.kind == "text" and step == "try":
        await _tried(turn, place)
    elif turn.came.kind == "text" and step == "name":
        await _items(turn, place)
    else:
        await _home(turn, place)


async def _now(place: Staff) -> AssistantSettings:
    return await db.run(lambda conn: settings.read(conn, place.partner_id))


async def _index(place: Staff) -> Index:
    return Index((await db.run(lambda conn: versions.newest(conn, place.partner_id))).items)


async def _home(turn: Turn, place: Staff, argument: str = "", note: str = "") -> None:
    turn.state.step = ""
    now = await _now(place)
    state = turn.text("partner.assistant.on" if now.is_on else "partner.assistant.off")
    fields = {name: _shown(turn, getattr(now, name)) for name in TYPED}
    told = turn.text(
        "partner.assistant.home", title=place.title, tone=turn.text(f"partner.assistant.tone.{now.tone}"), **fields
    )
    switch = "off" if now.is_on else "on"
    rows = [
        [screen.button(turn, f"partner.button.assistant_{switch}", f"assistant:{switch}", style="primary")],
        *screen.in_rows(
            [
                screen.button(turn, "partner.button.assistant_tone", "assistant:tone"),
                *[screen.button(turn, f"partner.button.assistant_{one}", f"assistant:ask:{one}") for one in TYPED],
                screen.button(turn, "partner.button.assistant_misses", "assistant:misses"),
                screen.button(turn, "partner.button.assistant_days", "assistant:days"),
                screen.button(turn, "partner.button.assistant_try", "assistant:try"),
                screen.button(turn, "partner.button.prices", "prices:home"),
            ]
        ),
    ]
    model = turn.text(
        "partner.assistant.model" if config.get().openai_api_key else "partner.assistant.no_model", **fields
    )
    await turn.show(screen.paragraphs(note, told, state, model), [*rows, screen.home(turn)])


def _shown(turn: Turn, value: Any) -> Any:
    if isinstance(value, list):
        value = ", ".join(value)
    return screen.short(value, 200) or turn.text("partner.assistant.nothing") if isinstance(value, str) else value


async def _save(turn: Turn, place: Staff, **fields: Any) -> None:
    actor = turn.state.who["id"]
    await db.run(lambda conn: settings.change(conn, place.partner_id, actor, **fields))


async def _switch_on(turn: Turn, place: Staff, argument: str) -> None:
    await _save(turn, place, is_on=True)
    await _home(turn, place)


async def _switch_off(turn: Turn, place: Staff, argument: str) -> None:
    await _save(turn, place, is_on=False)
    await _home(turn, place)


async def _tone(turn: Turn, place: Staff, argument: str) -> None:
    """Choose a tone, or show the choice."""
    if argument in settings.TONES:
        await _save(turn, place, tone=argument)
        await _home(turn, place, "", turn.text("partner.assistant.saved"))
        return
    turn.state.step = ""
    choices = [Button(turn.text(f"partner.assistant.tone.{one}"), f"assistant:tone:{one}") for one in settings.TONES]
    own = screen.button(turn, "partner.button.assistant_manner", "assistant:ask:manner")
    rows = [*screen.in_rows(choices), [own], screen.home(turn, "assistant:home")]
    await turn.show(turn.text("partner.assistant.ask.tone"), rows)


async def _ask(turn: Turn, place: Staff, name: str, note: str = "") -> None:
    if name not in TYPED:
        await _home(turn, place)
        return
    turn.state.step = f"assistant:{name}"
    value = getattr(await _now(place), name)
    shown = value if isinstance(value, int) else ", ".join(value) if isinstance(value, list) else value
    now = turn.text("partner.assistant.now", value=shown or turn.text("partner.assistant.nothing"))
    words_ = screen.paragraphs(note, turn.text(f"partner.assistant.ask.{name}"), now)
    await turn.show(words_, [screen.home(turn, "assistant:home")])


async def _typed(turn: Turn, place: Staff, name: str) -> None:
    try:
        value = _read(name, turn.came.text.strip())
        await _save(turn, place, **{name: value})
    except errors.AppError as error:
        await _ask(turn, place, name, workplace.refusal(turn, error))
        return
    await _home(turn, place, "", turn.text("partner.assistant.saved"))


def _read(name: str, said: str) -> Any:
    if name in ("client_answers", "shop_answers"):
        digits = typed.digits(said)
        return int(digits) if digits and len(digits) < 9 else 0
    said = "" if typed.is_nothing(said) else said
    return [one for line in said.splitlines() for one in line.split(",") if one.strip()] if name == "refused" else said


async def _misses(turn: Turn, place: Staff, argument: str = "", note: str = "") -> None:
    """Count what is new and show what was asked for most."""
    turn.state.step = ""
    index, now = await _index(place), clock.now()
    await db.run(lambda conn: misses.fold(conn, place.partner_id, now=now))
    found = await db.run(lambda conn: misses.listed(conn, place.partner_id, index, limit=SHOWN))
    lines = [
        turn.text("partner.assistant.miss_line", place=at, words=one.words, count=one.count, day=one.last_on)
        for at, one in enumerate(found, 1)
    ]
    head = turn.text("partner.assistant.misses" if found else "partner.assistant.no_misses")
    rows = screen.picks("assistant:miss", [one.id for one in found])
    await turn.show(screen.paragraphs(note, head, "\n".join(lines)), [*rows, screen.home(turn, "assistant:home")])


async def _miss(turn: Turn, place: Staff, argument: str) -> None:
    found = await db.run(lambda conn: misses.get(conn, place.partner_id, screen.number(argument)))
    if found is None:
        await screen.refuse_old_button(turn)
        await _misses(turn, place)
        return
    turn.state.step = ""
    rows = [
        [screen.button(turn, "partner.button.miss_name", f"assistant:name:{found.id}")],
        [screen.button(turn, "partner.button.miss_add", f"items:new:{found.id}")],
        [screen.button(turn, "partner.button.miss_forget", f"assistant:forget:{found.id}")],
        screen.home(turn, "assistant:misses"),
    ]
    told = turn.text("partner.assistant.miss", words=found.words, count=found.count, day=found.last_on)
    await turn.show(told, rows)


async def _forget(turn: Turn, place: Staff, argument: str) -> None:
    await db.run(lambda conn: misses.drop(conn, place.partner_id, [screen.number(argument)]))
    await _misses(turn, place, "", turn.text("partner.assistant.forgotten"))


async def _name(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    """Ask which item is meant."""
    found = await db.run(lambda conn: misses.get(conn, place.partner_id, screen.number(argument)))
    if found is None:
        await _misses(turn, place)
        return
    turn.state.step = "assistant:name"
    MISS.keep(turn.state, OpenMiss(place.partner_id, found.id))
    told = turn.text("partner.assistant.which", words=found.words)
    await turn.show(screen.paragraphs(note, told), [screen.home(turn, f"assistant:miss:{found.id}")])


async def _items(turn: Turn, place: Staff) -> None:
    """Offer the items that fit the typed words."""
    draft = MISS.of(turn.state)
    if draft is None or draft.shop != place.partner_id:
        await _misses(turn, place)
        return
    found = (await _index(place)).ask(turn.came.text).items[:8]
    if not found:
        await _name(turn, place, str(draft.miss), turn.text("partner.assistant.no_item"))
        return
    rows = [[Button(screen.short(one.item.title, 40), f"assistant:to:{draft.miss}:{one.item.code}")] for one in found]
    await turn.show(turn.text("partner.assistant.choose"), [*rows, screen.home(turn, f"assistant:miss:{draft.miss}")])


async def _to(turn: Turn, place: Staff, argument: str) -> None:
    """Give an item the words that were not found as another name."""
    number, _, code = argument.partition(":")
    miss = await db.run(lambda conn: misses.get(conn, place.partner_id, screen.number(number)))
    if miss is None:
        await _misses(turn, place)
        return
    actor, said = turn.state.who["id"], words.plain(miss.words)[: sheet.NAME]

    def named(items: tuple[MenuItem, ...]) -> list[MenuItem]:
        return [_called(one, said) if one.code == code else one for one in items]

    try:
        await db.run(lambda conn: versions.amend(conn, place.partner_id, actor, named))
    except (errors.Invalid, errors.Conflict, errors.Denied) as error:
        await _misses(turn, place, "", workplace.refusal(turn, error))
        return
    await versions.forget(place.partner_id)
    await db.run(lambda conn: misses.drop(conn, place.partner_id, [miss.id]))
    await _misses(turn, place, "", turn.text("partner.assistant.named", words=miss.words))


def _called(item: MenuItem, said: str) -> MenuItem:
    if said not in item.names and len(item.names) >= sheet.MOST_NAMES:
        raise errors.Invalid("too_many_names", str(sheet.MOST_NAMES))
    return replace(item, names=tuple(dict.fromkeys([*item.names, said])))


async def _days(turn: Turn, place: Staff, argument: str) -> None:
    turn.state.step = ""
    since = clock.now() - timedelta(days=DAYS)
    found = await db.run(lambda conn: misses.figures(conn, place.partner_id, since=since))
    lines = [_day(turn, one) for one in found]
    head = turn.text("partner.assistant.days" if found else "partner.assistant.no_days", days=DAYS)
    rows = [[screen.button(turn, "partner.button.assistant_disliked", "assistant:disliked")]] if found else []
    await turn.show(screen.paragraphs(head, *lines), [*rows, screen.home(turn, "assistant:home")])


async def _disliked(turn: Turn, place: Staff, argument: str) -> None:
    """Show the last answers with a thumbs-down, so that the shop can put right what they came from."""
    turn.state.step = ""
    found = await db.run(lambda conn: misses.disliked(conn, place.partner_id, limit=SHOWN))
    lines = [
        turn.text(
            "partner.assistant.disliked_line",
            day=one.day,
            question=screen.short(one.question, 100),
            answer=screen.short(one.answer, 200),
        )
        for one in found
    ]
    head = turn.text("partner.assistant.disliked" if found else "partner.assistant.no_disliked")
    await turn.show(screen.paragraphs(head, *lines), [screen.home(turn, "assistant:days")])


def _day(turn: Turn, one: misses.AssistantDay) -> str:
    said = {"day": one.day, "answers": one.answers, "missed": one.missed, "liked": one.liked, "disliked": one.disliked}
    told = turn.text("partner.assistant.day", **said)
    if not one.tokens:
        return told
    cost = -(-one.cost_micro // 10_000)  # cents, begun ones in full
    return f"{told}\n{turn.text('partner.assistant.spent', tokens=one.tokens, cost=cost)}"


async def _try(turn: Turn, place: Staff, argument: str = "") -> None:
    turn.state.step = "assistant:try"
    await turn.show(turn.text("partner.assistant.try"), [screen.home(turn, "assistant:home")])


async def _tried(turn: Turn, place: Staff) -> None:
    """Answer as a client would read it, in a talk of its own that no figure and no limit counts."""
    if config.get().openai_api_key and await _asked(turn, place):
        return
    shop = await db.run(lambda conn: versions.tried_shop(conn, place.partner_id))
    said = keyless.reply(turn.language, shop, await _index(place), turn.came.text) if shop else None
    answer = text.HtmlSentence(said.words if said else turn.text("partner.assistant.nothing"))
    await turn.show(turn.text("partner.assistant.tried", answer=answer), [screen.home(turn, "assistant:home")])


async def _asked(turn: Turn, place: Staff) -> bool:
    """Have a worker answer with the model; False where the shop is not open to clients."""
    once, queue = f"update:{turn.came.update_id}", {"bot": turn.chat.bot}
    ids = (place.partner_id, turn.state.who["id"], turn.came.text)
    heard = await db.run(lambda conn: talks.hear(conn, *ids, once=once, at=clock.now(), queue=queue, is_test=True))
    if heard is None or not heard.asked:
        return False
    turn.after.append(kick.drain)
    if not await turn.chat.draft(heard.line_id, ""):
        await turn.chat.act()
    return True


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "home": _home,
    "on": _switch_on,
    "off": _switch_off,
    "tone": _tone,
    "ask": _ask,
    "misses": _misses,
    "miss": _miss,
    "forget": _forget,
    "name": _name,
    "to": _to,
    "days": _days,
    "disliked": _disliked,
    "try": _try,
}
