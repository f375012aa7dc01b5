"""python -m bench.till.sheets: a worker that does the queued `sheet` jobs, and says as JSON what that took.

As on a deployment it has the database, Telegram and nothing else; its settings come from the environment.
"""

import asyncio
import json
import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lib.jobs import drain
from lib.tasks import TASKS

BUDGET = timedelta(seconds=300)  # of one invocation on Vercel


def peak() -> int:
    """Return the most memory that this process has had, in bytes; Linux only."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) * 1024 if found else 0


async def main() -> None:
    """Work until the queue is empty or the invocation's time is over."""
    before, began = peak(), time.perf_counter()
    done = await drain.work({"sheet": TASKS["sheet"]}, datetime.now(UTC) + BUDGET, patience=timedelta(0))
    seconds = time.perf_counter() - began
    print(json.dumps({"done": done.done, "seconds": seconds, "before": before, "peak": peak()}))


if __name__ == "__main__":
    asyncio.run(main())
