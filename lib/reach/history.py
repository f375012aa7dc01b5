"""Sums of the counters at moments of the last hours, kept in Redis, so that a share of the last hour is known.

A sum each five minutes for six and a half hours, each hour for three days: 150 moments, four kilobytes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

KEY = "metrics:history"
FINE, COARSE = 300, 3600  # seconds between two moments, of the last hours and before
FINE_KEPT, KEPT = 23_400, 262_800
NAMES = ("updates", "bad", "calls", "floods")

type Moment = tuple[int, dict[str, int]]


@dataclass(frozen=True)
class Share:
    """So many of so many, in a span."""

    part: int
    whole: int

    @property
    def ratio(self) -> float:
        """The part of the whole; none of nothing."""
        return self.part / self.whole if self.whole else 0.0


@dataclass(frozen=True)
class History:
    """The moments, oldest first; the last is now."""

    moments: list[Moment] = field(default_factory=list)

    @staticmethod
    def read(text: str | None) -> "History":
        """Return what `dump` wrote; nothing for what cannot be read."""
        try:
            return History([(int(at), dict(sums)) for at, sums in json.loads(text or "[]")])
        except (ValueError, TypeError):
            return History()

    def dump(self) -> str:
        """Return it as text, thinned out."""
        return json.dumps(self._thinned(), separators=(",", ":"))

    def add(self, now: float, totals: Mapping[str, int]) -> "History":
        """Return it with this moment. Counters that have begun from zero begin the history afresh."""
        sums = sums_of(totals)
        back = self.moments and any(sums[name] < self.moments[-1][1].get(name, 0) for name in NAMES)
        return History([*([] if back else self.moments), (int(now), sums)])

    def share(self, part: str, whole: str, span: float) -> Share:
        """Return how many of how many there were in the last seconds, or since the first moment if that is later."""
        if not self.moments:
            return Share(0, 0)
        at, sums = self.moments[-1]
        before = next((one for when, one in reversed(self.moments) if when <= at - span), self.moments[0][1])
        return Share(*(sums.get(name, 0) - before.get(name, 0) for name in (part, whole)))

    def _thinned(self) -> list[Moment]:
        now = self.moments[-1][0] if self.moments else 0
        kept: list[Moment] = []
        for at, sums in self.moments:
            apart = FINE if now - at < FINE_KEPT else COARSE
            if now - at < KEPT and (not kept or at - kept[-1][0] >= apart):
                kept.append((at, sums))
        return kept


def sums_of(totals: Mapping[str, int]) -> dict[str, int]:
    """Return what the rules need of the counters."""
    sums = dict.fromkeys(NAMES, 0)
    for name, number in totals.items():
        family, *labels = name.split("|")
        if family == "update" and labels[1] != "repeated":
            sums["updates"] += number
            sums["bad"] += number if labels[1] in ("failed", "buried") else 0
        elif family == "call":
            sums["calls"] += number
            sums["floods"] += number if labels[-1] == "flood" else 0
    return sums
