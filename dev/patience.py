"""How long a process may take to boot: by what it does, as a machine with other work may give it little processor."""

import asyncio
import contextlib
import time

import psutil

BOOT_SECONDS = 30
LOOK = 0.5  # seconds


class Patience:
    """Says when to give a boot up: a process that hangs uses no processor, and one that runs in circles uses much."""

    def __init__(self, now: float) -> None:
        self._used, self._since = 0.0, now

    def is_over(self, used: float, now: float) -> bool:
        """Look at the seconds of the processor that the process has used until now."""
        if used > self._used:
            self._used, self._since = used, now
        return max(used, now - self._since) >= BOOT_SECONDS


async def end(pid: int) -> None:
    """Return when the process should have booted, or when it is gone."""
    patience = Patience(time.monotonic())
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        while not patience.is_over(sum(process.cpu_times()[:2]), time.monotonic()):  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(LOOK)
