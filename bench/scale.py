"""What gives way first with 1,000 to 1,000,000 users, and what does that cost? A reckoning from the other figures.

It reads the figures of bench/RESULTS.md, the habits below, which are assumptions, and list prices. The web processes
are found by playing the busiest minutes: updates come at random, each takes its processor time of the first process
that is free, and as many processes are taken as let 95 of 100 updates wait for less than a tenth of a second.
"""

import heapq
import math
import random
import re
from dataclasses import dataclass
from pathlib import Path

from bench.results import Failed

RESULTS = Path(__file__).with_name("RESULTS.md")
USERS = (1_000, 10_000, 100_000, 1_000_000)
# What a user does; change these, not the page.
UPDATES_A_DAY = 4.0
POINTS_A_MONTH = 4.0
CARDS_A_MONTH = 0.5
BUSY_HOUR = 0.15  # of a day's updates come in its busiest hour
PEAK = 3.0  # times its mean, within that hour
DAYS = 30
# List prices of November 2026, $: a command of Upstash, an hour of a Neon CU (plan Launch).
COMMAND, CU_HOUR = 0.2 / 100_000, 0.106
FEWEST_CU = 0.25  # awake all month
FULL = 0.7  # of a processor: what is above waits too long
WAIT = 0.1
PLAYED = 120  # seconds of the peak


@dataclass(frozen=True)
class Figures:
    """What was measured: of an update, of the till, of a render worker, of a broadcast, of the queue."""

    update_ms: float
    commands: float
    statements: float
    points_per_second: float
    cards_per_minute: float
    messages_per_second: float
    jobs_per_second: float


@dataclass(frozen=True)
class Need:
    """What so many users need at the peak, and pay in a month."""

    users: int
    updates_per_second: float
    webs: int
    commands_per_second: float
    database: float
    renders: int
    broadcast_hours: float
    queue: float
    dollars: float

    @property
    def first(self) -> str:
        """The part that is nearest to what one of it can do."""
        shares = {
            "one web process": self.webs if self.webs > 1 else 0,
            "one render worker": self.renders if self.renders > 1 else 0,
            "a broadcast takes over an hour": self.broadcast_hours,
            "one database": self.database,
        }
        name, share = max(shares.items(), key=lambda pair: pair[1])
        return name if share >= 1 else "nothing"


def run() -> str:
    """Return the table."""
    figures = read(RESULTS.read_text(encoding="utf-8"))
    return "\n".join([*HEAD, *(_row(need(users, figures)) for users in USERS), "", note(figures)])


HEAD = (
    "| users a month | updates/s at the peak | web processes | commands/s of Redis | share of one database "
    "| render workers "
    "| a broadcast to all, hours | share of one queue worker | $ a month | gives way first |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def note(figures: Figures) -> str:
    return (
        f"Measured: {figures.update_ms} ms of processor, {figures.commands:.0f} commands and {figures.statements:.0f} "
        f"statement an update, {figures.points_per_second:,.0f} operations/s of the till on 2 cores, "
        f"{figures.cards_per_minute:.0f} cards a minute of a worker, {figures.messages_per_second:.1f} messages/s of a "
        f"broadcast, {figures.jobs_per_second:,.0f} jobs/s. Assumed: {UPDATES_A_DAY:.0f} updates a user and day, "
        f"{BUSY_HOUR:.0%} of them in the busiest hour, {PEAK:.0f} times its mean at the peak, {POINTS_A_MONTH:.0f} "
        f"operations with points and {CARDS_A_MONTH} cards a month. A statement of an update counts as one of the "
        "till, which writes and is dearer. Money: Upstash's commands and Neon's compute; without Vercel, storage, "
        "traffic and the providers of pictures."
    )


FOUND = {
    "update_ms": r"\| menu press \| (\d+\.\d+) \| \d+ \|",
    "commands": r"\| menu press \| \d+ \| \d+ \| \d+ \| \d+ \| (\d+) \|",
    "statements": r"\| menu press \| \d+ \| \d+ \| (\d+) \|",
    "points_per_second": r"\| 50 shops, 2,000 members \| [^|]+ \| ([\d,]+) ",
    "cards_per_minute": r"card wb: (\d+)",
    "messages_per_second": r"less the pauses asked for\) \| ([\d.]+)%",
    "jobs_per_second": r"\| ours \| ([\d,]+) ",
}


def read(text: str) -> Figures:
    """Find the figures in the page of results; Failed when one is no longer there."""
    found = {}
    for name, pattern in FOUND.items():
        match = re.search(pattern, text)
        if not match:
            raise Failed(f"bench/RESULTS.md no longer says {name}")
        found[name] = float(match[1].replace(",", ""))
    found["messages_per_second"] *= 30 / 100  # Telegram's limit for a bot
    return Figures(**found)


def need(users: int, figures: Figures) -> Need:
    """Reckon what so many users need."""
    peak = users * UPDATES_A_DAY * BUSY_HOUR / 3600 * PEAK
    part = BUSY_HOUR / 3600 * PEAK / DAYS  # of what a user does in a month, a second at the peak
    database = (peak * figures.statements + users * POINTS_A_MONTH * part) / figures.points_per_second / FULL
    updates = users * UPDATES_A_DAY * DAYS
    return Need(
        users,
        peak,
        processes(peak, figures.update_ms / 1000),
        peak * figures.commands,
        database,
        max(1, math.ceil(users * CARDS_A_MONTH * part * 60 / figures.cards_per_minute / FULL)),
        users / figures.messages_per_second / 3600,
        users * (POINTS_A_MONTH + CARDS_A_MONTH) * part / figures.jobs_per_second,
        updates * figures.commands * COMMAND
        + max(FEWEST_CU, 2 * database / (BUSY_HOUR * PEAK * 24)) * DAYS * 24 * CU_HOUR,
    )


def processes(rate: float, seconds: float, *, seed: int = 7) -> int:
    """Return how many keep 95 of 100 updates waiting less than WAIT, at most FULL of the time at work."""
    count = max(1, math.ceil(rate * seconds / FULL))
    while waits(rate, seconds, count, seed) > WAIT:
        count += 1
    return count


def waits(rate: float, seconds: float, count: int, seed: int) -> float:
    """Play the peak: return the 95th percentile of what an update waits for a process."""
    dice, at, waited = random.Random(seed), 0.0, []
    free = [0.0] * count
    while (at := at + dice.expovariate(rate)) < PLAYED:
        start = max(at, heapq.heappop(free))
        heapq.heappush(free, start + seconds)
        waited.append(start - at)
    return sorted(waited)[int(len(waited) * 0.95)] if waited else 0.0


def _row(one: Need) -> str:
    hours = f"{one.broadcast_hours:.1f}" if one.broadcast_hours >= 0.1 else f"{one.broadcast_hours:.2f}"
    return (
        f"| {one.users:,} | {one.updates_per_second:,.1f} | {one.webs} | {one.commands_per_second:,.0f} "
        f"| {one.database:.1%} | {one.renders} | {hours} | {one.queue:.2%} | {one.dollars:,.0f} | {one.first} |"
    )
