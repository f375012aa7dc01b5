"""The common part of every program of this folder, so that all are measured alike. One JSON line an answer, on stdout.

    prepare <n>    install the schema and enqueue n jobs that do nothing
    drain          say ready, wait for a line, work until the next line; tell how many jobs have run, and since when
    cold <n>       say ready, wait for a line; connect, run the n jobs that are queued, leave; tell the milliseconds
    feed <n>       enqueue n jobs one by one, 20 ms apart, each with the time in its arguments

Times are of the monotonic clock, which all processes of a machine share.
"""

import asyncio
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

PAUSE = 0.02


@dataclass
class Seen:
    """The jobs that this process has run."""

    count: int = 0
    first: float = 0.0
    delays: list[float] = field(default_factory=list)

    def job(self, sent: float | None = None) -> None:
        """Note a job: this is all that the jobs do."""
        if not self.count:
            self.first = time.monotonic()
        self.count += 1
        if sent:
            self.delays.append((time.monotonic() - sent) * 1000)


seen = Seen()
_answers = os.fdopen(os.dup(1), "w", buffering=1)


@dataclass(frozen=True)
class Driver:
    """How one queue does it. `warm` is done before the clock runs, `facts` are told at the end of a drain."""

    prepare: Callable[[int], Awaitable[None]]
    work: Callable[[], Awaitable[None]]
    once: Callable[[], Awaitable[None]]
    feed: Callable[[], Awaitable[Callable[[float], Awaitable[Any]]]]
    facts: Callable[[], dict[str, Any]] = dict

    def main(self, runner: Callable[[Any], None] = asyncio.run) -> None:
        """Do what the command line says."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the queue itself logs
        verb, number = sys.argv[1], int((*sys.argv, 0)[2])
        runner({"prepare": self.prepare, "drain": self._drain, "cold": self._cold, "feed": self._feed}[verb](number))

    async def _drain(self, _: int) -> None:
        await _go()
        working = asyncio.ensure_future(self.work())
        stop = asyncio.ensure_future(_line())
        told = 0
        while not stop.done():
            await asyncio.sleep(0.005)
            if working.done():
                _die(working.exception())
            if seen.count != told:
                told = seen.count
                tell(n=told, first=seen.first)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        tell(end=True, peak_mb=peak, delays=seen.delays, **self.facts())
        os._exit(0)

    async def _cold(self, number: int) -> None:
        await _go()
        began = time.monotonic()
        try:
            await self.once()
        except Exception as error:
            _die(error)
        tell(ms=(time.monotonic() - began) * 1000, n=seen.count)
        os._exit(0 if seen.count == number else 1)

    async def _feed(self, number: int) -> None:
        enqueue = await self.feed()
        for _ in range(number):
            await asyncio.sleep(PAUSE)
            await enqueue(time.monotonic())
        tell(end=True)


def tell(**answer: Any) -> None:
    """Print one answer."""
    _answers.write(json.dumps(answer) + "\n")


def _die(error: BaseException | None) -> None:
    """End at once: the thread that reads stdin would keep the process."""
    traceback.print_exception(error or RuntimeError("the worker left"))
    sys.stderr.flush()
    os._exit(1)


async def _go() -> None:
    tell(ready=True)
    await _line()


async def _line() -> None:
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
