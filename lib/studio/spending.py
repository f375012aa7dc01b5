"""The cost of the generation providers, and whether they may be asked: budgets, rate, pauses after a failure.

Money is in thousandths of a dollar, whole numbers. Each call has a row, written before the provider is asked. Whether
it may be asked is decided by rows alone, so what an administrator changes holds at once for every worker. It may not
(its halt) when it is `down`, needs `money` or access, has `spent` its budget of the day, or this person their `share`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from lib import config, db, tally

SQL = db.load("spending")

# So many paid calls of orders that are stopped in work may a person cause in a day: with trial credits, and else.
STOPPED_CALLS = {"trial": 2, "others": 5}
# The cost of one call at most, by its list price: a provider that tells more is not believed.
BELIEVED = 3
_MOST = 2**31 - 1


# How a call ends: `lost` when nobody will ever know whether it made something, `refused` when the provider did its part
# and the photo or the words cannot be used.
type CallEnd = Literal["done", "failed", "lost", "refused"]


@dataclass(frozen=True)
class Intent:
    """A call of a provider that is about to go out: for which job and lease, for which item and step of it.

    `starts` calls may begin within a `span`; without them there is no rate.
    """

    job_id: int
    token: UUID | None
    item: int
    step: str
    provider: str
    model: str
    cost: int
    account: str = ""
    starts: int | None = None
    span: timedelta | None = None


@dataclass(frozen=True)
class CallStart:
    """A call that may go out (`id`), or how long to wait, or the provider's halt."""

    id: int | None
    wait: timedelta | None
    halt: str


@dataclass(frozen=True)
class Door:
    """Whether a provider can be asked for so much: its halt, '' for none, and which of its keys rest."""

    halt: str
    resting: list[str]


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
class ProviderState:
    """How a provider does: the calls begun within an hour and within a day, of which those lost count as failed.

    `last_done_at` is None when nothing came of it within a day, nor ever of what costs money. `halt` tells why nobody
    may ask it, '' when everybody may.
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
    halt: str

    @property
    def is_nearly_spent(self) -> bool:
        """Whether less than a fifth of the day's money is left."""
        return self.daily_limit is not None and self.spent * 5 >= self.daily_limit * 4

    @property
    def is_failing(self) -> bool:
        """Whether more of the calls of an hour or a day failed than an odd order now and then explains."""
        counts = ((self.hour_failed, self.hour), (self.day_failed, self.day))
        return any(failed >= 3 and failed * 4 >= calls for failed, calls in counts)


@dataclass(frozen=True)
class CallBill:
    """What a call that has ended cost, and how long it took."""

    provider: str
    cost: int
    seconds: float


async def begin_call(conn: db.Connection, intent: Intent) -> CallStart:
    """Note that the worker with this lease is about to ask a provider, if nothing halts it and its rate allows.

    A call that an earlier worker began for the same item and never ended is lost from now on, and stays counted.
    Conflict when the lease is lost, or when the order is to be stopped: nothing is spent on it any more.
    """
    found = await SQL.begin_call.one(conn, CallStart, **vars(intent))
    return found or CallStart(None, None, "")


async def end_call(conn: db.Connection, call_id: int, state: CallEnd, cost: int | None = None) -> bool:
    """Note how a call ended, and what it cost if the provider told.

    False when the provider told more than can be believed: then the most that can be is noted.
    """
    told = None if cost is None else min(max(cost, 0), _MOST)
    noted = await SQL.end_call.one(conn, CallBill, call_id=call_id, state=state, cost=told, believed=BELIEVED)
    if noted is None:
        return True
    tally.timed("provider", noted.provider, state, ms=noted.seconds * 1000, ends=tally.SLOW)
    tally.add(f"provider_cost|{noted.provider}", noted.cost)
    return told is None or told <= noted.cost


async def end_left(conn: db.Connection) -> int:
    """End the calls whose order is over, and of which nobody will ever know more; return how many."""
    return await SQL.end_left.run(conn)


async def doors(
    conn: db.Connection, user_id: int | None, asked: Sequence[tuple[str, int]], *, job_id: int | None = None
) -> list[Door]:
    """Return whether each of these (provider, cost) can be asked for a person's order now, in this order."""
    names, costs = [name for name, _ in asked], [cost for _, cost in asked]
    who = {"user_id": user_id, "job_id": job_id, "accounts": config.get().accounts}
    return await SQL.doors.all(conn, Door, providers=names, costs=costs, **who)


async def stop_order(conn: db.Connection, job_id: int, user_id: int) -> str:
    """Cancel a person's order, or have its worker stop it: cancelled, asked, paid or late.

    Paid: calls of it have begun that cost us money, and the person has stopped as many of a day as they may.
    """
    limits = {"trial": STOPPED_CALLS["trial"], "others": STOPPED_CALLS["others"]}
    return await SQL.stop_order.one(conn, str, job_id=job_id, user_id=user_id, **limits) or "late"


async def costs_of_job(conn: db.Connection, job_id: int) -> list[Cost]:
    """Return every call of a job, in the order in which they were begun."""
    return await SQL.costs_of_job.all(conn, Cost, job_id=job_id)


async def pace_of(conn: db.Connection, provider: str, model: str) -> float:
    """Return in how many seconds nine of ten of a model's latest tasks were done; 0 when too few are known."""
    row = await SQL.pace_of.one(conn, dict, provider=provider, model=model)
    return float(row["seconds"]) if row and row["seconds"] else 0.0


async def states(conn: db.Connection, providers: Sequence[str]) -> list[ProviderState]:
    """Return how these providers do, in this order."""
    accounts = config.get().accounts
    return await SQL.provider_states.all(conn, ProviderState, providers=list(providers), accounts=accounts)


async def set_daily_limit(conn: db.Connection, provider: str, daily_limit: int, *, actor: str, reason: str) -> None:
    """Set how much a provider may cost within any 24 hours; the trail says who did it."""
    ids = {"provider": provider, "daily_limit": daily_limit}
    await SQL.set_daily_limit.run(conn, **ids, actor=actor, reason=reason)


async def pause(conn: db.Connection, provider: str, span: timedelta, why: str, account: str = "") -> None:
    """Let nobody ask a provider that is 'down' for a while, or use its key that needs somebody first, for 'money'."""
    await SQL.pause.run(conn, provider=provider, span=span, why=why, account=account)
