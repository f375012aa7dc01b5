"""A promotion in full: what it gives, when, and where; what is over or withdrawn is not shown.

promo:<shop>:<id>, and :<broadcast> where it was pressed below one.
"""

from lib import db, errors
from lib.flows import when
from lib.loyalty import offers
from lib.loyalty.offers import Promotion
from lib.reach import broadcasts
from lib.telegram import screen
from lib.telegram.dispatch import Turn

EVERY_DAY = 127


async def handle(turn: Turn) -> None:
    """Show one promotion that is going on."""
    shop, number, cast = map(screen.number, screen.parts(turn))
    if cast:
        await db.run(lambda conn: broadcasts.press(conn, shop, cast, turn.state.who["id"]))
    try:
        promo = await db.run(lambda conn: offers.get_promotion(conn, shop, number))
    except errors.Missing:
        promo = None
    if promo is None or promo.status != "approved" or not promo.shown or promo.ends_on < when.today(turn):
        rows = [[screen.button(turn, "client.button.promos", "find:promos")], screen.home(turn)]
        await turn.show(turn.text("client.promo.over"), rows)
        return
    rows = [
        [screen.button(turn, "client.button.shop", f"shop:{shop}")],
        screen.home(turn, "find:promos"),
    ]
    await turn.show("\n".join(_lines(turn, promo)), rows)


def _lines(turn: Turn, promo: Promotion) -> list[str]:
    city = promo.city or promo.partner_city
    lines = [turn.text("client.promo.title", title=promo.title, partner=promo.partner, city=city), ""]
    if promo.about:
        lines += [turn.text("client.shop.words", words=promo.about), ""]
    if promo.kind == "multiplier":
        lines.append(turn.text("client.promo.multiplier", times=promo.multiplier_bp // 100))
    elif promo.kind == "extra":
        lines.append(turn.text("client.promo.extra", points=promo.extra_points))
    if promo.daily_limit:
        lines.append(turn.text("client.promo.limit", limit=promo.daily_limit))
    if promo.min_bill_minor:
        lines.append(turn.text("client.promo.min_bill", bill=promo.min_bill_minor))
    first, last = when.plain_day(turn, promo.starts_on), when.plain_day(turn, promo.ends_on)
    lines.append(turn.text("client.promo.dates", first=first, last=last))
    if promo.weekdays != EVERY_DAY:
        names = [turn.text(f"client.weekday.{bit}") for bit in range(7) if promo.weekdays >> bit & 1]
        lines.append(turn.text("client.promo.weekdays", days=", ".join(names)))
    return lines
