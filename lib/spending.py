"""What the generation providers cost, and whether they may be asked at all: budget, rate, and pauses after a failure.

Money is in thousandths of a dollar, whole numbers. Each call has a row, written before the provider is asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lib import cache, db, errors, log

SQL = db.load("spending")

_paused: dict[str, tuple[datetime, str]] = {}  # what this process knows by itself, when Redis is out of reach


@dataclass(frozen=True)
class Begun:
    """A call that may go out (`id`), or when to come again, or that the day's money is spent."""

    id: int | None
    wait_until: datetime | None
    spent: bool


@dataclass(frozen=True)
class Cost:
    """One call of a job."""

    item: int
    step: str
    provider: str
    model: str
    state: str
    cost: int
    seconds: float | None


@dataclass(frozen=True)
class State:
    """How a provider does: the calls begun within an hour and within a day, of which those lost count as failed.

    `last_done_at` is None when nothing came of it within a day, nor ever of what costs money.
    """

    provider: str
    daily_limit: int | None
    spent: int
    hour: int
    hour_done: int
    hour_failed: int
    day: int
    day_done: int
    day_failed: int
    last_done_at: datetime | None

    @property
    def is_spent(self) -> bool:
        """Whether the day's money is gone to the last."""
        return self.daily_limit is not None and self.spent >= self.daily_limit


async def begin_call(
    conn: db.Connection,
    job_id: int,
    item: int,
    step: str,
    *,
    provider: str,
    model: str,
    cost: int,
    starts: int | None = None,
    span: timedelta | None = None,
) -> Begun:
    """Note that a provider is about to be asked, if its budget of the day and its rate (`starts` in a `span`) allow.

    What an earlier worker began for the same item and never ended is lost from now on, and stays counted.
    """
    found = await SQL.begin_call.one(
        conn,
        Begun,
        job_id=job_id,
        item=item,
        step=step,
        provider=provider,
        model=model,
        cost=cost,
        starts=starts,
        span=span,
    )
    return found or Begun(None, None, False)


async def end_call(conn: db.Connection, call_id: int, state: str, cost: int | None = None) -> None:
    """Note how a call ended, 'done', 'failed' or 'lost', and what it cost if the provider told."""
    await SQL.end_call.run(conn, call_id=call_id, state=state, cost=cost)


async def costs_of_job(conn: db.Connection, job_id: int) -> list[Cost]:
    """Return every call of a job, in the order in which they were begun."""
    return await SQL.costs_of_job.all(conn, Cost, job_id=job_id)


async def states(conn: db.Connection, providers: Sequence[str]) -> list[State]:
    """Return how these providers do, in this order."""
    return await SQL.provider_states.all(conn, State, providers=list(providers))


async def set_daily_limit(conn: db.Connection, provider: str, daily_limit: int, *, actor: str, reason: str) -> None:
    """Set how much a provider may cost within any 24 hours; the trail says who did it."""
    ids = {"provider": provider, "daily_limit": daily_limit}
    await SQL.set_daily_limit.run(conn, **ids, actor=actor, reason=reason)


async def pause(provider: str, span: timedelta, why: str) -> None:
    """Let nobody ask a provider for a while: it is away ('down'), or needs an administrator first ('money')."""
    until = datetime.now(UTC) + span
    _paused[provider] = (until, why)
    try:
        await cache.set(f"provider_pause:{provider}", why, span)
    except errors.Unavailable as error:
        log.event("pause_not_shared", provider=provider, error=str(error))


async def paused(providers: list[str]) -> dict[str, str]:
    """Return why they rest, by name, of those of the providers that rest now."""
    now = datetime.now(UTC)
    resting = {name: why for name in providers for until, why in [_paused.get(name, (now, ""))] if until > now}
    others = [name for name in providers if name not in resting]
    if not others:
        return resting
    try:
        [found] = await cache.pipeline([["MGET", *(cache.key(f"provider_pause:{name}") for name in others)]])
    except errors.Unavailable:
        return resting
    return resting | {name: str(why) for name, why in zip(others, found, strict=True) if why}
