"""A shop moves to another region: its rows, its people's accounts, its jobs; then the directory says so.

    check -> hold -> people -> rows -> verify -> flip -> clear
               └───────────── back ──────────┘
    hold    nobody writes the shop's rows (fence), its jobs are put by; updates get 503, Telegram brings them again
    flip    one transaction says where the shop and its people's chats are, and lets the jobs go; every region hears it
    clear   after the longest handler has ended: the rows here are removed, and the fence with them

Each step is safe to repeat, and the state is kept in .dev/move, so the same command again goes on where it was. Until
the transaction of `flip` all is as it was but for the fence; after it the rows over there are the shop's.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lib import db, errors
from ops.neon.steps import State, Step
from ops.regions import crossing, fence, numbers, tenant
from ops.regions.tenant import TenantTable

type Tell = Callable[[], Awaitable[datetime | None]]
type Forget = Callable[[], Awaitable[bool]]
type States = Callable[[list[tuple[str, int]]], Awaitable[list[dict[str, Any]]]]

UNENDED = "a move of this shop from there has not ended; do it to its end, or --back, first"
LOCK = "select pg_try_advisory_lock(hashtextextended('move shop ' || %s, 0))"
SHOP = """
select p.id, p.code, p.title, coalesce(s.region, '')
from public.partners p
left join public.shop_regions s on s.code = p.code
where p.code = %(shop)s or p.id::text = %(shop)s
order by p.code = %(shop)s desc
limit 1
"""
MAY = "select rolsuper or rolbypassrls, rolname from pg_roles where rolname = current_user"
MIGRATIONS = "select array_agg(name order by name) from public.migrations"
IN_THE_WAY = """
select
    (select count(*) from public.phone_releases where partner_id = %(shop)s) as releases,
    (
        select count(*) from public.broadcasts
        where partner_id = %(shop)s and state in ('cutting', 'running')
    ) as broadcasts,
    (
        select count(*) from public.jobs
        where price > 0 and %(shop)s::text in (args ->> 'partner_id', args ->> 'partner')
    ) as paid
"""
# Jobs that wait are put by as events that nobody is told yet; what runs is refused by the fence, and waits then.
PUT_BY = """
with gone as (
    delete from public.jobs
    where state = 'queued' and %(shop)s::text in (args ->> 'partner_id', args ->> 'partner')
    returning *
)
insert into public.region_events (region, kind, body, at)
select %(region)s, 'job', jsonb_build_object('tg_id', u.tg_id, 'task', g.task, 'key', g.key, 'args', g.args,
    'checkpoint', g.checkpoint, 'priority', g.priority, 'run_at', g.run_at, 'attempts', g.attempts,
    'max_attempts', g.max_attempts), 'infinity'
from gone g
left join public.users u on u.id = g.user_id
order by g.id
"""
OURS = """kind = 'job' and at = 'infinity'
and %(shop)s::text in (body -> 'args' ->> 'partner_id', body -> 'args' ->> 'partner')"""
LET_GO = f"update public.region_events set at = clock_timestamp() where {OURS}"
TAKE_BACK = (
    f"with gone as (delete from public.region_events where {OURS} returning body) select hear_job(body) from gone"
)
# The chats of the shop's people go with it, unless they have something else to do here.
CHATS = """
select c.bot, u.tg_id
from (
    select 'partner' as bot, s.user_id
    from public.staff s
    where s.partner_id = %(shop)s and s.removed_at is null
    and not exists (
        select from public.staff o where o.user_id = s.user_id and o.partner_id <> s.partner_id and o.removed_at is null
    )
    union
    select 'client', m.user_id
    from public.members m
    where m.partner_id = %(shop)s and m.left_at is null
    and not exists (
        select from public.members o where o.user_id = m.user_id and o.partner_id <> m.partner_id and o.left_at is null
    )
) c
join public.users u on u.id = c.user_id
where u.tg_id > 0
and not exists (
    select from public.chat_regions r where r.bot = c.bot and r.tg_id = u.tg_id and r.region = %(region)s
)
order by 1, 2
"""
PLACE = """
select place_chat(c.bot, c.tg_id, %(region)s, %(others)s::text[])
from unnest(%(bots)s::text[], %(tg_ids)s::bigint[]) c (bot, tg_id)
"""
PLACE_SHOP = "select place_shop(%(code)s, %(shop)s, %(region)s, %(others)s::text[])"
GO_ON = "select tell_regions(array[%(region)s::text], 'state', s.body) from unnest(%(states)s::jsonb[]) s (body)"
FORGET = """
delete from public.remembered
where what in ('welcome', 'birthday', 'block') and subject = %(shop)s
or what in ('owed', 'card') and subject in (select id from public.members where partner_id = %(shop)s)
"""


@dataclass
class Move:
    """A move on its way, with a connection to each side."""

    source: db.Connection
    target: db.Connection
    state: State
    shop: int
    code: str
    home: str
    region: str
    others: list[str]
    tell: Tell
    forget: Forget
    states: States
    settle: float = 25.0
    tables: list[TenantTable] = field(default_factory=list)

    @property
    def asked(self) -> dict[str, object]:
        """Return what the statements ask for."""
        return {"shop": self.shop, "region": self.region, "others": self.others}


async def find(conn: db.Connection, shop: str) -> tuple[int, str, str, str]:
    """Return a shop's number, code, title, and the region that it is said to be in, by its code or number."""
    row = await (await conn.execute(SHOP, {"shop": shop})).fetchone()
    if row is None:
        there = await (await conn.execute("select region from public.shop_regions where code = %s", (shop,))).fetchone()
        raise errors.Missing("no_shop", f"{shop} is in {there[0]}" if there else shop)
    return int(row[0]), row[1], row[2], row[3]


async def lock(move: Move) -> None:
    """Take the shop's lock on both sides for as long as the connections live; Conflict while another move has one."""
    for conn in (move.source, move.target):
        row = await (await conn.execute(LOCK, (str(move.shop),))).fetchone()
        if not row or not row[0]:
            raise errors.Conflict("moving", "another move of this shop is under way")


async def check(move: Move) -> str:
    """Refuse what stands in the way, before anything is changed."""
    said = list[str]()
    for title, conn in (("here", move.source), ("there", move.target)):
        row = await (await conn.execute(MAY)).fetchone()
        if not row or not row[0]:
            said.append(f"{title}: alter role {row[1] if row else '…'} bypassrls")
    for title, conn, region in (("here", move.source, move.home), ("there", move.target, move.region)):
        if wrong := await numbers.strange(conn, region):
            said.append(f"{title}: rows count from elsewhere: {', '.join(wrong[:5])}; python -m ops regions begin")
    pair = [await (await conn.execute(MIGRATIONS)).fetchone() for conn in (move.source, move.target)]
    if pair[0] != pair[1]:
        said.append("the two databases have not the same migrations: python -m ops migrate")
    found = await (await move.source.execute(IN_THE_WAY, {"shop": move.shop})).fetchone() or (0, 0, 0)
    for number, what in zip(found, ("open releases of numbers", "broadcasts that go out", "paid jobs"), strict=True):
        said += [f"{number} {what}: wait until they have ended"] if number else []
    if await fence.is_up(move.target, move.shop):
        said.append(f"there: {UNENDED}")
    if said:
        raise errors.Conflict("not_ready", "; ".join(said))
    return f"{len(move.tables)} tables; nothing stands in the way"


async def hold(move: Move) -> str:
    """Let nobody write the shop's rows, and put its jobs by until none is left."""
    await fence.raise_(move.source, move.tables, move.shop)
    return f"no row of the shop is written now; {await put_by(move)} jobs wait"


async def put_by(move: Move) -> int:
    """Put the shop's jobs by, and those that run once they have ended; return how many."""
    number = (await move.source.execute(PUT_BY, move.asked)).rowcount
    await fence.rest(move.source, move.shop)
    return number + (await move.source.execute(PUT_BY, move.asked)).rowcount


async def people(move: Move) -> str:
    """Have the shop's people on the other side, each once."""
    numbers = await tenant.people(move.source, move.tables, move.shop)
    new = await crossing.people(move.source, move.target, numbers)
    return f"{len(numbers)} people, {new} of them new there"


async def rows(move: Move) -> str:
    """Copy the rows; never once the directory says that the shop is over there.

    That it may say where the state file is lost, or another computer's: the steps that end the move are then left.
    """
    if await _said_of(move) == move.region:
        return "the directory says that the shop is there already"
    if await fence.is_up(move.target, move.shop):  # its rows there are the shop's, or are still to be removed
        raise errors.Conflict("not_ready", f"there: {UNENDED}")
    await people(move)
    await crossing.put(move.source, move.target, move.tables, move.shop)
    await crossing.remembered(move.source, move.target, move.shop)
    return f"{len(move.tables)} tables"


async def verify(move: Move) -> str:
    """Prove that both sides hold the same, until the shop works there and its rows change."""
    if await _said_of(move) == move.region:
        return "the shop works there already"
    await people(move)
    number = await crossing.verify(move.source, move.target, move.tables, move.shop)
    return f"{number:,} rows are alike"


async def flip(move: Move) -> str:
    """Send conversations ahead, say in one transaction where the shop is, and wait until every region has heard."""
    chats = await (await move.source.execute(CHATS, move.asked)).fetchall()
    states = await move.states(chats)
    await move.source.execute(GO_ON, {**move.asked, "states": [*map(json.dumps, states)]})
    await _all_have_heard(move)
    places = {"bots": [bot for bot, _ in chats], "tg_ids": [tg_id for _, tg_id in chats], "code": move.code}
    async with move.source.transaction():
        await move.source.execute(PLACE, {**move.asked, **places})
        await move.source.execute(PLACE_SHOP, {**move.asked, **places})
        await move.source.execute(LET_GO, move.asked)
    if not await move.forget():
        raise errors.Unavailable("redis", "the look-ups are not forgotten; again goes on, and the shop waits")
    await _all_have_heard(move)
    return (
        f"the shop is in {move.region}; chats that went along: {len(chats)}, in the middle of something: {len(states)}"
    )


async def _all_have_heard(move: Move) -> None:
    if await move.tell() is not None:
        raise errors.Unavailable("regions", "a region has not heard of it yet; again goes on, and the shop waits")


async def clear(move: Move) -> str:
    """Remove the rows here once no handler can still work on them, and the fence with them."""
    if await _said_of(move) != move.region:
        raise errors.Conflict("here_again", "the directory no longer says that the shop is there; nothing is removed")
    await asyncio.sleep(move.settle)
    await put_by(move)
    await move.source.execute(LET_GO, move.asked)
    await _all_have_heard(move)
    await move.source.execute(FORGET, move.asked)
    await crossing.remove(move.source, move.tables, move.shop)
    await fence.lower(move.source, move.tables, move.shop)
    return "nothing of the shop is left here"


async def _said_of(move: Move) -> str:
    """Return where the directory here says that the shop is; its row may be gone."""
    query = "select region from public.shop_regions where code = %s"
    row = await (await move.source.execute(query, (move.code,))).fetchone()
    return str(row[0]) if row else ""


async def back(move: Move) -> str:
    """Give up a move before the directory says it: the copy goes, the jobs come back, the fence falls.

    The directory alone decides: the state file may be another computer's.
    """
    if (await find(move.source, move.code))[3] == move.region:
        raise errors.Conflict("moved_already", "the directory says that the shop is there; the same command goes on")
    await crossing.remove(move.target, move.tables, move.shop)
    await move.source.execute(TAKE_BACK, move.asked)
    await fence.lower(move.source, move.tables, move.shop)
    move.state.forget(*move.state.steps)
    return "the shop works on where it was"


STEPS: tuple[Step[Move], ...] = (
    Step("check", "look at both sides", check),
    Step("hold", "let nobody write the shop's rows", hold),
    Step("people", "have its people on the other side", people),
    Step("rows", "copy its rows", rows),
    Step("verify", "compare both sides", verify),
    Step("flip", "say where the shop is, and wait until every region knows", flip),
    Step("clear", "remove the rows here", clear),
)
