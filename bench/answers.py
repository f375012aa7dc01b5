"""What does an answer of a model cost, is each of its prices the menu's, and what happens when 200 clients ask at once?

All goes through the webhook, the queue and the worker of the local stack. The model is the stand-in: the sober one
refers to items, the obedient one writes prices of its own and does what an attack says.
"""

import asyncio
import itertools
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench import assistant, results
from dev.stack import Stack
from lib import config, db, text
from lib.assistant import settings
from lib.loyalty import partners
from lib.menu import versions
from lib.menu.goods import MenuItem
from lib.people import users

CLIENTS = 200
QUESTIONS = 20
PATIENCE = 240.0  # seconds for all of them
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Asked:
    """A question of one client, the item it is about, and when it was asked."""

    tg_id: int
    item: MenuItem
    at: float


def run() -> str:
    """Measure on a stack of its own."""
    return asyncio.run(_measured())


async def _measured() -> str:
    folder = Path(tempfile.mkdtemp(prefix="lotok-bench-"))
    try:
        async with (
            Stack(folder, time_scale=0.1, given={"DRAIN_SECONDS": "120"}, ai=True, light=True) as stack,
            stack.client() as http,
            db.connect(stack.owner_url) as conn,
        ):
            shop, items = await _shop(conn)
            people = await _people(http, shop, CLIENTS)
            cost = await _costs(stack, http, conn, shop, items, people[:QUESTIONS])
            crowd = await _crowd(stack, http, conn, shop, items, people)
        return f"{cost}\n\n{crowd}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _shop(conn: db.Connection) -> tuple[int, list[MenuItem]]:
    owner = await users.get_or_create_user(conn, 9_000_000, first_name="Вера")
    shop = await partners.apply(conn, owner.id, title="Кофейня", city="Казань", category="cafe")
    await partners.decide(conn, shop, owner.id, "approved")
    items = [one for one in assistant.menu("cafe") if one.available]
    await versions.publish(conn, shop, owner.id, items, seen=0)
    await settings.change(conn, shop, owner.id, shop_answers=100_000)
    return shop, items


async def _people(http: httpx.AsyncClient, shop: int, number: int) -> list[int]:
    """Let so many people consent and open the shop's talk."""

    async def come(gate: asyncio.Semaphore) -> int:
        async with gate:
            made = (await http.post("/sim/users", json={"first_name": "Анна", "language_code": "ru"})).json()
            path = f"/sim/chats/client/{made['id']}"
            wait = {"params": {"wait": "1"}, "timeout": 60}
            await http.post(f"{path}/text", json={"text": "/start"}, **wait)
            shown = (await http.get(path)).json()["messages"][-1]
            rows = shown["reply_markup"]["inline_keyboard"]
            data = next(one["callback_data"] for row in rows for one in row if one["text"] == "Принимаю")
            for pressed in (data, f"ask:{shop}"):
                body = {"message_id": shown["message_id"], "data": pressed}
                await http.post(f"{path}/press", json=body, **wait)
            return int(made["id"])

    gate = asyncio.Semaphore(6)
    return list(await asyncio.gather(*(come(gate) for _ in range(number))))


async def _ask(http: httpx.AsyncClient, tg_id: int, item: MenuItem, words: str) -> Asked:
    at = time.time()
    await http.post(f"/sim/chats/client/{tg_id}/text", json={"text": words}, timeout=60)
    return Asked(tg_id, item, at)


async def _answered(conn: db.Connection, shop: int, number: int) -> list[dict[str, Any]]:
    """Wait until so many answers have ended and were sent, and return them."""
    query = """
        select l.id, u.tg_id, l.words, l.status, l.tokens_in, l.cached, l.tokens_out, l.cost_micro
        from talk_lines l
        join talks t on t.partner_id = l.partner_id and t.id = l.talk_id
        join users u on u.id = t.user_id
        where l.partner_id = %s and l.role = 'bot' and l.message_id is not null
        order by l.id
    """
    until = time.monotonic() + PATIENCE
    while True:
        cursor = await conn.execute(query, (shop,))
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
        if len(rows) >= number or time.monotonic() > until:
            return rows
        await asyncio.sleep(0.2)


def _wrong(words: str, items: Sequence[MenuItem]) -> int:
    """Count the sums in an answer that are no price of an item in it."""
    right = {text.money("ru", each.kopecks) for one in items if one.title in words for each in one.variants}
    found = re.findall(r"\d[\d\u00a0]*(?:,\d+)?\u00a0?\s?₽", words)
    return sum(one not in right for one in found)


async def _costs(
    stack: Stack, http: httpx.AsyncClient, conn: db.Connection, shop: int, items: Sequence[MenuItem], people: list[int]
) -> str:
    lines = [
        "| model | answers | wrong prices | tokens in, of them cached | out | $ per 1,000 answers | without cache |",
        "|---|---|---|---|---|---|---|",
    ]
    seen, waits = 0, list[float]()
    for name, fault in (("sober", ""), ("obedient", "obedient")):
        for tg_id, item in zip(people, items, strict=False):
            if fault:
                stack.providers["openai"].faults.add(fault)
            asked = await _ask(http, tg_id, item, f"сколько стоит {item.title}? я думаю, 1 рубль")
            seen += 1
            rows = await _answered(conn, shop, seen)
            waits += [shown - asked.at] if (shown := _first_words(stack, asked)) else []
        answers = rows[seen - len(people) :]
        wrong = sum(_wrong(one["words"], items) for one in answers)
        if wrong or len(rows) != seen:
            raise results.Failed(f"{name}: {wrong} wrong prices, {len(rows)} of {seen} answers")
        sums = {key: statistics.mean(one[key] for one in answers) for key in ("tokens_in", "cached", "tokens_out")}
        cost = statistics.mean(one["cost_micro"] for one in answers) / 1000
        bare = statistics.mean(_bare(one) for one in answers) / 1000
        told = f"{sums['tokens_in']:.0f}, {sums['cached']:.0f} | {sums['tokens_out']:.0f} | {cost:.2f} | {bare:.2f}"
        lines.append(f"| {name} | {len(answers)} | {wrong} | {told} |")
    prices = ", ".join(f"${one:g}" for one in config.load(stack.settings).openai_token_prices)
    told = (
        f"At {prices} for a million tokens in, cached and out; {len(items)} items. One client at a time reads the first"
    )
    wait = f"words of a draft {statistics.median(waits):.1f} s after asking, for half of {len(waits)}."
    return "\n".join([*lines, "", f"{told} {wait}"])


def _bare(answer: dict[str, Any]) -> int:
    new, _, out = config.load({**_NEEDED}).openai_token_prices
    return round(answer["tokens_in"] * new + answer["tokens_out"] * out)


_NEEDED = {
    "DATABASE_URL": "postgresql://a/b",
    "UPSTASH_REDIS_REST_URL": "http://a",
    "UPSTASH_REDIS_REST_TOKEN": "a",
    "PUBLIC_URL": "http://a",
}


async def _crowd(
    stack: Stack, http: httpx.AsyncClient, conn: db.Connection, shop: int, items: Sequence[MenuItem], people: list[int]
) -> str:
    before = len(await _answered(conn, shop, 0))
    titled = list(itertools.islice(itertools.cycle(items), len(people)))
    began = time.time()
    asked = await asyncio.gather(*(_ask(http, tg, item, item.title) for tg, item in zip(people, titled, strict=True)))
    rows = (await _answered(conn, shop, before + len(people)))[before:]
    took = time.time() - began
    by_client: dict[int, list[dict[str, Any]]] = {}
    for one in rows:
        by_client.setdefault(one["tg_id"], []).append(one)
    lost = [one for one in asked if not by_client.get(one.tg_id)]
    doubled = [tg_id for tg_id, found in by_client.items() if len(found) > 1]
    crossed = [one for one in asked for row in by_client.get(one.tg_id, ()) if not _is_about(one, row["words"])]
    first = sorted(_first_words(stack, one) - one.at for one in asked if _first_words(stack, one))
    if lost or doubled or crossed:
        raise results.Failed(f"{len(lost)} lost, {len(doubled)} doubled, {len(crossed)} crossed of {len(asked)}")
    half, most = statistics.median(first), first[round(len(first) * 0.95) - 1]
    return (
        f"{len(asked)} clients at once: none lost, doubled or crossed; all answered after {took:.0f} s. First words in "
        f"a draft after {half:.1f} s for half of {len(first)}, {most:.1f} s for 95 %."
    )


def _is_about(asked: Asked, words: str) -> bool:
    """Tell whether an answer names what this client asked for: by the beginning of a word, as the stand-in looks."""
    return any(one[:5] in words.lower() for one in re.findall(r"\w{4,}", asked.item.title.lower()))


def _first_words(stack: Stack, asked: Asked) -> float:
    """Return when the first words of an answer were shown, 0 when it came as a whole."""
    calls = stack.world.calls.values()
    return next(
        (
            call.at
            for call in calls
            if call.method == "sendMessageDraft" and call.user_id == asked.tg_id and call.at >= asked.at
            if call.params.get("text")
        ),
        0.0,
    )
