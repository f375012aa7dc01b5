"""The menu and the help, reachable from anywhere. Leaves a draft as it is.

Updates that no other flow wants end here, too: unknown words, and buttons that no longer exist.
"""

from lib import db
from lib.credits import catalog, ledger
from lib.flows.studio import ordering
from lib.studio import orders
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer one of the commands, or one of the menu's buttons, or show the menu."""
    wanted = screen.asked(turn)
    ordering.listen(turn)
    await SCREENS.get(wanted, _unknown)(turn)


async def _home(turn: Turn, note: str = "") -> None:
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, turn.state.who["id"]))
    lines = [note, turn.text("menu.home", balance=balance)]
    await turn.show(screen.paragraphs(*lines), _keyboard(turn))


async def _help(turn: Turn) -> None:
    """Say what can be made, at today's prices, and how."""
    shelf = await db.run(catalog.list_products)
    prices = []
    for one in shelf:
        least = min(orders.COUNTS[one.code])
        key = "studio.help.from" if least > 1 else "studio.help.price"
        prices.append(turn.text(key, name=turn.text(f"studio.product.{one.code}"), price=one.total(least)))
    ways = [
        screen.button(turn, "button.profile", "profile:home"),
        screen.button(turn, "studio.payments", "support:home"),
    ]
    words = "\n".join([turn.text("menu.help"), "", *prices, "", turn.text("studio.help.commands")])
    rows = [*_keyboard(turn)[:1], ways, screen.home(turn)]
    await turn.show(words, rows)


async def _unknown(turn: Turn) -> None:
    if turn.came.kind == "press":
        await screen.refuse_old_button(turn)
    await _home(turn, turn.text("menu.unknown") if turn.came.kind in ("text", "other", "voice", "command") else "")


def _keyboard(turn: Turn) -> Keyboard:
    rows = [[screen.button(turn, "button.new", "order:new", style="primary")]]
    if ordering.DRAFT.of(turn.state):
        rows.insert(0, [screen.button(turn, "menu.resume", "order:resume", style="success")])
    return [
        *rows,
        [
            screen.button(turn, "studio.to_history", "history:home"),
            screen.button(turn, "studio.wallet.open", "wallet:home"),
        ],
        [screen.button(turn, "studio.brand.open", "brand:home")],
        [screen.button(turn, "button.help", "menu:help"), screen.button(turn, "button.language", "language:other")],
    ]


SCREENS = {**dict.fromkeys(("menu", "home"), _home), "help": _help}
