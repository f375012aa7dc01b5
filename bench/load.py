"""What does the platform do under load? Locust plays the crowd on a fixed schedule; QUICK=1 is shorter. `make load`.

The webhook runs under Vercel's own runtime; Postgres and Valkey are real, with the distances of a region before them.
"""

import asyncio
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.loading import platform
from bench.results import Failed, Skipped
from bench.updating import region
from bench.updating.region import Distance
from dev.stack import ROOT
from lib import fetch
from ops import dashboard

QUICK = bool(os.environ.get("QUICK"))
FOLDER = ROOT / ".dev" / "load"
LOCUST = FOLDER / "venv" / "bin" / "python"
DISTANCE = Distance(upstash=20, neon=4, telegram=20)
RATES = {"messages": 1000 / 60, "transactions": 100 / 60, "lists": 50.0}
REGISTRATIONS = 100


@dataclass(frozen=True)
class Course:
    """One run: the plan's rates times `scale`, for so many seconds, on so many instances of the webhook."""

    title: str
    scale: int
    webhooks: int
    seconds: int
    first_update: int = 1
    must: bool = True


COURSES = (
    Course("×1", 1, 1, 15 if QUICK else 60),
    Course("×1, two instances", 1, 2, 15 if QUICK else 60),
    Course("×10", 10, 2, 8 if QUICK else 20, must=False),
)


def run() -> str:
    """Run every course and return the table; Failed when one that must hold does not."""
    if not LOCUST.exists():
        raise Skipped("Locust is not installed; `make load` does that")
    FOLDER.mkdir(parents=True, exist_ok=True)
    waiting, cores = os.getloadavg()[0], os.cpu_count() or 1
    rows, missed = [], []
    for course in COURSES:
        found = asyncio.run(_course(course))
        rows += _rows(course, found)
        print(
            f"load: {course.title}: p95 {found['p95']:.0f} ms, {'; '.join(found['errors']) or 'no error'}", flush=True
        )
        if course.must and not found["good"]:
            missed.append(course.title)
    table = "\n".join([*HEAD, *rows, "", NOTE])
    if waiting > cores:
        busy = f"{waiting:.0f} processes wanted the {cores} cores when it began: its times say nothing but that"
        return f"{table}\n\n**No verdict**: the machine was busy. {busy}; the processor an update is right."
    if missed:
        raise Failed(f"too slow, or too many failed: {', '.join(missed)}\n{table}")
    return table


HEAD = (
    "| course | act | sent | a second | failed | p50, ms | p95, ms | webhook, ms of processor an update "
    "| crowd, of a core |",
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
)
NOTE = (
    "Times are from the planned moment of each update until the webhook's answer, so a stall counts for all who wait. "
    f"Distances there and back: {DISTANCE.upstash:.0f} ms to Redis, {DISTANCE.neon:.0f} to Postgres, "
    f"{DISTANCE.telegram:.0f} to Telegram. ×1 is 100 registrations at once, 1,000 messages and 100 transactions a "
    "minute, each transaction three updates at the till, and 50 lists a second. What is spread evenly must stay under "
    "200 ms at its p95, and of all no more than one in a thousand may fail; the platform begins further instances for "
    "what comes all at once, this machine does not. ×10 is what this machine allows, with Postgres, Redis, proxies and "
    f"the crowd on its {os.cpu_count()} cores. Locust's reports and the dashboard are in `.dev/load/`."
)


async def _course(course: Course) -> dict[str, Any]:
    """Play one course; return what Locust has found, with what the instances used."""
    with tempfile.TemporaryDirectory(prefix="lotok-load-") as name:
        async with (
            platform.platform(DISTANCE, course.webhooks) as running,
            platform.prometheus(running, Path(name)) as prometheus,
        ):
            began, before = time.time(), [running.here.cpu(n) for n in range(course.webhooks)]
            found = await _locust(course, running, Path(name) / "found.json")
            used = sum(running.here.cpu(n) - before[n] for n in range(course.webhooks))
            found["ms"] = used * 1000 / max(sum(one["sent"] for one in found["acts"].values()), 1)
            if prometheus and course.webhooks == 2 and course.must:
                await _draw(running, prometheus, began)
    return found


async def _locust(course: Course, running: platform.Platform, out: Path) -> dict[str, Any]:
    """Run Locust in its own environment, as a process of its own."""
    load = await running.facts() | {
        "rates": {name: rate * course.scale for name, rate in RATES.items()},
        "registrations": REGISTRATIONS * course.scale,
        "seconds": course.seconds,
        "first_update": course.first_update,
        "out": str(out),
    }
    report = FOLDER / f"report-x{course.scale}-{course.webhooks}.html"
    command = [
        "-m",
        "locust",
        "-f",
        "bench/loading/locustfile.py",
        "--headless",
        "-u",
        "1",
        "-r",
        "1",
        "--only-summary",
    ]
    process = await asyncio.create_subprocess_exec(
        *(str(LOCUST), *command, "--html", str(report), "-t", f"{course.seconds + 120}s"),
        cwd=ROOT,
        env={**os.environ, "LOAD": json.dumps(load), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    code = await process.wait()
    return _found(out, code)


def _found(out: Path, code: int) -> dict[str, Any]:
    if not out.exists():
        raise Failed(f"Locust ended with {code} and found nothing")
    return {**json.loads(out.read_text()), "good": code == 0}


async def _draw(running: platform.Platform, prometheus: str, began: float) -> None:
    """Draw the dashboard from what Prometheus has read meanwhile."""
    secret = {"Authorization": f"Bearer {region.GUARDS['CRON_SECRET']}"}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        await http.get(f"http://127.0.0.1:{await running.drain.port()}/api/drain", headers=secret)
    await asyncio.sleep(5)
    now = time.time()
    try:
        panels = await dashboard.read(prometheus, began, now, window=15)
    finally:
        await fetch.close()
    (FOLDER / "dashboard.html").write_text(dashboard.page(panels, now), encoding="utf-8")


def _rows(course: Course, found: dict[str, Any]) -> list[str]:
    return [
        f"| {course.title} | {name} | {one['sent']:,} | {one['sent'] / course.seconds:.0f} | {one['failed']} "
        f"| {one['p50']:.0f} | {one['p95']:.0f} | {found['ms']:.2f} | {found['share']:.2f} |"
        for name, one in found["acts"].items()
    ]
