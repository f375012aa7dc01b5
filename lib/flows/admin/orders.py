"""The studio's orders as a file for an administrator: in which form, of which period.

orders:home[:<form>] -> orders:go:<form>:<period> -> a job, whose file comes as a message of its own
"""

from lib.flows import periods, sheets, when
from lib.telegram import screen
from lib.telegram.dispatch import Turn

SPANS = ("month", "last_month", "ever")  # orders are kept for ninety days


async def handle(turn: Turn) -> None:
    """Show the choice, order a file, or stop one."""
    action, argument = screen.pressed(turn)
    form, _, name = argument.partition(":")
    form = form if form in sheets.FORMS else sheets.FORMS[0]
    period = periods.named(name, when.today(turn)) if action == "go" and name in SPANS else None
    if action == "stop":
        await sheets.stop(turn, argument)
    elif period is not None:
        await turn.answer(await sheets.order(turn, "every_order", form, period))
    else:
        spans = [screen.button(turn, f"partner.exports.{name}", f"orders:go:{form}:{name}") for name in SPANS]
        rows = [sheets.forms(turn, form, "orders:home"), *screen.in_rows(spans), screen.home(turn, "queue:home")]
        await turn.show(turn.text("admin.order_file"), rows)
