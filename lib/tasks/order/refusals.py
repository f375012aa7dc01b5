"""Decides what follows when a provider fails: the same later, the next of the chain, or the end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lib import config, db, errors, log, providers
from lib.providers.contract import Report
from lib.studio import spending
from lib.studio.items import Call, Item
from lib.studio.spending import CallEnd
from lib.tasks.order import alarm
from lib.tasks.order.asking import is_patient, waiting
from lib.tasks.order.desk import Desk, after

# How long nobody asks a provider again: when an administrator must act, and when it is away.
FOR_MONEY = timedelta(minutes=10)
FOR_REST = timedelta(seconds=20)


async def refused(desk: Desk, item: Item, error: errors.Upstream) -> datetime | None:
    """Settle a request that brought neither a ticket nor a picture: FOLLOWS says how."""
    call = item.asked
    log.event("provider_refused", job_id=desk.job_id, offer=call.offer, code=error.code, error=error.detail[:300])
    follows = FOLLOWS[_row_of(error, is_instant=providers.load(call.provider).INSTANT)]
    if follows.ends:
        await settle(desk, call, follows.ends, None if follows.ends == "lost" else 0)
    return await follows.then(desk, item, error)


async def failed(desk: Desk, item: Item, report: Report) -> datetime | None:
    """Leave an item to the next of the chain when its task failed; raise Rejected when what it shows was the reason."""
    call = item.asked
    await settle(desk, call, "refused" if report.rules else "failed", report.cost or 0)
    if report.rules:
        raise errors.Rejected("rules", report.error)
    log.event("task_failed", job_id=desk.job_id, offer=call.offer, error=report.error)
    await desk.keep(item.passed_on())
    return None


async def lost(desk: Desk, item: Item, *, again: bool = True) -> datetime | None:
    """Count a call of which nobody will ever know more, and go on: once more with the same, then with the next."""
    call = item.asked
    await settle(desk, call, "lost")
    log.event("task_lost", job_id=desk.job_id, offer=call.offer)
    item = replace(item, lost=item.lost + 1)
    await desk.keep(replace(item, call=None) if again and item.lost < 2 else item.passed_on())
    return None


async def settle(desk: Desk, call: Call, state: CallEnd, cost: int | None = None) -> None:
    """Note how a call ended and what it cost; an absurd cost is told, and does not eat up the day's budget."""
    if not await db.run(lambda conn: spending.end_call(conn, call.id, state, cost)):
        log.event("odd_cost", job_id=desk.job_id, offer=call.offer, told=cost)
        told = errors.Rejected("odd_cost", f"{call.offer}: ${(cost or 0) / 1000:.2f}")
        await alarm.alert(desk, call.provider, told)


async def _look_again(desk: Desk, item: Item, error: errors.Upstream) -> datetime | None:
    await desk.keep(item)
    return after(20)


async def _rest_the_key(desk: Desk, item: Item, error: errors.Upstream) -> datetime | None:
    """Let the key rest that needs an administrator, and look at once who can do it."""
    call = item.asked
    await db.run(lambda conn: spending.pause(conn, call.provider, FOR_MONEY, "money", call.account))
    await alarm.alert(desk, call.provider, error, call.account)
    await desk.keep(replace(item, call=None))
    return None


async def _same_later(desk: Desk, item: Item, error: errors.Upstream) -> datetime | None:
    """Ask a busy provider again when it says, while the order is patient."""
    if not is_patient(desk, item):
        return await _next_of_chain(desk, item, error)
    await desk.show("making.busy")
    await desk.keep(replace(waiting(desk, item), call=None))
    wish = error.retry_after if isinstance(error, errors.Unavailable) else None
    return after((wish or timedelta(seconds=10)).total_seconds())


async def _rest_the_provider(desk: Desk, item: Item, error: errors.Upstream) -> datetime | None:
    """Let a provider rest that is away, and ask it again, while the order is patient."""
    if not is_patient(desk, item):
        return await _next_of_chain(desk, item, error)
    await desk.show("making.busy")
    await desk.keep(replace(waiting(desk, item), call=None))
    rest = FOR_REST * config.get().lease_scale
    await db.run(lambda conn: spending.pause(conn, item.asked.provider, rest, "down"))
    return after(15)


async def _next_of_chain(desk: Desk, item: Item, error: errors.Upstream) -> datetime | None:
    await desk.keep(item.passed_on())
    return None


async def _give_up(desk: Desk, item: Item, error: errors.Upstream) -> datetime | None:
    raise error


@dataclass(frozen=True)
class Sequel:
    """The sequel of a refusal: how the call ends, None while nobody knows, and what is done then."""

    ends: CallEnd | None
    then: Callable[[Desk, Item, errors.Upstream], Awaitable[datetime | None]]


# What follows a refusal. A call that failed or was refused cost nothing; of one that is lost the price stands.
FOLLOWS: Mapping[str, Sequel] = {
    "maybe_made": Sequel(None, _look_again),  # a task may exist, and a callback may name it
    "answer_lost": Sequel("lost", _next_of_chain),  # the same of an instant provider: its answer was the picture
    "out_of_money": Sequel("failed", _rest_the_key),
    "no_access": Sequel("failed", _rest_the_key),
    "busy": Sequel("failed", _same_later),
    "away": Sequel("failed", _rest_the_provider),
    "content": Sequel("refused", _give_up),  # nobody else is asked for what breaks the rules
    "rejected": Sequel("failed", _next_of_chain),
}


def _row_of(error: errors.Upstream, *, is_instant: bool) -> str:
    """Name the row of FOLLOWS for an error."""
    if error.code == "maybe_made":
        return "answer_lost" if is_instant else "maybe_made"
    if isinstance(error, errors.Unavailable):
        return error.code if error.code in ("out_of_money", "no_access", "busy") else "away"
    return "content" if error.code == "rules" or error.code.startswith("picture_") else "rejected"
