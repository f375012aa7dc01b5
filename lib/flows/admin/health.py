"""Is anything wrong, and how much there is of everything: one screen."""

from lib import db, money
from lib.admin import pulse, shops
from lib.flows.admin import back, button, worries
from lib.telegram.dispatch import Turn


async def handle(turn: Turn) -> None:
    """Show it; the button shows it anew."""
    found = await db.run(pulse.look)
    figures, clubs = await db.run(pulse.figures), await db.run(shops.figures)
    wrong = worries(turn, found)
    parts = [
        turn.text("admin.wrong", lines="\n".join(wrong)) if wrong else turn.text("admin.fine"),
        turn.text(
            "admin.health.queue",
            queued=found.queued,
            running=found.running,
            finished=found.finished,
            failed=found.failed,
            held=found.held,
        ),
        turn.text(
            "admin.health.people",
            people=figures.people,
            week=figures.people_week,
            seen=figures.seen_day,
            banned=figures.banned,
        ),
        turn.text("admin.health.orders", day=figures.orders_day, week=figures.orders_week, failed=figures.failed_week),
        turn.text(
            "admin.health.money",
            payments=figures.payments_month,
            stars=figures.stars_month,
            sold=figures.sold_month,
            unspent=figures.unspent,
        ),
    ]
    liability = money.show(clubs.liability_minor)
    facts = {"shops": clubs.shops, "blocked": clubs.blocked, "members": clubs.members, "liability": liability}
    parts.append(turn.text("admin.health.clubs", **facts))
    rows = [[button(turn, "admin.button.refresh", "health:home"), button(turn, "admin.button.queue", "queue:home")]]
    if found.refunding or found.debts or found.unmatched:
        rows.append([button(turn, "admin.button.unsettled", "people:unsettled")])
    await turn.show("\n\n".join(parts), [*rows, back(turn, "menu:home")])
