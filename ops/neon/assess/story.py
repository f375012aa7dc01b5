"""A study in the words of one language, as rows that a terminal and a page show alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ops.neon.assess import tables
from ops.neon.assess.catalog import Table, is_told
from ops.neon.assess.costs import Cost
from ops.neon.assess.figures import GB, count, duration, milliseconds, money, size
from ops.neon.assess.found import Found
from ops.neon.assess.moving import Hindrance
from ops.neon.assess.pace import Stop
from ops.neon.assess.rules import Outcome
from ops.neon.assess.study import Study
from ops.neon.assess.words import Words

DASH = "–"


@dataclass(frozen=True)
class Row:
    """A criterion: its label, what was found for each database, and how that was found."""

    label: str
    values: list[str]
    source: str


def title(provider: str | None, words: Words) -> str:
    """Name a provider as people do."""
    known = tables.prices()["providers"].get(provider or "")
    return str(known.get(f"title_{words.language}", known["title"])) if known else words("unknown")


def amid(provider: str | None, words: Words) -> str:
    """Name a provider in the middle of a sentence, where a server of one's own is no proper name."""
    named = title(provider, words)
    return named[0].lower() + named[1:] if provider == "vps" else named


def how(cost: Cost, study: Study, words: Words) -> list[str]:
    """Say how a price came about, a line each, or why there is none."""
    lines = [words.units(f"{words(f'line.{line.what}')} {money(line.usd)}: {line.formula}") for line in cost.lines]
    if cost.why and study.need:
        memory, disk = (size(number * GB) for number in (study.need.memory_gb, study.need.storage_gb))
        hours = tables.prices()["providers"][cost.provider].get("operator_hours", 0)
        lines.append(words(f"why.{cost.why}", memory=memory, disk=disk, hours=hours))
    return lines


def headline(study: Study, words: Words) -> str:
    """Say the verdict in one sentence."""
    verdict = study.verdict
    if verdict is None:
        return words("verdict.failed")
    reasons = [_reason(one, words) for one in verdict.outcomes if one.fires]
    target = title(study.aim, words) if verdict.kind == "mend" and not reasons else amid(study.aim, words)
    said = {"target": target, "reasons": "; ".join(reasons), "blockers": blockers(study, words), "asks": ""}
    if verdict.kind == "mend" and verdict.target is None:
        return words("verdict.nowhere", **said)
    if verdict.kind == "mend":
        return words("verdict.mend" if reasons else "verdict.asked_mend", **said)
    if verdict.kind == "ask":
        said["asks"] = ", ".join(_short(one, words) for one in study.ways[study.aim] if one.grade == "ask")
    return words(f"verdict.{verdict.kind}", **said)


def _reason(one: Outcome, words: Words) -> str:
    return words(f"reason.{one.key}", *one.measured.split(" / "), measured=one.measured)


def blockers(study: Study, words: Words) -> str:
    """Name what blocks at the aim: obstacles, a pause too long, no price."""
    found = [_short(one, words) for one in study.ways[study.aim] if one.grade == "blocker"]
    out = [one for one in study.verdict.exclusions if one.provider == study.aim] if study.verdict else []
    found += [words(f"out.{one.why}", detail=one.detail) for one in out if one.why not in ("blockers", "here")]
    return "; ".join(found) or words("head.none")


def _short(one: Hindrance, words: Words) -> str:
    label = words.feature(one.key)[0]
    return f"{label[0].lower()}{label[1:]} ({names(one, words, 3)})"


def names(one: Hindrance, words: Words, most: int = 6) -> str:
    """Return the first names of an obstacle, and how many more there are."""
    more = one.total - min(most, len(one.names))
    return ", ".join(one.names[:most]) + (f", {words('note.more', number=count(more))}" if more > 0 else "")


def numbers(study: Study, words: Words) -> list[tuple[str, str, str]]:
    """Return the three numbers of the first screen: label, number, remark."""
    then = study.cost(study.aim)
    first = study.first
    assert study.pause is not None
    online = study.pause.online is not None
    ways = words("head.online" if online else "head.offline")
    against = ", ".join(words(f"online.{one}") for one in study.pause.against_online)
    answers = [one.answers.p95 for one in (first, study.target) if one and one.answers]
    road = words("row.tcp") + f": {milliseconds(first.wire.tcp_ms)}" if first.wire and first.wire.tcp_ms else ""
    return [
        (
            words("head.cost"),
            f"{money(study.pays)} → {money(then.usd if then else None)}",
            f"{_here(study, words)} → {amid(then.provider, words)}, {then.plan}" if then else "",
        ),
        (
            words("head.p95"),
            words.units(" → ".join(map(milliseconds, answers))) or DASH,
            words.units(road) or words("tls.local"),
        ),
        (
            words("head.pause"),
            words.units(f"≈ {duration(study.pause.best)}"),
            f"{ways}{': ' + against if against else ''}",
        ),
    ]


def _here(study: Study, words: Words) -> str:
    provider = study.first.address.provider
    return title(provider, words) if provider else words("head.here")


def changes(study: Study, words: Words) -> list[str]:
    """Say what would change the verdict: a rule that fired ending, or one that did not beginning."""
    if study.verdict is None:
        return []
    fired = [one for one in study.verdict.outcomes if one.fires]
    if fired:
        return [words(f"would.not.{one.key}", limit=one.limit) for one in fired]
    usd = min((cost.usd for cost in study.costs if cost.provider == study.aim and cost.usd is not None), default=None)
    silent = {"version", "open"} | ({"price"} if usd is None else set())
    silent |= {one.key for one in study.verdict.outcomes if one.measured == "yes"}  # a wish that was told already
    left = [one for one in study.verdict.outcomes if not one.fires and one.key not in silent]
    return [words(f"would.{one.key}", limit=one.limit, there=money(usd)) for one in left]


def gaps(study: Study, words: Words) -> list[str]:
    """Say why the confidence is not higher."""
    return [words(f"gap.{one}") for one in study.verdict.gaps] if study.verdict else []


def rows(study: Study, words: Words) -> list[Row]:
    """Return every criterion, for each database."""
    every = [one for _, one in study.columns]
    load = tables.limits()["load"]
    levels = " / ".join(str(level) for level in load["levels"])
    sources = {
        "tls": words("source.wire"), "tcp": words("source.wire"), "handshake": words("source.wire"),
        "cold": "", "warm": words("source.connect", number=load["connects"]),
        "answers": words("source.answers", number=load["looks"]), "server": words("source.server"),
        "load": words("source.load", seconds=load["seconds"]), "connections": words("source.catalogue"),
        "halted": "",
        "pooler": words("source.pooler"), "lost": words("source.pooler"), "size": words("source.size"),
        "growth": words("source.growth"), "activity": _age(study.first, words),
        "now": words("source.sample", seconds=load["sample_seconds"]), "writes": _age(study.first, words),
        "wal": words("source.wal"), "hits": "pg_stat_database", "provider": words("source.host"),
        "version": words("source.version"), "problem": "",
    }  # fmt: skip
    made = [
        Row(words(f"row.{key}", levels=levels), [words.units(tell(one, words)) for one in every], sources[key])
        for key, tell in TELLS.items()
    ]
    return [row for row in made if any(value != DASH for value in row.values)]


def _age(one: Found, words: Words) -> str:
    activity = one.catalog.activity
    if activity is None:
        return ""
    key = "source.activity" if activity.age_known else "source.unknown_age"
    return words(key, age=duration(activity.seconds))


def _tls(one: Found, words: Words) -> str:
    if one.wire is None or one.wire.problem:
        return DASH
    if one.wire.kind == "socket":
        return words("tls.local")
    if one.wire.tls is None:
        return words("tls.none")
    trusted = words("tls.trusted") if one.wire.certificate == "trusted" else one.wire.certificate
    return f"{one.wire.tls}, {trusted}"


def _three(times: object) -> str:
    found = [getattr(times, name) for name in ("p50", "p95", "p99")] if times else []
    return " / ".join(milliseconds(one) for one in found) or DASH


def _warm(one: Found, _: Words) -> str:
    warm = one.connects.warm if one.connects else None
    return f"{milliseconds(warm.p50)} / {milliseconds(warm.p95)}" if warm else DASH


def _server(one: Found, _: Words) -> str:
    """A round trip is at least the TCP connect; a p50 below it means that the road has changed meanwhile."""
    if one.answers is None:
        return DASH
    return milliseconds(max(0.0, one.answers.p50 - ((one.wire.tcp_ms if one.wire else None) or 0.0)))


def _load(one: Found, words: Words) -> str:
    told = []
    for level in one.levels:
        rate = DASH if level.per_second is None else count(level.per_second)
        told.append(f"≥ {rate}" if level.at_least else rate)
    return " / ".join(told) or DASH


def _halted(one: Found, words: Words) -> str:
    return (
        "; ".join(f"{level.connections}: {_why(level.stopped, words)}" for level in one.levels if level.stopped) or DASH
    )


def _why(stop: Stop, words: Words) -> str:
    figures = {"needed": f"{stop.needed:.0f}", "found": f"{stop.found:.0f}"}
    return words(f"stop.{stop.key}", said=stop.said, **figures)


def _connections(one: Found, _: Words) -> str:
    guests, most = one.catalog.guests, one.catalog.settings.get("max_connections")
    return f"{guests.used} / {most}" if guests and most else DASH


def _mode(one: Found, words: Words) -> str:
    return words(f"mode.{one.pooler.mode}") if one.pooler else DASH


def _lost(one: Found, words: Words) -> str:
    if one.pooler is None:
        return DASH
    lost = one.pooler.lost + ([] if one.pooler.startup_options else [words("mode.options")])
    return ", ".join(lost) or words("mode.nothing")


def _rate(per_second: float | None) -> str:
    return DASH if per_second is None else count(per_second)


def _writes(one: Found, _: Words) -> str:
    activity = one.catalog.activity
    return _rate(activity.writes / activity.seconds) if activity and is_told(activity.seconds) else DASH


def _activity(one: Found, _: Words) -> str:
    activity = one.catalog.activity
    return _rate(activity.per_second) if activity and is_told(activity.seconds) else DASH


def _hits(one: Found, _: Words) -> str:
    share = one.catalog.activity.hit_share if one.catalog.activity else None
    return DASH if share is None else f"{share:.1%}"


TELLS: dict[str, Callable[[Found, Words], str]] = {
    "problem": lambda one, _: one.problem or DASH,
    "provider": lambda one, words: title(one.address.provider, words),
    "version": lambda one, _: one.catalog.server.version if one.catalog.server else DASH,
    "tls": _tls,
    "tcp": lambda one, _: milliseconds(one.wire.tcp_ms if one.wire else None),
    "handshake": lambda one, _: milliseconds(one.wire.tls_ms if one.wire else None),
    "cold": lambda one, _: milliseconds(one.connects.cold_ms if one.connects else None),
    "warm": _warm,
    "answers": lambda one, _: _three(one.answers),
    "server": _server,
    "load": _load,
    "halted": _halted,
    "connections": _connections,
    "pooler": _mode,
    "lost": _lost,
    "size": lambda one, _: size(one.catalog.bytes) if one.catalog.server else DASH,
    "growth": lambda one, _: DASH if one.catalog.growth is None else size(one.catalog.growth),
    "activity": _activity,
    "now": lambda one, _: _rate(one.sample.transactions / one.sample.seconds if one.sample else None),
    "writes": _writes,
    "wal": lambda one, _: DASH if one.catalog.wal_per_second is None else size(one.catalog.wal_per_second * 86400),
    "hits": _hits,
}


def growth(study: Study, table: Table, words: Words) -> str:
    """Say what a month adds to a table, where the statistics are old enough to tell."""
    activity = study.first.catalog.activity
    return words.units(size(table.growth(activity.seconds))) if activity and is_told(activity.seconds) else DASH


def plan(study: Study, words: Words) -> list[tuple[str, str]]:
    """Return the steps of a move and how long each takes."""
    way, pause = study.ways[study.aim], study.pause
    assert pause is not None
    hard = any(one.grade in ("blocker", "ask") for one in way)
    rehearsal = duration(pause.dump + pause.restore + pause.verify)
    steps = [(words("step.ask"), words("step.days"))] if hard else []
    steps += [
        (words("step.rehearse"), words.units(f"≈ {rehearsal}")),
        (words("step.prepare"), words("step.hours")),
    ]
    last = words("step.paused", time=f"≈ {duration(pause.best)}")
    if pause.online is None:
        steps += [
            (words(f"step.{name}"), words.units(f"≈ {duration(getattr(pause, name))}"))
            for name in ("dump", "restore", "verify")
        ]
    steps.append((words("step.stop" if pause.online is None else "step.switch"), last))
    return [*steps, (words("step.keep"), words("step.week"))]


def notes(study: Study, words: Words) -> list[str]:
    """Return what a reader must know of the figures."""
    said = [words("note.from_here")]
    if len(study.found) > 1:
        said.append(words("note.ours"))
    if study.offered is not None:
        said.append(words("note.target", number=study.offered))
    if study.need and study.need.assumed:
        share = f"{tables.limits()['rules']['working_set_share']:.0%}"
        assumed = [words(f"assumed.{one}", share=share) for one in study.need.assumed]
        said.append(words("note.assumed", what="; ".join(assumed)))
    return [*said, *old(study, words)]


def old(study: Study, words: Words) -> list[str]:
    """Warn of tables that nobody has looked at for long."""
    limit = tables.prices()["old_after_days"]
    ages: Sequence[tuple[str, str, int, bool, str]] = list(tables.ages(study.at.date()))
    late = [f"{title(name, words)} ({table}, {days} d)" for table, name, days, _, _ in ages if days > limit]
    return [words("note.warn_old", limit=limit, names=", ".join(late))] if late else []
