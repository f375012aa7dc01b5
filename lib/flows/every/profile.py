"""A person's own data: the time zone, all of it as a file, and the way to have it erased. Leaves a draft as it is.

home -> [time zone] -> zones -> [one of them] -> home
home -> [download] -> a JSON file
home -> [delete] -> confirm -> [delete for good] -> a stranger, with nothing left
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from lib import db, errors, limits, shelves
from lib.credits import ledger
from lib.jobs import kick
from lib.loyalty import members, staff
from lib.people import notify, profiles, users
from lib.people.users import PromisedMessage
from lib.telegram import conversation, fsm, screen
from lib.telegram.client import Button, Chat, Picture
from lib.telegram.dispatch import Turn

EXPORTS = limits.Limit("export", 3, timedelta(minutes=10))
ERASURES = limits.Limit("erase", 3, timedelta(hours=1))  # each gives a person a new state, with all its limits


async def handle(turn: Turn) -> None:
    """Answer /profile, /export, /delete, or one of the buttons."""
    wanted, _, argument = (turn.came.command or turn.came.text.partition(":")[2]).partition(":")
    if wanted == "zone" and argument in users.ZONES:
        await _set_zone(turn, argument)
    else:
        await SCREENS.get(wanted, _home)(turn)


async def _home(turn: Turn, note: str = "") -> None:
    zone = turn.state.who.get("zone", users.ZONE)
    rows = [
        [screen.button(turn, "profile.zone", "profile:zones")],
        [screen.button(turn, "profile.export", "profile:export")],
        [screen.button(turn, "profile.delete", "profile:delete")],
        screen.home(turn, "menu:help"),
    ]
    words = turn.text("profile.home", zone=_zone(turn, zone))
    await turn.show(screen.paragraphs(note, words), rows)


async def _zones(turn: Turn) -> None:
    chosen = turn.state.who.get("zone", users.ZONE)
    buttons = [
        Button(_zone(turn, zone), f"profile:zone:{zone}", style="success" if zone == chosen else "")
        for zone in users.ZONES
    ]
    rows = screen.in_rows(buttons)
    back = screen.home(turn, "profile:home")
    await turn.show(turn.text("profile.zones"), [*rows, back])


async def _set_zone(turn: Turn, zone: str) -> None:
    user_id = turn.state.who["id"]
    await db.run(lambda conn: users.set_time_zone(conn, user_id, zone))
    turn.after.append(lambda: profiles.forget(user_id, turn.chat.id))
    turn.state.who["zone"] = zone
    await _home(turn, turn.text("profile.zone_set"))


def _zone(turn: Turn, zone: str) -> str:
    """Return a time zone as a button says it: "Москва UTC+3"."""
    city = turn.text(f"zone.{zone.partition('/')[2].lower()}")
    return f"{city} UTC+{users.ZONES.get(zone, users.ZONES[users.ZONE])}"


async def _export(turn: Turn) -> None:
    if await turn.limited(EXPORTS):
        return
    data = await db.run(lambda conn: users.export(conn, turn.state.who["id"]))
    file = Picture("lotok-data.json", json.dumps(data, ensure_ascii=False, indent=2).encode())
    is_linked = any("link" in one for one in data["files"])
    words = screen.paragraphs(turn.text("profile.exported"), turn.text("profile.linked") if is_linked else "")
    await asyncio.gather(turn.answer(), turn.chat.send_document(file, words, reply_to=turn.came.message_id))


async def _delete(turn: Turn) -> None:
    lost = await _lost(turn)
    rows = [
        [screen.button(turn, "profile.erase", "profile:erase", style="danger")],
        screen.home(turn, "profile:home"),
    ]
    await turn.show(screen.paragraphs(turn.text("profile.confirm"), *lost, turn.text("profile.for_good")), rows)
    turn.state.data["erase_on"] = turn.state.data["screen"]


async def _lost(turn: Turn) -> list[str]:
    """Return what goes with a person: credits, cards with points, shops that are theirs."""
    user_id = turn.state.who["id"]
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, user_id))
    cards = await db.run(lambda conn: members.cards(conn, user_id))
    places = await db.run(lambda conn: staff.places(conn, user_id))
    points = sum(card.available + card.pending for card in cards)
    lost = [turn.text("profile.lost", balance=balance)] if balance else []
    lost += [turn.text("profile.lost_points" if points else "profile.lost_cards", points=points)] if cards else []
    return lost + [turn.text("profile.lost_shop", title=one.title) for one in places if one.role == "owner"]


async def _erase(turn: Turn) -> None:
    """Erase, but only from the screen that said what is lost: an old or forged button shows that screen first."""
    if not turn.on_screen or turn.state.data.get("erase_on") != turn.came.message_id:
        await _delete(turn)
        return
    user_id, tg_id = turn.state.who["id"], turn.chat.id
    if wait := await limits.wait(tg_id, ERASURES):
        await turn.answer(turn.too_often(wait), alert=True)
        return
    promised = await db.run(lambda conn: users.list_promised(conn, user_id))
    await db.run(lambda conn: _erase_and_tell(conn, user_id, tg_id))
    await fsm.forget_everywhere(tg_id, but=turn.chat.bot)
    await asyncio.gather(profiles.forget(user_id, tg_id), shelves.CONVERSATION.forget(user_id))
    turn.after += [kick.drain, lambda: _take_back(promised)]
    await turn.show(turn.text("profile.erased"), [])
    turn.state = conversation.State()


async def _erase_and_tell(conn: db.Connection, user_id: int, tg_id: int) -> None:
    """Erase a person, and have the people of a shop that ends with them told, both or neither."""
    async with conn.transaction():
        own = [one.partner_id for one in await staff.places(conn, user_id) if one.role == "owner"]
        left = [one for shop in own for one in await staff.readers(conn, shop) if one.user_id != user_id]
        await users.erase(conn, user_id, tg_id)
        for one in left:
            once = f"shop_gone:{one.partner_id}:{one.user_id}"
            await notify.tell(conn, one.user_id, "partner", "partner.push.shop_gone", {"title": one.title}, once=once)


async def _take_back(promised: list[PromisedMessage]) -> None:
    """Delete the messages that something was to come into, in whichever bot: their workers can write there no more."""
    for one in promised:
        with contextlib.suppress(errors.Upstream):
            await Chat(one.bot, one.chat_id).delete(one.message_id)


SCREENS: Mapping[str, Callable[[Turn], Awaitable[None]]] = {
    "home": _home,
    "zones": _zones,
    "export": _export,
    "delete": _delete,
    "erase": _erase,
}
