"""A drainer of the storm: what `api/drain` does, again and again, as cron and kicks would have it.

A line of stdin is a kick. A line of stdout tells what may bring a delivery again: jobs that an invocation left to their
leases, an answer that was not heard or could not be noted (calls.py), and a time in which the worker stood still.
"""

import asyncio
import functools
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from datetime import time as hour

from bench.storm import calls
from lib import errors
from lib.jobs import drain, kick
from lib.jobs.run import Kind, Rate
from lib.reach import hours, parts
from lib.tasks import audience, part

TASKS = {
    "paint": Kind("bench.storm.paint", lanes=24, at_once=60, rate=Rate("painter", 80, timedelta(seconds=1))),
    "greet": Kind("bench.storm.greet", lanes=12, batch=50),
    "notice": Kind("bench.storm.notice", lanes=8),
    "audience": Kind("lib.tasks.audience", lanes=1),
    "part_client": Kind("lib.tasks.part", lanes=2, at_once=2),
}


async def main() -> None:
    """Drain until killed. It is never night, and parts are small."""
    hours.MORNING, hours.EVENING, hours.NIGHT = hour.min, hour.max, timedelta(0)
    parts.FIRST, parts.PAGE, parts.PROOF = 40, 60, timedelta(seconds=0.5)
    part.SPARE, part.AGAIN = timedelta(seconds=4.5), timedelta(seconds=0.5)
    audience.SPARE = timedelta(seconds=4.5)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the product's log
    calls.tellers.append(functools.partial(print, file=answers))
    kicks: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, _listen, loop, kicks)
    async with asyncio.TaskGroup() as both:
        both.create_task(_feel_the_machine())
        both.create_task(_drain(kicks))


async def _drain(kicks: asyncio.Queue[str]) -> None:
    while True:
        try:
            async with asyncio.timeout(0.5):  # the minute of cron
                await kicks.get()
        except TimeoutError:
            if (await kick.may_rest())["drain"]:
                continue
        number = await kick.heard("drain")
        try:
            until = datetime.now(UTC) + timedelta(seconds=random.uniform(8, 16))
            summary = await drain.work(TASKS, until, margin=timedelta(seconds=4), patience=timedelta(seconds=1))
        except errors.Unavailable:
            continue
        if summary.lost:
            calls.tell(f"left {time.time()}")
        await kick.rest("drain", number, summary.due_at)


async def _feel_the_machine() -> None:
    """Tell of each time in which nothing of this worker ran, heartbeats included."""
    while True:
        began = time.time()
        await asyncio.sleep(0.1)
        if calls.is_long(time.time() - began):
            calls.tell(f"stood {began} {time.time()}")


def _listen(loop: asyncio.AbstractEventLoop, kicks: asyncio.Queue[str]) -> None:
    while line := sys.stdin.readline():
        loop.call_soon_threadsafe(kicks.put_nowait, line)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(main())
