"""A worker of broadcasts, one part at a time, at the pace of the bench: killed and replaced as a function may be."""

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta

from bench.casting import SCALE
from lib import errors, limits
from lib.jobs import drain
from lib.jobs.run import Kind
from lib.reach import parts, sending
from lib.tasks import part

BUDGET = timedelta(seconds=300)  # of a function, as DRAIN_SECONDS has it
TASKS = {
    "part_client": Kind("lib.tasks.part", lanes=1, at_once=2),
    "audience": Kind("lib.tasks.audience", lanes=1),
}


async def main() -> None:
    """Work until killed, from the first line of stdin on: a function that takes over is there at once."""
    hurry()
    await asyncio.to_thread(sys.stdin.readline)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the product's log
    while True:
        until = datetime.now(UTC) + BUDGET / SCALE
        try:
            await drain.work(TASKS, until, margin=drain.MARGIN / SCALE, patience=drain.PATIENCE / SCALE)
        except errors.Unavailable:
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.05)


def hurry() -> None:
    """Let a second of the product's take a fraction of one; each process of the bench does."""
    limits.PER_BOT = round(34 / SCALE)
    sending.PATIENCE /= SCALE
    sending.EARLY /= SCALE
    part.SPARE /= SCALE
    part.AGAIN /= SCALE
    parts.PROOF = timedelta(0)  # the wait after the first 500 is no time of sending


if __name__ == "__main__":
    asyncio.run(main())
