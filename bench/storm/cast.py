"""A broadcast in the storm: advertising reaches nobody twice, and nobody is left without an outcome."""

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime

from bench.storm.services import Services
from lib import db, errors
from lib.reach import broadcasts
from lib.reach.parts import Fate

FIRST_CHAT = 700_001
TASKS = ("audience", "part_client")
OWNER = "insert into users (tg_id, consent_at) values (700000, now()) returning id"
SHOP = """
insert into partners (code, owner_id, title, city, category, status)
values ('stormshop', %s, 'Кофейня', 'Казань', 'cafe', 'approved') returning id
"""
PEOPLE = """
with people as (
    insert into users (tg_id, consent_at) select %(first)s + n, now() from generate_series(0, %(number)s - 1) n
    returning id
), known as (
    insert into clients (user_id, name, city) select id, 'Анна', 'Казань' from people
), agreed as (
    insert into news_choices (partner_id, user_id, kind, wants, said_in)
    select %(shop)s, id, 'news', true, 'storm' from people
)
insert into members (partner_id, user_id, card_no) select %(shop)s, id, 20000000 + id from people
"""
JOB = """
insert into jobs (user_id, task, key, args, max_attempts)
values (%s, 'audience', 'audience:storm', jsonb_build_object('partner', %s::bigint, 'broadcast', %s::bigint), 500)
"""


async def place(url: str, number: int) -> None:
    """Have a shop write to so many people."""
    async with db.connect(url) as conn:
        [(owner,)] = await (await conn.execute(OWNER)).fetchall()
        [(shop,)] = await (await conn.execute(SHOP, (owner,))).fetchall()
        await conn.execute(PEOPLE, {"first": FIRST_CHAT, "number": number, "shop": shop})
        made = await broadcasts.draft(conn, shop, owner, words="Сегодня пироги")
        await conn.execute("update broadcasts set state = 'scheduled', most_blocked_bp = 10000")
        await conn.execute(JOB, (owner, shop, made.id))


async def pause(url: str, seconds: float) -> None:
    """Have the author pause the broadcast for a moment; nothing while it does not run."""
    async with db.connect(url) as conn:
        [(shop, one)] = await (await conn.execute("select partner_id, id from broadcasts")).fetchall()
        with contextlib.suppress(errors.Conflict):
            await broadcasts.steer(conn, shop, one, "pause", datetime.now(UTC))
            await asyncio.sleep(seconds)
            await broadcasts.steer(conn, shop, one, "resume", datetime.now(UTC))


async def wrongs(conn: db.Connection, number: int, services: Services) -> list[str]:
    """Return what is wrong, in words; nothing, as a rule."""
    [(state, shop, one)] = await (await conn.execute("select state, partner_id, id from broadcasts")).fetchall()
    [(sums,)] = await (await conn.execute("select broadcast_sums(%s, %s)", (shop, one))).fetchall()
    got = Counter(services.readers)
    counts = {
        "broadcasts that have not ended": int(state != "done"),
        "people without an outcome": sums[Fate.WAITING] + sums[Fate.BEGUN],
        "people left out of the audience": number - sum(sums),
        "people who got advertising twice": sum(times > 1 for times in got.values()),
        "people who got nothing and count as sent": sums[Fate.SENT] - len(got.keys() & services.heard),
        "people who have it beyond sent and unknown": max(len(got) - sums[Fate.SENT] - sums[Fate.UNKNOWN], 0),
    }
    return [f"{count} {name}" for name, count in counts.items() if count > 0]


async def told(conn: db.Connection) -> str:
    """Return how the broadcast went, for the results."""
    [(shop, one)] = await (await conn.execute("select partner_id, id from broadcasts")).fetchall()
    [(sums,)] = await (await conn.execute("select broadcast_sums(%s, %s)", (shop, one))).fetchall()
    return "a broadcast: " + ", ".join(f"{fate.name.lower()} {sums[fate]}" for fate in Fate if sums[fate])
