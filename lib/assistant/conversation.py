"""The summary and the last lines of a talk, as an answer needs them, kept for ten minutes in Redis.

What is kept may lack the newest lines, so those after it are always read from the rows.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lib import db, shelves
from lib.assistant import talks
from lib.assistant.talks import TalkLine


@dataclass(frozen=True)
class TalkContext:
    """The summary of what was said up to a line, and the last lines, oldest first."""

    talk_id: int
    summary: str
    summary_upto: int
    lines: tuple[TalkLine, ...]


async def read(partner_id: int, user_id: int, talk_id: int) -> TalkContext:
    """Return what was said in a talk so far."""
    fresh = False

    async def load() -> dict[str, Any]:
        nonlocal fresh
        fresh = True
        return _dump(await _load(partner_id, talk_id))

    stored = await shelves.CONVERSATION.read(user_id, load, variant=str(partner_id))
    kept = _read(stored) if stored and stored["talk_id"] == talk_id else None
    if kept is None:
        return await _load(partner_id, talk_id)
    if fresh or not kept.lines:
        return kept
    last = kept.lines[-1].id
    newer = await db.run(lambda conn: talks.lines(conn, partner_id, talk_id, after=last))
    return TalkContext(talk_id, kept.summary, kept.summary_upto, (*kept.lines, *newer)[-talks.LAST :])


async def keep(partner_id: int, user_id: int, context: TalkContext) -> None:
    """Keep what was said for the next answer."""
    await shelves.CONVERSATION.put(user_id, _dump(context), variant=str(partner_id))


async def _load(partner_id: int, talk_id: int) -> TalkContext:
    talk = await db.run(lambda conn: talks.get(conn, partner_id, talk_id))
    lines = await db.run(lambda conn: talks.lines(conn, partner_id, talk_id))
    return TalkContext(talk_id, talk.summary, talk.summary_upto, tuple(lines))


def _dump(context: TalkContext) -> dict[str, Any]:
    lines = [{**asdict(one), "created_at": one.created_at.isoformat()} for one in context.lines]
    return {**asdict(context), "lines": lines}


def _read(stored: dict[str, Any]) -> TalkContext:
    lines = [TalkLine(**{**one, "created_at": datetime.fromisoformat(one["created_at"])}) for one in stored["lines"]]
    return TalkContext(stored["talk_id"], stored["summary"], stored["summary_upto"], tuple(lines))
