"""What follows when a provider does not do what it was asked: the same later, the next of the chain, or the end."""

from datetime import datetime, timedelta

from lib import cache, config, db, errors, log, notify, providers, spending
from lib.providers import Offer
from lib.tasks.order.asking import is_patient
from lib.tasks.order.desk import Desk, Item, after

# How long nobody asks a provider again: when an administrator must act, and when it is away.
FOR_MONEY = timedelta(minutes=10)
FOR_REST = timedelta(seconds=20)
ALERT_EVERY = timedelta(hours=1)

NEEDS_SOMEBODY = ("out_of_money", "no_access", "spent")


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
    await db.run(lambda conn: spending.end_call(conn, call["id"], state, cost))
    del item["call"]
    if isinstance(error, errors.Unavailable):
        return await rest_of(desk, number, item, offer, error)
    if error.code == "rules" or error.code.startswith("picture_"):
        raise error
    return await _next_of_chain(desk, number, item, offer.name)


async def rest_of(desk: Desk, number: int, item: Item, offer: Offer, error: errors.Unavailable) -> datetime | None:
    """Let a provider rest that is busy, away, or in need of an administrator."""
    if error.code in NEEDS_SOMEBODY:
        await spending.pause(offer.provider, FOR_MONEY, "money")
        await _alert(desk, offer, error)
        await desk.keep(number, item)
        return None
    if error.code == "maybe_made" or not is_patient(item):
        return await _next_of_chain(desk, number, item, offer.name)
    await desk.show("making.busy")
    await desk.keep(number, item)
    if error.code == "busy":
        return after((error.retry_after or timedelta(seconds=10)).total_seconds())
    await spending.pause(offer.provider, FOR_REST * config.get().lease_scale, "down")
    return after(15)


async def lost(desk: Desk, number: int, item: Item, name: str, *, again: bool = True) -> datetime | None:
    """Count a call of which nobody will ever know more, and go on: once more with the same, then with the next."""
    await db.run(lambda conn: spending.end_call(conn, item["call"]["id"], "lost"))
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


async def _alert(desk: Desk, offer: Offer, error: errors.Unavailable) -> None:
    """Tell the administrators, once an hour for each provider and reason."""
    try:
        first = await cache.once(f"alerted:{offer.provider}:{error.code}", ALERT_EVERY)
    except errors.Unavailable:
        first = True
    if first:
        key = f"alert.provider_{error.code}"
        await notify.alert_admins(desk.order.bot, key, provider=offer.provider, error=error.detail[:200])
