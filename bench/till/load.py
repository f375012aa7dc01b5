"""Clients that operate on a ledger as fast as they can: pgbench, so that hardly more than the ledger is measured.

The mix of the reference: 60 % accruals, 40 % redemptions, every tenth operation sent a second time with its key. In the
end each key must have one transaction, and no operation may have failed.
"""

import asyncio
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.results import Failed
from dev import postgres
from lib import db
from lib.loyalty import points

WARM = 1.0  # seconds in which a connection plans its statements, as one that a pooler keeps has done long ago
REPEAT = 2  # the script's place among the three
ASKED = {
    "partner_id": ":shop", "member_id": ":member", "actor_id": "2000000 + :shop", "now": "null",
    "points": "7", "shown": "true", "again": "true", "key": "'{run}:' || :client_id || ':' || :n",
}  # fmt: skip
PLAIN = (
    "select txn_id from operate(:shop, :member, 1, '{run}:' || :client_id || ':' || :n, '{kind}', {amount}, {points})"
)
COUNT = [
    db.Query("count", f"select count(*) from {table} where idem_key like %(run)s") for table in ("point_txns", "txns")
]
NEXT = """\\set n :n + 1
\\set spends {spends}
\\set member random(1, {members})
\\set shop 1 + :member % {partners}
{operation};
"""
AGAIN = """\\if :n > 0
\\if :spends
{redeem};
\\else
{accrue};
\\endif
\\endif
"""


@dataclass(frozen=True)
class Course:
    """Which members are operated on: of so many shops, the first to the last."""

    title: str
    partners: int
    members: int


@dataclass(frozen=True)
class Tally:
    """Milliseconds of each operation that was counted, and how many of them were repetitions."""

    times: list[float]
    repeated: int
    seconds: float

    @property
    def speed(self) -> float:
        """Operations a second."""
        return len(self.times) / self.seconds

    @property
    def p99(self) -> float:
        """Milliseconds."""
        return sorted(self.times)[int(len(self.times) * 0.99)]


async def press(
    url: str, course: Course, lanes: int, seconds: float, run: str, *, plain: bool = False, spends: bool = True
) -> Tally:
    """Operate on a ledger over so many connections; `run` names this run in its keys. Failed when one broke off."""
    accrue, redeem = _plain(run) if plain else _ours(run)
    names = {"members": course.members, "partners": course.partners}
    scripts = {
        "accrue": (NEXT.format(spends=0, operation=accrue, **names), 60),
        "redeem": (NEXT.format(spends=1, operation=redeem, **names), 40 if spends else 0),
        "again": (AGAIN.format(accrue=accrue, redeem=redeem), 10),
    }
    with tempfile.TemporaryDirectory(prefix="lotok-bench-") as folder:
        asked = [f"-f{name}.sql@{weight}" for name, (_, weight) in scripts.items()]
        for name, (text, _) in scripts.items():
            (Path(folder) / f"{name}.sql").write_text(text, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            postgres.program("pgbench"), url, "-n", "-Mextended", f"-c{lanes}", f"-j{min(lanes, os.cpu_count() or 1)}",
            f"-T{WARM + seconds:.0f}", "-Dn=0", "-l", *asked,
            cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        if process.returncode:
            raise Failed(f"pgbench broke off: {said.decode().strip().splitlines()[-1]}")
        lines = _logged(Path(folder))
    done = sum(int(line[3]) != REPEAT for line in lines)
    async with db.connect(url) as conn:
        found = await COUNT[plain].one(conn, int, run=f"{run}:%")
    if found != done:
        raise Failed(f"{done} keys have {found} transactions")
    return _tally(lines, seconds)


def _ours(run: str) -> tuple[str, str]:
    """Return the product's own statements, with the bench's variables in them."""

    def fill(text: bytes, bill: str) -> str:
        return re.sub(
            r"%\((\w+)\)s", lambda name: (ASKED | {"bill_minor": bill})[name[1]].format(run=run), text.decode()
        )

    return fill(points.SQL.accrue._text, "20000").rstrip(";\n"), fill(points.SQL.redeem._text, "50000").rstrip(";\n")


def _plain(run: str) -> tuple[str, str]:
    return (
        PLAIN.format(run=run, kind="earn", amount=20_000, points=10),
        PLAIN.format(run=run, kind="redeem", amount=50_000, points=7),
    )


def _logged(folder: Path) -> list[list[str]]:
    """Return what pgbench logged: client, number, microseconds, script, and when it ended in two columns."""
    return [line.split() for log in folder.glob("pgbench_log.*") for line in log.read_text().splitlines()]


def _tally(lines: list[list[str]], seconds: float) -> Tally:
    ended = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    begin = min(ended) + WARM
    counted = [line for line, at in zip(lines, ended, strict=True) if begin <= at < begin + seconds]
    return Tally([int(line[2]) / 1000 for line in counted], sum(int(line[3]) == REPEAT for line in counted), seconds)
