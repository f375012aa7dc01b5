"""How things move: curves from 0 to 1 over time. Seconds in, shares out; no state, so any frame can be drawn alone."""

import math


def passed(now: float, start: float, length: float) -> float:
    """Return how much of the span has passed, 0 to 1."""
    return min(1.0, max(0.0, (now - start) / length))


def settle(now: float, start: float, length: float) -> float:
    """Start fast and come to rest."""
    return 1 - (1 - passed(now, start, length)) ** 4


def glide(now: float, start: float, length: float) -> float:
    """Start and stop softly."""
    share = passed(now, start, length)
    return share * share * share * (share * (share * 6 - 15) + 10)


def spring(now: float, start: float, length: float) -> float:
    """Come to rest after going a little too far."""
    share = passed(now, start, length) - 1
    return 1 + 2.2 * share**3 + 1.2 * share**2


def bump(now: float, start: float, length: float) -> float:
    """Go to 1 and back to 0."""
    return math.sin(math.pi * passed(now, start, length))


def sway(now: float, period: float, phase: float = 0.0) -> float:
    """Swing between -1 and 1."""
    return math.sin(math.tau * (now / period + phase))
