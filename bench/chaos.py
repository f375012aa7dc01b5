"""What is lost in bad weather? `python -m bench chaos`; SEED=n for that run alone, ORDERS=n for another size.

Three seeds each place ten thousand orders while everything fails in every way (bench/storm). Then sellers order cards
in their chats, through the webhook and the real functions, while both workers are killed with SIGKILL at random
moments. At the end every order must be done or refunded, every balance the sum of its ledger, no order charged twice.
"""

import asyncio
import itertools
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from bench import results
from bench.storm import storm
from dev.stack import Stack
from lib import db

SEEDS = (1, 2, 3)
SELLERS, ORDERS, KILLS = 25, 2, 10
PATIENCE = 600.0
PHOTO = Path(__file__).parents[1] / "dev" / "samples" / "coffee.jpg"

INVARIANTS = {
    "orders that are not final": "select count(*) from every_job where finished_at is null",
    "balances that are not the sum of their ledger": """
        select count(*) from credit_accounts a
        where a.balance <> (select coalesce(sum(l.amount), 0) from credit_ledger l where l.user_id = a.user_id)""",
    "orders charged other than once": """
        select count(*) from every_job j where j.price > 0
        and (select count(*) from credit_ledger l where l.job_id = j.id and l.kind = 'charge') <> 1""",
    "orders failed without a refund, or refunded without a failure": """
        select count(*) from every_job j where j.price > 0 and (j.state <> 'done') <> exists (
            select from credit_ledger l where l.job_id = j.id and l.kind = 'refund')""",
    "done orders whose card was not recorded as shown and sent": """
        select count(*) from every_job j where j.state = 'done' and j.task = 'card' and 2 <> (
            select count(*) from files f join file_telegram_ids t on t.file_id = f.id where f.job_id = j.id)""",
    "negative balances": "select count(*) from credit_accounts where balance < 0",
}

ENDS = """
    select state, coalesce(error_code, ''), count(*) from every_job where task = 'card' group by 1, 2 order by 1, 2"""


def run() -> str:
    """Run the chaos and return what was found; Failed when anything was lost."""
    seeds = [int(os.environ["SEED"])] if os.environ.get("SEED") else SEEDS
    size = storm.Size(orders=int(os.environ.get("ORDERS", "10000")))
    return "\n\n".join([*(asyncio.run(storm.run(seed, size)) for seed in seeds), asyncio.run(_chaos(seeds[0]))])


async def _chaos(seed: int) -> str:
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="lotok-chaos-"))
    try:
        async with (
            Stack(folder, time_scale=0.1, given={"LEASE_SCALE": "0.1"}) as stack,
            httpx.AsyncClient(base_url=stack.page, timeout=90, trust_env=False) as http,
        ):
            began = time.monotonic()
            sellers = [await _meet(http, number) for number in range(SELLERS)]
            killing = asyncio.create_task(_kill(stack, rng))
            await _order_all(stack, http, sellers)
            await _settle(stack, killing)
            return await _report(stack, http, sellers, seed, time.monotonic() - began)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _meet(http: httpx.AsyncClient, number: int) -> str:
    person = (await http.post("/sim/users", json={"first_name": f"Продавец {number}"})).raise_for_status().json()
    chat = f"/sim/chats/studio/{person['id']}"
    await _act(http, chat, "text", json={"text": "/start"})
    await _press(http, chat, "start:accept")
    return chat


async def _order_all(stack: Stack, http: httpx.AsyncClient, sellers: list[str]) -> None:
    for _ in range(ORDERS):
        for chat in sellers:
            await _act(
                http,
                chat,
                "upload",
                files=[("files", ("a.jpg", PHOTO.read_bytes(), "image/jpeg"))],
                data={"as": "photo"},
            )
            await _act(http, chat, "text", json={"text": "Кофе в зёрнах\nСвежая обжарка\n100% арабика"})
            for data in ("order:product:card", "order:preset:wb", "order:confirm"):
                await _press(http, chat, data)


async def _kill(stack: Stack, rng: random.Random) -> None:
    """Kill both workers' processes in turn at random moments after a minute of cron: one sends, the other draws."""
    workers = [function for entry, function in stack.functions.items() if "drain" in entry or "render" in entry]
    for worker in itertools.islice(itertools.cycle(workers), KILLS):
        await asyncio.sleep(rng.uniform(0.2, 4))
        await worker.port()
        ticking = asyncio.create_task(stack.tick())
        await asyncio.sleep(rng.uniform(0.05, 3))
        await worker.kill()
        await ticking


async def _settle(stack: Stack, killing: asyncio.Task[None]) -> None:
    until = time.monotonic() + PATIENCE
    await killing
    while (await _rows(stack, INVARIANTS["orders that are not final"]))[0][0]:
        if time.monotonic() > until:
            break
        await stack.tick()
        await asyncio.sleep(0.5)


async def _report(stack: Stack, http: httpx.AsyncClient, sellers: list[str], seed: int, seconds: float) -> str:
    wrong = {name: count for name, query in INVARIANTS.items() if (count := (await _rows(stack, query))[0][0])}
    states = await _rows(stack, ENDS)
    again = (await _rows(stack, "select count(*) from every_job where attempts > 1 and task = 'card'"))[0][0]
    repeats = sum([await _files_sent(http, chat) for chat in sellers]) - sum(
        n for state, _, n in states if state == "done"
    )
    if wrong:
        raise results.Failed(f"seed {seed}: " + "; ".join(f"{count} {name}" for name, count in wrong.items()))
    if not again:
        raise results.Failed(f"seed {seed}: none of {KILLS} kills met a card that was being made, so nothing was tried")
    lines = [
        f"{SELLERS} sellers, {SELLERS * ORDERS} orders by webhook, {KILLS} kills, seed {seed}, {seconds:.0f} s:",
        "",
        *(f"- {state}{reason and f' and refunded: {reason}'}: {count}" for state, reason, count in states),
        f"- taken over from a killed worker: {again}",
        f"- files sent a second time (the worker died between sending and noting it): {repeats}",
        *(f"- {name}: 0" for name in INVARIANTS),
    ]
    return "\n".join(lines)


async def _files_sent(http: httpx.AsyncClient, chat: str) -> int:
    messages = (await http.get(chat)).raise_for_status().json()["messages"]
    counts = Counter("document" in message and not message["sim"]["outgoing"] for message in messages)
    return counts[True]


async def _press(http: httpx.AsyncClient, chat: str, data: str) -> None:
    for message in reversed((await http.get(chat)).raise_for_status().json()["messages"]):
        rows = (message.get("reply_markup") or {}).get("inline_keyboard", [])
        if any(button.get("callback_data") == data for row in rows for button in row):
            await _act(http, chat, "press", json={"message_id": message["message_id"], "data": data})
            return
    raise results.Failed(f"no button {data} in {chat}")


async def _act(http: httpx.AsyncClient, chat: str, action: str, **body: Any) -> None:
    (await http.post(f"{chat}/{action}", params={"wait": "1"}, **body)).raise_for_status()


async def _rows(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    async with db.connect(stack.owner_url) as conn:
        return list(await (await conn.execute(query)).fetchall())
