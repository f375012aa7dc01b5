"""The shop's team: the list, an invitation by a link for one person, letting go; and accepting an invitation.

list -> [a person] -> member -> [let go] -> confirm
                      member -> [city] -> one of the buttons, or typed
list -> [invite] -> role -> a message with the link, to be forwarded
/start s_<shop>_<secret> -> joined
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from lib import db, errors, typed
from lib.flows.partner import workplace
from lib.jobs import kick
from lib.loyalty import staff
from lib.loyalty.partners import PAGE
from lib.loyalty.staff import Staff
from lib.telegram import client, screen
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn
from lib.telegram.drafts import DraftKey

CITY = 60  # characters, as of the shop's own


@dataclass(frozen=True)
class StaffMove:
    """Somebody who is to serve elsewhere, and the cities on the screen; the first is the shop's own."""

    who: int
    cities: tuple[str, ...]


MOVE = DraftKey("move", StaffMove)


async def handle(turn: Turn) -> None:
    """Accept an invitation, or answer one of the buttons."""
    if turn.came.command == "start":
        await _accept(turn, turn.came.text)
        return
    place = await workplace.at_work(turn, manages=True)
    if place is None:
        return
    typed = turn.came.kind == "text" and turn.state.step == "team:city"
    turn.state.step = ""
    if typed:
        await _typed(turn, place)
        return
    wanted, argument = screen.pressed(turn)
    await SCREENS.get(wanted, _list)(turn, place, argument)


async def _accept(turn: Turn, payload: str) -> None:
    try:
        place = await db.run(lambda conn: staff.join(conn, turn.state.who["id"], payload))
    except (errors.Missing, errors.Conflict) as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn)])
        return
    turn.state.data["shop"] = place.partner_id
    turn.after.append(kick.drain)
    words = turn.text("partner.team.joined", title=place.title, role=turn.text(f"partner.role.{place.role}"))
    await turn.show(words, [[screen.button(turn, "partner.button.open", "menu:home", style="primary")]])


async def _list(turn: Turn, place: Staff, argument: str) -> None:
    after = screen.number(argument)
    people = await db.run(lambda conn: staff.list_all(conn, place.partner_id, after=after, limit=PAGE + 1))
    rows = [[Button(_label(turn, one), f"team:one:{one.user_id}")] for one in people[:PAGE]]
    if len(people) > PAGE:
        rows.append([screen.button(turn, "partner.button.more", f"team:list:{people[PAGE - 1].user_id}")])
    rows.append([screen.button(turn, "partner.button.invite", "team:invite", style="primary")])
    key = "partner.team.list" if len(people) > 1 or after else "partner.team.alone"
    await turn.show(turn.text(key, title=place.title), [*rows, screen.home(turn)])


def _label(turn: Turn, one: Staff) -> str:
    return f"{screen.short(one.name or '…', 14)} · {turn.text(f'partner.role.{one.role}')}"


async def _invite(turn: Turn, place: Staff, _: str) -> None:
    try:
        await db.run(lambda conn: staff.refuse_shut(conn, place.partner_id))
    except errors.Denied as error:
        await turn.show(workplace.refusal(turn, error), [screen.home(turn, "team:list")])
        return
    roles = ("cashier", "manager") if place.role == "owner" else ("cashier",)
    rows = [[screen.button(turn, f"partner.button.{role}", f"team:link:{role}")] for role in roles]
    await turn.show(turn.text("partner.team.invite"), [*rows, screen.home(turn, "team:list")])


async def _link(turn: Turn, place: Staff, role: str) -> None:
    """Send the link as a message of its own: it is made to be forwarded."""
    try:
        payload = await db.run(lambda conn: staff.invite(conn, place.partner_id, turn.state.who["id"], role))
    except (errors.Invalid, errors.Denied) as error:
        await turn.show(_refusal(turn, place, error), [screen.home(turn, "team:list")])
        return
    name = turn.text(f"partner.role.{role}")
    link = await client.start_link(turn.chat.bot, payload)
    await turn.show(turn.text("partner.team.link_below", role=name), [screen.home(turn, "team:list")])
    await turn.chat.say(turn.text("partner.team.link", title=place.title, role=name, link=link))
    turn.state.data["screen"] = 0


async def _one(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    one = await _found(turn, place, argument)
    if one is None:
        return
    role, since = turn.text(f"partner.role.{one.role}"), one.joined_at
    words = turn.text("partner.team.one", name=one.name, role=role, since=since, city=one.city)
    may = one.role == "cashier" or (one.role == "manager" and place.role == "owner")
    ways = [
        [screen.button(turn, "partner.button.city", f"team:city:{one.user_id}")],
        [screen.button(turn, "partner.button.let_go", f"team:sure:{one.user_id}", style="danger")],
    ]
    rows = [*(ways if may else []), screen.home(turn, "team:list")]
    await turn.show(screen.paragraphs(note, words), rows)


async def _found(turn: Turn, place: Staff, argument: str) -> Staff | None:
    """Return somebody of this shop, or show the list and return None."""
    try:
        return await db.run(lambda conn: staff.get(conn, place.partner_id, screen.number(argument)))
    except errors.Denied:
        await _list(turn, place, "")
        return None


async def _city(turn: Turn, place: Staff, argument: str, note: str = "") -> None:
    """Ask in which city somebody serves: one of the shop's by a button, any other in words."""
    one = await _found(turn, place, argument)
    if one is None:
        return
    cities = await db.run(lambda conn: staff.cities(conn, place.partner_id))
    choices = [
        Button(f"{'• ' if city.casefold() == one.city.casefold() else ''}{screen.short(city)}", f"team:put:{number}")
        for number, city in enumerate(cities)
    ]
    turn.state.step = "team:city"
    MOVE.keep(turn.state, StaffMove(one.user_id, tuple(cities)))
    words = turn.text("partner.team.city", name=one.name, city=cities[0])
    rows = [*screen.in_rows(choices), screen.home(turn, f"team:one:{one.user_id}")]
    await turn.show(screen.paragraphs(note, words), rows)


async def _put(turn: Turn, place: Staff, argument: str) -> None:
    move, number = MOVE.of(turn.state), screen.number(argument)
    if not turn.on_screen or not move or number >= len(move.cities):
        await screen.refuse_old_button(turn)
        await _list(turn, place, "")
        return
    await _move(turn, place, move, move.cities[number])


async def _typed(turn: Turn, place: Staff) -> None:
    move, city = MOVE.of(turn.state), typed.city(turn.came.text)
    if move is None:
        await _list(turn, place, "")
        return
    if 2 <= len(city) <= CITY:
        await _move(turn, place, move, city)
    else:
        await _city(turn, place, str(move.who), turn.text("partner.apply.bad_length", limit=CITY))


async def _move(turn: Turn, place: Staff, move: StaffMove, city: str) -> None:
    """Do it; the shop's own city is not written down, so its staff moves along with the shop."""
    actor, own = turn.state.who["id"], move.cities[0]
    other = None if city.casefold() == own.casefold() else city
    try:
        await db.run(lambda conn: staff.move(conn, place.partner_id, actor, move.who, other))
    except errors.Denied as error:
        note = _refusal(turn, place, error)
    else:
        note = turn.text("partner.team.moved")
    MOVE.drop(turn.state)
    await _one(turn, place, str(move.who), note)


async def _sure(turn: Turn, place: Staff, argument: str) -> None:
    one = await _found(turn, place, argument)
    if one is None:
        return
    rows = [
        screen.home(turn, f"team:one:{one.user_id}"),
        [screen.button(turn, "partner.button.let_go", f"team:remove:{one.user_id}", style="danger")],
    ]
    await turn.show(turn.text("partner.team.sure", name=one.name, title=place.title), rows)


async def _remove(turn: Turn, place: Staff, argument: str) -> None:
    if not turn.on_screen:
        await _sure(turn, place, argument)
        return
    actor, one = turn.state.who["id"], await _found(turn, place, argument)
    if one is None:
        return
    try:
        await db.run(lambda conn: staff.remove(conn, place.partner_id, actor, one.user_id))
    except errors.Denied as error:
        await turn.answer(_refusal(turn, place, error), alert=True)
    else:
        turn.after.append(kick.drain)
        await turn.answer(turn.text("partner.team.removed"))
    await _list(turn, place, "")


def _refusal(turn: Turn, place: Staff, error: errors.AppError) -> str:
    """Return why it is not done. Everybody who gets here manages, so it is about the owner or a manager."""
    if error.code != "role_too_low":
        return workplace.refusal(turn, error)
    return turn.text("partner.team.owner_stays" if place.role == "owner" else "partner.team.cashiers_only")


SCREENS: Mapping[str, Callable[[Turn, Staff, str], Awaitable[None]]] = {
    "list": _list,
    "invite": _invite,
    "link": _link,
    "one": _one,
    "city": _city,
    "put": _put,
    "sure": _sure,
    "remove": _remove,
}
