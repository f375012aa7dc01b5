"""Gets each item made: asks the providers of its chain in their order, waits for them, and settles what they answer.

no call ──begin──> intent noted ──create──> ticket noted ──poll──> done: made ours, stored
                      │   │ refused at the door: the same again later, or the next of the chain
                      │   └─ nobody knows whether a task exists (answer lost, worker died): the callback may name
                      │      it; else, when it would long be finished, it is counted as lost and begun anew
                      └─ instant providers have no tickets: their answer is the picture
"""

import random
import secrets
from dataclasses import asdict
from datetime import datetime, timedelta

from lib import clock, config, db, errors, log, providers
from lib.providers import contract
from lib.providers.contract import Output, Report, Ticket
from lib.providers.makers import Offer
from lib.studio import callbacks, spending
from lib.tasks.order import asking, finish
from lib.tasks.order.desk import Desk, Item, after
from lib.tasks.order.refusals import answers, lost, refused, settle

# A provider that is slower than so many times its own pace is left for the next one; a moment is given to each.
SLOW = 3
SLOW_AT_LEAST = 60
UNKNOWN_GRACE = 60  # KIE does not know a task in the seconds after it made it
FETCHES = 5
STEPS = 16


async def go_on(desk: Desk) -> datetime | None:
    """Bring every item as far as it goes now; return when to come again, None when all are stored."""
    await _poll(desk)
    waits = [await _advance(desk, number) for number in range(desk.order.count)]
    return min((wait for wait in waits if wait), default=None)


async def _advance(desk: Desk, number: int) -> datetime | None:
    for _ in range(STEPS):
        item = desk.item(number)
        if "files" in item:
            return None
        wait = await (_settle(desk, number, item) if "call" in item else _begin(desk, number, item))
        if wait is not None:
            return wait
    return after(10)


async def _poll(desk: Desk) -> None:
    """Ask each provider once for all tickets of the order."""
    open_tickets: dict[str, dict[int, Ticket]] = {}
    for number in range(desk.order.count):
        found = desk.item(number).get("call", {}).get("ticket")
        if found:
            open_tickets.setdefault(found["provider"], {})[number] = Ticket(**found)
    for tickets in open_tickets.values():
        desk.reports.update(zip(tickets, await _reports(list(tickets.values())), strict=True))


async def _reports(tickets: list[Ticket]) -> list[Report]:
    """Ask a provider what became of tickets of its own."""
    with answers("down"):
        return await providers.load(tickets[0].provider).poll(tickets)


async def _begin(desk: Desk, number: int, item: Item) -> datetime | None:
    """Ask the next of the chain; return when to come again, None to look at once what to do next."""
    chosen = await asking.choose(desk, item)
    if isinstance(chosen, datetime):
        await desk.keep(number, item)
        return chosen
    offer = chosen.offer
    step = asking.step_of(offer, item)
    provider = providers.load(step.provider)
    if provider.INSTANT and not desk.has_time_for(step.seconds * (2 + finish.in_line())):
        return after(20)
    begun = await db.run(lambda conn: asking.note_call(conn, desk, number, chosen, step))
    if begun.wait:
        return clock.now() + begun.wait + timedelta(seconds=random.random())
    if begun.id is None:  # it was halted between the look and now
        return None
    call: Item = {"id": begun.id, "offer": offer.name, "still": step is not offer, "nonce": secrets.token_hex(8)}
    call["account"] = chosen.account
    try:
        ask = await asking.ask(desk, number, item, chosen, step)
    except errors.AppError:  # our own storage, most likely: nobody was asked
        await settle(desk, call, "failed", 0)
        raise
    item["call"] = call
    try:
        made = await _create(desk, number, item, step, ask)
    except errors.Upstream as error:
        return await refused(desk, number, item, offer, error)
    if isinstance(made, Output):
        return await _accept(desk, number, item, offer, step, Report("done", cost=made.cost), made)
    del call["request"]
    call["ticket"] = asdict(made)
    await desk.keep(number, item)
    return _next_look(0, step)


async def _create(desk: Desk, number: int, item: Item, step: Offer, ask: contract.Ask) -> Ticket | Output:
    """Spend. What costs something is noted before: a worker that takes over must know that a task may exist."""
    call, provider = item["call"], providers.load(step.provider)
    with answers("down"):
        call |= {"request": await provider.prepare(step, ask), "at": desk.now}
    if step.cost:
        await desk.keep(number, item)
    done = _percent(desk, number, 0.0)
    await desk.show("making.filming" if desk.order.is_video else "making.generating", done or None)
    callback = "" if provider.INSTANT else callbacks.address(step.provider, desk.job_id, call["nonce"])
    async with finish.turn(step):
        with answers("maybe_made"):
            return await provider.create(step, ask, call["request"], callback)


async def _settle(desk: Desk, number: int, item: Item) -> datetime | None:
    """See what became of what was begun."""
    call = item["call"]
    offer = asking.offer_of(desk, call["offer"])
    if offer is None:  # the table has changed since
        return await lost(desk, number, item, call["offer"])
    step = (offer.still if call["still"] else offer) or offer
    age = desk.now - call["at"]
    if "ticket" not in call:
        found = await _reconciled(desk, call, step)
        if found is None:
            grace = step.seconds * 2 + 60
            if not providers.load(step.provider).INSTANT and age < grace * config.get().lease_scale:
                return min(after(20), after(grace))
            return await lost(desk, number, item, offer.name)
        call["ticket"] = asdict(found)
        await desk.keep(number, item)
    ticket = Ticket(**call["ticket"])
    report = desk.reports.pop(number, None) or (await _reports([ticket]))[0]
    if report.state == "unknown" and age >= UNKNOWN_GRACE:
        report = Report("failed", error="the provider does not know the task")
    if report.state == "failed":
        return await _failed(desk, number, item, offer, report)
    if report.state == "done":
        return await _collect(desk, number, item, offer, step, ticket, report)
    if age > (await _patience(step, age)) * config.get().lease_scale:
        log.event("provider_slow", job_id=desk.job_id, provider=step.provider, model=step.model, seconds=round(age))
        return await lost(desk, number, item, offer.name, again=False)
    if report.progress is not None:
        await desk.stir(_percent(desk, number, report.progress))
    return _next_look(age, step)


async def _patience(step: Offer, age: float) -> float:
    """Return how long a task of this model is waited for: by what it promises and, once that is over, by its pace."""
    patience = float(max(SLOW * step.seconds, SLOW_AT_LEAST))
    if age > patience * config.get().lease_scale:
        pace = await db.run(lambda conn: spending.pace_of(conn, step.provider, step.model))
        patience = max(patience, SLOW * pace)
    return patience


async def _reconciled(desk: Desk, call: Item, step: Offer) -> Ticket | None:
    """Return the task of a request whose answer nobody has seen, if the provider has named it and it is ours."""
    named = (desk.run.checkpoint.get("heard") or {}).get(call["nonce"])
    if not named:
        return None
    with answers("down"):
        found = await providers.load(step.provider).find(step, call["request"], named)
    log.event("task_found", job_id=desk.job_id, provider=step.provider, ours=found is not None)
    return found


async def _failed(desk: Desk, number: int, item: Item, offer: Offer, report: Report) -> datetime | None:
    await settle(desk, item["call"], "failed", report.cost or 0)
    if report.rules:
        raise errors.Rejected("rules", report.error)
    log.event("task_failed", job_id=desk.job_id, offer=offer.name, error=report.error)
    del item["call"]
    item["tried"] = [*item.get("tried", []), offer.name]
    await desk.keep(number, item)
    return None


async def _collect(
    desk: Desk, number: int, item: Item, offer: Offer, step: Offer, ticket: Ticket, report: Report
) -> datetime | None:
    """Copy the result to our own storage at once; one that cannot be fetched or is no picture counts as a failure."""
    try:
        async with finish.transfer:
            with answers("no_answer"):
                output = await providers.load(step.provider).collect(ticket, report)
    except errors.Upstream as error:
        item["fetches"] = item.get("fetches", 0) + 1
        if isinstance(error, errors.Rejected) or item["fetches"] >= FETCHES:
            return await _failed(desk, number, item, offer, _useless(step, report, error))
        await desk.keep(number, item)
        return after(5 * item["fetches"])
    return await _accept(desk, number, item, offer, step, report, output)


async def _accept(
    desk: Desk, number: int, item: Item, offer: Offer, step: Offer, report: Report, output: Output
) -> datetime | None:
    """Take a provider's bytes; what is no picture of what was ordered is its failure, and costs what it costs."""
    try:
        await _take(desk, number, item, step, output)
    except errors.Rejected as error:
        return await _failed(desk, number, item, offer, _useless(step, report, error))
    return None


def _useless(step: Offer, report: Report, error: errors.Upstream) -> Report:
    """Report a result that is of no use to us: it was paid for all the same."""
    return Report("failed", cost=step.cost if report.cost is None else report.cost, error=str(error))


async def _take(desk: Desk, number: int, item: Item, step: Offer, output: Output) -> None:
    """Make a provider's bytes ours, store them, and note what they cost."""
    stored = await finish.store(desk, number, step, output, still=item["call"]["still"])
    call = item.pop("call")
    await settle(desk, call, "done", output.cost)
    if call["still"]:
        item["still"] = stored
    else:
        item |= {"files": stored, "by": call["offer"]}
    await desk.keep(number, item)


def _percent(desk: Desk, number: int, progress: float) -> int:
    """Return how far the whole order is."""
    parts = [1.0 if "files" in desk.item(other) else 0.0 for other in range(desk.order.count)]
    parts[number] = progress
    return min(round(100 * sum(parts) / len(parts)), 99)


def _next_look(age: float, step: Offer) -> datetime:
    """Return when to poll next: six times within the usual time, then ever more rarely. A callback comes before it."""
    return after(min(max(4.0, step.seconds / 6, age / 6), 60.0) if age or step.seconds < 60 else step.seconds / 3)
