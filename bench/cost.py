"""What a month costs at 100 to 100,000 users, from the other questions' figures and dated prices (bench/prices.json).

Measured: commands, processor and time of an update, processor and bytes of a card and of a video. Assumed: what one
user does in a month, below. No provider's price is in it: an order that one draws is paid by its credits.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import results

USERS = (100, 1_000, 10_000, 100_000)
HOUR, MONTH = 3600.0, 730.0  # seconds; hours
INSTANCE_GB = 2.0
LEAST_CU = 0.25  # of Neon; what is measured here keeps it busy for a fraction of that
PRICES = Path(__file__).parent / "prices.json"

type Prices = dict[str, Any]


@dataclass(frozen=True)
class UserMonth:
    """What one user does in a month: assumed, as no measurement can say it. Files stay for `kept` months."""

    updates: int = 40
    cards: float = 0.5
    videos: float = 0.05
    kept: int = 6
    bytes_in_postgres: int = 8_000
    hours_a_day: float = 16.0  # in which the updates come


@dataclass(frozen=True)
class Figures:
    """What was measured, as bench/RESULTS.md has it."""

    commands: float  # to Redis, an update
    update_cpu: float  # seconds of processor
    update_wall: float  # seconds until the function is done
    card_cpu: float
    card_mb: float
    video_cpu: float
    video_mb: float


@dataclass(frozen=True)
class Usage:
    """What a month uses up."""

    invocations: float
    cpu_hours: float
    gb_hours: float
    cu_hours: float
    gb: float
    commands: float
    puts: float
    reads: float
    stored_gb: float
    sent_gb: float


@dataclass(frozen=True)
class MonthBill:
    """What it costs in dollars, by service."""

    vercel: float
    neon: float
    upstash: float
    blob: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.vercel + self.neon + self.upstash + self.blob


def run() -> str:
    prices: Prices = json.loads(PRICES.read_text(encoding="utf-8"))
    figures = read(results.FILE.read_text(encoding="utf-8"))
    month = UserMonth()
    rows = []
    for users in USERS:
        used = usage(users, figures, month)
        rows.append(_row(users, used, bill(used, prices), too_small(used, prices)))
    return "\n".join([HEAD, *rows, "", _about(figures, month, prices)])


HEAD = """\
| users | updates | Vercel | Neon | Upstash | Blob | a month | a user | h of CPU, GB, CU; commands; GB | free plans |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""


def _row(users: int, used: Usage, paid: MonthBill, beyond: str) -> str:
    money = " | ".join(f"${one:,.2f}" for one in (paid.vercel, paid.neon, paid.upstash, paid.blob, paid.total))
    hours = f"{used.cpu_hours:,.1f}, {used.gb_hours:,.1f}, {used.cu_hours:,.0f}"
    amounts = f"{hours}, {used.commands:,.0f}, {used.stored_gb:,.1f}"
    enough = f"{beyond} too small" if beyond else "would do"
    each = f"${paid.total / users:.4f}"
    return f"| {users:,} | {users * UserMonth().updates:,} | {money} | {each} | {amounts} | {enough} |"


def _about(figures: Figures, month: UserMonth, prices: Prices) -> str:
    sources = "; ".join(f"{name}: {one['source']}" for name, one in prices.items() if isinstance(one, dict))
    lines = (
        f"An update: {figures.commands:g} commands, {figures.update_cpu * 1000:.1f} ms of processor,",
        f"{figures.update_wall * 1000:.0f} ms in all. A card: {figures.card_cpu:g} s, {figures.card_mb:.2f} MB;",
        f"a video: {figures.video_cpu:g} s, {figures.video_mb:.2f} MB; the cut of the photo is in both.",
        f"Assumed of a user: {month.updates} updates, {month.cards:g} cards and {month.videos:g} videos a month,",
        f"files kept for {month.kept} months. Memory is counted as if no two requests shared an instance, so it is",
        f"an upper bound. Vercel is Pro with its seat of ${prices['vercel']['seat']}, which includes as much usage.",
        f"Prices of {prices['checked']}: {sources}.",
    )
    return " ".join(lines)


def read(text: str) -> Figures:
    """Read the figures out of RESULTS.md; Failed names the question that has to be asked again."""
    update = _found(text, "updates", r"\| menu press \|(?:[^|]*\|){4} ([\d.]+) \|(?:[^|]*\|){2} ([\d.]+) \|")
    load = _found(text, "load", r"\| ×1 \|(?:[^|]*\|){6} ([\d.]+) \|")
    card = _found(text, "studio", r"\| card `wb` \| ([\d.]+) s[^|]*\|[^|]*\| ([\d.]+) kB \|")
    cut = _found(text, "studio", r"\| cut `of a new photo` \| ([\d.]+) s[^|]*\|[^|]*\| ([\d.]+) kB \|")
    video = _found(text, "studio", r"\| video `own 5` \| ([\d.]+) s[^|]*\|[^|]*\| ([\d.]+) kB \|")
    return Figures(
        commands=update[0],
        update_cpu=load[0] / 1000,
        update_wall=update[1] / 1000,
        card_cpu=card[0] + cut[0],
        card_mb=(card[1] + cut[1]) / 1000,
        video_cpu=video[0] + cut[0],
        video_mb=(video[1] + cut[1]) / 1000,
    )


def _found(text: str, question: str, pattern: str) -> list[float]:
    part = text.partition(f"<!-- {question} -->")[2].partition(f"<!-- end of {question} -->")[0]
    found = re.search(pattern, part)
    if not found:
        raise results.Failed(f"RESULTS.md has no such figure; run: python -m bench {question}")
    return [float(one) for one in found.groups()]


def usage(users: int, figures: Figures, month: UserMonth) -> Usage:
    """Return what so many users use up in a month."""
    updates, cards, videos = users * month.updates, users * month.cards, users * month.videos
    seconds = cards * figures.card_cpu + videos * figures.video_cpu
    ticks = MONTH * 60
    cpu = updates * figures.update_cpu + seconds + ticks * figures.update_cpu
    wall = (updates + ticks) * figures.update_wall + seconds
    files = cards * figures.card_mb + videos * figures.video_mb
    return Usage(
        invocations=updates + 2 * (cards + videos) + ticks,
        cpu_hours=cpu / HOUR,
        gb_hours=wall * INSTANCE_GB / HOUR,
        cu_hours=awake(updates, month) * LEAST_CU,
        gb=users * month.bytes_in_postgres * 12 / 1e9,  # a year's
        commands=updates * figures.commands + ticks,
        puts=2 * (cards + videos),
        reads=2 * (cards + videos),
        stored_gb=files * month.kept / 1000,
        sent_gb=2 * files / 1000,
    )


def awake(updates: float, month: UserMonth) -> float:
    """Return the hours in which Neon is awake, as it sleeps five minutes after the last query.

    Updates come at random within the hours of the day that people use; outside of them the worker looks each half hour.
    """
    hours = MONTH * month.hours_a_day / 24
    share = 1 - math.exp(-updates / hours / 12)
    least = 5 / 30
    return hours * max(share, least) + (MONTH - hours) * least


def too_small(used: Usage, prices: Prices) -> str:
    """Name the free plans that this is too much for."""
    have = {
        "Vercel": (used.cpu_hours, used.gb_hours, used.invocations),
        "Neon": (used.cu_hours, used.gb),
        "Upstash": (used.commands,),
        "Blob": (used.puts, used.reads, used.stored_gb, used.sent_gb),
    }
    return ", ".join(
        name
        for name, amounts in have.items()
        if any(amount > limit for amount, limit in zip(amounts, prices[name.lower()]["free"].values(), strict=True))
    )


def bill(used: Usage, prices: Prices) -> MonthBill:
    """Return what it costs on Pro, Launch and pay as you go, or nothing where the free plan of a service is enough."""
    beyond = too_small(used, prices)
    vercel, neon, upstash, blob = (prices[name] for name in ("vercel", "neon", "upstash", "blob"))
    spent = used.cpu_hours * vercel["cpu_hour"] + used.gb_hours * vercel["gb_hour"]
    spent += used.invocations / 1e6 * vercel["million_invocations"]
    amounts = (used.puts, used.reads, used.stored_gb, used.sent_gb)
    rates = (blob["million_puts"] / 1e6, blob["million_reads"] / 1e6, blob["gb_month"], blob["gb_transfer"])
    files = sum(
        max(0.0, amount - kept) * rate for amount, kept, rate in zip(amounts, blob["pro"].values(), rates, strict=True)
    )
    return MonthBill(
        vercel=vercel["seat"] + max(0.0, spent - vercel["credit"]),
        neon=used.cu_hours * neon["cu_hour"] + used.gb * neon["gb_month"] if "Neon" in beyond else 0.0,
        upstash=used.commands / 1e5 * upstash["hundred_thousand_commands"] if "Upstash" in beyond else 0.0,
        blob=files,
    )
