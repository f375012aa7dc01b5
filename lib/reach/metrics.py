"""The figures as Prometheus reads them: text format 0.0.4, from Redis alone, so that asking never wakes Postgres.

Two sources: what all instances have counted (lib/counters.py), cumulative for ever, and what the last worker that ended
has left of Postgres (lib/reach/snapshot.py). Labels are bots, tasks, states, classes and providers: never a person, a
chat, a shop, a job, an address or the text of an error. docs/metrics.md names every figure.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lib import counters, tally
from lib.jobs import kick
from lib.reach import snapshot
from lib.reach.snapshot import Snapshot

TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Family:
    """One figure: its name, kind, meaning and labels; a count is divided by `unit`."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    unit: int = 1
    ends: tuple[float, ...] = ()


type Labels = tuple[str, ...]
type Samples = Mapping[Labels, float]

# By the family in lib/tally.py.
COUNTED = {
    "update": Family(
        "lotok_update_seconds", "histogram", "Updates by bot and outcome.", ("bot", "outcome"), ends=tally.QUICK
    ),
    "job": Family("lotok_job_seconds", "histogram", "Runs of jobs by outcome.", ("task", "state"), ends=tally.SLOW),
    "wait": Family("lotok_job_wait_seconds", "histogram", "From due to taken, of jobs.", ("task",), ends=tally.SLOW),
    "provider": Family(
        "lotok_provider_call_seconds", "histogram", "Calls of providers.", ("provider", "outcome"), ends=tally.SLOW
    ),
    "provider_cost": Family(
        "lotok_provider_cost_dollars_total", "counter", "What calls of providers cost.", ("provider",), unit=1000
    ),
    "cache": Family("lotok_cache_reads_total", "counter", "Reads of cached classes.", ("class", "outcome")),
    "call": Family(
        "lotok_telegram_calls_total", "counter", "Calls of the Bot API; flood is a 429.", ("bot", "kind", "outcome")
    ),
    "cast": Family("lotok_broadcast_messages_total", "counter", "Messages of broadcasts.", ("kind", "outcome")),
    "redis": Family("lotok_redis_requests_total", "counter", "Round trips to Upstash.", ("part",)),
    "redis_commands": Family("lotok_redis_commands_total", "counter", "Commands that Upstash bills.", ("part",)),
    "sql": Family("lotok_postgres_round_trips_total", "counter", "Statements sent to Neon.", ("part",)),
}
UPDATES = Family("lotok_updates_total", "counter", "Updates by bot and outcome.", ("bot", "outcome"))
# Of the snapshot.
GAUGES = (
    Family("lotok_snapshot_age_seconds", "gauge", "Since a worker left the figures of Postgres."),
    Family("lotok_cron_age_seconds", "gauge", "Since the minute's cron was last seen."),
    Family("lotok_jobs", "gauge", "Unfinished jobs.", ("task", "state")),
    Family("lotok_queue_lag_seconds", "gauge", "For how long the oldest untaken job has been due."),
    Family("lotok_oldest_job_seconds", "gauge", "For how long the oldest unfinished job has been due."),
    Family("lotok_broadcasts", "gauge", "Broadcasts under way.", ("state",)),
    Family("lotok_attention", "gauge", "What waits for an administrator.", ("what",)),
    Family("lotok_credits_day", "gauge", "Credits moved in 24 hours.", ("kind",)),
    Family("lotok_points_day", "gauge", "Points moved in 24 hours.", ("kind",)),
    Family("lotok_provider_spent_day_dollars", "gauge", "Spent in 24 hours.", ("provider",)),
    Family("lotok_provider_limit_day_dollars", "gauge", "May be spent in 24 hours.", ("provider",)),
    Family("lotok_provider_halted", "gauge", "Why a provider is not asked.", ("provider", "why")),
    Family("lotok_migration_info", "gauge", "The last migration.", ("migration",)),
)


async def scrape() -> str:
    """Return the page: one round trip to Redis, and none to Postgres. Unavailable without Redis."""
    totals, (left, mark) = await counters.totals(snapshot.KEY, kick.MARK)
    return page(totals, Snapshot.read(left), mark, time.time())


def page(totals: Mapping[str, int], found: Snapshot | None, mark: str | None, now: float) -> str:
    """Return the whole text."""
    grouped: defaultdict[str, dict[Labels, int]] = defaultdict(dict)
    for name, number in totals.items():
        counted, *labels = name.split("|")
        grouped[counted][tuple(labels)] = number
    lines: list[str] = []
    for key, family in COUNTED.items():
        if family.kind == "histogram":
            lines += _histogram(family, grouped[key], grouped[f"{key}_ms"])
        else:
            lines += _family(family, {labels: n / family.unit for labels, n in grouped[key].items()})
    lines += _family(UPDATES, _sums(grouped["update"]))
    gauges = _gauges(found, mark, now)
    for gauge in GAUGES:
        lines += _family(gauge, gauges.get(gauge.name, {}))
    return "\n".join([*lines, ""])


def _gauges(found: Snapshot | None, mark: str | None, now: float) -> dict[str, Samples]:
    drawn: dict[str, Samples] = {}
    if at := kick.mark_of(mark)[0]:
        drawn["lotok_cron_age_seconds"] = {(): max(now - at, 0)}
    if found is None:
        return drawn
    keyed = [one for one in found.providers if one["halt"] != "off"]
    return drawn | {
        "lotok_snapshot_age_seconds": {(): max(now - found.at, 0)},
        "lotok_jobs": {(one["task"], one["state"]): one["number"] for one in found.jobs},
        "lotok_queue_lag_seconds": {(): found.lag(now)},
        "lotok_oldest_job_seconds": {(): found.oldest(now)},
        "lotok_broadcasts": {(state,): number for state, number in found.casts.items()},
        "lotok_attention": {(what,): number for what, number in found.counts.items() if not what.endswith("_hour")},
        "lotok_credits_day": {(kind,): number for kind, number in found.credits.items()},
        "lotok_points_day": {(kind,): number for kind, number in found.points.items()},
        "lotok_provider_spent_day_dollars": {(one["provider"],): one["spent"] / 1000 for one in keyed},
        "lotok_provider_limit_day_dollars": {(one["provider"],): one["limit"] / 1000 for one in keyed if one["limit"]},
        "lotok_provider_halted": {(one["provider"], one["halt"]): 1 for one in keyed if one["halt"]},
        "lotok_migration_info": {(found.migration,): 1},
    }


def _sums(counted: Mapping[Labels, int]) -> dict[Labels, float]:
    """Return how many there were, whatever they took."""
    sums: defaultdict[Labels, float] = defaultdict(float)
    for (*labels, _), number in counted.items():
        sums[tuple(labels)] += number
    return sums


def _family(family: Family, samples: Samples) -> list[str]:
    if not samples:
        return []
    return [*_head(family), *(_sample(family.name, family.labels, key, samples[key]) for key in sorted(samples))]


def _histogram(family: Family, counted: Mapping[Labels, int], spent: Mapping[Labels, int]) -> list[str]:
    if not counted:
        return []
    lines = _head(family)
    for labels, number in sorted(_sums(counted).items()):
        below = 0
        for end in (*map(str, family.ends), "+Inf"):
            below += counted.get((*labels, end), 0)
            lines.append(_sample(f"{family.name}_bucket", (*family.labels, "le"), (*labels, end), below))
        lines.append(_sample(f"{family.name}_sum", family.labels, labels, spent.get(labels, 0) / 1000))
        lines.append(_sample(f"{family.name}_count", family.labels, labels, number))
    return lines


def _head(family: Family) -> list[str]:
    return [f"# HELP {family.name} {family.help}", f"# TYPE {family.name} {family.kind}"]


def _sample(name: str, labels: Iterable[str], values: Iterable[str], number: float) -> str:
    pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(labels, values, strict=True))
    shown = int(number) if float(number).is_integer() else round(number, 6)
    return f"{name}{{{pairs}}} {shown}" if pairs else f"{name} {shown}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
