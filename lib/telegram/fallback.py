"""The turn and the state in Neon, for as long as Redis is out of reach; `fsm` decides when. One round trip each.

The text that `fsm` writes is stored as it is. A conversation is kept for an hour, the mark of a handled update for two
days; the end of each turn removes a few that are older.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lib import db

SQL = db.load("fallback")


@dataclass(frozen=True)
class TurnStart:
    """Whether the update is done already, else whether the turn is ours, and the state if there is one."""

    done: bool
    taken: bool
    state: str | None


@dataclass(frozen=True)
class Leftovers:
    """A person's remains here: the state, the updates that are done, and whether a turn is under way."""

    state: str | None
    saved_at: datetime | None
    busy: bool
    done: bool
    handled: list[int]
    others: bool


async def begin(bot: str, tg_id: int, update_id: int, turn: timedelta) -> TurnStart:
    """Take the person's turn for as long as `turn`, unless another update has it or this one is done."""
    begun = await db.run(lambda conn: SQL.begin_turn.one(conn, TurnStart, **_ids(bot, tg_id, update_id), turn=turn))
    return begun or TurnStart(done=False, taken=False, state=None)


async def end(bot: str, tg_id: int, update_id: int, state: str, *, taken_in_redis_at: datetime | None = None) -> bool:
    """Save the state, mark the update done, give the turn back; False, and nothing saved, when the turn was lost.

    A turn that was taken in Redis has no claim here: it is lost as soon as another update has come this way since.
    """
    ids = _ids(bot, tg_id, update_id)
    saved = await db.run(
        lambda conn: SQL.end_turn.one(conn, bool, **ids, state=state, taken_in_redis_at=taken_in_redis_at)
    )
    return bool(saved)


async def release(bot: str, tg_id: int, update_id: int) -> None:
    """Give the turn back with nothing saved."""
    await db.run(lambda conn: SQL.release_turn.run(conn, **_ids(bot, tg_id, update_id)))


async def failed(bot: str, tg_id: int, update_id: int) -> int:
    """Count a failure of this update; return how many there were."""
    return await db.run(lambda conn: SQL.count_failure.one(conn, int, **_ids(bot, tg_id, update_id))) or 0


async def look(bot: str, tg_id: int, update_id: int) -> Leftovers:
    """Return what an outage of Redis has left here of this person and this update."""
    found = await db.run(lambda conn: SQL.look.one(conn, Leftovers, **_ids(bot, tg_id, update_id)))
    return found or Leftovers(state=None, saved_at=None, busy=False, done=False, handled=[], others=False)


async def forget(bot: str, tg_id: int, state: str) -> None:
    """Put this state in the place of what is kept; a turn that is under way goes on."""
    await db.run(lambda conn: SQL.forget_conversation.run(conn, bot=bot, tg_id=tg_id, state=state))


async def drop(bot: str, tg_id: int, saved_at: datetime) -> None:
    """Forget a conversation that is in Redis again, unless it was saved here once more."""
    await db.run(lambda conn: SQL.drop_conversation.run(conn, bot=bot, tg_id=tg_id, saved_at=saved_at))


def _ids(bot: str, tg_id: int, update_id: int) -> dict[str, str | int]:
    return {"bot": bot, "tg_id": tg_id, "update_id": update_id}
