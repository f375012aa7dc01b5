"""How much of the month of each service's plan is used up: Neon, Upstash, Blob. Tickets come from seventy percent on.

What we count ourselves (commands to Redis, files put into the store) is the sum since the month began: the counters run
for ever, so what they said then is kept. Neon says its compute hours itself, where there is a key for its API, asked
once an hour at most; the size of the database is Postgres' own word, and the bytes in the store are those of our rows,
added up a few times a day. What is not known is not judged.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lib import cache, config, db, errors, fetch, log
from lib.studio import files

MONTH, NEON, BLOB = "metrics:month", "metrics:neon_hours", "metrics:blob_bytes"
COUNTED = {"redis_commands": "redis_commands", "blob_puts": "stored"}  # by what lib/tally.py calls it
ASKED, ADDED_UP, KEPT = timedelta(hours=1), timedelta(hours=6), timedelta(days=62)
ANSWER = 1_000_000  # bytes


@dataclass(frozen=True)
class MonthStart:
    """What the counters said when the month began, or when they were looked at first."""

    month: str
    sums: Mapping[str, int]

    @staticmethod
    def read(text: str | None) -> "MonthStart":
        """Return what was kept; nothing for what cannot be read."""
        try:
            month, sums = json.loads(text or "null")
            return MonthStart(str(month), {str(name): int(number) for name, number in sums.items()})
        except (TypeError, ValueError, AttributeError):
            return MonthStart("", {})

    def dump(self) -> str:
        """Return it as text."""
        return json.dumps([self.month, dict(self.sums)], separators=(",", ":"))


def begin(known: MonthStart, totals: Mapping[str, int], now: datetime) -> MonthStart:
    """Return the start of this month: the known one, or now when a month began or the counters started again."""
    month, sums = f"{now:%Y-%m}", _sums(totals)
    back = any(sums[name] < known.sums.get(name, 0) for name in sums)
    return MonthStart(month, sums) if known.month != month or back else known


def used(
    start: MonthStart, totals: Mapping[str, int], *, neon_hours: float | None, size: int, stored: int | None = None
) -> dict[str, float]:
    """Return what of each plan is used up by now, by the names of the setting PLAN_LIMITS."""
    found = {name: float(number - start.sums.get(name, 0)) for name, number in _sums(totals).items()}
    found |= {"neon_gb": size / 1e9} if size else {}
    found |= {"blob_gb": stored / 1e9} if stored is not None else {}
    return found | ({"neon_hours": neon_hours} if neon_hours is not None else {})


def shares(found: Mapping[str, float]) -> dict[str, float]:
    """Return the part of each limit that is used up; a limit of 0 is none."""
    limits = config.get().plan_limits
    return {name: number / limits[name] for name, number in found.items() if limits.get(name)}


def _sums(totals: Mapping[str, int]) -> dict[str, int]:
    def of(family: str) -> int:
        return sum(number for name, number in totals.items() if name.startswith(f"{family}|"))

    return {name: of(family) for name, family in COUNTED.items()}


async def neon_hours(kept: str | None) -> float | None:
    """Return the hours of compute that Neon bills this month, as it said within the hour; None when nobody knows."""
    key, project = config.get().neon_api_key, config.get().neon_project_id
    if not key or not project or not await cache.once("neon_hours_asked", ASKED):
        return told_hours(kept)
    try:
        answer = await fetch.ask(
            "GET",
            f"{config.get().neon_api_url}/projects/{project}",
            headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            limit=ANSWER,
        )
        hours = json.loads(answer.body)["project"]["compute_time_seconds"] / 3600
    except (errors.AppError, ValueError, KeyError, TypeError) as fault:
        log.event("neon_hours_unknown", error=f"{type(fault).__name__}: {fault}"[:200])
        return told_hours(kept)
    await cache.set(NEON, f"{datetime.now(UTC):%Y-%m}:{hours:.3f}", KEPT)
    return float(hours)


def told_hours(kept: str | None) -> float | None:
    """Return what Neon said last, if that was this month."""
    month, _, hours = (kept or "").partition(":")
    try:
        return float(hours) if month == f"{datetime.now(UTC):%Y-%m}" else None
    except ValueError:
        return None


async def bytes_stored(kept: str | None) -> int | None:
    """Return how many bytes lie in Blob, as it was added up within six hours; None with another store."""
    if config.get().storage_type != "blob":
        return None
    if not await cache.once("blob_added_up", ADDED_UP):
        return told_bytes(kept)
    number = await db.run(lambda conn: files.bytes_kept(conn, f"{config.get().key_prefix}/"))
    await cache.set(BLOB, str(number), KEPT)
    return number


def told_bytes(kept: str | None) -> int | None:
    """Return what was added up last."""
    return int(kept) if kept and kept.isascii() and kept.isdecimal() else None
