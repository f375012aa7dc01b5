"""Checks the promises when the storm is over, and finds out why a delivery came twice."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from bench.storm import cast
from bench.storm.services import PATIENCE, Delivery, Services
from bench.storm.weather import Weather
from lib import db
from lib.office import audit

# How long after the event a worker may still find that it cannot note what it sent.
AFTERMATH = 3.0
NO_REASON = "no reason"
# What a worker tells of a delivery by itself. Redis is not among it: nothing between a claim and the note that a result
# was sent asks Redis, so one that does not answer must not bring a delivery twice.
MISSED = {
    "unheard": "Telegram's answer came too late",
    "unnoted": "Postgres did not take the note",
    "late": "the note came when the lease had run out",
}


@dataclass(frozen=True)
class Order:
    """One order as the enqueue confirmed it."""

    key: str
    user_id: int
    chat: int
    price: int
    job_id: int


async def wrongs(conn: db.Connection, orders: dict[str, Order], refused: set[str], services: Services) -> list[str]:
    """Return what is wrong, in words; nothing, as a rule."""
    rows = await (
        await conn.execute("select id, key, user_id, price, state, task, args from every_job", binary=False)
    ).fetchall()
    found = {row[1]: row for row in rows}
    ordered = {row[1] for row in rows if row[5] not in cast.TASKS}
    notices = {f"{end}:{order.job_id}": order for order in orders.values() for end in ("failed", "cancelled")}
    ledger = Counter(await _entries(conn))
    chats = {key: order.chat for key, order in (orders | notices).items()}
    got = {delivery.key for delivery in services.deliveries} | {key for key, _ in services.refused}
    priced = [order for order in orders.values() if order.price]
    ended = {order.key: found[order.key][4] if order.key in found else "lost" for order in orders.values()}
    counts = {
        "orders lost": sum(state == "lost" for state in ended.values()),
        "jobs that are not final": sum(row[4] not in ("done", "failed", "cancelled") for row in rows),
        "orders under another job or of another person": sum(
            found[o.key][:1] + found[o.key][2:4] != (o.job_id, o.user_id, o.price)
            for o in orders.values()
            if o.key in found
        ),
        "jobs nobody ordered": len(ordered - set(orders) - set(notices)),
        "refused orders that exist": len(refused & set(found)),
        "orders charged other than once": sum(ledger[o.job_id, "charge", -o.price] != 1 for o in priced),
        "orders refunded other than their end says": sum(
            ledger[o.job_id, "refund", o.price] != (ended[o.key] != "done") for o in priced
        ),
        "entries beyond these": sum(ledger.values())
        - sum(1 + (ended[o.key] != "done") for o in priced)
        - sum(count for (job_id, *_), count in ledger.items() if job_id is None),
        "deliveries to a wrong chat": sum(chats.get(d.key) != d.chat for d in services.deliveries),
        "done without a delivery": sum(row[4] == "done" and row[1] in ordered - got for row in rows),
    }
    findings = [f"{finding.check}: {finding.number}" for finding in await audit.check(conn)]
    return [f"{count} {name}" for name, count in counts.items() if count] + findings


async def _entries(conn: db.Connection) -> Iterable[tuple[int | None, str, int]]:
    cursor = await conn.execute("select job_id, kind, amount from credit_ledger")
    return [tuple(row) for row in await cursor.fetchall()]


def repeats(services: Services, weather: Weather, ids: dict[str, int]) -> dict[str, list[str]]:
    """Return the repeated deliveries in words, by reason; NO_REASON must not be among them.

    `ids` are those of all jobs by key, also of jobs that no seller ordered: their leases are moved, too.
    """
    by_key: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in services.deliveries:
        by_key[delivery.key].append(delivery)
    reasons: dict[str, list[str]] = defaultdict(list)
    for key, sent in by_key.items():
        for first, second in itertools.pairwise(sent):
            reasons[_reason(first, second, weather, ids.get(key, 0))].append(_said(first, second))
    return reasons


def _said(first: Delivery, second: Delivery) -> str:
    """Say of a repeated delivery what a reader of the log needs to find its cause."""
    who = "the same worker" if first.worker == second.worker else "another worker"
    return f"{first.key} by {who} {second.at - first.at:.1f} s later, after {second.why or 'a try that told nothing'}"


def _reason(first: Delivery, second: Delivery, weather: Weather, job_id: int) -> str:
    if not first.heard:
        return "Telegram's answer was lost"
    until = second.at
    workers = [one for one in weather.gone + weather.drainers if one.process.pid == first.worker]
    if any(one.killed_at and first.at - AFTERMATH <= one.killed_at <= until for one in workers):
        return "the worker was killed before it had noted it"
    if any(began - 1 <= until and first.at <= ended + 1 for began, ended in weather.away):
        return "Postgres was away before it was noted"
    if any(moved <= until and moved >= first.at - AFTERMATH for moved in weather.lapsed.get(job_id, [])):
        return "the lease was moved away"
    if any(first.at <= left <= until for one in workers for left in one.told.left):
        return "the worker's time was up"
    for what, began in (note for one in workers for note in one.told.missed.get(first.key, [])):
        if first.at - PATIENCE - AFTERMATH <= began <= first.at:  # a busy service may read it as its sender gives up
            return MISSED[what]
    if any(began <= until and first.at - AFTERMATH <= ended for one in workers for began, ended in one.told.stood):
        return "the worker stood still while its lease ran out"
    return NO_REASON
