"""Shows a client's points at a shop: how many there are, how many still wait, and when they expire."""

from lib import db
from lib.flows import when
from lib.flows.client import visitor
from lib.loyalty import partners, points
from lib.loyalty.points import Lot
from lib.telegram import screen
from lib.telegram.dispatch import Turn

SHOWN = 15


async def handle(turn: Turn) -> None:
    """Show the balance at one shop in detail: points:<shop>."""
    shop = screen.number(screen.parts(turn)[0])
    member = await visitor.own_card(turn, shop)
    if member is None:
        return
    partner = await db.run(lambda conn: partners.get(conn, shop))
    batches = await db.run(lambda conn: points.expiring(conn, shop, member.id, limit=SHOWN + 1))
    worth = member.available * partner.minor_per_point
    lines = [turn.text("client.points.title", title=partner.title, points=member.available, worth=worth)]
    if member.blocked_at:
        lines.append(turn.text("client.points.suspended"))
    if member.tier:
        lines.append(turn.text("client.points.tier", tier=member.tier))
    if batches:
        lines += ["", *(_line(turn, batch) for batch in batches[:SHOWN])]
        lines += [turn.text("client.points.more")] * (len(batches) > SHOWN)
    else:
        lines += ["", turn.text("client.points.none", percent=partner.earn_bp)]
    if member.owed:
        lines += ["", turn.text("client.points.owed", points=member.owed)]
    rows = [
        [
            screen.button(turn, "client.button.history", f"history:{shop}"),
            screen.button(turn, "client.button.vouchers", f"gift:mine:{shop}"),
        ],
        [screen.button(turn, "client.button.invite", f"invite:{shop}")],
        screen.home(turn, f"card:{shop}" if partner.status == "approved" else "card:list:0"),
    ]
    await turn.show("\n".join(lines), rows)


def _line(turn: Turn, batch: Lot) -> str:
    if batch.pending and batch.active_at:
        return turn.text("client.points.waits", points=batch.points, day=when.day(turn, batch.active_at))
    if batch.expires_at is None:
        return turn.text("client.points.never", points=batch.points)
    return turn.text("client.points.until", points=batch.points, day=when.last_day(turn, batch.expires_at))
