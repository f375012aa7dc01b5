"""python -m bench.till.sheets: a worker that does the queued `sheet` jobs, and says as JSON what that took.

As on a deployment it has the database, Telegram and nothing else; its settings come from the environment. Beside the
jobs it looks how long its loop is held up: a broadcast's messages share it.
"""

import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lib.jobs import drain
from lib.tasks import TASKS

BUDGET = timedelta(seconds=900)  # an invocation on Vercel has 300; a busy machine is to be measured, too
LOOK = 0.005


def peak() -> int:
    """Return the most memory that this process has had, in bytes; Linux only."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


async def _watch(waits: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(LOOK)
        waits.append(time.perf_counter() - began - LOOK)


async def main() -> None:
    """Work until the queue is empty or the invocation's time is over."""
    waits: list[float] = []
    watch = asyncio.create_task(_watch(waits))
    before, began, cpu = peak(), time.perf_counter(), time.process_time()
    done = await drain.work({"sheet": TASKS["sheet"]}, datetime.now(UTC) + BUDGET, patience=timedelta(0))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    watch.cancel()
    late = sorted(waits)[int(len(waits) * 0.99)]
    print(
        json.dumps({"done": done.done, "seconds": seconds, "cpu": cpu, "before": before, "peak": peak(), "late": late})
    )


if __name__ == "__main__":
    asyncio.run(main())
