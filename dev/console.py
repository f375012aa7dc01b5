"""Prints the output of `make up`: a table of parts that fills in place on a terminal, plain lines elsewhere."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from dev.parts import Part, PartFailed

MARKS = {"up": "✓", "starting": "·", "failed": "✗", "down": "–"}
COLOURS = {"up": "32", "starting": "33", "failed": "31", "down": "31"}


class Console:
    """Shows parts as they change."""

    def __init__(self, output: TextIO = sys.stdout) -> None:
        self._output = output
        self._live = output.isatty() and os.environ.get("TERM") != "dumb"
        self._colours = self._live and "NO_COLOR" not in os.environ
        self._parts: dict[str, tuple[Part, float]] = {}
        self._drawn = 0
        self._done = False

    def show(self, part: Part) -> None:
        """Take a change of a part."""
        known = self._parts.get(part.name)
        began = known[1] if known and known[0].status == "starting" == part.status else time.monotonic()
        self._parts[part.name] = (Part(part.name, part.status, part.detail, part.real, part.ms), began)
        if self._live and not self._done:
            self._draw()
        elif part.status in ("up", "failed", "down") and (not known or known[0].status != part.status):
            self.say(self._line(part, part.ms / 1000))

    async def refresh(self) -> None:
        """Let the seconds of starting parts run."""
        while self._live and not self._done:
            self._draw()
            await asyncio.sleep(0.1)

    def finish(self) -> None:
        """Leave the table as it is; later changes are lines."""
        if self._live and not self._done:
            self._draw()
        self._done = True

    def say(self, text: str) -> None:
        print(text, file=self._output, flush=True)

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def failure(self, failed: PartFailed, folder: Path) -> None:
        """Say what failed, where its log is and what to try."""
        self.finish()
        log = ""
        if failed.log and failed.log.exists():
            inside = failed.log.is_relative_to(folder.parent)
            log = f" Log: {failed.log.relative_to(folder.parent) if inside else failed.log}."
        hint = f" Try: {failed.hint}" if failed.hint else ""
        self.say(f"{self._paint('31', failed.part)}: {failed.reason.rstrip('.')}.{log}{hint}")

    def _draw(self) -> None:
        now = time.monotonic()
        rows = [
            self._line(part, now - began if part.status == "starting" else part.ms / 1000)
            for part, began in self._parts.values()
        ]
        up = f"\x1b[{self._drawn}A" if self._drawn else ""
        self._output.write(up + "".join(f"\x1b[2K{row}\n" for row in rows))
        self._output.flush()
        self._drawn = len(rows)

    def _line(self, part: Part, seconds: float) -> str:
        took = f"{seconds:5.1f} s" if seconds >= 0.05 or part.status == "starting" else " " * 7
        kind = " (real)" if part.real else ""
        mark = self._paint(COLOURS[part.status], MARKS[part.status])
        width = _width() - 42 if self._live else 200
        return f"  {mark} {part.name:<14}{part.status:<9}{took}  {(part.detail + kind)[:width]}"

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colours else text


def _width() -> int:
    try:
        return os.get_terminal_size().columns
    except OSError:
        return 100
