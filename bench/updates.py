"""What does an update cost, and how long does it take? QUICK=1 is shorter, BENCH_UPDATES=n sets those of the memory.

The webhook runs under Vercel's own runtime; Postgres and Valkey are real, Telegram agrees to everything. Between them
lie the distances of a region, as proxies: their milliseconds are there and back.
"""

import asyncio
import math
import os
import time

from bench.updating import beside, calls, crowd, reads, region
from bench.updating.region import Distance

QUICK = bool(os.environ.get("QUICK"))
UPDATES = int(os.environ.get("BENCH_UPDATES", "2000" if QUICK else "100000"))
ONLY = os.environ.get("BENCH_ONLY", "").split()
NEAR, FAR = Distance(2, 3, 20), Distance(10, 30, 50)


def run() -> str:
    """Run all of it, or the parts that BENCH_ONLY names, and return the tables."""
    began = time.monotonic()
    parts = asyncio.run(_all())
    return "\n\n".join([*parts, f"Took {time.monotonic() - began:.0f} s."])


async def _all() -> list[str]:
    parts = []
    for distance in (NEAR, FAR):
        if _wanted("trips") or _wanted("reads"):
            async with region.region(distance) as here:
                name = f"{distance.upstash:.0f}/{distance.neon:.0f}/{distance.telegram:.0f} ms to Upstash/Neon/Telegram"
                if _wanted("trips"):
                    parts += [f"### Hot updates, {name}", await crowd.trips(here)]
                    _progress(f"trips at {name}")
                if _wanted("reads"):
                    parts += [f"### Cached and uncached reads, {name}", await reads.compare(here)]
                    _progress(f"reads at {name}")
    if _wanted("reads"):
        parts.append(reads.MEANING)
    if any(_wanted(part) for part in ("processor", "others", "cold")):
        parts += await _processor()
    if _wanted("mix"):
        parts += await _mix()
    if _wanted("memory"):
        async with region.region(Distance()) as here:
            parts += ["### Memory", await crowd.memory(here, UPDATES)]
            _progress("memory")
    return parts


async def _processor() -> list[str]:
    async with region.region(Distance()) as here:
        parts = []
        if _wanted("processor"):
            parts += ["### Processor", await crowd.processor(here, 100 if QUICK else 400), await calls.compare(here)]
            _progress("processor")
        if _wanted("others"):
            parts += ["### Beside others", await beside.bots(here, 400 if QUICK else 2000, 2 if QUICK else 3)]
            _progress("others")
        if _wanted("cold"):
            parts += ["### Cold start", beside.imports(3 if QUICK else 7), await beside.cold(here, 3 if QUICK else 5)]
            _progress("cold start")
    return parts


async def _mix() -> list[str]:
    async with region.region(NEAR) as here:
        together = await crowd.together(here)
        _progress("together")
    async with region.region(NEAR) as here:
        table, outcome = await crowd.mix(here)
        _progress("mix")
    note = (
        "The mix at ×1: 1,000 messages a minute, 100 transactions a minute (each two updates: meeting, consent and the "
        "trial's ledger row), 50 list reads a second, on one instance at the near distances, raised until the p95 "
        f"passes 200 ms or one in a thousand fails. {outcome}, with all of it on this machine's "
        f"{os.cpu_count()} cores. One function's processor allows what the table above says; for 500 updates/s at "
        "70 % of a core each that is "
    )
    return ["### At once", together, "### The mix", table, note + f"{_instances():d} instances."]


def _instances() -> int:
    """Return how many instances 500 updates a second need, by the dearest of the hot updates."""
    return math.ceil(500 * crowd.DEAREST["ms"] / 1000 / 0.7)


def _wanted(part: str) -> bool:
    return not ONLY or part in ONLY


def _progress(line: str) -> None:
    print(f"updates: {line}", flush=True)
