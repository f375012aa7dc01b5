"""Our own application moved from one Postgres to another while people write to it: `python -m bench.several.moved`.

It serves by webhook behind nginx; sellers order cards, cashiers give points. The cutover's command starts the
processes of the new address and lets nginx lead to them, as a promoted deployment does. Meanwhile the webhook answers
503, and Telegram offers its updates again: somebody writes in the midst of the pause, so that this is met each time.
Each order must be done once, each ledger sum, and no update be lost.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import instances
from bench.chaos import ENDS, INVARIANTS
from bench.results import Failed, Skipped
from bench.several import fleet
from bench.several.crowd import Crowd, Size
from bench.several.fleet import Doors, Fleet, Server, Site
from dev import database, servers
from dev.telegram.records import Update
from lib import config, db
from lib.office import audit
from ops.neon import cutover, steps

VERSIONS = (16, 17)
LIVE = {"wal_level": "logical", "max_connections": "100", "shared_buffers": "64MB"}
PATIENCE = 240.0  # seconds that the last orders may take: drawing them takes a core
SIZE = Size(readers=16, sellers=4, cashiers=8, seconds=50, pause=0.5)
SHORT = Size(readers=6, sellers=2, cashiers=2, seconds=25, pause=0.5)


@dataclass(frozen=True)
class Outcome:
    """The figures of a move under load.

    `silence` is the longest time in which no update was answered with 200; `held` are the updates that were answered
    with 503 from the fence on, and delivered later.
    """

    pause: float
    silence: float
    updates: int
    again: int
    held: int
    ordered: int
    given: int
    wrong: list[str]

    def row(self) -> str:
        """Return it as a row of the table."""
        return (
            f"| {VERSIONS[0]} → {VERSIONS[1]} | {self.updates:,} | {self.again} | {self.held} | {self.ordered} "
            f"| {self.given} | {self.pause:.2f} | {self.silence:.2f} | {'; '.join(self.wrong) or '0'} |"
        )


HEAD = """| our own application | updates | offered again | of these, by a 503 of the pause \
| orders, each done once | points given, each once | pause, s | nobody answered, s | lost, doubled, or in no ledger |
|---|---|---|---|---|---|---|---|---|"""

NOTE = (
    f"{SIZE.readers} readers, {SIZE.sellers} sellers and {SIZE.cashiers} cashiers for {SIZE.seconds:.0f} s, by webhook "
    "and through nginx, all on the same cores. *Pause*: from the fence until nginx leads to the new processes, which "
    "the cutover's own command does; *nobody answered*: the longest time without a webhook's 200. A webhook of the old "
    "processes waits for its database as long as for one that wakes, then it answers 503. At last every job was waited "
    "for, and the audit (lib/office/audit.py) found nothing on the target."
)


class MovingSite(Site):
    """An installation whose Postgres is a server of ours, as one that can be moved from."""

    def __init__(self, folder: Path, doors: Doors, source: Path) -> None:
        super().__init__(folder, fleet.given(doors))
        self._source = source

    async def _start_postgres(self, is_real: bool) -> None:
        owner = address(self._source)
        with self.parts.starting("postgres") as part:
            part.detail = await database.migrate(owner)
        self.settings["DATABASE_URL_UNPOOLED"], self.settings["DATABASE_URL"] = (
            owner,
            address(self._source, "lotok_app"),
        )


def address(data: Path, role: str = "postgres", base: str = "lotok") -> str:
    """Return the address of a base of a server."""
    return f"postgresql://{role}@/{base}?host={data.parent}"


async def play(size: Size = SIZE, seed: int = 7) -> Outcome:
    """Move an installation while people use it."""
    for version in VERSIONS:
        if why := servers.lacking(version):
            raise Skipped(why)
    folder = Path(tempfile.mkdtemp(prefix="lotok-moved-"))
    try:
        with servers.run(VERSIONS[0], **LIVE) as source, servers.run(VERSIONS[1], **LIVE) as target:
            for data in (source, target):
                async with db.connect(address(data, base="postgres")) as conn:
                    await conn.execute("create database lotok")
            return await _play(folder, source, target, size, random.Random(seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _play(folder: Path, source: Path, target: Path, size: Size, dice: random.Random) -> Outcome:
    doors, later = fleet.doors(1, 1, 1), fleet.doors(1, 1, 1)
    async with (
        MovingSite(folder, doors, source) as site,
        fleet.fleet(doors, site.settings, folder / "fleet") as running,
        site.client() as http,
    ):
        os.environ.update(site.settings)
        config.get.cache_clear()
        crowd = Crowd(site, http, size, dice)
        await crowd.settle()
        since, living = running.lines(), asyncio.create_task(crowd.live())
        await cutover.run(_asked(source, target, folder))
        new = site.settings | {"DATABASE_URL": address(target, "lotok_app"), "DATABASE_URL_UNPOOLED": address(target)}
        async with _promoted(doors, later, new, running) as promote:
            waiting = asyncio.create_task(_promote(folder, crowd, promote))
            wait = f"touch {folder}/switch; until [ -e {folder}/switched ]; do sleep 0.02; done"
            await cutover.run(_asked(source, target, folder, yes=True, on_switch=wait))
            knocked, _ = await asyncio.gather(waiting, living)
            site.settings |= new
            async with asyncio.timeout(PATIENCE):
                await knocked.done.wait()
            await instances.settled(site, PATIENCE)
            state = steps.load("cutover", address(source), address(target), folder / "move")
            outcome = await _judge(crowd, running, since, state.facts)
            await cutover.run(_asked(source, target, folder, finish=True))
        return outcome


def _asked(source: Path, target: Path, folder: Path, **options: object) -> argparse.Namespace:
    given: dict[str, object] = {
        "yes": False,
        "offline": False,
        "finish": False,
        "app_role": ["lotok_app"],
        "deadline": 60,
        "on_switch": "",
    }
    given |= {"without": [], "skip_extension": [], "state": folder / "move"}
    return argparse.Namespace(**given | options | {"source": address(source), "target": address(target)})


@contextlib.asynccontextmanager
async def _promoted(
    doors: Doors, later: Doors, settings: Mapping[str, str], old: Fleet
) -> AsyncIterator[Callable[[], None]]:
    """Start the web process of the new address, where nobody comes yet, and yield what promotes it."""
    env, folder = fleet.environment(settings), old.folder
    web = Server("web", later.webs[0], ["serve", "--only", fleet.WEB], env, folder / "new-web.log")
    others = [
        Server("drain", later.drains[0], ["serve", "--only", "drain", "--clock"], env, folder / "new-drain.log"),
        Server("render", later.renders[0], ["serve", "--only", "render"], env, folder / "new-render.log"),
    ]

    def promote() -> None:
        moved = Doors(doors.outside, doors.inside, later.webs, later.drains, later.renders)
        (folder / "nginx.conf").write_text(fleet.configuration(moved, folder))
        old.reload()
        for one in others:
            one.start()

    try:
        web.start()
        await web.is_up()
        yield promote
    finally:
        for one in (web, *others):
            one.stop()


async def _promote(folder: Path, crowd: Crowd, promote: Callable[[], None]) -> Update:
    """Wait for the cutover's command, let somebody write, promote, and let the command end."""
    while not (folder / "switch").exists():  # noqa: ASYNC110 - it is another process that says so
        await asyncio.sleep(0.01)
    update = await crowd.knock()
    promote()
    (folder / "switched").touch()
    return update


def held(records: Iterable[Update], since: float) -> int:
    """Count the updates that were answered with 503 since a time, and delivered later."""
    return sum(
        one.state == "delivered" and any(tried["status"] == 503 and tried["at"] >= since for tried in one.attempts)
        for one in records
    )


async def _judge(crowd: Crowd, running: Fleet, since: int, facts: Mapping[str, float]) -> Outcome:
    """Count on the target what is wrong, and what the people and nginx have seen."""
    site = crowd.site
    records = list(site.world.updates.values())
    turned_away = held(records, facts["fenced_at"])
    counts = {
        "updates that were not delivered": sum(one.state != "delivered" for one in records),
        "pauses in which no webhook answered 503": int(not turned_away),
        "orders more or fewer than were placed": abs(await instances.number(site, instances.TOLD) - crowd.ordered),
        "orders that were not done": crowd.ordered - await instances.number(site, instances.DONE),
        "points more or less often than given": abs(await instances.number(site, instances.GIVEN) - crowd.given),
    }
    for name, query in INVARIANTS.items():
        if name != "orders that are not final":  # it counts what has yet to fall due, too
            counts[name] = await instances.number(site, query)
    async with db.connect(site.owner_url) as conn:
        found = [f"{one.check}: {one.number}" for one in await audit.check(conn)]
    wrong = [f"{count} {name}" for name, count in counts.items() if count] + found
    if wrong:
        async with db.connect(site.owner_url) as conn:
            ends = await (await conn.execute(ENDS)).fetchall()
        wrong += [" ".join(map(str, one)) for one in ends]
    again = sum(len(one.attempts) > 1 for one in records)
    passed = running.updates(since)
    answered = sorted(one.at for one in passed if one.status == 200)
    silence = max((later - earlier for earlier, later in itertools.pairwise(answered)), default=0.0)
    return Outcome(facts["pause"], silence, len(passed), again, turned_away, crowd.ordered, crowd.given, wrong)


def main() -> int:
    """Move once, shortly, and say what was found."""
    began = time.monotonic()
    try:
        outcome = asyncio.run(play(SHORT))
    except Skipped as reason:
        print(f"skipped: {reason}")
        return 0
    except Failed as reason:
        print(f"failed: {reason}")
        return 1
    print(f"{HEAD}\n{outcome.row()}\n\nTook {time.monotonic() - began:.0f} s.")
    return 1 if outcome.wrong or not (outcome.ordered and outcome.given) else 0


if __name__ == "__main__":
    sys.exit(main())
