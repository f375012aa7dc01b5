"""How long from "confirm" to the card when a provider draws for half a minute, 200 orders are in flight and a minute's
tick is lost? What does it cost to poll 200 waiting orders, and what does an order cost?

The whole stack, with KIE's stand-in: 20 new tasks in 10 seconds, callbacks as KIE sends them, pictures small.
"""

import asyncio
import os
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from bench.results import Failed
from dev.stack import ROOT, Stack
from lib import config, db
from lib.jobs import drain, table
from lib.studio import orders
from lib.tasks import TASKS

ORDERS = 200
GENERATION = 30.0
PATIENCE = 420.0
PHOTO = (ROOT / "dev" / "samples" / "coffee.jpg").read_bytes()


def run() -> str:
    """Place, wait and measure; Failed when an order is not delivered."""
    return asyncio.run(_run())


async def _run() -> str:
    with tempfile.TemporaryDirectory(prefix="lotok-studio-", ignore_cleanup_errors=True) as folder:
        async with Stack(Path(folder), ai=True, light=True, generation_seconds=GENERATION) as stack:
            async with httpx.AsyncClient(base_url=stack.page, timeout=120, trust_env=False) as http:
                people = [await _seller(http) for _ in range(20)]
                order = await _place(stack, people)
                ends = await _delivered(stack, http)
            polls = await _polls(stack, order)
            costs = await _rows(stack, "select job_id, sum(cost) from provider_calls group by 1")
            calls = await _rows(stack, "select state, count(*) from provider_calls group by 1 order by 1")
    return _table(ends, polls, [row[1] for row in costs], dict(calls), stack.providers["kie"].overrun)


async def _seller(http: httpx.AsyncClient) -> tuple[int, str]:
    """Make a person who has sent a photo; return the chat and the file."""
    user = (await http.post("/sim/users", json={"first_name": "Алиса", "language_code": "ru"})).json()["id"]
    chat = f"/sim/chats/studio/{user}"
    await http.post(f"{chat}/text", params={"wait": 1}, json={"text": "/start"})
    files = [("files", ("photo.jpg", PHOTO, "image/jpeg"))]
    await http.post(f"{chat}/upload", params={"wait": 1}, files=files, data={"as": "photo"})
    messages = (await http.get(chat)).json()["messages"]
    return user, next(one for one in messages if one.get("photo"))["photo"][-1]["file_id"]


async def _place(stack: Stack, people: list[tuple[int, str]]) -> orders.Order:
    async with db.connect(stack.owner_url) as conn:
        for number in range(ORDERS):
            tg_id, file_id = people[number % len(people)]
            cursor = await conn.execute("select id from users where tg_id = %s", (tg_id,))
            [user_id] = await cursor.fetchone() or [0]
            place = {"bot": "studio", "chat_id": tg_id, "message_id": 1, "language": "ru", "file_id": file_id}
            order = orders.Order(**place, title="Кружка", benefits=("Держит тепло",))  # type: ignore[arg-type]
            await table.create_job_and_consume_credit(
                conn, user_id, task="card", key=f"bench:{number}", args=order.args(), price=0
            )
    return order


async def _delivered(stack: Stack, http: httpx.AsyncClient) -> list[float]:
    """Kick once as an order does, then tick each minute but lose the first; return seconds from order to delivery."""
    headers = {"Authorization": f"Bearer {stack.settings['CRON_SECRET']}"}
    await http.post(f"{stack.deployment}/api/render", headers=headers)
    began = time.monotonic()
    ticks: set[asyncio.Task[Any]] = set()
    due = began + 120
    while True:
        rows = await _rows(
            stack,
            "select state, extract(epoch from finished_at - created_at)::float from every_job where task = 'card'",
        )
        if all(state == "done" for state, _ in rows):
            return [seconds for _, seconds in rows]
        if any(state in ("failed", "cancelled") for state, _ in rows) or time.monotonic() - began > PATIENCE:
            raise Failed(f"not delivered: {[state for state, _ in rows if state != 'done'][:5]}")
        if time.monotonic() > due:
            due += 60
            ticks.add(asyncio.create_task(stack.tick()))
        await asyncio.sleep(0.5)


async def _polls(stack: Stack, order: orders.Order) -> tuple[int, int, float]:
    """Let 200 orders wait for a provider that never ends; return polls, statements and seconds of one look."""
    await stack.functions["api/render.py"].stop()
    os.environ.update(stack.settings)
    config.get.cache_clear()
    stack.providers["kie"].seconds = 3600
    tasks = []
    body = {"model": "nano-banana-2", "input": {}}
    for _ in range(ORDERS):
        tasks.append(stack.providers["kie"]._make(stack.providers["kie"].keys[0], body, stack.page))
    async with db.connect(stack.owner_url) as conn:
        await conn.execute("delete from job_schedules")
        for number, task in enumerate(tasks):
            ticket = {"provider": "kie", "model": "nano-banana-2", "id": task.id, "account": ""}
            call = {
                "id": 0,
                "offer": "kie:nano-banana-2",
                "still": False,
                "nonce": "n",
                "at": time.time() - 250,
                "ticket": ticket,
            }
            checkpoint = {"source": 1, "source_path": "x", "shown": "making.generating", "item0": {"call": call}}
            await conn.execute(
                "insert into jobs (task, key, args, checkpoint, turn) values ('card', %s, %s, %s, 0)",
                (f"poll:{number}", order.args(), checkpoint),
            )
    counted = _count_statements()
    began = time.monotonic()
    until = datetime.now(UTC) + timedelta(seconds=45)  # before any of them is due again
    done = await drain.work(TASKS, until, only=["card"], patience=timedelta(0))
    seconds = time.monotonic() - began
    await db.close()
    return done.waiting, counted[0], seconds


def _count_statements() -> list[int]:
    counted = [0]
    execute = db.Query._execute

    async def counting(self: Any, *args: Any, **params: Any) -> Any:
        counted[0] += 1
        return await execute(self, *args, **params)

    db.Query._execute = counting  # type: ignore[method-assign]
    return counted


async def _rows(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    async with db.connect(stack.owner_url) as conn:
        return list(await (await conn.execute(query)).fetchall())


def _table(ends: list[float], polls: tuple[int, int, float], costs: list[int], calls: dict[str, int], over: int) -> str:
    ends = sorted(ends)
    number, statements, seconds = polls
    lines = [
        "| what | figure |",
        "|---|---|",
        f"| orders at once, each drawn for {GENERATION:.0f} s by the provider (± 20 %) | {len(ends)}, all delivered |",
        f"| from order to delivery, s: first / median / 95 % / last | {ends[0]:.0f} / {statistics.median(ends):.0f} / "
        f"{ends[int(len(ends) * 0.95)]:.0f} / {ends[-1]:.0f} |",
        f"| least possible for the last, at 20 new tasks in 10 s | {len(ends) / 2 + GENERATION:.0f} |",
        f"| times the provider said 'too many' | {over} |",
        f"| one look at {number} waiting orders: statements in Postgres, s | {statements}, {seconds:.1f} |",
        f"| cost of an order at KIE's list price, $ | {statistics.mean(costs) / 1000:.3f} |",
        f"| calls of providers | {', '.join(f'{count} {state}' for state, count in calls.items())} |",
    ]
    return "\n".join(
        [*lines, "", "The minute's tick is lost in the first two minutes; a kick began it, callbacks carried it on."]
    )
