"""Questions about payments: a person's last ones, and the way to write to the administrators (papers).

Leaves a draft as it is.
"""

from lib import config, db
from lib.credits import ledger
from lib.flows import when
from lib.flows.studio import ordering
from lib.telegram import screen
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Answer /paysupport and its buttons."""
    ordering.listen(turn)
    user_id = turn.state.who["id"]
    found = await db.run(lambda conn: ledger.list_payments(conn, user_id))
    lines = [_line(turn, payment) for payment in found] or [turn.text("studio.payments.none")]
    words = "\n".join([turn.text("studio.payments.title"), "", *lines, "", turn.text("studio.payments.rules")])
    rows = [screen.home(turn, "wallet:home")]
    if config.get().admin_ids:
        rows.insert(0, [screen.button(turn, "papers.write", "papers:write")])
    if ordering.DRAFT.of(turn.state):
        rows.insert(0, [screen.button(turn, "menu.resume", "order:resume", style="success")])
    await turn.show(words, rows)


def _line(turn: Turn, payment: ledger.Payment) -> str:
    at = when.short_moment(turn, payment.paid_at)
    state = turn.text(f"studio.payment.{payment.state}")
    facts = {"number": payment.id, "at": at, "stars": payment.stars, "credits": payment.credits, "state": state}
    return turn.text("studio.payment", **facts)
