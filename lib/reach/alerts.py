"""The alerts of the platform, as states that are kept: which rules there are, and when one fires and is over.

    (seen) -> pending ──(seen for `after`)──> firing ──(not seen for KEEP)──> resolved ──(seen)──> pending
              pending ──(not seen)──> forgotten

A page is told at once, a ticket once a day (lib/reach/telling.py). Shares are judged with a least number of errors:
with twenty updates an hour one error is five percent, and means nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from lib import config, db
from lib.reach.history import History
from lib.reach.snapshot import Snapshot

SQL = db.load("alerts")

KEEP = timedelta(minutes=5)
# The share of updates that may fail: 99.9 % do not.
ALLOWED = 0.001
NEARLY = 0.7  # of a month's plan
LEAST_ERRORS, FEW_ERRORS, FEW_UPDATES = 10, 5, 1000

# When a backup was last restored and found equal, and when one was last made, as Unix time: `python -m ops backup`
# leaves both. A night without one is told that morning, whatever kept it from being made.
BACKUP, BACKUP_DAYS = "backup_restored", 8
SAVED, SAVED_HOURS = "backup_made", 30

type Facts = dict[str, Any]
type Severity = Literal["page", "ticket"]


@dataclass(frozen=True)
class Sight:
    """What the rules look at: the figures of Postgres, what was counted lately, each bot's webhook, the last audit, and

    which part of a month's plan is used up, by service.
    """

    now: datetime
    snapshot: Snapshot
    history: History
    hooks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: int = 0
    plan: Mapping[str, float] = field(default_factory=dict)
    backup_at: int = 0
    saved_at: int = 0

    @property
    def at(self) -> float:
        """The moment as Unix time."""
        return self.now.timestamp()


type Reading = tuple[str, Facts]


@dataclass(frozen=True)
class AlertRule:
    """One thing that may be wrong: `look` yields a label and facts for each case of it."""

    name: str
    look: Callable[[Sight], Iterator[Reading]]
    after: timedelta = timedelta(0)
    severity: Severity = "page"


@dataclass(frozen=True)
class Alert:
    """One case of a rule, and how it stands."""

    name: str
    label: str
    severity: Severity
    state: Literal["pending", "firing", "resolved"]
    since: datetime
    good_since: datetime | None = None
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    facts: Facts = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others."""
        return self.name, self.label


def _lag(sight: Sight) -> Iterator[Reading]:
    if (lag := sight.snapshot.lag(sight.at)) > 120:
        yield "", {"minutes": int(lag // 60)}


def _oldest(sight: Sight) -> Iterator[Reading]:
    if (age := sight.snapshot.oldest(sight.at)) > 900:
        yield "", {"minutes": int(age // 60)}


def _webhook(sight: Sight) -> Iterator[Reading]:
    """`last_error_date` stays after the error is over, so it is compared with now."""
    for bot, hook in sight.hooks.items():
        if hook.get("pending_update_count", 0) > 100 and sight.at - hook.get("last_error_date", 0) < 300:
            yield bot, {"pending": hook["pending_update_count"]}


def _errors(sight: Sight) -> Iterator[Reading]:
    """The budget of a month burns 14.4 times too fast for an hour, or 6 times for six; with little traffic, a count."""
    hour = sight.history.share("bad", "updates", 3600)
    for long, short, burn in ((3600, 300, 14.4), (21_600, 1800, 6.0)):
        wide, narrow = sight.history.share("bad", "updates", long), sight.history.share("bad", "updates", short)
        if wide.part >= LEAST_ERRORS and min(wide.ratio, narrow.ratio) > burn * ALLOWED:
            yield "", {"failed": wide.part, "updates": wide.whole}
            return
    if sight.history.share("bad", "updates", 86_400).whole < FEW_UPDATES and hour.part >= FEW_ERRORS:
        yield "", {"failed": hour.part, "updates": hour.whole}


def _slow_errors(sight: Sight) -> Iterator[Reading]:
    days, hours = (sight.history.share("bad", "updates", span) for span in (259_200, 21_600))
    if days.part >= LEAST_ERRORS and min(days.ratio, hours.ratio) > ALLOWED:
        yield "", {"failed": days.part, "updates": days.whole}


def _floods(sight: Sight) -> Iterator[Reading]:
    flood = sight.history.share("floods", "calls", 3600)
    if flood.part >= LEAST_ERRORS and flood.ratio > 0.01:
        yield "", {"failed": flood.part, "updates": flood.whole}


def _jobs(sight: Sight) -> Iterator[Reading]:
    failed, finished = (sight.snapshot.counts.get(name, 0) for name in ("failed_hour", "finished_hour"))
    if failed >= 3 and failed * 10 >= finished:
        yield "", {"failed": failed, "finished": finished}


def _count(name: str) -> Callable[[Sight], Iterator[Reading]]:
    def look(sight: Sight) -> Iterator[Reading]:
        if number := sight.snapshot.counts.get(name, 0):
            yield "", {"number": number}

    return look


def _audit(sight: Sight) -> Iterator[Reading]:
    if sight.findings:
        yield "", {"number": sight.findings}


def _money(sight: Sight) -> Iterator[Reading]:
    for one in sight.snapshot.providers:
        if one["halt"] == "money":
            yield one["provider"], {}


def _budget(sight: Sight) -> Iterator[Reading]:
    for one in sight.snapshot.providers:
        if one["halt"] != "off" and one["limit"] and one["spent"] * 10 >= one["limit"] * 8:
            yield one["provider"], {"percent": one["spent"] * 100 // one["limit"] * 100}


def _plan(name: str) -> Callable[[Sight], Iterator[Reading]]:
    def look(sight: Sight) -> Iterator[Reading]:
        if (share := sight.plan.get(name, 0.0)) >= NEARLY:
            yield "", {"percent": int(share * 100) * 100}

    return look


def _backup(sight: Sight) -> Iterator[Reading]:
    """Nothing where backups are not ours to make, as with Neon alone: then none was ever restored here."""
    if sight.backup_at and (days := int(sight.at - sight.backup_at) // 86_400) >= BACKUP_DAYS:
        yield "", {"days": days}


def _saved(sight: Sight) -> Iterator[Reading]:
    if sight.saved_at and (hours := int(sight.at - sight.saved_at) // 3600) >= SAVED_HOURS:
        yield "", {"hours": hours}


# What has told of itself already, when it happened, is a page only when nobody has dealt with it for a while.
TOLD = timedelta(minutes=10)
RULES = (
    AlertRule("lag", _lag, after=timedelta(minutes=2)),
    AlertRule("oldest", _oldest, after=timedelta(minutes=5)),
    AlertRule("webhook", _webhook),
    AlertRule("errors", _errors),
    AlertRule("jobs", _jobs),
    AlertRule("money", _money, after=TOLD),
    AlertRule("letters", _count("letters"), after=TOLD),
    AlertRule("unmatched", _count("unmatched"), after=TOLD),
    AlertRule("audit", _audit, severity="ticket"),
    AlertRule("slow_errors", _slow_errors, severity="ticket"),
    AlertRule("floods", _floods, severity="ticket"),
    AlertRule("budget", _budget, severity="ticket"),
    AlertRule("debt", _count("debt"), severity="ticket"),
    AlertRule("stopped", _count("stopped"), severity="ticket"),
    AlertRule("disliked", _count("disliked"), severity="ticket"),
    *(AlertRule(name, _plan(name), severity="ticket") for name in config.PLAN),
    AlertRule("backup", _backup, severity="ticket"),
    AlertRule("saved", _saved, severity="ticket"),
)


@dataclass(frozen=True)
class Change:
    """What a look has changed: what fires since this look, what is over since, and what fires on; the rest is quiet."""

    kept: list[Alert]
    gone: list[Alert]
    fired: list[Alert]
    resolved: list[Alert]

    @property
    def firing(self) -> list[Alert]:
        """All that fires now."""
        return [one for one in self.kept if one.state == "firing"]

    @property
    def look_again(self) -> bool:
        """Whether something is about to change its state by time alone."""
        return any(one.state == "pending" or one.good_since for one in self.kept)


def read(sight: Sight, rules: Iterable[AlertRule] = RULES) -> dict[tuple[str, str], tuple[AlertRule, Facts]]:
    """Return what is wrong, by rule and label."""
    return {(rule.name, label): (rule, facts) for rule in rules for label, facts in rule.look(sight)}


def advance(known: Sequence[Alert], seen: Mapping[tuple[str, str], tuple[AlertRule, Facts]], now: datetime) -> Change:
    """Return how each stands now, by how it stood and whether it is seen."""
    before = {one.key: one for one in known}
    after: list[Alert] = []
    gone: list[Alert] = []
    for key in {**before, **seen}:
        found, one = seen.get(key), before.get(key)
        if found:
            after.append(_seen(one, key[1], *found, now))
        elif one and one.state == "pending":
            gone.append(one)
        elif one:
            after.append(_missed(one, now))
    fired = [one for one in after if one.fired_at == now and one.state == "firing"]
    return Change(after, gone, fired, [one for one in after if one.resolved_at == now])


def _seen(one: Alert | None, label: str, rule: AlertRule, facts: Facts, now: datetime) -> Alert:
    if one is None or one.state == "resolved":
        one = Alert(rule.name, label, rule.severity, "pending", now)
    one = replace(one, severity=rule.severity, facts=facts, good_since=None)
    if one.state == "pending" and now - one.since >= rule.after:
        return replace(one, state="firing", fired_at=now)
    return one


def _missed(one: Alert, now: datetime) -> Alert:
    if one.state == "resolved":
        return one
    since = one.good_since or now
    if now - since < KEEP:
        return replace(one, good_since=since)
    return replace(one, state="resolved", good_since=None, resolved_at=now)


async def look(conn: db.Connection, sight: Sight) -> Change:
    """Look at everything, keep how it stands, and return what has changed."""
    known = await every(conn)
    change = advance(known, read(sight), sight.now)
    changed = [asdict(one) for one in change.kept if one not in known]
    if changed or change.gone:
        gone = [{"name": one.name, "label": one.label} for one in change.gone]
        await SQL.keep.run(conn, kept=_json(changed), gone=_json(gone), now=sight.now)
    return change


async def every(conn: db.Connection) -> list[Alert]:
    """Return all that are kept, the pages first."""
    return [replace(one, since=one.since.astimezone(UTC)) for one in await SQL.all.all(conn, Alert)]


def _json(rows: list[dict[str, Any]]) -> str:
    return json.dumps(rows, default=str)
