"""What follows when a provider does not do what it was asked: the same later, the next of the chain, or the end."""

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from lib import config, db, errors, log, providers
from lib.providers.makers import Offer
from lib.studio import spending
from lib.tasks.order import alarm
from lib.tasks.order.asking import is_patient
from lib.tasks.order.desk import Desk, Item, after

# How long nobody asks a provider again: when an administrator must act, and when it is away.
FOR_MONEY = timedelta(minutes=10)
FOR_REST = timedelta(seconds=20)

NEEDS_SOMEBODY = ("out_of_money", "no_access")


@contextlib.contextmanager
def answers(code: str) -> Iterator[None]:
    """Let whatever a provider's odd answer breaks in our reading of it be that provider's failure, under this code."""
    try:
        yield
    except errors.AppError:
        raise
    except Exception as error:
        raise errors.Unavailable(code, f"odd answer: {type(error).__name__}: {error}"[:300]) from error


async def refused(desk: Desk, number: int, item: Item, offer: Offer, error: errors.Upstream) -> datetime | None:
    """Settle a request that brought neither a ticket nor a picture."""
    log.event("provider_refused", job_id=desk.job_id, offer=offer.name, code=error.code, error=error.detail[:300])
    call = item["call"]
    is_instant = providers.load(offer.provider).INSTANT
    if error.code == "maybe_made" and not is_instant:
        await desk.keep(number, item)
        return after(20)
    # an instant answer that got lost may have been paid for: its price stands
    state, cost = ("lost", None) if error.code == "maybe_made" else ("failed", 0)
    await settle(desk, call, state, cost)
    del item["call"]
    if isinstance(error, errors.Unavailable):
        return await _rest_of(desk, number, item, offer, error, call["account"])
    if error.code == "rules" or error.code.startswith("picture_"):
        raise error
    return await _next_of_chain(desk, number, item, offer.name)


async def settle(desk: Desk, call: Item, state: str, cost: int | None = None) -> None:
    """Note how a call ended and what it cost; an absurd cost is told, and does not eat up the day's budget."""
    if not await db.run(lambda conn: spending.end_call(conn, call["id"], state, cost)):
        provider = call["offer"].partition(":")[0]
        log.event("odd_cost", job_id=desk.job_id, offer=call["offer"], told=cost)
        await alarm.alert(desk, provider, "odd_cost", f"{call['offer']}: ${(cost or 0) / 1000:.2f}")


async def _rest_of(
    desk: Desk, number: int, item: Item, offer: Offer, error: errors.Unavailable, account: str
) -> datetime | None:
    """Let a provider rest that is busy or away, or its key that needs an administrator: the others go on."""
    if error.code in NEEDS_SOMEBODY:
        await db.run(lambda conn: spending.pause(conn, offer.provider, FOR_MONEY, "money", account))
        await alarm.alert(desk, offer.provider, error.code, error.detail[:200], account)
        await desk.keep(number, item)
        return None
    if error.code == "maybe_made" or not is_patient(desk, item):
        return await _next_of_chain(desk, number, item, offer.name)
    await desk.show("making.busy")
    await desk.keep(number, item)
    if error.code == "busy":
        return after((error.retry_after or timedelta(seconds=10)).total_seconds())
    await db.run(lambda conn: spending.pause(conn, offer.provider, FOR_REST * config.get().lease_scale, "down"))
    return after(15)


async def lost(desk: Desk, number: int, item: Item, name: str, *, again: bool = True) -> datetime | None:
    """Count a call of which nobody will ever know more, and go on: once more with the same, then with the next."""
    await settle(desk, item["call"], "lost")
    log.event("task_lost", job_id=desk.job_id, offer=name)
    del item["call"]
    item["lost"] = item.get("lost", 0) + 1
    if again and item["lost"] < 2:
        await desk.keep(number, item)
        return None
    return await _next_of_chain(desk, number, item, name)


async def _next_of_chain(desk: Desk, number: int, item: Item, name: str) -> datetime | None:
    item["tried"] = [*item.get("tried", []), name]
    item.pop("since", None)
    await desk.keep(number, item)
    return None
