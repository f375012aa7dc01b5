"""Reads the parts of the stack that the simulator shows: queue, ledger, a person's state."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import db, errors

SQL = db.load("simulator")
UNKNOWN_MS = 10_000  # an update whose log line never came may have taken so long

type Facts = dict[str, Any]


async def queue(database_url: str) -> Facts:
    """Return the newest jobs and ledger entries, the balances, and how many jobs are in each state."""
    try:
        async with db.connect(database_url) as conn:
            counts = await SQL.counts.all(conn, dict)
            return {
                "jobs": _plain(await SQL.jobs.all(conn, dict)),
                "ledger": _plain(await SQL.ledger.all(conn, dict)),
                "users": _plain(await SQL.balances.all(conn, dict)),
                "counts": {row["state"]: row["number"] for row in counts},
            }
    except errors.Unavailable:
        return {"jobs": [], "ledger": [], "users": [], "counts": {}, "error": "Postgres does not answer."}


async def of_update(database_url: str, tg_id: int, since: float, record: Facts | None) -> Facts:
    """Return the jobs that an update queued and the credits that it, or those jobs, moved."""
    start = datetime.fromtimestamp(since, UTC)
    took = timedelta(milliseconds=float((record or {}).get("ms", UNKNOWN_MS)) + 1000)
    span = {"tg_id": tg_id, "since": start - timedelta(seconds=1), "until": start + took}
    try:
        async with db.connect(database_url) as conn:
            jobs = await SQL.jobs_of_update.all(conn, dict, **span)
            ids = [job["id"] for job in jobs]
            ledger = await SQL.ledger_of_update.all(conn, dict, job_ids=ids, **span)
            return {"jobs": _plain(jobs), "ledger": _plain(ledger)}
    except errors.Unavailable:
        return {"jobs": [], "ledger": [], "error": "Postgres does not answer."}


async def user_state(ask: Callable[[bytes], Awaitable[Any]], prefix: str, bot: str, user_id: int) -> Any:
    """Return what Redis holds of a conversation, or None; `ask` returns the value of a key."""
    value = await ask(f"{prefix}:user_state:{bot}:{user_id}".encode())
    try:
        return json.loads(value) if value else None
    except ValueError:
        return value


def _plain(rows: list[Facts]) -> list[Facts]:
    """Turn times into text, as JSON has none."""
    return [
        {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
        for row in rows
    ]
