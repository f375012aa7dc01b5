"""What the till's screens offer and say: quick sums, what a bill allows, and the result of an operation."""

from typing import Any

from lib.flows.partner import workplace
from lib.flows.partner.till import doubt
from lib.flows.partner.till.serving import Serving
from lib.loyalty import points
from lib.loyalty.partners import Partner
from lib.telegram import screen
from lib.telegram.client import Keyboard
from lib.telegram.dispatch import Turn


def quick(shop: Partner) -> tuple[int, ...]:
    """Return the sums that are buttons, in kopecks."""
    return tuple(shop.quick_amounts) or workplace.QUICK


def payable(shop: Partner, quote: points.Quote) -> str:
    """Return what is said of paying in points: how many can, or why none can."""
    if quote.payable:
        return "partner.till.payable"
    kept = "not_payable" if not shop.max_pay_pct else "bill_below_point"
    return f"partner.till.{kept if quote.available else 'no_points'}"


def of(turn: Turn, quote: points.Quote, draft: Serving) -> Keyboard:
    """Return the buttons below a bill: what can be done with it, another sum, another client."""
    give = screen.button(turn, "partner.button.accrue", "till:give", style="success", points=quote.points)
    rows = [[give]] if quote.points else []
    rows += [[screen.button(turn, "partner.button.spend", "till:points")]] if quote.payable else []
    rows.append([screen.button(turn, "partner.button.other_bill", "till:bill")])
    return [*rows, *doubt.way(turn, draft), screen.home(turn, "till:bill")]


def key(turn: Turn) -> str:
    """Return the operation's key: the message with the confirmation."""
    return f"till:{turn.chat.bot}:{turn.chat.id}:{turn.came.message_id}"


def result(turn: Turn, draft: Serving, done: points.Receipt) -> dict[str, Any]:
    """Return the fields of the result's sentence."""
    pending = turn.text("partner.till.pending", points=done.pending) if done.pending else ""
    return {"name": draft.name, "bill": done.bill_minor, "available": done.available, "pending": pending}
