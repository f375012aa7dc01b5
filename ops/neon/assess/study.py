"""The whole of it: the databases, what the target offers, what it all costs, and the verdict; and that as JSON."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from lib import errors
from ops.neon.assess import address, catalog, costs, found, moving, rules, tables
from ops.neon.assess.costs import Cost, Need
from ops.neon.assess.door import Door
from ops.neon.assess.found import Found, Watch
from ops.neon.assess.moving import Hindrance, Pause

VERSION = 1  # of the JSON: a reader may rely on its names


@dataclass(frozen=True)
class Wanted:
    """What the command line asks for."""

    urls: Sequence[str]
    wishes: rules.Wishes
    target: str | None = None
    working_set_gb: float | None = None
    operator_usd: float | None = None
    load: bool = True


@dataclass(frozen=True)
class Study:
    """A finished assessment. What follows `found` is about its first database, and empty when that was out of reach."""

    at: datetime
    found: list[Found]
    target: Found | None
    offered: int | None
    need: Need | None
    costs: list[Cost]
    ways: Mapping[str, list[Hindrance]]
    pause: Pause | None
    wishes: rules.Wishes
    verdict: rules.Verdict | None

    @property
    def first(self) -> Found:
        """The database in question."""
        return self.found[0]

    @property
    def problems(self) -> list[str]:
        """What could not be reached, one line each."""
        every = [*self.found, *([self.target] if self.target else [])]
        return [one.problem for one in every if one.problem]

    @property
    def aim(self) -> str:
        """The provider whose obstacles are shown: the target of the verdict, the one asked for, else the cheapest."""
        wanted = (self.verdict.target if self.verdict else None) or self.wishes.to
        out = {one.provider for one in self.verdict.exclusions} if self.verdict else set()
        left = [cost for cost in self.costs if cost.provider not in out]
        return wanted or min(left, key=rules.weighed, default=self.costs[0]).provider

    @property
    def columns(self) -> list[tuple[str, Found]]:
        """Every database that was looked at, under a name that tells it from the others; the target comes last."""
        names = [one.name for one in self.found]
        told = [f"{name} #{n}" if names.count(name) > 1 else name for n, name in enumerate(names, 1)]
        columns = list(zip(told, self.found, strict=True))
        return [*columns, (f"→ {self.target.name}", self.target)] if self.target else columns

    def cost(self, provider: str | None) -> Cost | None:
        """Return a provider's cost."""
        return next((one for one in self.costs if one.provider == provider), None)

    @property
    def pays(self) -> float | None:
        """What is paid today, told or by the table."""
        here = self.cost(self.first.address.provider)
        return self.wishes.pays if self.wishes.pays is not None else here.usd if here else None


type Bar = Callable[[int, str], None]


async def make(wanted: Wanted, at: datetime, watch: Bar) -> Study:
    """Measure every database, one after the other, ask the target, and decide about the first."""
    every = [address.read(url) for url in wanted.urls]
    aim = address.read(wanted.target) if wanted.target else None
    seen = []
    for number, one in enumerate(every):
        seen.append(await found.database(one, partial(watch, number), load=wanted.load))
    target, offer = await _target(aim, partial(watch, len(every))) if aim else (None, None)
    wishes = wanted.wishes
    if aim and wishes.to is None:
        wishes = dataclasses.replace(wishes, to=aim.provider or "vps")
    empty = Study(at, seen, target, len(offer.names) if offer else None, None, [], {}, None, wishes, None)
    return empty if seen[0].problem else _judge(empty, wanted, offer)


async def _target(aim: address.Address, watch: Watch) -> tuple[Found, catalog.Offer | None]:
    """Measure a target without load, and ask it for its extensions."""
    seen = await found.database(aim, watch, load=False)
    try:
        return seen, None if seen.problem else await catalog.offer(Door(aim))
    except errors.AppError as error:
        seen.problem = error.detail
        return seen, None


def _judge(study: Study, wanted: Wanted, offer: catalog.Offer | None) -> Study:
    first, today, wishes = study.first, study.at.date(), study.wishes
    need = costs.need(
        first.catalog, first.per_second, working_set_gb=wanted.working_set_gb, operator_usd=wanted.operator_usd
    )
    priced = costs.all_costs(need, today)
    ways = {
        name: moving.hindrances(first.catalog, name, offer if name == wishes.to else None)
        for name in tables.prices()["providers"]
    }
    given = rules.Inputs(first, wishes, priced, ways, moving.pause(first.catalog), today)
    return dataclasses.replace(
        study, need=need, costs=priced, ways=ways, pause=given.pause, verdict=rules.decide(given)
    )


def dump(study: Study) -> dict[str, Any]:
    """Return all numbers as JSON has them; of an address only what may be shown."""
    return {
        "version": VERSION,
        "at": study.at.isoformat(timespec="seconds"),
        "databases": [_found(one) for one in study.found],
        "target": _found(study.target) if study.target else None,
        "target_offers": study.offered,
        "wishes": dataclasses.asdict(study.wishes),
        "verdict": dataclasses.asdict(study.verdict) if study.verdict else None,
        "aim": study.aim if study.verdict else None,
        "pays": study.pays if study.verdict else None,
        "need": dataclasses.asdict(study.need) if study.need else None,
        "costs": [dataclasses.asdict(one) for one in study.costs],
        "hindrances": {name: [dataclasses.asdict(one) for one in way] for name, way in study.ways.items()},
        "pause": dataclasses.asdict(study.pause) if study.pause else None,
        "thresholds": {name: tables.limits()[name] for name in ("load", "rules", "pause")},
    }


def _found(one: Found) -> dict[str, Any]:
    facts = {item.name: getattr(one, item.name) for item in dataclasses.fields(one) if item.name != "address"}
    dumped = {name: _plain(value) for name, value in facts.items()}
    return {
        "name": one.name, "provider": one.address.provider, "pooled": one.address.pooled, "per_second": one.per_second
    } | dumped  # fmt: skip


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return [_plain(one) for one in value] if isinstance(value, list) else value
