"""One's operations at a shop, newest first, ten a page: history:<shop>:<last operation of the page before>."""

from lib import db, text
from lib.flows import when
from lib.flows.client import visitor
from lib.loyalty import partners, points
from lib.loyalty.points import Operation
from lib.telegram import screen
from lib.telegram.dispatch import Turn

LABELS = screen.PageLabels("client.button.newer", "client.button.older")


async def handle(turn: Turn) -> None:
    """Show a page; the one operation more that is read tells what the last of the page changed."""
    shop, before, _ = map(screen.number, screen.parts(turn))
    member = await visitor.own_card(turn, shop)
    if member is None:
        return
    found = await db.run(
        lambda conn: points.member_history(conn, shop, member.id, before=before or None, limit=partners.PAGE + 1)
    )
    page, older = found[: partners.PAGE], found[1:]
    blocks = [
        _block(turn, operation, older[index] if index < len(older) else None) for index, operation in enumerate(page)
    ]
    words = turn.text("client.history.title", points=member.available)
    last = page[-1].id if len(found) > partners.PAGE else None
    rows = screen.pages(turn, f"history:{shop}", before, last, LABELS)
    body = screen.paragraphs(*blocks) or turn.text("client.history.none")
    await turn.show(f"{words}\n\n{body}", [*rows, screen.home(turn, f"points:{shop}")])


def _block(turn: Turn, one: Operation, before: Operation | None) -> str:
    """Return an operation in two lines: when and what it changed, and what it was."""
    had = before.available_after + before.pending_after if before else 0
    change = one.available_after + one.pending_after - had
    sign = ("+" if change > 0 else "") + text.number(turn.language, change)
    head = turn.text("client.history.head", at=when.day_and_time(turn, one.created_at), change=sign if change else "•")
    lines = [head, _what(turn, one)]
    if one.promotion:
        lines.append(turn.text("client.history.promotion", title=one.promotion))
    if one.reversed_by:
        lines.append(turn.text("client.history.reversed"))
    return "\n".join(lines)


def _what(turn: Turn, one: Operation) -> str:
    fields = {"points": one.points, "bill": one.bill_minor, "paid": one.paid_minor}
    key = f"client.history.{one.kind}"
    if one.kind == "accrue" and one.parent_id:
        key = "client.history.rest"
    if one.kind == "reverse" and one.missing:
        key = "client.history.reverse_short"
    return turn.text(key, **fields, service=one.service or "", reason=one.reason, missing=one.missing)
