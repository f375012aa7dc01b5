"""What would happen to the move: what stands in the way at each provider, and how long writes would have to wait."""

from collections.abc import Iterator
from dataclasses import dataclass

from ops.neon.assess import tables
from ops.neon.assess.catalog import Catalog, Offer
from ops.neon.assess.figures import GB

GRADES = ("blocker", "ask", "work", "note")


@dataclass(frozen=True)
class Hindrance:
    """Something to solve, to ask, to do or to know before a move."""

    key: str
    grade: str
    total: int
    names: list[str]
    online: bool


def hindrances(found: Catalog, provider: str, offer: Offer | None = None) -> list[Hindrance]:
    """Say what stands in the way at one provider, the worst first; `offer` is what that target said of itself."""
    known = tables.features()
    every = [*_features(found), *_extensions(found, provider, offer), *_version(found, provider, offer)]
    graded = [
        Hindrance(key, known[key].get("by", {}).get(provider, known[key]["grade"]), total, names, known[key]["online"])
        for key, total, names in every
    ]
    return sorted(graded, key=lambda one: (GRADES.index(one.grade), one.key))


type Named = tuple[str, int, list[str]]


def _features(found: Catalog) -> Iterator[Named]:
    for key, feature in found.features.items():
        yield key, feature.total, feature.names
    if found.server and found.server.encoding != "UTF8":
        yield "encoding", 1, [found.server.encoding]


def _extensions(found: Catalog, provider: str, offer: Offer | None) -> Iterator[Named]:
    major = found.server.major if found.server else 0
    answers: dict[str, list[str]] = {"no": [], "ask": [], "care": []}
    for one in found.extensions:
        answer, remark = tables.extension(one.name, provider, major) if offer is None else _asked(offer, one.name)
        if answer != "yes":
            answers[answer].append(f"{one.name} ({remark})" if remark else one.name)
    keys = {"no": "extension_refused", "ask": "extension_unknown", "care": "extension_conditions"}
    yield from ((keys[answer], len(names), names) for answer, names in answers.items() if names)


def _asked(offer: Offer, name: str) -> tuple[str, str]:
    return ("yes", "") if offer.has(name) else ("no", "the target said so itself")


def _version(found: Catalog, provider: str, offer: Offer | None) -> Iterator[Named]:
    newest = (offer.major if offer else 0) or max(tables.limits()["providers"][provider]["versions"])
    if found.server and found.server.major > newest:
        yield "newer_version", 1, [f"{found.server.major}, there {newest}"]


@dataclass(frozen=True)
class Pause:
    """How long nobody may write, in seconds, by the two ways to move."""

    offline: float
    online: float | None
    dump: float
    restore: float
    verify: float
    against_online: list[str]

    @property
    def best(self) -> float:
        """The shorter one."""
        return min(self.offline, self.online) if self.online is not None else self.offline


def pause(found: Catalog) -> Pause:
    """Estimate the pause: offline GB x (dump + restore + verify) + the switch; online a constant.

    Source: the figures in limits.json, measured on 1.16 GB between two local servers. Over a network the bandwidth is
    the limit: a rehearsal measures it. Online needs logical replication: a right, a setting, and keys.
    """
    model = tables.limits()["pause"]
    size = found.bytes / GB
    dump, restore, verify = (size * model[f"{step}_s_per_gb"] for step in ("dump", "restore", "verify"))
    against = _against_online(found)
    online = None if against else float(model["online_s"])
    return Pause(dump + restore + verify + model["switch_s"], online, dump, restore, verify, against)


def _against_online(found: Catalog) -> list[str]:
    """Say what logical replication lacks: codes that words.json explains."""
    against = []
    if found.settings.get("wal_level") != "logical":
        against.append("wal_level")
    if found.role and not (found.role.may_replicate or found.role.is_superuser):
        against.append("no_right")
    if found.server and found.server.is_standby:
        against.append("standby")
    if found.unread.keys() & {"keyless", "server", "settings", "role"}:
        against.append("unread")
    return against
