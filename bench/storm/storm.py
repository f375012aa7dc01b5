"""One storm: places the orders, does the worst meanwhile, lets it calm down, and says what is left."""

import asyncio
import contextlib
import logging
import os
import random
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bench.results import Failed
from bench.storm import cast, verdict
from bench.storm.services import Services
from bench.storm.verdict import Order
from bench.storm.weather import Weather
from dev import database, serving, upstash
from dev.valkey import Valkey
from lib import config, db, errors
from lib.jobs import kick, table
from lib.jobs.table import QueuedJob
from lib.people import users

TOKEN = "storm-redis-token"
PLACERS = 6


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    orders: int = 10_000
    people: int = 200
    readers: int = 3000  # of a broadcast
    drainers: int = 3
    pause: tuple[float, float] = (0.3, 1.4)
    pace: float = 250  # orders a second, after the first third, which comes at once
    patience: float = 240.0  # seconds in which nothing at all gets on
    lease_scale: float = 0.15


async def run(seed: int, size: Size) -> str:
    """Run one storm and return what it did; Failed when anything was lost, done twice, misdelivered or unexplained."""
    rng = random.Random(seed)
    folder = _folder()
    began = time.monotonic()
    try:
        async with _site(folder, rng, size) as (services, weather):
            people = await _meet(weather.url, size)
            await cast.place(weather.url, size.readers)
            placed: dict[str, Order] = {}
            weather.hire(size.drainers)
            storming = asyncio.create_task(weather.storm(size.pause))
            refused = await _place_all(rng, size, people, placed, weather)
            await _calm(storming, services, weather)
            await weather.relieve()
            await _settle(weather, size.patience)
            return await _judge(seed, size, placed, refused, services, weather, time.monotonic() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lotok-storm-"))
    folder.chmod(0o755)  # Postgres may run as somebody else
    return folder


@contextlib.asynccontextmanager
async def _site(folder: Path, rng: random.Random, size: Size) -> AsyncIterator[tuple[Services, Weather]]:
    """Start Postgres, Redis with its bridge, and the services; stop everything afterwards."""
    server, redis = database.Database(folder / "postgres", durable=True), Valkey(folder / "redis")
    bridge = upstash.app(redis.socket, TOKEN)
    services = Services(random.Random(rng.random()), frozenset(rng.sample(_chats(size), size.people // 20)))
    app = Starlette(
        routes=[
            Route("/upstash{path:path}", bridge),
            *(Mount(f"/{name}", services) for name in ("services", "api", "telegram")),
        ]
    )
    weather = None
    try:
        url = await asyncio.to_thread(server.start)
        await asyncio.to_thread(redis.start)
        await database.migrate(url)
        async with serving.serve(app) as page:
            with _settings(_env(url, page, size.lease_scale)) as env:
                weather = Weather(rng, server, redis, url, env, {})
                services.on_kick = weather.kick
                try:
                    yield services, weather
                finally:
                    await weather.end()
                    await db.close()
    finally:
        await bridge.close()
        await asyncio.to_thread(redis.stop)
        await asyncio.to_thread(server.stop)


def _env(url: str, page: str, lease_scale: float) -> dict[str, str]:
    return {
        "LOTOK_ENV": "local",
        "DATABASE_URL": url,
        "UPSTASH_REDIS_REST_URL": f"{page}/upstash",
        "UPSTASH_REDIS_REST_TOKEN": TOKEN,
        "PUBLIC_URL": page,
        "TELEGRAM_API_URL": f"{page}/telegram",
        "CLIENT_BOT_TOKEN": f"222222:{'A' * 35}",
        "CRON_SECRET": "storm-cron-secret",
        "LEASE_SCALE": str(lease_scale),
    }


@contextlib.contextmanager
def _settings(settings: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Let this process, which places the orders, and the drainers have these settings."""
    before = dict(os.environ)
    # These failures are on purpose, and are counted.
    for name in ("uvicorn.error", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    os.environ.update(settings)
    config.get.cache_clear()
    try:
        keep = {name: before[name] for name in ("PATH", "HOME", "LANG") if name in before}
        yield keep | dict(settings)
    finally:
        os.environ.clear()
        os.environ.update(before)
        config.get.cache_clear()


def _chats(size: Size) -> range:
    return range(1001, 1001 + size.people)


async def _meet(url: str, size: Size) -> dict[int, int]:
    """Make people, chat ids by user ids; every twentieth can hardly pay."""
    async with db.connect(url) as conn:
        people = {}
        for chat in _chats(size):
            user = await users.get_or_create_user(conn, chat, first_name="Алиса")
            people[user.id] = chat
            credit = 5 if chat % 20 == 0 else 1_000_000
            await conn.execute(
                "insert into credit_ledger (user_id, kind, amount, key) values (%s, 'grant', %s, %s)",
                (user.id, credit, f"grant:{user.id}"),
            )
    return people


async def _place_all(
    rng: random.Random, size: Size, people: Mapping[int, int], placed: dict[str, Order], weather: Weather
) -> set[str]:
    """Place orders, several at a time, until enough were taken; return the keys of those that were refused."""
    refused: set[str] = set()
    numbers = iter(range(10 * size.orders))

    async def place() -> None:
        while len(placed) < size.orders:
            order = await _place(rng, next(numbers), people)
            if isinstance(order, str):
                refused.add(order)
                continue
            placed[order.key] = order
            weather.orders[order.key] = order.job_id
            if rng.random() < 0.05:
                await kick.drain()
            if len(placed) > size.orders / 3:
                await asyncio.sleep(rng.uniform(0, 2 * PLACERS / size.pace))

    await asyncio.gather(*(place() for _ in range(PLACERS)))
    return refused


async def _place(rng: random.Random, number: int, people: Mapping[int, int]) -> Order | str:
    """Place one order, in some cases twice at once or again with another price; return it, or the refused key."""
    user_id = rng.choice(list(people))
    task, price = ("paint", rng.randint(1, 5)) if number % 5 < 2 else ("greet", number % 2)
    key = f"{task}:{number}"
    wanted: dict[str, Any] = {"task": task, "key": key, "args": {"chat": people[user_id]}, "price": price}
    try:
        asked = [_insist(user_id, wanted) for _ in range(2 if rng.random() < 0.1 else 1)]
        got = await asyncio.gather(*asked)
    except errors.ShortOfCredits:
        return key
    if len({one.job.id for one in got}) != 1 or sum(one.created for one in got) > 1:
        raise Failed(f"the order {key} became two jobs")
    if rng.random() < 0.02:
        with contextlib.suppress(errors.Conflict):
            await _insist(user_id, wanted | {"price": price + 1})
            raise Failed(f"the order {key} was taken with another price")
    return Order(key, user_id, people[user_id], price, got[0].job.id)


async def _insist(user_id: int, wanted: dict[str, Any]) -> QueuedJob:
    """Order as the webhook does, again and again while Postgres is away: Telegram brings the update again."""
    while True:
        try:
            return await db.run(lambda conn: table.create_job_and_consume_credit(conn, user_id, **wanted))
        except (errors.Unavailable, psycopg.OperationalError):
            await asyncio.sleep(0.2)


async def _calm(storming: asyncio.Task[None], services: Services, weather: Weather) -> None:
    """Let everything have come at least once, then stop it."""
    came = asyncio.create_task(weather.everything_came.wait())
    await asyncio.wait([came, storming], return_when=asyncio.FIRST_COMPLETED)
    came.cancel()
    services.calm = True
    weather.over.set()
    await storming


async def _settle(weather: Weather, patience: float) -> None:
    """Wait until nothing is left to do; give up when nothing is done any more."""
    until, before = time.monotonic() + patience, None
    while time.monotonic() < until:
        async with db.connect(weather.url) as conn:
            left = await (await conn.execute("select count(*), sum(attempts) from jobs")).fetchone() or (0, 0)
        if not left[0]:
            return
        if left != before:
            until, before = time.monotonic() + patience, left
        weather.kick()
        await asyncio.sleep(0.5)


async def _judge(
    seed: int,
    size: Size,
    placed: dict[str, Order],
    refused: set[str],
    services: Services,
    weather: Weather,
    seconds: float,
) -> str:
    async with db.connect(weather.url) as conn:
        wrong = await verdict.wrongs(conn, placed, refused, services)
        wrong += await cast.wrongs(conn, size.readers, services)
        broadcast = await cast.told(conn)
        cursor = await conn.execute(
            "select state, coalesce(error_code, ''), count(*) from every_job "
            "where task not in ('notice', 'audience', 'part_client') group by 1, 2 order by 1, 2"
        )
        ends = await cursor.fetchall()
        ids = {key: job_id async for key, job_id in await conn.execute("select key, id from every_job")}
    repeats = verdict.repeats(services, weather, ids)
    if unexplained := repeats.pop(verdict.NO_REASON, []):
        wrong.append(f"{len(unexplained)} deliveries repeated for no reason: {'; '.join(unexplained[:10])}")
    wrong += [f"a drainer died by itself: {said.strip().splitlines()[-1]}" for said in weather.died]
    if wrong:
        raise Failed(f"seed {seed}: " + "; ".join(wrong))
    return "\n".join(
        [
            f"{len(placed):,} orders of {size.people} people, {len(refused)} refused for want of credits, "
            f"{size.drainers} drainers, seed {seed}, {seconds:.0f} s:",
            "",
            "- " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in sorted(weather.counts.items())),
            "- " + ", ".join(f"{name} {count}" for name, count in sorted(services.faults.items())),
            *(f"- {state}{reason and f', {reason}'}: {count:,}" for state, reason, count in ends),
            f"- {broadcast}",
            f"- delivered: {len(services.deliveries):,}, a second time: {sum(map(len, repeats.values()))}",
            *(f"  - {reason}: {len(told)}" for reason, told in sorted(repeats.items(), key=lambda r: -len(r[1]))),
            "- lost, charged twice, refunded twice, sent to a wrong chat, not final, found by the audit: 0",
        ]
    )
