"""Questions about payments: a person's last ones, and a way to write to the administrators. Leaves a draft as it is.

/paysupport -> payments -> [write] -> a text -> the administrators have it
"""

from datetime import timedelta

from lib import config, db, limits
from lib import text as sentences
from lib.credits import ledger
from lib.flows import studio
from lib.people import notify, users
from lib.telegram.client import Button
from lib.telegram.dispatch import Turn

LETTERS = limits.Limit("support", 3, timedelta(hours=1))


async def handle(turn: Turn) -> None:
    """Answer /paysupport and its buttons, or take the text that was asked for."""
    studio.listen(turn)
    if turn.came.kind == "text":
        await _take(turn)
    elif turn.came.kind == "press" and turn.came.text == "support:write":
        await _ask(turn)
    else:
        await _home(turn)


async def _home(turn: Turn, note: str = "") -> None:
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: ledger.list_payments(conn, user_id))
    lines = [_line(turn, payment) for payment in found] or [turn.text("studio.payments.none")]
    words = "\n".join([turn.text("studio.payments.title"), "", *lines, "", turn.text("studio.payments.rules")])
    rows = [[Button(turn.text("button.back"), "wallet:home"), Button(turn.text("button.menu"), "menu:home")]]
    if config.get().admin_ids:
        rows.insert(0, [Button(turn.text("studio.support.write"), "support:write")])
    if turn.state.data.get("draft"):
        rows.insert(0, [Button(turn.text("menu.resume"), "order:resume", style="success")])
    await turn.show("\n\n".join(part for part in (note, words) if part), rows)


def _line(turn: Turn, payment: ledger.Payment) -> str:
    at = sentences.short_moment(turn.language, users.local(payment.paid_at, turn.state.who.get("zone", "")))
    state = turn.text(f"studio.payment.{payment.state}")
    facts = {"number": payment.id, "at": at, "stars": payment.stars, "credits": payment.credits, "state": state}
    return turn.text("studio.payment", **facts)


async def _ask(turn: Turn) -> None:
    turn.state.step = "support:write"
    back = [Button(turn.text("button.back"), "support:home"), Button(turn.text("button.menu"), "menu:home")]
    await turn.show(turn.text("studio.support.ask"), [back])


async def _take(turn: Turn) -> None:
    """Hand the text to the administrators, who see whose it is; three in a row, then one in 20 minutes."""
    wait = await limits.wait(turn.chat.id, LETTERS)
    if wait:
        await _home(turn, turn.text("studio.support.too_fast", n=-(-wait // 60)))
        return
    person = turn.came.person
    name = " ".join(part for part in (person.first_name, person.last_name) if part)
    words = turn.came.text
    told = await notify.hand_to_admins(turn.chat.bot, "alert.letter", name=name, tg_id=person.id, words=words)
    await _home(turn, turn.text("studio.support.sent" if told else "studio.support.failed"))
