"""A loyalty programme to play with, made of the simulator's people: `python -m dev seed` while the stack runs.

Глеб owns a café, Вера is its cashier, Борис its client with a few visits; a service and a promotion of Глеб's, and
the application of another shop, wait for Дина in the admin bot. Doing it again adds nothing.

It runs in a process of its own (`python -m dev.seed`), with the settings of the functions.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from dev.telegram import cast
from lib import config, db
from lib.loyalty import members, offers, partners, points, staff
from lib.people import users

CAFE = "Кофейня «Зерно»"
BILLS = (350_00, 1_240_50, 890_00)


async def plant(conn: db.Connection) -> str:
    """Make it all and return the shop's code; what is there already is left as it is."""
    gleb, vera, boris = [await _person(conn, role) for role in ("owner", "cashier", "client")]
    if places := await staff.places(conn, gleb.id):
        return (await partners.get(conn, places[0].partner_id)).code
    about = "Свежая обжарка и завтраки весь день"
    cafe = await partners.apply(
        conn, gleb.id, title=CAFE, city="Казань", category="cafe", about=about, address="Баумана, 5"
    )
    await partners.decide(conn, cafe, gleb.id, "approved")
    await staff.accept(conn, vera.id, await staff.invite(conn, cafe, gleb.id, "cashier"))
    await partners.change(conn, cafe, gleb.id, welcome_points=100, quick_amounts=[200_00, 350_00, 500_00])
    await members.register(conn, boris.id, name=boris.first_name, city="Казань", phone=f"+{cast.phone({'id': 1002})}")
    card = await members.join(conn, cafe, boris.id)
    for number, bill in enumerate(BILLS):
        await points.accrue(conn, cafe, card.member_id, vera.id, bill_minor=bill, key=f"seed:{number}")
    await _offers(conn, cafe, gleb.id)
    anna = await _person(conn, "seller")
    await partners.apply(conn, anna.id, title="Цветы у Анны", city="Казань", category="flowers", contact="@anna")
    return (await partners.get(conn, cafe)).code


async def _offers(conn: db.Connection, cafe: int, owner: int) -> None:
    """Offer a coffee that clients can have, and a cake and a promotion that wait for approval."""
    coffee = await offers.add_service(conn, cafe, owner, title="Капучино", price_points=150, category="cafe")
    await offers.decide_service(conn, cafe, coffee, owner, "approved")
    await offers.add_service(
        conn, cafe, owner, title="Чизкейк", price_points=250, category="cafe", about="Кусочек на выбор"
    )
    today = datetime.now(UTC).date()
    fields: dict[str, Any] = {"kind": "multiplier", "multiplier_bp": 20000, "starts_on": today}
    await offers.add_promotion(
        conn, cafe, owner, title="Двойные баллы всю неделю", ends_on=today + timedelta(days=6), **fields
    )


async def _person(conn: db.Connection, role: str) -> users.User:
    """Return one of the cast as our user, who has consented."""
    one = next(person for person in cast.CAST if person["role"] == role)
    names = {"first_name": one["first_name"], "last_name": one["last_name"], "username": one["username"]}
    user = await users.get_or_create_user(conn, one["id"], **names)
    return await users.accept_consent(conn, user.id, one["id"])


async def main() -> int:
    """Plant it in the database of the settings."""
    async with db.connect(config.get().database_url) as conn:
        code = await plant(conn)
    print(f"t.me/lotok_client_bot?start=p_{code}")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
