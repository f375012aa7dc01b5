"""Counts what this instance does, and hands the counts over in batches that cannot count twice.

    add, timed ─> counts ─(20 things have ended, or a minute)─> a numbered batch ─> along with a request to Redis
                                                                └─(no answer)─> the same again, before any other

Whether a batch without an answer has arrived is not known, so it keeps its number: what folds the batches of all
instances (lib/counters.py) takes each number of an instance once. An instance that is killed loses one batch at most.
"""

import bisect
import json
import secrets
from collections import Counter

ENDED = 20
SECONDS = 60.0
KEPT = 1800.0  # seconds; what folds them knows an instance's last number for twice as long

# The upper ends of the buckets of what is timed, in seconds.
QUICK = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10)
SLOW = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)


class Tally:
    """The counts of one instance; `part` is the function that it runs."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(6)
        self.number = 0
        self.counts: Counter[str] = Counter()
        self.ended = 0
        self.since = 0.0
        self.batch = ""
        self.made_at = 0.0
        self.left_at: float | None = None
        self.hurried = False

    def hurry(self) -> None:
        """Let whatever was counted travel with the next request, however little."""
        self.hurried = True

    def take(self, now: float) -> str:
        """Return the batch that is to travel with the next request, "" for none; `now` is a monotonic time."""
        if self.left_at is not None and now - self.left_at < SECONDS:
            return ""
        if self.batch and now - self.made_at > KEPT:
            self.batch = ""
        if not self.batch and self.counts and self._is_ripe(now):
            self.number += 1
            self.batch = json.dumps({"i": self.id, "n": self.number, "c": self.counts}, separators=(",", ":"))
            self.counts, self.ended, self.since, self.made_at = Counter(), 0, 0.0, now
            self.hurried = False
        self.left_at = now if self.batch else None
        return self.batch

    def _is_ripe(self, now: float) -> bool:
        if self.hurried or self.ended >= ENDED:
            return True
        self.since = self.since or (now if self.ended else 0.0)
        return bool(self.since) and now - self.since >= SECONDS

    def arrived(self) -> None:
        """Note that the batch under way is in Redis."""
        self.batch, self.left_at = "", None

    def lost(self) -> None:
        """Note that nobody knows whether it is."""
        self.left_at = None


own = Tally()
_part = ["other"]


def here(part: str) -> None:
    """Name the function that this process runs."""
    _part[0] = part


def add(name: str, n: int = 1) -> None:
    """Count; a name is the family and the values of its labels: "cache|menu|hits"."""
    own.counts[name] += n


def spent(name: str, n: int = 1) -> None:
    """Count what the running function has spent."""
    own.counts[f"{name}|{_part[0]}"] += n


def timed(family: str, *labels: str, ms: float, ends: tuple[float, ...] = QUICK) -> None:
    """Count something that has ended, by how long it took."""
    name = "|".join((family, *labels))
    at = bisect.bisect_left(ends, ms / 1000)
    own.counts[f"{name}|{ends[at] if at < len(ends) else '+Inf'}"] += 1
    own.counts[f"{family}_ms{name[len(family) :]}"] += round(ms)
    own.ended += 1
