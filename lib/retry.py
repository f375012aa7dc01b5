"""When to try again: arithmetic that decides and never sleeps."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Backoff:
    """How long to wait after each failed attempt, and when to give up."""

    base: timedelta = timedelta(seconds=2)
    factor: float = 2.0
    cap: timedelta = timedelta(minutes=5)
    jitter: float = 0.2
    max_attempts: int | None = None
    limit: timedelta | None = None

    def delay(
        self, attempts: int, elapsed: timedelta = timedelta(0), rng: Callable[[], float] = random.random
    ) -> timedelta | None:
        """Return the pause after `attempts` failures, or None to give up.

        pause = min(cap, base * factor ** (attempts - 1)) * (1 - jitter * rng()), so jitter only ever shortens it.
        It gives up at `max_attempts`, or when the next attempt would begin later than `limit` after the start.
        """
        if self.max_attempts is not None and attempts >= self.max_attempts:
            return None
        # 2 ** 64 pauses are beyond any cap, and a larger exponent overflows a float.
        growth = self.factor ** min(max(attempts - 1, 0), 64)
        seconds = min(self.cap.total_seconds(), self.base.total_seconds() * growth)
        pause = timedelta(seconds=seconds * (1 - self.jitter * rng()))
        if self.limit is not None and elapsed + pause > self.limit:
            return None
        return pause
