"""A person's own data: what there is, all of it as a file, and the way to have it erased. Leaves a draft as it is.

home -> [download] -> a JSON file
home -> [delete] -> confirm -> [delete for good] -> a stranger, with nothing left
"""

import asyncio
import json

from lib import credits, db, kick, profiles, users
from lib.telegram import fsm
from lib.telegram.client import Button, Picture
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer /export, /delete, or one of the buttons."""
    wanted = turn.came.command or turn.came.text.partition(":")[2]
    await SCREENS.get(wanted, _home)(turn)


async def _home(turn: Turn) -> None:
    rows = [
        [Button(turn.text("profile.export"), "profile:export")],
        [Button(turn.text("profile.delete"), "profile:delete")],
        [Button(turn.text("button.back"), "menu:help"), Button(turn.text("button.menu"), "menu:home")],
    ]
    await turn.show(turn.text("profile.home"), rows)


async def _export(turn: Turn) -> None:
    data = await db.run(lambda conn: users.export(conn, turn.state.who["id"]))
    file = Picture("lotok-data.json", json.dumps(data, ensure_ascii=False, indent=2).encode())
    words = turn.text("profile.exported")
    await asyncio.gather(turn.answer(), turn.chat.send_document(file, words, reply_to=turn.came.message_id))


async def _delete(turn: Turn) -> None:
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, turn.state.who["id"]))
    rows = [
        [Button(turn.text("profile.erase"), "profile:erase", style="danger")],
        [Button(turn.text("button.back"), "profile:home"), Button(turn.text("button.menu"), "menu:home")],
    ]
    await turn.show(turn.text("profile.confirm", balance=balance), rows)
    turn.state.data["erase_on"] = turn.state.data["screen"]


async def _erase(turn: Turn) -> None:
    """Erase, but only from the screen that said what is lost: an old or forged button shows that screen first."""
    if not turn.on_screen or turn.state.data.get("erase_on") != turn.came.message_id:
        await _delete(turn)
        return
    user_id, tg_id = turn.state.who["id"], turn.chat.id
    await db.run(lambda conn: users.erase(conn, user_id, tg_id))
    turn.after += [lambda: profiles.forget(user_id, tg_id), kick.drain]
    await turn.show(turn.text("profile.erased"), [])
    turn.state = fsm.State()


SCREENS = {"home": _home, "export": _export, "delete": _delete, "erase": _erase}
