"""Operations a second, ours beside the plain ledger of reference.sql."""

import contextlib
import os
import statistics
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.till import lend
from bench.till.load import Course, press
from dev import postgres
from lib import db

REFERENCE = (
    "On another machine of 2 cores such a ledger reached 2,420 op/s and p99 18 ms with 16 connections on one shop."
)
PLAIN_FILL = """
insert into members select 1 + n % {partners}, n from generate_series(1, {members}) n;
insert into accounts (partner_id, member_id, kind, balance)
select partner_id, id, 'available', 0 from members
union all
select n, null, kind, null from generate_series(1, {partners}) n, unnest('{{issued,redeemed}}'::text[]) kind;
analyze;
select operate(partner_id, id, 1, 'fill:' || id || ':' || n, 'earn', 20000, 10)
from members, generate_series(1, {visits}) n;
"""
ROOT = Path(__file__).parents[2]


COURSES = (
    Course("one hot member", 1, 1),
    Course("one shop, 500 members", 1, 500),
    Course("50 shops, 2,000 members", 50, 2000),
)
CONNECTIONS = (1, 16, 64)
VISITS = 30  # of each member before, so that nobody runs out of points


async def compare(folder: Path, rounds: int, seconds: float) -> str:
    """Return the table of all courses; Failed if a repeated operation was not answered as it was the first time."""
    rows = []
    repeated = 0
    for number, course in enumerate(COURSES):
        size = {"partners": course.partners, "members": course.members, "operations": course.members * VISITS}
        async with lend.database(folder, f"ours_{number}", **size) as ours, _plain(folder, number, course) as plain:
            for is_plain, url in enumerate((ours, plain)):
                await _warm(url, course, plain=bool(is_plain))
            found = {lanes: await _by_turns(ours, plain, course, lanes, rounds, seconds) for lanes in CONNECTIONS}
        repeated += sum(side.repeated for pair in found.values() for side in pair)
        for title, cell in (
            (course.title, lambda pair: pair[0].cell),
            ("the plain ledger", lambda pair: pair[1].cell),
            ("ratio", lambda pair: f"{pair[0].speed / pair[1].speed:.2f}"),
        ):
            rows.append(f"| {title} | {' | '.join(cell(pair) for pair in found.values())} |")
    head = (
        "| operations/s · p99 ms, by connections | " + " | ".join(map(str, CONNECTIONS)) + " |\n| --- |" + " --- |" * 3
    )
    facts = (
        f"60 % accruals, 40 % redemptions, every tenth sent twice, medians of {rounds} times {seconds} s in turn, each "
        f"after one to warm up; Postgres and pgbench on {os.cpu_count()} cores. "
        f"{repeated:,} repetitions, 0 acted twice; "
        "the audit found 0 drifts, 0 negative balances, 0 unbalanced operations after each course. The plain ledger is "
        "`bench/till/reference.sql`: balances, entries and lots, without the walls between shops, tiers, promotions, "
        f"roles, hold days and reversals. {REFERENCE}"
    )
    return "\n".join([head, *rows]) + "\n\n" + facts


@dataclass
class Side:
    """One ledger's figures of several rounds: operations a second and p99 in milliseconds of each."""

    speeds: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    repeated: int = 0

    @property
    def speed(self) -> float:
        return statistics.median(self.speeds)

    @property
    def cell(self) -> str:
        return f"{self.speed:,.0f} · {statistics.median(self.p99s):.1f}"


async def _by_turns(
    ours: str, plain: str, course: Course, lanes: int, rounds: int, seconds: float
) -> tuple[Side, Side]:
    sides = Side(), Side()
    for turn in range(rounds):
        for side, url in zip(sides, (ours, plain), strict=True):
            tally = await press(url, course, lanes, seconds, f"c{lanes}:{turn}", plain=url == plain)
            side.speeds.append(tally.speed)
            side.p99s.append(tally.p99)
            side.repeated += tally.repeated
    return sides


@contextlib.asynccontextmanager
async def _plain(folder: Path, number: int, course: Course) -> AsyncIterator[str]:
    """Lend a database with the plain ledger, filled for this course."""
    name = f"plain_{number}"
    async with db.connect(postgres.url(folder / "data")) as conn:
        await db.script(conn, f"create database {name}")
    url = postgres.url(folder / "data", name)
    async with db.connect(url) as conn:
        await db.script(conn, (ROOT / "bench/till/reference.sql").read_text(encoding="utf-8"))
        await db.script(conn, PLAIN_FILL.format(partners=course.partners, members=course.members, visits=VISITS))
    yield url
    async with db.connect(postgres.url(folder / "data")) as conn:
        await db.script(conn, f"drop database {name} with (force)")


async def _warm(url: str, course: Course, *, plain: bool) -> None:
    """Let the tables have rows and the planner know of them, as they have from a shop's second minute on."""
    await press(url, course, 4, 2, "warm", plain=plain)
    async with db.connect(url) as conn:
        await db.script(conn, "vacuum analyze")
