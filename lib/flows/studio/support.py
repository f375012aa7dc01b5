"""Questions about payments: a person's last ones, and a way to write to the administrators. Leaves a draft as it is.

/paysupport -> payments -> [write] -> a text -> the administrators have it
"""

from datetime import timedelta

from lib import config, db, limits
from lib.credits import ledger
from lib.flows import when
from lib.flows.studio import ordering
from lib.people import notify
from lib.telegram import screen
from lib.telegram.dispatch import Turn

LETTERS = limits.Limit("support", 3, timedelta(hours=1))


async def handle(turn: Turn) -> None:
    """Answer /paysupport and its buttons, or take the text that was asked for."""
    ordering.listen(turn)
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
    rows = [screen.home(turn, "wallet:home")]
    if config.get().admin_ids:
        rows.insert(0, [screen.button(turn, "studio.support.write", "support:write")])
    if ordering.DRAFT.of(turn.state):
        rows.insert(0, [screen.button(turn, "menu.resume", "order:resume", style="success")])
    await turn.show(screen.paragraphs(note, words), rows)


def _line(turn: Turn, payment: ledger.Payment) -> str:
    at = when.short_moment(turn, payment.paid_at)
    state = turn.text(f"studio.payment.{payment.state}")
    facts = {"number": payment.id, "at": at, "stars": payment.stars, "credits": payment.credits, "state": state}
    return turn.text("studio.payment", **facts)


async def _ask(turn: Turn) -> None:
    turn.state.step = "support:write"
    back = screen.home(turn, "support:home")
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
