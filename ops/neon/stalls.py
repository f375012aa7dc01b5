"""When a transfer stands still: nothing was read or written for ten minutes, and no server works for us meanwhile.

A network that is gone is told by the connections themselves (LIVELY). This is for what keeps its connection and does
nothing: a lock that nobody gives back, a disk that hangs, a program that waits for ever.
"""

import contextlib
import time
from pathlib import Path

from lib import errors
from ops.neon import connect

LIMIT = 600.0
EVERY = 10.0
# Sessions of ours that are at work: not one that waits for a lock, nor one that waits for us.
AT_WORK = """
select
    count(*) filter (where a.state = 'active' and coalesce(a.wait_event_type, '') not in ('Lock', 'Client')),
    coalesce(string_agg(distinct b.pid::text, ', '), '')
from pg_stat_activity a left join lateral unnest(pg_blocking_pids(a.pid)) b(pid) on true
where a.application_name = %s and a.datname = current_database() and a.pid <> pg_backend_pid()
"""


class Stall:
    """Notes signs of life, and tells when the same one has been seen for too long."""

    def __init__(self, limit: float | None = None, now: float | None = None) -> None:
        self.limit = LIMIT if limit is None else limit
        self._sign: object = None
        self._since = time.monotonic() if now is None else now

    def seen(self, sign: object, now: float | None = None) -> bool:
        """Note a sign; True when nothing has changed since the limit."""
        now = time.monotonic() if now is None else now
        if sign != self._sign:
            self._sign, self._since = sign, now
        return now - self._since > self.limit

    def refuse(self, sign: object, why: str) -> None:
        """Note a sign; Unavailable when nothing has changed since the limit."""
        if self.seen(sign):
            raise errors.Unavailable("stalled", f"nothing has moved for {self.limit:.0f} s{why}; run it again")


def moved(pid: int) -> int:
    """Return how many bytes a program and its children have read and written; 0 where the system does not tell."""
    total, pids = 0, [pid]
    with contextlib.suppress(OSError, ValueError):
        while pids:
            folder = Path(f"/proc/{pids.pop()}")
            told = dict(line.split(": ") for line in (folder / "io").read_text().splitlines())
            total += int(told["rchar"]) + int(told["wchar"])
            pids += [int(child) for child in (folder / "task" / folder.name / "children").read_text().split()]
    return total


async def at_work(url: str) -> tuple[bool, str]:
    """Tell whether a server works for us, else why not, as far as it can be known."""
    try:
        async with connect.pinned(url) as conn:
            with connect.translated(url):
                row = await (await conn.execute(AT_WORK, [connect.NAME])).fetchone()
    except errors.AppError as error:
        return False, f", and the database cannot be asked why: {error.detail}"
    working, holders = row or (0, "")
    return bool(working), f": a lock is held by the session {holders}" if holders else ""
