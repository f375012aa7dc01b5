"""The figures that only Postgres knows, left in Redis by each worker that ends: who reads them lets Postgres sleep.

A job that is late is named by when it fell due, so the reader can say how late it is by now, whenever that is.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from lib import cache, config, db, errors, log
from lib.studio import spending

SQL = db.load("metrics")

KEY = "metrics:snapshot"
KEPT = timedelta(days=2)
ALL = db.Scope(platform=True)


@dataclass(frozen=True)
class Snapshot:
    """The figures at a moment, a Unix time. `credits` and `points` are those of the last 24 hours, by kind.

    `size` is that of the database in bytes. `casts` are broadcasts under way, by state. A job group has its `task`,
    `state`, `number`, and `since`, the Unix time at which the oldest fell due, or None.
    """

    at: float
    jobs: list[dict[str, Any]]
    counts: dict[str, int]
    credits: dict[str, int]
    points: dict[str, int]
    casts: dict[str, int]
    migration: str
    providers: list[dict[str, Any]]
    size: int = 0

    @staticmethod
    def read(text: str | None) -> "Snapshot | None":
        """Return what `dump` wrote; None for what an older or newer deployment left, and for nothing."""
        try:
            return Snapshot(**json.loads(text)) if text else None
        except (ValueError, TypeError):
            return None

    def dump(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    def lag(self, now: float) -> float:
        """Return for how many seconds the oldest job that nobody has taken has been due."""
        return self._oldest(now, "queued")

    def oldest(self, now: float) -> float:
        """Return for how many seconds the oldest unfinished job has been due or under way."""
        return self._oldest(now, "queued", "running", "waiting")

    def _oldest(self, now: float, *states: str) -> float:
        return max((now - since for since in self._since(*states)), default=0.0)

    def _since(self, *states: str) -> Iterator[float]:
        return (float(one["since"]) for one in self.jobs if one["state"] in states and one["since"] is not None)


async def take(conn: db.Connection) -> Snapshot:
    """Look at Postgres, in two statements."""
    [row] = await SQL.snapshot.within(ALL).all(conn, dict)
    states = await spending.states(conn, [*config.PROVIDERS, "local"])
    return Snapshot(at=time.time(), providers=[_provider(one) for one in states], **row)


def _provider(state: spending.ProviderState) -> dict[str, Any]:
    keyed = state.provider in config.get().keyed_providers or state.provider not in config.PROVIDERS
    return {
        "provider": state.provider,
        "spent": state.spent,
        "limit": state.daily_limit,
        "halt": state.halt if keyed else "off",
        "hour": state.hour,
        "hour_failed": state.hour_failed,
    }


async def leave() -> Snapshot | None:
    """Take one and leave it for who asks; None when a service is away."""
    try:
        found = await db.run(take)
        await cache.set(KEY, found.dump(), KEPT)
    except errors.Unavailable as error:
        log.event("snapshot_not_left", error=str(error))
        return None
    return found
