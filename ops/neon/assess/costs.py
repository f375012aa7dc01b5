"""What a month costs at each provider, from what was measured and the dated list prices of data/prices.json.

Each cost is a list of lines with the formula that made them, so that a reader can do the sum. What is not in the table
(egress over the free share, support, taxes, a standby) is not in the sum.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from ops.neon.assess import tables
from ops.neon.assess.catalog import Catalog
from ops.neon.assess.figures import GB, count, money


@dataclass(frozen=True)
class Need:
    """What a database needs, in the units of price lists. `assumed` are codes of what was not measured."""

    storage_gb: float
    working_set_gb: float
    per_second: float | None
    wal_gb_a_day: float
    growth_gb: float
    operator_usd: float | None = None
    assumed: tuple[str, ...] = ()

    @property
    def memory_gb(self) -> float:
        """Memory of a server of one's own size: three quarters of it may hold data, as Postgres' documentation says of
        effective_cache_size ("Resource Consumption": shared_buffers a quarter, the rest the system's cache).
        """
        return max(1.0, self.working_set_gb / 0.75)


@dataclass(frozen=True)
class Line:
    """A part of a price and how it came about."""

    what: str
    formula: str
    usd: float


@dataclass(frozen=True)
class Cost:
    """What a provider costs a month. `usd` is None where the table cannot say: `why` is too_large or unpaid."""

    provider: str
    title: str
    plan: str
    usd: float | None
    in_a_year: float | None
    lines: list[Line] = field(default_factory=list)
    why: str = ""
    source: str = ""
    as_of: str = ""
    region: str = ""
    verified: bool = False
    is_old: bool = False


def need(
    found: Catalog, per_second: float | None, *, working_set_gb: float | None = None, operator_usd: float | None = None
) -> Need:
    """Turn what was read into what price lists ask for.

    The working set cannot be read from outside; without --working-set it is the share of the database that limits.json
    names (a half). WAL is that of the whole server, by pg_stat_wal, so with other databases on it an upper bound.
    """
    stored = found.bytes / GB
    share: float = tables.limits()["rules"]["working_set_share"]
    assumed = [] if working_set_gb else ["working_set"]
    if per_second is None:
        assumed.append("activity")
    if found.wal_per_second is None:
        assumed.append("wal")
    return Need(
        storage_gb=stored,
        working_set_gb=working_set_gb or stored * share,
        per_second=per_second,
        wal_gb_a_day=(found.wal_per_second or 0.0) * 86400 / GB,
        growth_gb=(found.growth or 0.0) / GB,
        operator_usd=operator_usd,
        assumed=tuple(assumed),
    )


def all_costs(wanted: Need, today: date) -> list[Cost]:
    """Price every provider of the table."""
    return [price(name, wanted, today) for name in tables.prices()["providers"]]


def price(name: str, wanted: Need, today: date) -> Cost:
    """Price one provider, today and with a year's growth."""
    entry: Mapping[str, Any] = tables.prices()["providers"][name]
    kinds = {"usage": usage, "plans": plans, "units": units}
    plan, lines, why = kinds[entry["kind"]](entry, wanted)
    _, later, no_later = kinds[entry["kind"]](entry, _in_a_year(wanted))
    lines, later = _in_dollars(entry, lines), _in_dollars(entry, later)
    return Cost(
        provider=name,
        title=entry["title"],
        plan=plan,
        usd=None if why else round(sum(line.usd for line in lines), 2),
        in_a_year=None if no_later else round(sum(line.usd for line in later), 2),
        lines=lines,
        why=why,
        source=entry["source"],
        as_of=entry["as_of"],
        region=entry["region"],
        verified=entry["verified"],
        is_old=tables.old(name, today),
    )


OPERATOR = "operator"


def _in_dollars(entry: Mapping[str, Any], lines: list[Line]) -> list[Line]:
    """Turn a price list's own currency into dollars; an operator's rate is in dollars already."""
    rate = tables.prices()["usd_for_eur"]["value"] if entry.get("currency") == "EUR" else 1.0
    return [replace(line, usd=round(line.usd * (1.0 if line.what == OPERATOR else rate), 2)) for line in lines]


def _in_a_year(wanted: Need) -> Need:
    grown = wanted.storage_gb + 12 * wanted.growth_gb
    share = grown / wanted.storage_gb if wanted.storage_gb else 1.0
    return Need(
        grown,
        wanted.working_set_gb * share,
        wanted.per_second,
        wanted.wal_gb_a_day,
        wanted.growth_gb,
        wanted.operator_usd,
    )


def awake_share(per_second: float | None, suspend_seconds: float) -> float:
    """Return the share of a month that a compute is awake which sleeps after `suspend_seconds` without a query.

    With transactions that come independently of each other at a mean rate r (a Poisson process), a compute is awake
    when at least one came in the last s seconds: 1 - exp(-r s). Real traffic comes in bursts, so it sleeps rather
    longer: an upper bound. Source of s: Neon docs, "Scale to Zero", 300 s by default.
    """
    return 1.0 if per_second is None else 1 - math.exp(-per_second * suspend_seconds)


def compute_units(working_set_gb: float, entry: Mapping[str, Any]) -> float:
    """Return the size of a compute whose cache holds the working set, in steps of a quarter.

    CU = working set / (4 GB of memory a CU x 75 % that its cache may take), at least 0.25. Source: Neon docs,
    "How to size your compute" (75 %) and "Plans" (4 GB).
    """
    wanted = working_set_gb / (entry["cu_memory_gb"] * entry["cache_share"])
    return float(max(entry["cu_least"], math.ceil(wanted / entry["cu_step"]) * entry["cu_step"]))


def usage(entry: Mapping[str, Any], wanted: Need) -> tuple[str, list[Line], str]:
    """Price by use: compute = CU x 730 h x awake x price; storage and history by the GB and month.

    Source: Neon docs, "Plans" and "Usage metrics" (CU-hours; GB-months of storage; instant restore by the WAL kept).
    """
    units = compute_units(wanted.working_set_gb, entry)
    awake = awake_share(wanted.per_second, entry["suspend_seconds"])
    hours = tables.prices()["hours_a_month"]
    history = wanted.wal_gb_a_day * entry["history_days"]
    lines = [
        Line(
            "compute",
            f"{units:g} CU × {hours} h × {awake:.0%} × ${entry['cu_hour']:g}",
            units * hours * awake * entry["cu_hour"],
        ),
        Line(
            "storage", f"{wanted.storage_gb:.2f} GB × ${entry['storage_gb']:g}", wanted.storage_gb * entry["storage_gb"]
        ),
        Line(
            "history",
            f"{wanted.wal_gb_a_day:.2f} GB × {entry['history_days']} × ${entry['history_gb']:g}",
            history * entry["history_gb"],
        ),
    ]
    return f"{entry['plan']}, {units:g} CU", lines, ""


def plans(entry: Mapping[str, Any], wanted: Need) -> tuple[str, list[Line], str]:
    """Price by the smallest size that has the memory and the disk: fixed + size + GB over what is included.

    Sources: the price lists that the entry names. A backup is a share of the server's price, an operator's hours are at
    a rate that only the owner knows.
    """
    size = next((one for one in entry["sizes"] if _fits(one, wanted)), None)
    if size is None:
        return "", [], "too_large"
    lines = [Line("fixed", entry["fixed_is"], entry["fixed"])] if entry["fixed"] else []
    lines.append(Line("server", f"{size['name']}, {size['memory_gb']} GB", size["monthly"]))
    over = max(entry.get("least_gb", 0), wanted.storage_gb) - max(entry["included_gb"], size.get("disk_gb", 0))
    if over > 0:
        lines.append(Line("storage", f"{over:.1f} GB × {entry['storage_gb']:g}", over * entry["storage_gb"]))
    if "backup_share" in entry:
        lines.append(
            Line(
                "backups", f"{entry['backup_share']:.0%} × {size['monthly']:g}", size["monthly"] * entry["backup_share"]
            )
        )
    hours = entry.get("operator_hours", 0)
    if hours and wanted.operator_usd is None:  # without a rate it has no price, or it would always win
        return size["name"], lines, "unpaid"
    if hours and wanted.operator_usd is not None:
        lines.append(Line(OPERATOR, f"{hours} h × {money(wanted.operator_usd)}", hours * wanted.operator_usd))
    return size["name"], lines, ""


def _fits(size: Mapping[str, Any], wanted: Need) -> bool:
    enough: bool = size["memory_gb"] >= wanted.memory_gb and size.get("disk_gb", math.inf) >= wanted.storage_gb
    return enough and "lacks" not in size


def units(entry: Mapping[str, Any], wanted: Need) -> tuple[str, list[Line], str]:
    """Price by parts: vCPU-hours, GB-hours of memory, GB of storage.

    A vCPU carries at most 6.5 GB of memory and an instance has at least 3.75 GB. Source: Google Cloud docs, "Pricing"
    and "Machine types" of Cloud SQL for PostgreSQL.
    """
    hours = tables.prices()["hours_a_month"]
    memory = max(entry["least_memory_gb"], math.ceil(wanted.memory_gb / 0.25) * 0.25)
    cpus = math.ceil(memory / entry["memory_per_vcpu"])
    disk = max(entry["least_gb"], math.ceil(wanted.storage_gb))
    lines = [
        Line("processor", f"{cpus} vCPU × {hours} h × ${entry['vcpu_hour']:g}", cpus * hours * entry["vcpu_hour"]),
        Line(
            "memory",
            f"{memory:g} GB × {hours} h × ${entry['memory_gb_hour']:g}",
            memory * hours * entry["memory_gb_hour"],
        ),
        Line("storage", f"{count(disk)} GB × ${entry['storage_gb']:g}", disk * entry["storage_gb"]),
    ]
    return f"{cpus} vCPU, {memory:g} GB", lines, ""
