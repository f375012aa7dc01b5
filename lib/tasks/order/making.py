"""Gets each item made: asks the providers of its chain in their order, waits for them, and settles what they answer.

no call ──begin──> intent noted ──create──> ticket noted ──poll──> done: made ours, stored
                      │   │ refused at the door: the same again later, or the next of the chain
                      │   └─ nobody knows whether a task exists (answer lost, worker died): the callback may name
                      │      it; else, when it would long be finished, it is counted as lost and begun again
                      └─ instant providers have no tickets: their answer is the picture
"""

import random
import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from lib import clock, config, db, errors, log, providers
from lib.providers.contract import Ask, Offer, Output, Report, Ticket, answers
from lib.studio import callbacks, spending
from lib.studio.items import Call, Item
from lib.tasks.order import asking, finish
from lib.tasks.order.desk import Desk, after
from lib.tasks.order.refusals import failed, lost, refused, settle

# A provider that is slower than so many times its own pace is left for the next one; a moment is given to each.
SLOW = 3
SLOW_AT_LEAST = 60
UNKNOWN_GRACE = 60  # KIE does not know a task in the seconds after it made it
FETCHES = 5
STEPS = 16


async def go_on(desk: Desk) -> datetime | None:
    """Bring every item as far as it goes now; return when to come again, None when all are stored."""
    await _poll(desk)
    waits = [await advance(desk, number) for number in range(desk.order.count)]
    return min((wait for wait in waits if wait), default=None)


async def advance(desk: Desk, number: int) -> datetime | None:
    """Bring one item as far as it goes now; return when to come again, None when it is stored."""
    for _ in range(STEPS):
        item = desk.item(number)
        if item.state == "made":
            return None
        wait = await (_begin if item.state == "open" else _settle)(desk, item)
        if wait is not None:
            return wait
    return after(10)


async def _poll(desk: Desk) -> None:
    """Ask each provider once for all tickets of the order."""
    open_tickets: dict[str, dict[int, Ticket]] = {}
    for item in desk.items():
        if item.call and item.call.ticket:
            open_tickets.setdefault(item.call.ticket.provider, {})[item.number] = item.call.ticket
    for tickets in open_tickets.values():
        desk.reports.update(zip(tickets, await _reports(list(tickets.values())), strict=True))


async def _reports(tickets: list[Ticket]) -> list[Report]:
    """Ask a provider what became of tickets of its own."""
    with answers("down"):
        return await providers.load(tickets[0].provider).poll(tickets)


async def _begin(desk: Desk, item: Item) -> datetime | None:
    """Ask the next of the chain; return when to come again, None to look at once what to do next."""
    choice = await asking.choose(desk, item)
    if isinstance(choice, datetime):
        return choice
    step = choice.step
    if providers.load(step.provider).INSTANT and not desk.has_time_for(step.seconds * (2 + finish.in_line())):
        return after(20)
    begun = await db.run(lambda conn: asking.note_call(conn, desk, item, choice))
    if begun.wait:
        return clock.now() + begun.wait + timedelta(seconds=random.random())
    if begun.id is None:  # it was halted between the look and now
        return None
    call = Call(begun.id, choice.offer.name, choice.is_still, secrets.token_hex(8), choice.account)
    item = replace(item, call=call, why=choice.why or item.why)
    try:
        ask = await asking.ask(desk, item, choice)
    except errors.AppError:  # our own storage, most likely: nobody was asked
        await settle(desk, call, "failed", 0)
        raise
    try:
        item = await _prepare(desk, item, step, ask)
        made = await _create(desk, item, step, ask)
    except errors.Upstream as error:
        return await refused(desk, item, error)
    if isinstance(made, Output):
        return await _accept(desk, item, step, made)
    await desk.keep(replace(item, call=replace(item.asked, request=None, ticket=made)))
    return _next_look(0, step)


async def _prepare(desk: Desk, item: Item, step: Offer, ask: Ask) -> Item:
    """Note what is about to be sent where it costs something: who takes over must know that a task may exist."""
    with answers("down"):
        request = await providers.load(step.provider).prepare(step, ask)
    item = replace(item, call=replace(item.asked, request=request, at=desk.now))
    if step.cost:
        await desk.keep(item)
    return item


async def _create(desk: Desk, item: Item, step: Offer, ask: Ask) -> Ticket | Output:
    """Spend."""
    call, provider = item.asked, providers.load(step.provider)
    if not desk.order.is_batch:
        done = _percent(desk, item, 0.0)
        await desk.show("making.filming" if desk.order.is_video else "making.generating", done or None)
    callback = "" if provider.INSTANT else callbacks.address(step.provider, desk.job_id, call.nonce)
    async with finish.turn(step):
        with answers("maybe_made"):
            return await provider.create(step, ask, call.request or {}, callback)


async def _settle(desk: Desk, item: Item) -> datetime | None:
    """See what became of what was begun."""
    choice = asking.choice_of(desk, item.asked)
    if choice is None:  # the table has changed since
        return await lost(desk, item)
    if item.state == "asked":
        found = await _reconciled(desk, item.asked, choice.step)
        if found is None:
            return await _unnamed(desk, item, choice.step)
        item = replace(item, call=replace(item.asked, ticket=found))
        await desk.keep(item)
    return await _look(desk, item, choice.step)


async def _unnamed(desk: Desk, item: Item, step: Offer) -> datetime | None:
    """Wait for the name of a task that may exist, until it would long be finished."""
    grace = step.seconds * 2 + 60
    age = desk.now - item.asked.at
    if not providers.load(step.provider).INSTANT and age < grace * config.get().lease_scale:
        return min(after(20), after(grace))
    return await lost(desk, item)


async def _look(desk: Desk, item: Item, step: Offer) -> datetime | None:
    """See what became of a task."""
    call = item.asked
    age = desk.now - call.at
    report = desk.reports.pop(item.number, None) or (await _reports([_ticket(call)]))[0]
    if report.state == "unknown" and age >= UNKNOWN_GRACE:
        report = Report("failed", error="the provider does not know the task")
    if report.state == "failed":
        return await failed(desk, item, report)
    if report.state == "done":
        return await _collect(desk, item, step, report)
    if age > (await _patience(step, age)) * config.get().lease_scale:
        log.event("provider_slow", job_id=desk.job_id, provider=step.provider, model=step.model, seconds=round(age))
        return await lost(desk, item, again=False)
    if report.progress is not None:
        await desk.stir(_percent(desk, item, report.progress))
    return _next_look(age, step)


async def _patience(step: Offer, age: float) -> float:
    """Return how long a task of this model is waited for: by what it promises and, once that is over, by its pace."""
    patience = float(max(SLOW * step.seconds, SLOW_AT_LEAST))
    if age > patience * config.get().lease_scale:
        pace = await db.run(lambda conn: spending.pace_of(conn, step.provider, step.model))
        patience = max(patience, SLOW * pace)
    return patience


async def _reconciled(desk: Desk, call: Call, step: Offer) -> Ticket | None:
    """Return the task of a request whose answer nobody has seen, if the provider has named it and it is ours."""
    named = (desk.run.checkpoint.get("heard") or {}).get(call.nonce)
    if not named:
        return None
    with answers("down"):
        found = await providers.load(step.provider).find(step, call.request or {}, named)
    log.event("task_found", job_id=desk.job_id, provider=step.provider, ours=found is not None)
    return found


async def _collect(desk: Desk, item: Item, step: Offer, report: Report) -> datetime | None:
    """Copy the result to our own storage at once; one that cannot be fetched or is no picture counts as a failure."""
    try:
        async with finish.transfer:
            with answers("no_answer"):
                output = await providers.load(step.provider).collect(_ticket(item.asked), report)
    except errors.Upstream as error:
        item = replace(item, fetches=item.fetches + 1)
        if isinstance(error, errors.Rejected) or item.fetches >= FETCHES:
            return await failed(desk, item, _useless(step, report.cost, error))
        await desk.keep(item)
        return after(5 * item.fetches)
    return await _accept(desk, item, step, output)


async def _accept(desk: Desk, item: Item, step: Offer, output: Output) -> datetime | None:
    """Take a provider's bytes; what is no picture of what was ordered is its failure, and costs what it costs."""
    try:
        await _take(desk, item, step, output)
    except errors.Rejected as error:
        return await failed(desk, item, _useless(step, output.cost, error))
    return None


def _useless(step: Offer, cost: int | None, error: errors.Upstream) -> Report:
    """Report a result that is of no use to us: it was paid for all the same."""
    return Report("failed", cost=step.cost if cost is None else cost, error=str(error))


async def _take(desk: Desk, item: Item, step: Offer, output: Output) -> None:
    """Make a provider's bytes ours, store them, and note what they cost."""
    call = item.asked
    files, note = await finish.store(desk, item, step, output)
    await settle(desk, call, "done", output.cost)
    if call.still:
        item = replace(item, call=None, still=files["still"])
    else:
        item = replace(item, call=None, files=files, note=note, by=call.offer)
    await desk.keep(item)


def _percent(desk: Desk, item: Item, progress: float) -> int:
    """Return how far the whole order is."""
    parts = [1.0 if other.state == "made" else 0.0 for other in desk.items()]
    parts[item.number] = progress
    return min(round(100 * sum(parts) / len(parts)), 99)


def _ticket(call: Call) -> Ticket:
    if call.ticket is None:
        raise ValueError(f"call {call.id} has no ticket")
    return call.ticket


def _next_look(age: float, step: Offer) -> datetime:
    """Return when to poll next: six times within the usual time, then ever more rarely. A callback comes before it."""
    return after(min(max(4.0, step.seconds / 6, age / 6), 60.0) if age or step.seconds < 60 else step.seconds / 3)
