"""The menu and the help, reachable from anywhere. Leaves a draft as it is.

Whatever no other flow wants ends here too: unknown words, and buttons that no longer exist.
"""

from lib import db
from lib.credits import catalog, ledger
from lib.flows import studio
from lib.studio import orders
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer one of the commands, or one of the menu's buttons, or show the menu."""
    wanted = turn.came.command or turn.came.text.partition(":")[2] if turn.came.kind in ("command", "press") else ""
    studio.listen(turn)
    await SCREENS.get(wanted, _unknown)(turn)


async def _home(turn: Turn, note: str = "") -> None:
    balance = await db.run(lambda conn: ledger.safe_get_balance(conn, turn.state.who["id"]))
    lines = [note, turn.text("menu.home", balance=balance)]
    await turn.show("\n\n".join(line for line in lines if line), _keyboard(turn))


async def _help(turn: Turn) -> None:
    """Say what can be made, at today's prices, and how."""
    shelf = await db.run(catalog.list_products)
    prices = []
    for one in shelf:
        least = min(orders.COUNTS[one.code])
        key = "studio.help.from" if least > 1 else "studio.help.price"
        prices.append(turn.text(key, name=turn.text(f"studio.product.{one.code}"), price=one.total(least)))
    ways = [Button(turn.text("button.profile"), "profile:home"), Button(turn.text("studio.payments"), "support:home")]
    words = "\n".join([turn.text("menu.help"), "", *prices, "", turn.text("studio.help.commands")])
    rows = [*_keyboard(turn)[:1], ways, [Button(turn.text("button.menu"), "menu:home")]]
    await turn.show(words, rows)


async def _unknown(turn: Turn) -> None:
    if turn.came.kind == "press":
        await turn.answer(turn.text("error.old_button"))
    await _home(turn, turn.text("menu.unknown") if turn.came.kind in ("text", "other", "command") else "")


def _keyboard(turn: Turn) -> Keyboard:
    rows = [[Button(turn.text("button.new"), "order:new", style="primary")]]
    if turn.state.data.get("draft"):
        rows.insert(0, [Button(turn.text("menu.resume"), "order:resume", style="success")])
    return [
        *rows,
        [
            Button(turn.text("studio.to_history"), "history:home"),
            Button(turn.text("studio.wallet.open"), "wallet:home"),
        ],
        [Button(turn.text("button.help"), "menu:help"), Button(turn.text("button.language"), "language:other")],
    ]


SCREENS = {**dict.fromkeys(("menu", "home"), _home), "help": _help}
