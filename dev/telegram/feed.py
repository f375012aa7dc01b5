"""The stream of what happens, for the page and for tests that watch: numbered, kept for a while, sent to everyone.

Numbers begin at the clock's milliseconds, so that they keep rising when the stack is started again.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

KEPT = 5000


class Feed:
    """Events in order; any number of readers, each from the number it has seen."""

    def __init__(self) -> None:
        self.seq = int(time.time() * 1000)
        self.closed = False
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._waiting: set[asyncio.Event] = set()

    def emit(self, kind: str, **payload: Any) -> None:
        self.seq += 1
        self._kept.append({"seq": self.seq, "type": kind, **payload})
        self._wake()

    def close(self) -> None:
        """End every reader."""
        self.closed = True
        self._wake()

    def since(self, seq: int) -> list[dict[str, Any]]:
        """Return the kept events after `seq`; a first one of type 'reset' says that some were lost in between."""
        if not self._kept or seq >= self.seq:
            return []
        gap = 0 < seq < self._kept[0]["seq"] - 1
        first = [{"seq": self._kept[0]["seq"] - 1, "type": "reset"}] if gap else []
        back = self.seq - max(seq, self._kept[0]["seq"] - 1)
        return first + list(self._kept)[-back:]

    async def follow(self, seq: int, beat: float = 15.0) -> AsyncIterator[dict[str, Any] | None]:
        """Yield the events after `seq` as they come, and None when nothing came for `beat` seconds."""
        wake = asyncio.Event()
        self._waiting.add(wake)
        try:
            while not self.closed:
                wake.clear()
                for event in self.since(seq):
                    seq = event["seq"]
                    yield event
                try:
                    await asyncio.wait_for(wake.wait(), beat)
                except TimeoutError:
                    yield None
        finally:
            self._waiting.discard(wake)

    def _wake(self) -> None:
        for wake in self._waiting:
            wake.set()
