"""The rules of the recommendation as a table, and the verdict that they lead to.

You stay when no rule to leave fires. Else the cheapest provider that nothing rules out is recommended, or the one that
was asked for. A price that nobody has verified, or an old one, counts one and a half times in that choice. A rule whose
input is unknown does not fire; it lowers the confidence instead.

    leave   connect     connecting takes longer than 150 ms, 95th percentile
            crowded     more than 80 % of the connections are in use
            price       you pay 1.5 times as much as elsewhere, and at least $10 more
            branches    a database for each branch of the code is wanted, and this provider has none
            services    accounts, realtime or files are wanted beside the database
            version     this major version gets no more fixes
            open        the way to it is not encrypted
    out     blockers    something refuses to move there
            pause       writes would have to wait for more than 4 hours
            operator    nobody was named who would look after a server
            bundle      it is bought for its services, and they are not wanted
            unpriced    the table has no price for this size
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ops.neon.assess import tables
from ops.neon.assess.catalog import is_told
from ops.neon.assess.costs import Cost
from ops.neon.assess.figures import milliseconds, money
from ops.neon.assess.found import Found
from ops.neon.assess.moving import Hindrance, Pause


@dataclass(frozen=True)
class Wishes:
    """What the owner said on the command line."""

    to: str | None = None
    branches: bool = False
    services: bool = False
    pays: float | None = None
    operated: bool = False


@dataclass(frozen=True)
class Inputs:
    """Everything that the rules look at."""

    found: Found
    wishes: Wishes
    costs: Sequence[Cost]
    ways: Mapping[str, Sequence[Hindrance]]
    pause: Pause
    today: date

    @property
    def here(self) -> str | None:
        """The provider of today, if its host tells."""
        return self.found.address.provider

    @property
    def pays(self) -> float | None:
        """What is paid today: as told, else by the price table, else unknown."""
        if self.wishes.pays is not None:
            return self.wishes.pays
        return next((cost.usd for cost in self.costs if cost.provider == self.here), None)

    @property
    def used_share(self) -> float | None:
        """The share of the server's connections in use."""
        guests, most = self.found.catalog.guests, self.found.catalog.settings.get("max_connections")
        return guests.used / int(most) if guests and most else None


@dataclass(frozen=True)
class Outcome:
    """A rule with its input and threshold. `fires` is None when the input is unknown."""

    key: str
    fires: bool | None
    measured: str
    limit: str


@dataclass(frozen=True)
class Exclusion:
    """Why a provider is not recommended."""

    provider: str
    why: str
    detail: str = ""


@dataclass(frozen=True)
class Verdict:
    """stay, move, mend (blockers first) or ask (the provider first); where to; why; how sure."""

    kind: str
    target: str | None
    outcomes: list[Outcome]
    exclusions: list[Exclusion]
    confidence: str
    gaps: list[str]


type Rule = Callable[[Inputs], Outcome]


def _connect(given: Inputs) -> Outcome:
    limit: float = tables.limits()["rules"]["connect_p95_ms"]
    warm = given.found.connects.warm if given.found.connects else None
    measured = milliseconds(warm.p95 if warm else None)
    return Outcome("connect", None if warm is None else warm.p95 > limit, measured, f"> {limit} ms")


def _crowded(given: Inputs) -> Outcome:
    limit: float = tables.limits()["rules"]["connections_used_share"]
    share = given.used_share
    measured = "–" if share is None else f"{share:.0%}"
    return Outcome("crowded", None if share is None else share > limit, measured, f"> {limit:.0%}")


def _price(given: Inputs) -> Outcome:
    rules = tables.limits()["rules"]
    limit = f"> {rules['price_factor']:g} ×, ≥ {money(rules['price_least_usd'])}"
    asked = [cost for cost in given.costs if cost.provider == given.wishes.to]
    best = next((cost.usd for cost in asked or eligible(given)), None)
    if given.pays is None or best is None:
        return Outcome("price", None, f"{money(given.pays)} / {money(best)}", limit)
    fires = given.pays > rules["price_factor"] * best and given.pays - best >= rules["price_least_usd"]
    return Outcome("price", fires, f"{money(given.pays)} / {money(best)}", limit)


def _branches(given: Inputs) -> Outcome:
    fires = given.wishes.branches and _would_gain(given, "branches")
    return Outcome("branches", fires, "yes" if given.wishes.branches else "no", "yes")


def _services(given: Inputs) -> Outcome:
    fires = given.wishes.services and _would_gain(given, "services")
    return Outcome("services", fires, "yes" if given.wishes.services else "no", "yes")


def _would_gain(given: Inputs, what: str) -> bool:
    """Tell whether the provider of today lacks something that the one that was asked for, if any, has."""
    able, to = tables.limits()["providers"], given.wishes.to
    has = given.here is not None and able[given.here][what]
    return not has and (to is None or bool(able[to][what]))


def _version(given: Inputs) -> Outcome:
    server = given.found.catalog.server
    end = tables.limits()["end_of_life"].get(str(server.major)) if server else None
    if server is None or (end is None and server.major >= 12):
        return Outcome("version", None, "–", "")
    fires = end is None or date.fromisoformat(end) <= given.today
    return Outcome("version", fires, f"{server.major}, {end or 'long ago'}", f"≤ {given.today.isoformat()}")


def _open(given: Inputs) -> Outcome:
    wire = given.found.wire
    if given.found.address.is_near:
        return Outcome("open", False, "local", "no TLS")
    if wire is None or wire.problem:
        return Outcome("open", None, "–", "no TLS")
    return Outcome("open", wire.tls is None, wire.tls or "no TLS", "no TLS")


LEAVE: tuple[Rule, ...] = (_connect, _crowded, _price, _branches, _services, _version, _open)


def exclusions(given: Inputs) -> list[Exclusion]:
    """Say of each provider that is out why it is; the provider of today is not in the race."""
    out = []
    for cost in given.costs:
        why = _why_out(given, cost)
        if why:
            out.append(why)
    return out


def _why_out(given: Inputs, cost: Cost) -> Exclusion | None:
    """Ask first what the owner wants, then what is possible; a provider that was asked for needs no wish."""
    name = cost.provider
    if name == given.here:
        return Exclusion(name, "here")
    if name != given.wishes.to and (unwanted := _unwanted(given, name)):
        return Exclusion(name, unwanted)
    if blockers := [one for one in given.ways[name] if one.grade == "blocker"]:
        return Exclusion(name, "blockers", ", ".join(one.key for one in blockers))
    hours: float = tables.limits()["rules"]["pause_hours"]
    if given.pause.best > hours * 3600:
        return Exclusion(name, "pause", f"> {hours:g} h")
    return Exclusion(name, "unpriced", cost.why) if cost.usd is None and name != given.wishes.to else None


def _unwanted(given: Inputs, name: str) -> str:
    can, wishes = tables.limits()["providers"][name], given.wishes
    if not can["operated"] and not wishes.operated:
        return "operator"
    if can["services"] != wishes.services:
        return "bundle" if can["services"] else "services"
    return "branches" if wishes.branches and not can["branches"] else ""


def eligible(given: Inputs) -> list[Cost]:
    """Return the providers that nothing rules out, the best price first."""
    out = {one.provider for one in exclusions(given)}
    return sorted((cost for cost in given.costs if cost.provider not in out), key=weighed)


def weighed(cost: Cost) -> float:
    """Return a price as the choice counts it: one that is old, or that nobody has verified, counts for more."""
    if cost.usd is None:
        return math.inf
    doubt: float = tables.limits()["rules"]["doubt_factor"]
    return cost.usd * (1.0 if cost.verified and not cost.is_old else doubt)


def decide(given: Inputs) -> Verdict:
    """Apply the rules."""
    outcomes = [rule(given) for rule in LEAVE]
    out = exclusions(given)
    kind, target = _kind(given, any(one.fires for one in outcomes), out)
    missing = gaps(given, outcomes, target)
    confidence = "high" if not missing else "medium" if len(missing) <= 2 else "low"
    return Verdict(kind, target, outcomes, out, confidence, missing)


def _kind(given: Inputs, reasons: bool, out: Sequence[Exclusion]) -> tuple[str, str | None]:
    """Stay without a reason; else mend what blocks, ask what is unknown, or move."""
    if (not reasons and given.wishes.to is None) or (given.here and given.wishes.to == given.here):
        return "stay", None
    left = eligible(given)
    target = given.wishes.to or (left[0].provider if left else None)
    if target is None or any(one.provider == target for one in out):
        return "mend", target or _nearest(given)
    if not reasons:
        return "stay", None
    return ("ask" if any(one.grade == "ask" for one in given.ways[target]) else "move"), target


def _nearest(given: Inputs) -> str | None:
    """Return who would do but for blockers, the pause or the price: with the fewest blockers, then the cheapest."""
    out = {one.provider: one.why for one in exclusions(given)}
    near = [cost for cost in given.costs if out.get(cost.provider) in ("blockers", "pause", "unpriced")]

    def distance(cost: Cost) -> tuple[int, float]:
        return sum(one.grade == "blocker" for one in given.ways[cost.provider]), weighed(cost)

    return min(near, key=distance).provider if near else None


def gaps(given: Inputs, outcomes: Sequence[Outcome], target: str | None) -> list[str]:
    """Name what the verdict had to do without: codes that words.json explains."""
    found, missing = given.found, [f"unknown_{one.key}" for one in outcomes if one.fires is None]
    if "unknown_price" in missing and given.pays is not None:
        missing[missing.index("unknown_price")] = "unpriced"
    activity = found.catalog.activity
    if found.per_second is None:
        missing.append("activity")
    elif activity and not is_told(activity.seconds):
        missing.append("too_young")
    elif activity is None or activity.seconds < tables.limits()["rules"]["trusted_stats_days"] * 86400:
        missing.append("young")
    if found.catalog.unread:
        missing.append("unread")
    if given.wishes.pays is None and given.here is not None:
        missing.append("estimated")
    cost = next((one for one in given.costs if one.provider == target), None)
    if cost and cost.is_old:
        missing.append("old")
    if cost and not cost.verified:
        missing.append("unverified")
    if target and any(one.grade == "ask" for one in given.ways[target]):
        missing.append("asked")
    return missing
