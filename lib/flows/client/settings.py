"""How the bot treats a client: city, news, birthday; language, zone and one's data are the flows that all bots share.

home -> [city] -> a button or words -> home
home -> [birthday] -> words -> home
home -> [news] -> home
"""

from dataclasses import dataclass
from datetime import date

from lib import db, errors, text, typed
from lib.flows.client import visitor
from lib.loyalty import members, partners
from lib.loyalty.members import Client
from lib.people import users
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

CITY = 60


async def handle(turn: Turn) -> None:
    """Show the settings or one of their questions, or take an answer."""
    what, argument, _ = screen.parts(turn)
    if not await visitor.registered(turn):
        return
    if turn.came.kind == "press" and what == "city":
        await _ask_city(turn)
    elif what == "in":
        await _city_pressed(turn, argument)
    elif what == "news":
        await _change(turn, "client.settings.saved", wants_news=argument == "on")
    elif what == "birthday":
        await _ask_birthday(turn)
    elif turn.came.kind == "text" and turn.state.step == "settings:city":
        await _city_typed(turn)
    elif turn.came.kind == "text" and turn.state.step == "settings:birthday":
        await _birthday_typed(turn)
    elif turn.came.kind != "press" and turn.state.step:
        await (_ask_city if turn.state.step == "settings:city" else _ask_birthday)(turn, turn.text("client.words_only"))
    else:
        await _home(turn)


async def _home(turn: Turn, note: str = "") -> None:
    turn.state.step = ""
    found = await db.run(lambda conn: members.get_client(conn, turn.state.who["id"]))
    if found is None:  # erased from another bot meanwhile
        turn.state.who["client"] = False
        await visitor.registered(turn)
        return
    zone = turn.state.who.get("zone", users.ZONE)
    words = turn.text(
        "client.settings.home",
        name=found.name,
        phone=_phone(found),
        city=found.city or "—",
        birthday=_birthday(turn, found),
        zone=turn.text(f"zone.{zone.partition('/')[2].lower()}"),
    )
    await turn.show(screen.paragraphs(note, words), _rows(turn, found))


def _rows(turn: Turn, found: Client) -> Keyboard:
    on = found.wants_news
    news = screen.button(turn, f"client.button.news_{'on' if on else 'off'}", f"settings:news:{'off' if on else 'on'}")
    return [
        [
            screen.button(turn, "client.button.city", "settings:city"),
            screen.button(turn, "client.button.birthday", "settings:birthday"),
        ],
        [news],
        [screen.button(turn, "client.button.senders", "news:list")],
        [
            screen.button(turn, "profile.zone", "profile:zones"),
            screen.button(turn, "button.language", "language:other"),
        ],
        [screen.button(turn, "client.button.move", "move:show")],
        [screen.button(turn, "button.profile", "profile:home"), *screen.home(turn)],
    ]


def _phone(found: Client) -> str:
    number = found.phone or ""
    return f"{number[:-7]} ••• {number[-4:-2]}-{number[-2:]}" if number else "—"


def _birthday(turn: Turn, found: Client) -> str:
    if not found.birthday:
        return "—"
    return text.day(turn.language, date.fromisoformat(f"2000-{found.birthday}"))


@dataclass(frozen=True)
class OfferedCities:
    """The cities that the screen offers; a button names one by its place."""

    names: tuple[str, ...]


OFFERED = DraftKey("settings", OfferedCities)


def _offered(turn: Turn) -> tuple[str, ...]:
    offered = OFFERED.of(turn.state)
    return offered.names if offered else ()


async def _ask_city(turn: Turn, note: str = "") -> None:
    known = await db.run(lambda conn: partners.cities(conn, limit=8))
    turn.state.step = "settings:city"
    OFFERED.keep(turn.state, OfferedCities(tuple(one.name for one in known)))
    buttons = [Button(screen.short(one.name), f"settings:in:{index}") for index, one in enumerate(known)]
    words = turn.text("client.join.city" if known else "client.join.city_typed")
    rows = [*screen.in_rows(buttons), screen.home(turn, "settings:home")]
    await turn.show(screen.paragraphs(note, words), rows)


async def _city_pressed(turn: Turn, index: str) -> None:
    known = _offered(turn)
    if not turn.on_screen or not index.isdecimal() or int(index) >= len(known):
        await screen.refuse_old_button(turn)
        await _home(turn)
    else:
        await _set_city(turn, known[int(index)])


async def _city_typed(turn: Turn) -> None:
    words = typed.city(turn.came.text)
    if not 2 <= len(words) <= CITY:
        await _ask_city(turn, turn.text("client.join.city_unclear"))
        return
    known = {city.lower(): city for city in _offered(turn)}
    await _set_city(turn, known.get(words.lower(), words))


async def _set_city(turn: Turn, city: str) -> None:
    visitor.LOOKOUT.drop(turn.state)
    await _change(turn, "client.settings.saved", city=city)


async def _ask_birthday(turn: Turn, note: str = "") -> None:
    turn.state.step = "settings:birthday"
    words = turn.text("client.settings.birthday")
    await turn.show(screen.paragraphs(note, words), [screen.home(turn, "settings:home")])


async def _birthday_typed(turn: Turn) -> None:
    try:
        await _change(turn, "client.settings.saved", birthday=turn.came.text)
    except errors.Invalid as error:
        await _ask_birthday(turn, visitor.refusal(turn, error))


async def _change(
    turn: Turn, key: str, city: str | None = None, birthday: str | None = None, wants_news: bool | None = None
) -> None:
    fields = {"city": city, "birthday": birthday}
    try:
        await db.run(lambda conn: members.change_client(conn, turn.state.who["id"], **fields, wants_news=wants_news))
    except errors.Missing:  # the cards were moved to another account meanwhile: the home says so
        key = ""
    await _home(turn, turn.text(key) if key else "")
