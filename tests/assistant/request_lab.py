"""A request at a shop, as a client sends it, for the tests of what follows."""

from lib.assistant import pushes, requests
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from tests.loyalty_lab import make_shop

BUN = MenuItem("1", "Выпечка", "Булочка", (Variant("", 9000),))
ANSWERS = {"way": "pickup", "phone": "+79001234567", "wanted": "", "payment": "cash", "comment": ""}


async def make_bakery(conn):
    """Return a shop that sells buns, for 90 ₽."""
    shop = await make_shop(conn)
    await versions.publish(conn, shop.id, shop.owner.id, (BUN,), seen=0)
    return shop


async def send(conn, shop, user, **said):
    """Return the request for one bun that a client has just sent."""
    await requests.put(conn, shop.id, user.id, (1, 1, 1))
    draft = await requests.answer(conn, shop.id, user.id, **{**ANSWERS, **said})
    placed, _ = await pushes.place(conn, shop.id, user.id, draft.id, edition=draft.edition)
    return placed


async def told(conn, user):
    """Return the keys and fields of what a person is told, oldest first."""
    found = await conn.execute(
        "select args ->> 'key', args -> 'fields', args -> 'ways' from every_job where task = 'tell' and user_id = %s"
        " order by id",
        (user.id,),
    )
    return await found.fetchall()
