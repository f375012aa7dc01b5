"""A person as the rest of the product sees them, read through the cache. The balance is not part of it: it is money.

Whatever writes what a profile says (the language, the zone, the consent, the erasure) calls `forget`. The workers that
answer clients read it.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from lib import db, shelves

SQL = db.load("profiles")

PAGE = 200


@dataclass(frozen=True)
class Profile:
    """A person's names, and how they want to be spoken to."""

    id: int
    tg_id: int
    first_name: str
    last_name: str
    username: str
    language: str
    language_chosen: bool
    time_zone: str
    consent_at: datetime | None
    blocked_at: datetime | None
    created_at: datetime


async def by_id(user_id: int) -> Profile | None:
    """Return the profile of the person with our own id; it may be as old as the class of the cache allows."""
    return _whole(await shelves.PROFILE.read(user_id, lambda: _load(SQL.by_id, user_id=user_id)))


async def by_tg_id(tg_id: int) -> Profile | None:
    """Return the profile of the person with this Telegram id; it may be as old as the class of the cache allows."""
    return _whole(await shelves.PROFILE_BY_TG.read(tg_id, lambda: _load(SQL.by_tg_id, tg_id=tg_id)))


async def forget(user_id: int, tg_id: int) -> None:
    """Let the next read see what was just written. Call it after the write is committed."""
    await asyncio.gather(shelves.PROFILE.forget(user_id), shelves.PROFILE_BY_TG.forget(tg_id))


async def warm(conn: db.Connection, limit: int) -> AsyncIterator[tuple[int, int]]:
    """Store the profiles of those seen last, by both ids; yield after each page how many are stored, of how many."""
    found = await SQL.recent.all(conn, Profile, limit=limit)
    stored = 0
    yield 0, len(found)
    for start in range(0, len(found), PAGE):
        page = found[start : start + PAGE]
        await shelves.PROFILE_BY_TG.put_many({one.tg_id: _dump(one) for one in page})
        stored += await shelves.PROFILE.put_many({one.id: _dump(one) for one in page})
        yield stored, len(found)


async def _load(query: db.Query, **key: int) -> dict[str, Any] | None:
    profile = await db.run(lambda conn: query.one(conn, Profile, **key))
    return _dump(profile) if profile else None


def _dump(profile: Profile) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value for name, value in asdict(profile).items()
    }


def _whole(stored: dict[str, Any] | None) -> Profile | None:
    if stored is None:
        return None
    times = {name: datetime.fromisoformat(value) for name, value in stored.items() if name.endswith("_at") and value}
    return Profile(**stored | times)
