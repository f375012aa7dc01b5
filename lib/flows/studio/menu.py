"""The menu and what is reachable from anywhere: help, balance, cancel. Leaves a draft as it is.

Whatever no other flow wants ends here too: unknown words, and buttons that no longer exist.
"""

from lib import credits, db, errors, jobs
from lib.telegram.client import Button, Keyboard
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer one of the commands, or one of the menu's buttons, or show the menu."""
    wanted = turn.came.command or turn.came.text.partition(":")[2] if turn.came.kind in ("command", "press") else ""
    await SCREENS.get(wanted, _unknown)(turn)


async def _home(turn: Turn, note: str = "") -> None:
    balance = await db.run(lambda conn: credits.safe_get_balance(conn, turn.state.who["id"]))
    lines = [note, turn.text("menu.home", balance=balance)]
    await turn.show("\n\n".join(line for line in lines if line), _keyboard(turn))


async def _help(turn: Turn) -> None:
    ways = [Button(turn.text("button.profile"), "profile:home"), Button(turn.text("button.menu"), "menu:home")]
    await turn.show(turn.text("menu.help"), [*_keyboard(turn)[:1], ways])


async def _unknown(turn: Turn) -> None:
    if turn.came.kind == "press":
        await turn.answer(turn.text("error.old_button"))
    await _home(turn, turn.text("menu.unknown") if turn.came.kind in ("text", "other", "command") else "")


async def _cancel(turn: Turn) -> None:
    """Drop the draft if there is one; else take back the last order, if no worker has begun it."""
    if turn.state.data.pop("draft", None):
        turn.state.step = "card:photo"
        await _home(turn, turn.text("cancel.draft"))
        return
    job_id = turn.state.data.get("job")
    try:
        job = job_id and await db.run(lambda conn: jobs.cancel_job(conn, job_id, turn.state.who["id"]))
    except (errors.Conflict, errors.Missing):
        job = None
    if job:
        turn.state.data.pop("job", None)
        await turn.chat.edit(job.args["message_id"], turn.text("cancel.order_closed"))
    await _home(turn, turn.text("cancel.order_taken_back" if job else "cancel.nothing"))


def _keyboard(turn: Turn) -> Keyboard:
    rows = [[Button(turn.text("button.new"), "card:new", style="primary")]]
    if turn.state.data.get("draft"):
        rows.insert(0, [Button(turn.text("menu.resume"), "card:resume", style="success")])
    return [
        *rows,
        [Button(turn.text("button.help"), "menu:help"), Button(turn.text("button.language"), "language:other")],
    ]


SCREENS = {
    **dict.fromkeys(("menu", "home", "balance"), _home),
    "help": _help,
    "cancel": _cancel,
}
