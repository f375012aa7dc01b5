"""How fast is the ledger of points, and is it exact under pressure? QUICK=1 is shorter, with fewer operations.

A Postgres of its own with default settings (durable commits), the clients beside it on the same machine, through the
product's own functions. After each course the audit must find nothing, and no repeated key may have acted twice.
"""

import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.results import Failed
from bench.till import counter, lend, load, speed
from dev import postgres
from lib import db
from lib.loyalty import members, night, offers, partners, points, reports

QUICK = bool(os.environ.get("QUICK"))
SECONDS = 3 if QUICK else 4
ROUNDS = 1 if QUICK else 2
MINUTE = 15 if QUICK else 60
OPERATIONS = 50_000 if QUICK else 1_000_000
DUE = 5_000 if QUICK else 100_000
PAUSE = 5.0  # a cashier's, between two clients; a real one serves a client in ten seconds


def run() -> str:
    """Measure and return the tables."""
    return asyncio.run(_measure())


async def _measure() -> str:
    began = time.monotonic()
    with postgres.lent({"max_connections": "120"}) as data:
        folder = data.parent
        await lend.prepare(postgres.url(data), folder)
        parts = [await speed.compare(folder, ROUNDS, SECONDS)]
        parts += [await _pages(folder), await _midnight(folder)]
    parts.append(await _counter())
    return "\n\n".join([*parts, f"Took {time.monotonic() - began:.0f} s."])


# Pages


async def _pages(folder: Path) -> str:
    members_count = OPERATIONS // 20
    filled = {"partners": 20, "members": members_count, "operations": OPERATIONS}
    async with lend.database(folder, "pages", **filled) as url, db.connect(url) as conn:
        rows = [f"| {title} | {await _time(work):.2f} |" for title, work in (await _reads(conn)).items()]
    head = f"| with {OPERATIONS:,} operations of {members_count:,} members in 20 shops | ms |\n| --- | --- |"
    return "\n".join([head, *rows])


async def _reads(conn: db.Connection) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return what the bots' screens ask for, by name."""
    shop = await partners.get(conn, 7)
    now = datetime.now(UTC)
    month = now - timedelta(days=30)
    deep = [now - timedelta(days=200)]
    member = (await members.list_all(conn, 7, limit=1))[0].id
    return {
        "a shop's operations, first page": lambda: points.history(conn, 7),
        "the same, 200 days back": lambda: points.history(conn, 7, before=(deep[0], 0)),
        "a client's operations": lambda: points.member_history(conn, 7, member),
        "what a client's points are, and when they expire": lambda: points.expiring(conn, 7, member),
        "a person's cards": lambda: members.cards(conn, 1_000_000 + member),
        "a client by phone": lambda: members.find_by_phone(conn, 7, [f"+7900{member:07}"]),
        "clients by the last four digits": lambda: members.search(conn, 7, f"{member % 10000:04}"),
        "clients by name": lambda: members.search(conn, 7, "Клиент"),
        "recent clients": lambda: members.recent(conn, 7),
        "the catalogue of a city": lambda: partners.list_approved(conn, city="Казань"),
        "services of a city": lambda: offers.browse_services(conn, city="Казань"),
        "30 days of a shop": lambda: reports.summary(conn, shop, month, now),
        "30 days by day": lambda: reports.days(conn, shop, month, now),
        "groups of clients": lambda: reports.groups(conn, 7, now),
        "who did what at the counter": lambda: reports.staff(conn, 7, month, now),
    }


async def _time(work: Callable[[], Awaitable[Any]]) -> float:
    """Return the median of five, in milliseconds, after one to warm up."""
    await work()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        await work()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


# Midnight


async def _midnight(folder: Path) -> str:
    """Expire the points of many members while the counter goes on."""
    course = load.Course("", 1, DUE)
    async with lend.database(folder, "midnight", partners=1, members=DUE, operations=DUE) as url:
        quiet = await load.press(url, course, 8, 5, "before", spends=False)
        async with db.connect(url) as conn:
            await _make_due(conn)
        settled = asyncio.create_task(_settle(url))
        busy = await load.press(url, course, 8, SECONDS, "meanwhile", spends=False)
        number, took = await settled
    return (
        f"Midnight: {number:,} members' points expired in {took:.1f} s ({number / took:,.0f}/s, a hundred at a time) "
        f"while 8 cashiers went on giving points: p99 {busy.p99:.1f} ms at {busy.speed:,.0f} op/s, "
        f"without it {quiet.p99:.1f} ms at {quiet.speed:,.0f} op/s."
    )


async def _make_due(conn: db.Connection) -> None:
    await db.script(
        conn,
        "update point_lots set active_at = now() - interval '20 days', expires_at = now() - interval '1 minute'",
    )
    await db.script(conn, "update members set due_at = now() - interval '1 minute'")
    await db.script(conn, "vacuum analyze")


async def _settle(url: str) -> tuple[int, float]:
    """Do what the night's job does for one shop; return how many members and how long."""
    began, number = time.perf_counter(), 0
    async with db.connect(url) as conn:
        while settled := await night.settle(conn, 1):
            number += settled
    return number, time.perf_counter() - began


# The counter, through the webhook


async def _counter() -> str:
    """Serve clients through the webhook for a minute."""
    found = await counter.minute(MINUTE, PAUSE)
    every = [one for times in found.times.values() for one in times]
    if found.refused or found.findings or found.operations != found.served:
        odd = f"{found.refused} updates refused, {found.findings} findings"
        raise Failed(f"{odd}, {found.operations} operations of {found.served}")
    cells = ", ".join(
        f"{kind} {statistics.median(times):.0f} and {_p99_ms(times):.0f}" for kind, times in found.times.items()
    )
    served = f"{counter.CASHIERS} cashiers of one shop, {found.served} clients served in {MINUTE} s"
    return (
        f"Through the webhook: {served} ({len(every) / MINUTE:.0f} updates/s): p99 {_p99_ms(every):.0f} ms; "
        f"median and p99 of {cells}. Function, Postgres, Valkey, Telegram's stand-in and the cashiers share the "
        "machine, without distances."
    )


def _p99_ms(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]
