"""What a worker reports: jobs that ended, gathered for a moment, and told to Postgres together with its next claim.

Times go there and come from there by its clock, which is ahead of ours by `skew`: a clock that is wrong shifts nothing.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from lib import clock, config, db, log
from lib.jobs import pool as pools
from lib.jobs.held import HeldRuns, tokens
from lib.jobs.pool import Pool
from lib.jobs.run import DONE, LEASED_UNTIL, LOST, Row, Run, Verdict

SQL = db.load("jobs")

# How long an ended job waits for others to be reported with it.
GATHER = 0.003
# The same for kinds that gather.
PATIENT = 0.1
# How many may wait before they are reported at once.
REPORT = 500

type Report = tuple[Run, Verdict]


@dataclass(frozen=True)
class LeaseClaim:
    """What is wanted along with a report: so many of each kind, under this token; `alone` when nothing else is held."""

    rooms: Mapping[str, int] = field(default_factory=dict)
    token: UUID = field(default_factory=uuid4)
    alone: bool = False


class Reports:
    """The runs that ended and of which Postgres does not know yet."""

    def __init__(self, kinds: Mapping[str, Pool], held: HeldRuns) -> None:
        self.kinds = kinds
        self.held = held
        self.ended: list[Report] = []
        self.skew = timedelta(0)
        self._since = 0.0

    def add(self, run: Run, verdict: Verdict) -> None:
        """Gather what became of a run; what is lost is nobody's to report."""
        if verdict.state == "lost":
            self.confirm([(run, verdict)], {run.id})
            return
        self._since = self._since if self.ended else time.monotonic()
        self.ended.append((run, verdict))

    @property
    def ripe_at(self) -> float:
        """When what ended has waited for others: a moment, or longer where every kind of it is in no hurry."""
        patient = all(self.kinds[run.task].kind.gather > 1 for run, _ in self.ended)
        return self._since + (PATIENT if patient else GATHER)

    def is_ripe(self, now: float) -> bool:
        """Say whether to report now."""
        if not self.ended:
            return False
        return now >= self.ripe_at or len(self.ended) >= min(REPORT, len(self.held.runs))

    def take(self) -> list[Report]:
        """Return what ended; what ends from now on is of the next report."""
        ended, self.ended = self.ended, []
        return ended

    def ours(self, theirs: datetime | None) -> datetime | None:
        """Return a time of Postgres' clock as ours has it."""
        return theirs and theirs - self.skew

    async def ask(self, ended: list[Report], claim: LeaseClaim) -> list[Row]:
        """Report and claim in one statement, and note what Postgres confirms; return the leased rows and its answer."""
        params = self._params(ended, claim)
        rows = await db.run(lambda conn: SQL.drain_jobs.all(conn, tuple, **params))
        self.skew = rows[-1][LEASED_UNTIL] - clock.now()
        self.confirm(ended, set(rows[-1][LOST]))
        return rows

    def _params(self, ended: list[Report], claim: LeaseClaim) -> dict[str, Any]:
        runs = self.held.runs
        done = [run for run, verdict in ended if verdict is DONE and runs.get(run.id) is run]
        moved = [(run, verdict) for run, verdict in ended if verdict is not DONE and runs.get(run.id) is run]
        now = clock.now() + self.skew
        return {
            # as text: psycopg would look at each number of a list for what to quote
            "done": f"{{{','.join([str(run.id) for run in done])}}}",
            "done_tokens": tokens(done),
            "ids": [run.id for run, _ in moved],
            "tokens": [run.token for run, _ in moved],
            "states": [verdict.state for _, verdict in moved],
            "delays": [verdict.run_at and verdict.run_at - now for _, verdict in moved],
            "codes": [verdict.error_code for _, verdict in moved],
            "errors": [verdict.error for _, verdict in moved],
            "tasks": list(claim.rooms),
            "rooms": list(claim.rooms.values()),
            "alone": claim.alone,
            "lease": pools.FIRST_LEASE * config.get().lease_scale,
            "token": claim.token,
            "limits": {name: rules for name in claim.rooms if (rules := self.kinds[name].kind.limits)} or None,
        }

    async def singly(self, ended: list[Report], why: Exception) -> None:
        """Find the one report that Postgres refuses, so that it spoils no other; its lease brings the job back."""
        log.event("report_refused", jobs=len(ended), error=f"{type(why).__name__}: {why}"[:500])
        for entry in ended:
            try:
                await self.ask([entry], LeaseClaim())
            except Exception as error:
                log.event("report_lost", job_id=entry[0].id, error=f"{type(error).__name__}: {error}"[:500])
                self.confirm([entry], {entry[0].id})

    def confirm(self, ended: list[Report], lost: set[int]) -> None:
        """Let go of what was reported, and count it."""
        release, kinds = self.held.release, self.kinds
        for run, verdict in ended:
            state = verdict.state if release(run) and run.id not in lost else "lost"
            kinds[run.task].counts[state] += 1
        self.held.tidy()
