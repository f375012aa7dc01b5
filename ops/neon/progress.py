"""How far a long step is: one bar that moves on a terminal, a line now and then elsewhere, both on stderr."""

import sys
import time
from typing import TextIO

WIDTH = 24
EVERY = 10.0  # seconds between two lines of a log


class Progress:
    """A step of a known size, told as it goes on.

    progress = Progress("data", 23)
    progress.step("app.orders")
    progress.done()
    """

    def __init__(self, title: str, total: int, *, to: TextIO | None = None, quiet: bool = False) -> None:
        self.title, self.total, self.count = title, total, 0
        self._to = to or sys.stderr
        self._quiet = quiet
        self._bar = self._to.isatty()
        self._began = self._told = time.monotonic()

    def step(self, what: str = "", by: int = 1) -> None:
        """Note that `by` more are done, the last of them `what`."""
        self.count = min(self.total, self.count + by)
        now = time.monotonic()
        if self._bar or now - self._told >= EVERY:
            self._told = now
            self._say(line(self.title, self.count, self.total, now - self._began, what))

    def done(self, words: str = "") -> float:
        """Finish the bar and return the seconds that the step took."""
        seconds = time.monotonic() - self._began
        self._say(f"{self.title:<12} {words or self.total} in {seconds:.1f} s", last=True)
        return seconds

    def _say(self, words: str, *, last: bool = False) -> None:
        if self._quiet:
            return
        if self._bar:
            self._to.write(f"\r\x1b[K{words}" + ("\n" if last else ""))
        else:
            self._to.write(words + "\n")
        self._to.flush()


def line(title: str, count: int, total: int, seconds: float, what: str = "") -> str:
    """Return the bar of a step: `data         [#####.......] 7/23 12 s app.orders`."""
    full = WIDTH * count // total if total else WIDTH
    return f"{title:<12} [{'#' * full}{'.' * (WIDTH - full)}] {count}/{total} {seconds:.0f} s {what[:60]}".rstrip()
