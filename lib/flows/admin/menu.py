"""The administrator's menu: whether anything is wrong, what waits for a decision, and the way everywhere else.

Whatever no other flow wants ends here. Words typed here look somebody up (people).
"""

from dataclasses import asdict

from lib import db
from lib.flows.admin import button, service_worries, services, worries
from lib.office import pulse, shops
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the menu or the help; what is unknown leads to the menu and says so."""
    wanted = turn.came.command or turn.came.text.partition(":")[2] if turn.came.kind in ("command", "press") else ""
    if wanted == "help":
        await _help(turn)
    elif wanted in ("start", "menu", "home", "balance"):
        await _home(turn)
    elif wanted == "cancel":
        await _home(turn, turn.text("admin.cancelled" if turn.state.data.pop("act", None) else "admin.nothing"))
    else:
        await _unknown(turn)


async def _home(turn: Turn, note: str = "") -> None:
    turn.state.step = "people:find"
    for kept in ("act", "pages"):
        turn.state.data.pop(kept, None)
    found, waits = await db.run(pulse.look), await db.run(shops.to_decide)
    wrong = worries(turn, found) + service_worries(turn, await services())
    state = turn.text("admin.wrong", lines="\n".join(wrong)) if wrong else turn.text("admin.fine")
    number = waits.partners + waits.services + waits.promotions
    queue = turn.text("admin.home.waits" if number else "admin.home.no_waits", **asdict(waits))
    words = [note, turn.text("admin.home"), queue, state, turn.text("admin.home.find")]
    await turn.show("\n\n".join(part for part in words if part), _keyboard(turn, number, found.letters))


async def _help(turn: Turn) -> None:
    rows = [
        [button(turn, "button.profile", "profile:home"), button(turn, "button.language", "language:other")],
        [button(turn, "button.menu", "menu:home")],
    ]
    await turn.show(turn.text("admin.help"), rows)


async def _unknown(turn: Turn) -> None:
    if turn.came.kind == "press":
        await turn.answer(turn.text("error.old_button"))
        await _home(turn)
    else:
        await _home(turn, turn.text("menu.unknown"))


def _keyboard(turn: Turn, waits: int, letters: int) -> Keyboard:
    letter, decide = turn.text("admin.button.letters"), turn.text("admin.button.moderate")
    return [
        [Button(f"{decide} · {waits}" if waits else decide, "moderate:home", style="primary" if waits else "")],
        [button(turn, "admin.button.health", "health:home"), button(turn, "admin.button.queue", "queue:home")],
        [button(turn, "admin.button.find", "people:home"), button(turn, "admin.button.shops", "shops:home")],
        [
            Button(f"{letter} · {letters}" if letters else letter, "letters:list"),
            button(turn, "admin.button.trail", "trail:list"),
        ],
        [button(turn, "admin.button.shelf", "shelf:home"), button(turn, "admin.button.alerts", "shelf:alerts")],
        [button(turn, "button.help", "menu:help")],
    ]
