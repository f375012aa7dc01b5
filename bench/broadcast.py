"""Does a broadcast go as fast as Telegram allows, to everybody once? `python -m bench broadcast`; QUICK=1 is shorter.

Postgres, Valkey and the product's engine are real; Telegram is a stand-in with one bucket for all that the bot sends.
Everything but Telegram's pauses, which last whole seconds, runs several times faster than life.
"""

import asyncio
import contextlib
import logging
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount, Route

from bench.casting import SCALE, worker
from bench.casting.telegram import BLOCKED, Telegram
from bench.results import Failed
from dev import database, serving, upstash
from dev.valkey import Valkey
from lib import cache, config, db, errors, limits
from lib.reach import broadcasts, flight, parts
from lib.reach.broadcasts import Broadcast
from lib.telegram.client import Chat

QUICK = bool(os.environ.get("QUICK"))
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "4000" if QUICK else "50000"))
CROWD = int(os.environ.get("BENCH_CROWD", "50000" if QUICK else "1000000"))
REPLIES = 2  # a second, as the product counts them
ROOT = Path(__file__).parents[1]
TOKEN = "bench-redis-token"
SHOP = """
insert into users (tg_id, consent_at) values (1000000000, now());
insert into partners (code, owner_id, title, city, category, status)
select 'benchshop', id, 'Кофейня', 'Казань', 'cafe', 'approved' from users;
"""
DAY = "update broadcast_parts set until = now() + interval '9 hours' where until < now() + interval '1 hour'"
FILL = """
with people as (
    insert into users (tg_id, consent_at) select n, now() from generate_series(1, %(number)s) n returning id
), known as (
    insert into clients (user_id, name, city) select id, 'Анна', 'Казань' from people
), agreed as (
    insert into news_choices (partner_id, user_id, kind, wants, said_in) select 1, id, 'news', true, 'bench' from people
)
insert into members (partner_id, user_id, card_no) select 1, id, 10000000 + id from people
"""


@dataclass
class Site:
    """What runs: the database's address, Redis' bridge, Telegram, and the workers' settings."""

    url: str
    bridge: upstash.Upstash
    telegram: Telegram
    env: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    spare: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def call_in(self) -> None:
        """Have a worker ready."""
        command = [sys.executable, "-m", "bench.casting.worker"]
        self.spare.append(subprocess.Popen(command, cwd=ROOT, env=self.env, stdin=subprocess.PIPE))

    def hire(self) -> None:
        """Let a worker that is ready begin."""
        one = self.spare.pop()
        assert one.stdin
        one.stdin.write(b"\n")
        one.stdin.flush()
        self.workers.append(one)

    def kill(self) -> None:
        """End the oldest worker as a machine ends."""
        one = (self.workers or self.spare).pop(0)
        one.kill()
        one.wait()


def run() -> str:
    """Measure both and return what was found; Failed when somebody got it twice or not at all."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # of the answers that get lost on purpose
    worker.hurry()
    return asyncio.run(_all())


async def _all() -> str:
    async with _site() as site:
        sent = await _send(site)
    async with _site() as site:
        return "\n\n".join([sent, await _cut(site)])


@contextlib.asynccontextmanager
async def _site() -> AsyncIterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="lotok-broadcast-"))
    await asyncio.to_thread(folder.chmod, 0o755)  # Postgres may run as somebody else
    server, redis = database.Database(folder / "postgres", durable=True), Valkey(folder / "redis")
    bridge, telegram = upstash.app(redis.socket, TOKEN), Telegram(SCALE, random.Random(7))
    app = Starlette(routes=[Route("/upstash{path:path}", bridge), Mount("/tg", telegram)])
    before = dict(os.environ)
    try:
        url = await asyncio.to_thread(server.start)
        await asyncio.to_thread(redis.start)
        await database.migrate(url)
        async with serving.serve(app) as page:
            env = before | _env(url, page)
            os.environ.update(env)
            config.get.cache_clear()
            site = Site(url, bridge, telegram, env)
            async with db.connect(url) as conn:
                await db.script(conn, SHOP)
            try:
                yield site
            finally:
                while site.workers or site.spare:
                    site.kill()
                await db.close()
    finally:
        await bridge.close()
        await asyncio.to_thread(redis.stop)
        await asyncio.to_thread(server.stop)
        os.environ.clear()
        os.environ.update(before)
        config.get.cache_clear()
        shutil.rmtree(folder, ignore_errors=True)


def _env(url: str, page: str) -> dict[str, str]:
    return {
        **{"LOTOK_ENV": "local", "DATABASE_URL": url, "PUBLIC_URL": page, "TELEGRAM_API_URL": f"{page}/tg"},
        **{"UPSTASH_REDIS_REST_URL": f"{page}/upstash", "UPSTASH_REDIS_REST_TOKEN": TOKEN},
        **{"CRON_SECRET": "bench-cron-secret", "CLIENT_BOT_TOKEN": "222222:" + "A" * 35, "APP_SECRET": "b" * 20},
        **{"BENCH_SCALE": str(SCALE), "LEASE_SCALE": str(1 / SCALE)},
    }


async def _made(site: Site, number: int) -> Broadcast:
    """Return a broadcast to so many people; it is always day, and 5 % of blocks do not stop it."""
    async with db.connect(site.url) as conn:
        await conn.execute("set session_replication_role = replica")
        await conn.execute(FILL, {"number": number})
        await conn.execute("set session_replication_role = origin")
        await conn.execute("analyze")
        made = await broadcasts.draft(conn, 1, 1, words="Сегодня пироги по старому рецепту")
        await conn.execute("update broadcasts set state = 'scheduled', most_blocked_bp = 10000")
        return await broadcasts.get(conn, 1, made.id)


async def _send(site: Site) -> str:
    one = await _made(site, PEOPLE)
    async with db.connect(site.url) as conn:
        await broadcasts._schedule(conn, one, datetime.now(UTC))
        await conn.execute("update jobs set run_at = now()")
        trips, commands = await _transactions(conn), site.bridge.commands
        replies: list[float] = []
        for _ in range(4):
            site.call_in()
        await asyncio.sleep(10 / SCALE)
        for _ in range(2):
            site.hire()
        answering = asyncio.create_task(_answer(replies))
        await _watch(site, conn, one)
        answering.cancel()
        trips, commands = await _transactions(conn) - trips, site.bridge.commands - commands
        [(sums,)] = await (await conn.execute("select broadcast_sums(1, %s)", (one.id,))).fetchall()
    return _verdict(site, sums, replies, trips, commands - 2 * len(replies))


async def _transactions(conn: db.Connection) -> int:
    query = "select xact_commit from pg_stat_database where datname = current_database()"
    return int((await (await conn.execute(query)).fetchall())[0][0])


async def _watch(site: Site, conn: db.Connection, one: Broadcast) -> None:
    """Wait for the end, and kill a worker at a third and at two thirds of the way."""
    kills, until = [PEOPLE // 3, 2 * PEOPLE // 3], time.monotonic() + 1800
    while True:
        # the night of the machine's clock is no night here
        await conn.execute(DAY)
        await conn.execute("update jobs set run_at = now() where run_at > now() + interval '1 minute'")
        [(state,)] = await (await conn.execute("select state from broadcasts where id = %s", (one.id,))).fetchall()
        if state == "done":
            return
        if time.monotonic() > until:
            raise Failed("the broadcast does not end")
        if kills and site.telegram.accepted > kills[0]:
            kills.pop(0)
            site.kill()
            site.hire()
        await asyncio.sleep(0.5)


async def _answer(waits: list[float]) -> None:
    """Answer updates as the webhook does: at once, with a debit while somebody books the bot's time."""
    number = 0
    pending: set[asyncio.Task[None]] = set()
    while True:
        number += 1
        task = asyncio.create_task(_one_answer(-number, waits))
        pending.add(task)
        task.add_done_callback(pending.discard)
        await asyncio.sleep(1 / (REPLIES * SCALE))


async def _one_answer(chat: int, waits: list[float]) -> None:
    while True:
        began = time.monotonic()  # of this try: a pause that Telegram asks for is not ours
        booked = await cache.get("send:client")
        try:
            await Chat("client", chat).say("Баланс: 120 баллов")
            break
        except errors.Unavailable as flood:  # Telegram offers the update again
            await asyncio.sleep((flood.retry_after or timedelta(seconds=0.1)).total_seconds())
    waits.append(time.monotonic() - began)
    if booked:
        await cache.pipeline([limits.debit("client", 1)])


def _verdict(site: Site, sums: list[int], replies: list[float], trips: int, commands: int) -> str:
    seen = site.telegram
    people = {chat: number for chat, number in seen.got.items() if chat > 0}
    twice = sum(number > 1 for number in people.values())
    reachable = PEOPLE - PEOPLE // BLOCKED
    unknown = sums[parts.Fate.UNKNOWN]
    missed = reachable - len(people)
    explained = len([chat for chat in seen.lost if chat > 0])
    if twice or missed > unknown or sum(sums) != PEOPLE or sums[0] or sums[1]:
        raise Failed(f"{twice} twice, {missed} missed of {unknown} unknown, sums {sums}")
    if unknown > explained + 2 * flight.AT_ONCE * parts.BLOCK:
        raise Failed(f"{unknown} unknown, {explained} answers lost and two kills")
    duration = seen.last_at - seen.first_at
    share = seen.accepted / (30 * SCALE * (duration - seen.paused))
    replies.sort()
    quantiles = [replies[int(len(replies) * share)] for share in (0.5, 0.99)]
    floods = f"{seen.floods - seen.own_floods}, {seen.own_floods}"
    waits = f"{quantiles[0] * 1000:.0f} ms, {quantiles[1] * 1000:.0f} ms"
    costs = f"{commands * 1000 // PEOPLE}, {trips * 1000 // PEOPLE}"
    lost = min(explained, unknown)
    rows = [
        ("people, of whom one in twenty has stopped the bot", f"{PEOPLE:,}"),
        ("time, as Telegram would take it", f"{(duration - seen.paused) * SCALE + seen.paused:,.0f} s"),
        ("all that the bot sent ÷ (30 a second × the time less the pauses asked for)", f"{share:.1%}"),
        ("got it twice, left out", "0, 0"),
        ("unknown", f"{unknown}: {lost} whose answer was lost, {unknown - lost} of the two kills"),
        ("pauses asked for at random, and because the bot was too fast", floods),
        ("answers beside it, median and p99, without the pauses asked for", waits),
        ("commands of Redis and transactions of Postgres per 1,000 people", costs),
    ]
    head = (
        f"{PEOPLE:,} people, {REPLIES} answers a second beside it, two workers at a time of which two are killed; "
        f"{SCALE} times as fast as life. "
        f"The machine's load was {os.getloadavg()[2]:.0f} on {os.cpu_count()} processors."
    )
    return "\n".join([head, "", "| what | figure |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])


async def _cut(site: Site) -> str:
    """Cut the audience of a great crowd, page by page, in this process."""
    one = await _made(site, CROWD)
    now = datetime.now(UTC)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with db.connect(site.url) as conn:
        began, pages = time.monotonic(), list[float]()
        found = parts.FIRST
        while found in (parts.FIRST, parts.PAGE):
            turn = time.monotonic()
            found = await parts.cut(conn, one, now)
            pages.append(time.monotonic() - turn)
            one = await broadcasts.get(conn, 1, one.id)
        seconds = time.monotonic() - began
        [(size,)] = await (await conn.execute("select pg_total_relation_size('broadcast_parts')")).fetchall()
    if one.audience != CROWD:
        raise Failed(f"{one.audience} of {CROWD} people were cut")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return (
        f"An audience of {CROWD:,} is cut in {seconds:.0f} s ({CROWD / seconds:,.0f} people a second; a page of "
        f"{parts.PAGE:,} takes {statistics.median(pages) * 1000:.0f} ms) into {one.parts:,} parts of "
        f"{size / 1024 / 1024:.1f} MB together; the worker grows by {grown:.0f} MB."
    )
