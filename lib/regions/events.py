"""What regions tell each other: where chats and shops went, the conversations and jobs that go along, erasures, and the
figures of a day.

    written with what it tells of -> told, a page at a time, in order -> heard -> forgotten here

Told at least once: a page whose answer was lost is told again, and each event counts once there, by its number. A
region that is down hears it all when it is back.
"""

import itertools
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import cache, config, db, errors, log
from lib.loyalty.partners import PLATFORM
from lib.people import profiles, users
from lib.regions import directory
from lib.telegram import conversation, fsm

SQL = db.load("regions")

PAGE = 100
PAGE_BYTES = 500_000  # half of what the other door reads
STATE_BYTES = 100_000  # a longer conversation begins again
AGAIN = timedelta(minutes=1)  # after which a region that did not hear is told again
KINDS = ("state", "chat", "shop", "job", "erased", "day")

type Post = Callable[[str, bytes], Awaitable[bool]]


@dataclass(frozen=True)
class RegionEvent:
    """One thing that another region is to hear."""

    id: int
    kind: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Lag:
    """How much a region has not heard yet, and since when."""

    region: str
    number: int
    since: datetime


async def tell(post: Post) -> datetime | None:
    """Tell every region what it has not heard; return when to try again, None when all have heard everything.

    `post(region, body)` says whether the region has heard.
    """
    await db.run(_note_shops)
    late = [region for region in config.get().other_regions if not await tell_one(region, post)]
    if late:
        log.event("regions_late", regions=late)
    return datetime.now(UTC) + AGAIN if late else None


async def _note_shops(conn: db.Connection) -> None:
    """Note where the shops are that were opened here, unless that is known without a word."""
    settings = config.get()
    if settings.home_region != directory.first():
        others = [*settings.other_regions]
        await SQL.tell_shops.within(PLATFORM).one(conn, int, region=settings.home_region, others=others)


async def tell_one(region: str, post: Post) -> bool:
    """Tell one region what it has not heard; return whether it has heard everything now."""
    while page := await db.run(lambda conn: SQL.untold.all(conn, RegionEvent, region=region, limit=PAGE)):
        fitting = _fitting(page)
        body = {"from": config.get().home_region, "events": [asdict(one) for one in fitting]}
        if not await post(region, json.dumps(body).encode()):
            return False
        ids = [one.id for one in fitting]
        await db.run(lambda conn, ids=ids: SQL.told.run(conn, region=region, ids=ids))  # type: ignore[misc]
    return True


def _fitting(page: list[RegionEvent]) -> list[RegionEvent]:
    """Return the first events that fit into one body, at least one."""
    sizes = itertools.accumulate(len(json.dumps(one.body)) for one in page)
    return [one for n, (one, size) in enumerate(zip(page, sizes, strict=True)) if not n or size <= PAGE_BYTES]


async def hear(raw: bytes) -> int:
    """Do what another region tells, each event once; return how many were new. Raises Invalid for what is not one."""
    region, told = _read(raw)
    number = sum([await _hear(region, one) for one in told])
    people = {int(one.body["tg_id"]) for one in told if one.kind in ("chat", "erased")}
    await directory.forget(people, shops=any(one.kind == "shop" for one in told))
    return number


def _read(raw: bytes) -> tuple[str, list[RegionEvent]]:
    try:
        found = json.loads(raw)
        region, told = found["from"], [RegionEvent(int(one["id"]), one["kind"], one["body"]) for one in found["events"]]
    except (LookupError, TypeError, ValueError) as error:
        raise errors.Invalid("no_events", type(error).__name__) from error
    odd = [one.kind for one in told if one.kind not in KINDS or not isinstance(one.body, dict)]
    if region not in config.get().other_regions or odd:
        raise errors.Invalid("no_events", f"{region} {odd}"[:200])
    return region, told


async def _hear(region: str, one: RegionEvent) -> bool:
    """Do what an event says; one that comes twice must not undo what the person has done since."""
    known = {"region": region, "id": one.id}
    if one.kind == "erased" and not await db.run(lambda conn: SQL.is_heard.one(conn, bool, **known)):
        await _erase(int(one.body["tg_id"]))
    heard = await db.run(lambda conn: SQL.hear.one(conn, bool, region=region, id=one.id, kind=one.kind, body=one.body))
    if heard and one.kind == "state":
        await _go_on(str(one.body["bot"]), int(one.body["tg_id"]), str(one.body["state"]))
    return bool(heard)


async def states(chats: Sequence[tuple[str, int]]) -> list[dict[str, Any]]:
    """Return what this region's Redis holds of conversations, each as the body of an event."""
    found = list[dict[str, Any]]()
    for start in range(0, len(chats), PAGE):
        page = chats[start : start + PAGE]
        [held] = await cache.pipeline([["MGET", *(cache.key(_state(*chat)) for chat in page)]])
        found += [
            {"bot": bot, "tg_id": tg_id, "state": state}
            for (bot, tg_id), state in zip(page, held, strict=True)
            if state and len(state) <= STATE_BYTES
        ]
    return found


async def _go_on(bot: str, tg_id: int, stored: str) -> None:
    """Keep a conversation that began elsewhere; whose it is, the person's next update finds out."""
    state = conversation.load(stored)
    state.who = {}
    await cache.set(_state(bot, tg_id), state.dump(), fsm.STATE_TTL)


def _state(bot: str, tg_id: int) -> str:
    return f"user_state:{bot}:{tg_id}"


async def _erase(tg_id: int) -> None:
    await db.run(lambda conn: SQL.refuse_trial.run(conn, mark=users.mark(tg_id)))
    user_id = await db.run(lambda conn: SQL.erasable.within(PLATFORM).one(conn, int, tg_id=tg_id))
    if user_id:
        await db.run(lambda conn: users.erase(conn, user_id, tg_id, others=()))
        await fsm.forget_everywhere(tg_id)
        await profiles.forget(user_id, tg_id)


async def lags(conn: db.Connection) -> list[Lag]:
    """Return which regions have not heard everything."""
    return await SQL.lag.all(conn, Lag)
