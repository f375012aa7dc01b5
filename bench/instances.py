"""Do several instances do the work of one, and lose nothing when one dies? nginx before web processes and workers.

One web process and two workers; then two and three, of which one each is killed with SIGKILL and started again. They
share one Postgres and one Valkey. Sellers order cards, readers press, cashiers give points. No update may fail, each
order must be done once, the ledgers must agree with each other, and the clock ticks once a minute.
"""

import asyncio
import contextlib
import os
import random
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.chaos import INVARIANTS
from bench.results import Failed
from bench.several import fleet
from bench.several.crowd import Crowd, Size
from bench.several.fleet import Fleet, Passed, Site
from lib import config, db
from lib.office import audit

SETTLE_SECONDS = 60.0
TOLD = "select count(*) from every_job where task = 'card'"
DONE = "select count(*) from every_job where task = 'card' and state = 'done'"
GIVEN = "select count(*) from point_txns where kind = 'accrue'"


@dataclass(frozen=True)
class Course:
    """One installation, and whether processes of it die."""

    title: str
    webs: int
    drains: int
    deaths: bool


@dataclass(frozen=True)
class Outcome:
    """What a course has shown."""

    course: Course
    passed: list[Passed]
    again: int
    ordered: int
    given: int
    seconds: float
    ticks: int
    wrong: list[str]


ALONE = Course("1 web, 1 drain, 1 render", 1, 1, deaths=False)
SEVERAL = Course("2 web, 2 drain, 1 render; a web and a drain killed", 2, 2, deaths=True)


def run() -> str:
    """Play both courses and return the table; Failed when anything was lost or done twice."""
    busy = os.getloadavg()[0]
    outcomes = [asyncio.run(play(course, Size())) for course in (ALONE, SEVERAL)]
    table = "\n".join([*HEAD, *map(_row, outcomes), "", NOTE.format(size=Size(), busy=busy, cores=os.cpu_count())])
    wrong = [f"{one.course.title}: {what}" for one in outcomes for what in one.wrong]
    if wrong:
        raise Failed("; ".join(wrong) + "\n" + table)
    return table


HEAD = (
    "| processes | updates | sent on to the other | then failed | offered again by Telegram | p50, ms | p95, ms "
    "| worst, ms | orders, each done once | points given, each once | ticks of the clock in minutes |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)
NOTE = (
    "{size.readers} readers, {size.sellers} sellers and {size.cashiers} cashiers for {size.seconds:.0f} s, each with "
    "{size.pause} s between an answer and the next act. nginx runs the file that a server gets; its log tells times "
    "and repetitions. Everything shares {cores} cores, of which {busy:.1f} were wanted when it began, and drawing the "
    "cards takes one: the times say that nothing stood still, not how fast it is. Both courses ended with an audit "
    "(lib/office/audit.py) that found nothing."
)


async def play(course: Course, size: Size, seed: int = 7) -> Outcome:
    """Play one course in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="lotok-instances-"))
    doors = fleet.doors(course.webs, course.drains, 1)
    try:
        async with (
            Site(folder, fleet.given(doors)) as site,
            fleet.fleet(doors, site.settings, folder / "fleet") as running,
            site.client() as http,
        ):
            os.environ.update(site.settings)
            config.get.cache_clear()
            crowd = Crowd(site, http, size, random.Random(seed))
            await crowd.settle()
            began, since = time.time(), running.lines()
            killing = asyncio.create_task(_kill(running, size.seconds)) if course.deaths else None
            await crowd.live()
            if killing:
                await killing
            await settled(site)
            return await _judge(course, crowd, running, began, running.updates(since))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _kill(running: Fleet, seconds: float) -> None:
    """Kill a web process and later a drain, each in the middle of the course, and start them again."""
    await asyncio.sleep(seconds / 3)
    for one in (running.webs[0], running.drains[0]):
        one.kill()
        await asyncio.sleep(seconds / 10)
        one.start()
        await one.is_up()


async def settled(site: Site, seconds: float = SETTLE_SECONDS) -> None:
    """Wait until no job is left that is due."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while await number(site, f"{TOLD} and finished_at is null"):  # noqa: ASYNC110 - it is Postgres that knows
                await asyncio.sleep(0.5)


async def _judge(course: Course, crowd: Crowd, running: Fleet, began: float, passed: list[Passed]) -> Outcome:
    """Count what is wrong."""
    site = crowd.site
    records = list(site.world.updates.values())
    counts = {
        "updates that were not delivered": sum(one.state != "delivered" for one in records),
        "orders more or fewer than were placed": abs(await number(site, TOLD) - crowd.ordered),
        "orders that were not done": crowd.ordered - await number(site, DONE),
        "points more or less often than given": abs(await number(site, GIVEN) - crowd.given),
    }
    for name, query in INVARIANTS.items():
        if name != "orders that are not final":
            counts[name] = await number(site, query)
    async with db.connect(site.owner_url) as conn:
        found = [f"{one.check}: {one.number}" for one in await audit.check(conn)]
    ticks, minutes = running.ticks(), range(int(began // 60) + 1, int((time.time() - 5) // 60) + 1)
    counts["minutes with another number of ticks than one"] = sum(ticks[minute] != 1 for minute in minutes)
    again = sum(len(one.attempts) > 1 for one in records)
    wrong = [f"{count} {name}" for name, count in counts.items() if count] + found
    return Outcome(course, passed, again, crowd.ordered, crowd.given, time.time() - began, ticks.total(), wrong)


async def number(site: Site, query: str) -> int:
    async with db.connect(site.owner_url) as conn:
        row = await (await conn.execute(query.encode())).fetchone()
    return int(row[0]) if row else 0


def _row(one: Outcome) -> str:
    times = sorted(passed.ms for passed in one.passed)
    on, failed = sum(passed.tries > 1 for passed in one.passed), sum(passed.status != 200 for passed in one.passed)
    return (
        f"| {one.course.title} | {len(times):,} | {on} | {failed} | {one.again} | {statistics.median(times):.0f} "
        f"| {times[int(len(times) * 0.95)]:.0f} | {times[-1]:.0f} | {one.ordered} | {one.given} "
        f"| {one.ticks} in {one.seconds / 60:.1f} |"
    )
