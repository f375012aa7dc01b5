"""A worker whose clock a test holds: what it sees does not depend on how busy the machine is."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib.jobs import drain

HOUR = timedelta(hours=1)


class Clock:
    """The worker's clock, which stands still until it is let go; `skip` brings the next heartbeat nearer."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)
        self._began: float | None = None
        self._skipped = 0.0

    def now(self) -> datetime:
        gone = 0.0 if self._began is None else time.monotonic() - self._began
        return self.at + timedelta(seconds=gone)

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped

    def go(self) -> None:
        self._began = self._began or time.monotonic()

    def skip(self, seconds: float) -> None:
        self._skipped += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("lib.clock.now", made.now)
    monkeypatch.setattr(drain, "time", SimpleNamespace(monotonic=made.monotonic))
    return made


async def work(tasks, *, until=None, **options):
    """Work until nothing is left; the time is never up by itself."""
    until = until or datetime.now(UTC) + HOUR
    return await drain.work(tasks, until, **{"patience": timedelta(0), **options})
