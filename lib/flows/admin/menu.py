"""The administrator's menu: whether anything is wrong, what waits for a decision, and the way everywhere else.

Updates that no other flow wants end here. Words typed here look somebody up (people).
"""

from dataclasses import asdict

from lib import db
from lib.flows.admin import worries
from lib.flows.admin.deed import DEED
from lib.office import pulse, shops
from lib.telegram import screen
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show the menu or the help; what is unknown leads to the menu and says so."""
    wanted = screen.asked(turn)
    if wanted == "help":
        await _help(turn)
    elif wanted in ("start", "menu", "home", "balance"):
        await _home(turn)
    elif wanted == "cancel":
        await _home(turn, turn.text("admin.cancelled" if DEED.drop(turn.state) else "admin.nothing"))
    else:
        await _unknown(turn)


async def _home(turn: Turn, note: str = "") -> None:
    turn.state.step = "people:find"
    DEED.drop(turn.state)
    turn.state.data.pop("pages", None)
    found, waits = await db.run(pulse.look), await db.run(shops.to_decide)
    wrong = worries.worries(turn, found) + worries.service_worries(turn, await worries.services())
    state = turn.text("admin.wrong", lines="\n".join(wrong)) if wrong else turn.text("admin.fine")
    number = waits.partners + waits.services + waits.promotions + waits.broadcasts
    queue = turn.text("admin.home.waits" if number else "admin.home.no_waits", **asdict(waits))
    words = [note, turn.text("admin.home"), queue, state, turn.text("admin.home.find")]
    await turn.show(screen.paragraphs(*words), _keyboard(turn, number, found.letters))


async def _help(turn: Turn) -> None:
    rows = [
        [
            screen.button(turn, "button.profile", "profile:home"),
            screen.button(turn, "button.language", "language:other"),
        ],
        screen.home(turn),
    ]
    await turn.show(turn.text("admin.help"), rows)


async def _unknown(turn: Turn) -> None:
    if turn.came.kind == "press":
        await screen.refuse_old_button(turn)
        await _home(turn)
    else:
        await _home(turn, turn.text("menu.unknown"))


def _keyboard(turn: Turn, waits: int, letters: int) -> Keyboard:
    letter, decide = turn.text("admin.button.letters"), turn.text("admin.button.moderate")
    return [
        [Button(f"{decide} · {waits}" if waits else decide, "moderate:home", style="primary" if waits else "")],
        [
            screen.button(turn, "admin.button.health", "health:home"),
            screen.button(turn, "admin.button.queue", "queue:home"),
        ],
        [
            screen.button(turn, "admin.button.find", "people:home"),
            screen.button(turn, "admin.button.shops", "shops:home"),
        ],
        [
            Button(f"{letter} · {letters}" if letters else letter, "letters:list"),
            screen.button(turn, "admin.button.trail", "trail:list"),
        ],
        [
            screen.button(turn, "admin.button.shelf", "shelf:home"),
            screen.button(turn, "admin.button.alerts", "shelf:alerts"),
        ],
        [screen.button(turn, "news.button.menu", "casts:list"), screen.button(turn, "button.help", "menu:help")],
    ]
