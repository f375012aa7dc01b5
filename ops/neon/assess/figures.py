"""Numbers: percentiles of what was measured, and how sizes, times and money read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

GB = 1024**3


@dataclass(frozen=True)
class Spread:
    """How long something took, in milliseconds, over `number` times."""

    number: int
    p50: float
    p95: float
    p99: float


def spread(values: Sequence[float]) -> Spread | None:
    """Return the percentiles of the values, or None when there are none."""
    if not values:
        return None
    return Spread(len(values), *(round(percentile(values, share), 3) for share in (0.50, 0.95, 0.99)))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all values do not exceed (nearest rank, as NIST defines it).

    It is always a value that was measured: with 6 connects the 95th percentile is the slowest of them.
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def size(number: float) -> str:
    """Return bytes as a person reads them: 512 B, 8.2 kB, 1.16 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if abs(number) < 1024:
            return f"{number:.0f} B" if unit == "B" else f"{number:.3g} {unit}"
        number /= 1024
    return f"{number:.3g} TB"


def milliseconds(number: float | None) -> str:
    """Return a time with three digits: 0.24 ms, 51 ms, 1.2 s."""
    if number is None:
        return "–"
    if number >= 1000:
        return f"{number / 1000:.3g} s"
    return f"{number:.2f} ms" if number < 10 else f"{number:.0f} ms"


def duration(seconds: float) -> str:
    """Return a time as a person says it: 4 s, 12 min, 3.5 h, 2 d."""
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    for limit, unit, length in ((90 * 60, "min", 60), (36 * 3600, "h", 3600)):
        if seconds < limit:
            return f"{seconds / length:.3g} {unit}" if unit == "h" else f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


def money(number: float | None) -> str:
    """Return dollars a month without a false precision: $0.42, $7.30, $128."""
    if number is None:
        return "–"
    return f"${number:,.2f}" if number < 100 else f"${number:,.0f}"


def count(number: float) -> str:
    """Return a number with thin spaces between thousands: 12 500."""
    return f"{number:,.0f}".replace(",", "\u202f") if abs(number) >= 100 else f"{number:.3g}"
