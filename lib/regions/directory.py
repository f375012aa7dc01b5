"""Where a person's chat with a bot and a shop are at home: one look-up in Redis; it changes only by a move.

A chat without a row is at home in the first region. A shop without one is in the region whose numbers its own is among
(`STRIDE`). Each region has a copy of both tables, so that one that is down stops nobody else.
"""

from collections.abc import Iterable
from datetime import timedelta

from lib import config, db, errors, shelves

SQL = db.load("regions")

PLACE = shelves.Shelf("place", "place:", timedelta(days=1), grace=timedelta(days=7))

# The numbers of a region's rows begin at its place in the list times this, so that no row has another's number when it
# moves. Sixteen digits would be the most that a button's data and JavaScript hold.
STRIDE = 10**12


def first() -> str:
    """Return the region where everything is that nothing else is said of."""
    return next(iter(config.get().regions))


def of_number(number: int) -> str:
    """Return the region in which a row with this number was made."""
    names = [*config.get().regions]
    return names[min(number // STRIDE, len(names) - 1)]


async def of_chat(bot: str, tg_id: int) -> str:
    """Return where a person's chat with a bot is at home; Unavailable when neither Redis nor Neon can say."""

    async def load() -> str:
        return await db.run(lambda conn: SQL.chat_region.one(conn, str, bot=bot, tg_id=tg_id)) or first()

    return await PLACE.read(_chat(bot, tg_id), load) or first()


async def of_shop(code: str = "", number: int = 0) -> str:
    """Return where a shop is at home, by the code of its links or by its number."""

    async def load() -> str:
        found = await db.run(lambda conn: SQL.shop_region.one(conn, str, code=code, number=number))
        return found or (of_number(number) if number else first())

    return await PLACE.read(f"shop.{code or number}", load) or first()


async def place(bot: str, tg_id: int, region: str) -> bool:
    """Take a chat to a region for good, and have the other regions know; return whether it was elsewhere."""
    others = [*config.get().other_regions]
    moved = await db.run(
        lambda conn: SQL.place_chat.one(conn, bool, bot=bot, tg_id=tg_id, region=region, others=others)
    )
    await PLACE.forget(_chat(bot, tg_id))
    return bool(moved)


async def knows(tg_id: int) -> bool:
    """Say whether the person has an account in this region."""
    return bool(await db.run(lambda conn: SQL.knows.one(conn, bool, tg_id=tg_id)))


async def forget(people: Iterable[int], *, shops: bool = False) -> None:
    """Let the next look-ups see what was just written of people's chats; of everything once shops have moved.

    Unavailable without Redis: the look-ups of other instances would be those of before.
    """
    chats = [_chat(bot, tg_id) for tg_id in people for bot in config.BOTS]
    if not await (PLACE.clear() if shops else PLACE.forget(*chats)):
        raise errors.Unavailable("redis", "look-ups are not forgotten")


def _chat(bot: str, tg_id: int) -> str:
    return f"{bot}.{tg_id}"
