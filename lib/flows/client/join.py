"""Becoming a client: the phone by Telegram's contact button, the city, then the shop of the link that led here.

link p_<shop>, r_<shop>_<card> ─┐
[get a card] ───────────────────┴─> contact -> city (a link's shop knows it) -> the card
known client: link -> the card

The number counts only when Telegram says that the contact is the sender's own. Who invited somebody is decided by the
rows when the member is made, once.
"""

from dataclasses import dataclass, replace

from lib import db, errors, typed
from lib.flows.client import face, visitor
from lib.loyalty import members, partners, phones, referrals, releases
from lib.people import users
from lib.telegram import screen
from lib.telegram.client import Button, Key, Keys
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

CITY = 60


@dataclass(frozen=True)
class Registration:
    """Somebody who is becoming a client: their number, and the cities that the screen offers."""

    phone: str
    cities: tuple[str, ...] = ()


JOIN = DraftKey("join", Registration)


async def handle(turn: Turn) -> None:
    """Answer a link, a shared contact, a city, or one of the buttons."""
    came, (what, argument, _) = turn.came, screen.parts(turn)
    if came.kind == "command":
        await _arrive(turn, came.text)
    elif what == "shop":
        await _by_shop(turn, screen.number(argument))
    elif what == "city":
        await _city_pressed(turn, argument)
    elif came.kind == "press":
        await _begin(turn)
    elif await visitor.is_client(turn):
        await _registered_already(turn)
    elif came.kind == "contact":
        await _contact(turn)
    elif turn.state.step == "join:city":
        await _city_typed(turn)
    elif came.text == turn.text("client.join.later"):
        await _later(turn)
    else:
        await _ask_contact(turn, turn.text("client.join.use_the_button"))


async def _arrive(turn: Turn, payload: str) -> None:
    """Lead a person who came by a link to its shop, by way of the registration if need be."""
    try:
        partner = await visitor.inviting(payload)
    except errors.AppError as error:
        rows = [[screen.button(turn, "client.button.shops", "find:shops")], screen.home(turn)]
        await turn.show(visitor.refusal(turn, error), rows)
        return
    turn.state.data[visitor.CAME_BY] = payload
    if await visitor.is_client(turn):
        await _join(turn)
    else:
        words = turn.text("client.join.contact_for", title=partner.title, gift=visitor.welcome_gift(turn, partner))
        await _ask_contact(turn, screen.paragraphs(*await _club(turn), words))


async def _club(turn: Turn) -> list[str]:
    """Say what this bot is to somebody who consented in another one and comes here by a shop's link, once."""
    user_id = turn.state.who["id"]
    is_first = await db.run(lambda conn: users.introduce(conn, user_id, turn.chat.bot))
    return [turn.text("client.join.club")] if is_first else []


async def _by_shop(turn: Turn, partner_id: int) -> None:
    try:
        partner = await db.run(lambda conn: partners.get(conn, partner_id))
    except errors.Missing:
        await screen.refuse_old_button(turn)
        return
    await _arrive(turn, f"p_{partner.code}")


async def _begin(turn: Turn) -> None:
    if await visitor.is_client(turn):
        await _registered_already(turn)
    else:
        await _ask_contact(turn, turn.text("client.join.contact"))


async def _ask_contact(turn: Turn, words: str) -> None:
    turn.state.step = "join:contact"
    share, later = Key(turn.text("client.join.share"), contact=True), Key(turn.text("client.join.later"))
    await turn.ask(words, Keys([[share], [later]]))


async def _later(turn: Turn) -> None:
    turn.state.step = ""
    turn.state.data.pop(visitor.CAME_BY, None)
    await turn.ask(turn.text("client.join.put_off"), Keys())
    await turn.show(turn.text("client.join.first"), _ways(turn))


def _ways(turn: Turn) -> list[list[Button]]:
    return [
        [screen.button(turn, "client.button.join", "join:new", style="primary")],
        [screen.button(turn, "client.button.promos", "find:promos"), *screen.home(turn)],
    ]


async def _contact(turn: Turn) -> None:
    """Take the number if it is the person's own; a link's shop also tells the city, so that nothing more is asked."""
    if not turn.came.own_phone:
        await _ask_contact(turn, turn.text("client.join.not_your_phone"))
        return
    try:
        phone = phones.told(turn.came.phone)
        owner = await db.run(lambda conn: members.phone_owner(conn, phone))
    except errors.Invalid as error:
        await _ask_contact(turn, visitor.refusal(turn, error))
        return
    if owner not in (None, turn.state.who["id"]):
        await _taken(turn, owner or 0, phone)
        return
    JOIN.keep(turn.state, Registration(phone))
    await turn.ask(turn.text("client.join.phone_taken_down"), Keys())
    city = await _city_of_link(turn)
    if city:
        await _register(turn, city)
    else:
        await _ask_city(turn)


async def _taken(turn: Turn, holder: int, phone: str) -> None:
    """Say that another account has the number, and how it is moved here or released; it is proven to be theirs now."""
    turn.state.step = ""
    claim = releases.prove(turn.state.who["id"], holder, phone)
    visitor.PROOF.keep(turn.state, visitor.PhoneProof(claim.holder_id, claim.mark))
    await turn.ask(turn.text("client.join.phone_known"), Keys())
    ways = [("client.button.move", "move:enter"), ("client.button.no_old_account", "release:code")]
    rows = [[screen.button(turn, key, data)] for key, data in ways]
    await turn.show(turn.text("client.error.phone_taken"), [*rows, screen.home(turn)])


async def _city_of_link(turn: Turn) -> str:
    """Return the city of the shop whose link led here; "" without one, or when it has closed meanwhile."""
    try:
        return (await visitor.inviting(turn.state.data.get(visitor.CAME_BY, ""))).city
    except (errors.Denied, errors.Invalid, errors.Missing):
        return ""


async def _ask_city(turn: Turn, note: str = "") -> None:
    known = await db.run(lambda conn: partners.cities(conn, limit=8))
    turn.state.step = "join:city"
    if draft := JOIN.of(turn.state):
        JOIN.keep(turn.state, replace(draft, cities=tuple(one.name for one in known)))
    buttons = [Button(screen.short(one.name), f"join:city:{index}") for index, one in enumerate(known)]
    words = turn.text("client.join.city" if known else "client.join.city_typed")
    rows = [*screen.in_rows(buttons), screen.home(turn)]
    await turn.show(screen.paragraphs(note, words), rows)


async def _city_pressed(turn: Turn, index: str) -> None:
    draft = JOIN.of(turn.state)
    if not draft or not turn.on_screen or not index.isdecimal() or int(index) >= len(draft.cities):
        await screen.refuse_old_button(turn)
        await _begin(turn)
        return
    await _register(turn, draft.cities[int(index)])


async def _city_typed(turn: Turn) -> None:
    words = typed.city(turn.came.text) if turn.came.kind == "text" else ""
    draft = JOIN.of(turn.state)
    if draft is None:
        await _begin(turn)
    elif not 2 <= len(words) <= CITY:
        await _ask_city(turn, turn.text("client.join.city_unclear"))
    else:
        known = {city.lower(): city for city in draft.cities}
        await _register(turn, known.get(words.lower(), words))


async def _register(turn: Turn, city: str) -> None:
    """Make the person a client; the number may have been taken meanwhile."""
    who, person = turn.state.who, turn.came.person
    draft = JOIN.of(turn.state)
    if draft is None:
        return
    JOIN.drop(turn.state)
    name = f"{person.first_name} {person.last_name}".strip() or turn.text("client.join.nameless")
    try:
        await db.run(lambda conn: members.register(conn, who["id"], name=name, city=city, phone=draft.phone))
    except errors.Conflict as error:
        turn.state.step = ""
        await turn.show(visitor.refusal(turn, error), _ways(turn))
        return
    who["client"] = True
    turn.state.step = ""
    if visitor.CAME_BY in turn.state.data:
        await _join(turn)
    else:
        rows = [[screen.button(turn, "client.button.shops", "find:shops", style="primary")], screen.home(turn)]
        await turn.show(turn.text("client.join.done"), rows)


async def _join(turn: Turn) -> None:
    """Take the client into the link's shop and show the card; an old client of the shop just sees it."""
    payload, user_id = turn.state.data.pop(visitor.CAME_BY), turn.state.who["id"]
    try:
        partner, joined = await db.run(lambda conn: referrals.join(conn, user_id, payload))
    except (errors.Denied, errors.Missing) as error:
        if error.code == "no_client":  # their cards have moved to another account
            turn.state.who["client"] = False
            turn.state.data[visitor.CAME_BY] = payload
            await _ask_contact(turn, turn.text("client.join.contact"))
        else:
            await turn.show(visitor.refusal(turn, error), [screen.home(turn)])
        return
    had = "client.join.once" if partner.welcome_points else "client.join.joined"
    key = "client.join.welcome" if joined.welcome else had
    note = turn.text(key, title=partner.title, points=joined.welcome) + "\n" if joined.created else ""
    await face.show_card(turn, partner.id, note)


async def _registered_already(turn: Turn) -> None:
    """Say that the person is a client, as the rows have it: the state may be from before their cards were moved."""
    turn.state.step = ""
    if visitor.CAME_BY in turn.state.data:
        await _join(turn)
    elif await visitor.is_client(turn, afresh=True):
        await turn.show(turn.text("client.join.already"), [screen.home(turn)])
    else:
        await _ask_contact(turn, turn.text("client.join.contact"))
