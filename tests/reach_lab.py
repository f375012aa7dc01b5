"""A shop with many clients who have agreed to its news, and a broadcast to them; a bot that notes what it sends."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from lib import db, errors, limits
from lib.jobs import table
from lib.jobs.run import Run
from lib.reach import broadcasts, parts, reading
from lib.reach.broadcasts import Broadcast
from lib.tasks import audience, part, resume
from lib.telegram.client import SentMessage
from tests.loyalty_lab import Shop

NOON = datetime(2036, 3, 11, 9, 0, tzinfo=UTC)  # in Moscow, and after all that Postgres calls now

CROWD = """
with people as (
    insert into users (tg_id, consent_at)
    select (select coalesce(max(tg_id), 0) from users) + 5000 + n, now() from generate_series(1, %(number)s) n
    returning id, tg_id
), known as (
    insert into clients (user_id, name, city) select id, 'Анна', 'Казань' from people
), agreed as (
    insert into news_choices (partner_id, user_id, kind, wants, said_in)
    select p.shop, id, 'news', true, 'test' from people, unnest(array[%(shop)s::bigint, 0]) p (shop)
), joined as (
    insert into members (partner_id, user_id, card_no) select %(shop)s, id, 20000000 + id from people
)
select id, tg_id from people order by id
"""


async def crowd(conn: db.Connection, shop: int, number: int) -> dict[int, int]:
    """Make clients of a shop who have agreed; return their Telegram ids by id."""
    return dict(await (await conn.execute(CROWD, {"number": number, "shop": shop})).fetchall())


async def written(conn: db.Connection, shop: Shop, **fields: Any) -> Broadcast:
    """Return a draft of the owner's with words."""
    return await broadcasts.draft(conn, shop.id, shop.owner.id, **{"words": "Сегодня пироги", **fields})


async def released(conn: db.Connection, shop: Shop, now: datetime = NOON, **fields: Any) -> Broadcast:
    """Return a broadcast that an administrator has let through."""
    one = await written(conn, shop, **fields)
    one = await broadcasts.send(conn, one, one.version, shop.owner.id, now)
    if one.state == "review":
        await broadcasts.decide(conn, one, one.version, now, approves=True)
    return await broadcasts.get(conn, one.partner_id, one.id)


class Postbox:
    """The bot: who got something, and what it answers. `answers` gives an error by Telegram id, once.

    An answer comes when so many more as `behind` have got theirs; after `most` the bot is out of reach.
    """

    def __init__(self, monkeypatch: Any) -> None:
        self.got: list[int] = []
        self.behind, self.most, self.booked = 0, 10_000, 0
        self.changed = asyncio.Condition()
        self.answers: dict[int, Exception] = {}
        monkeypatch.setattr(reading, "deliver", self.deliver)
        monkeypatch.setattr(limits, "reserve_block", self.reserve)
        monkeypatch.setattr(limits, "_local", limits._LocalCounts())
        monkeypatch.setattr(limits, "look", self.look)

    async def deliver(self, chat: Any, one: Any, language: str, file: Any) -> SentMessage:
        if len(self.got) >= self.most:
            await asyncio.Event().wait()
        answer = self.answers.pop(chat.id, None)
        if answer is None or (isinstance(answer, errors.Unavailable) and answer.code == "telegram"):
            self.got.append(chat.id)  # a lost answer: the message has arrived
            await self._hold(len(self.got))
        if answer:
            raise answer
        return SentMessage(len(self.got))

    async def reached(self, number: int) -> None:
        """Wait until so many have got something."""
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.got) >= number)

    async def _hold(self, number: int) -> None:
        async with self.changed:
            self.changed.notify_all()
            await self.changed.wait_for(lambda: not self.behind or len(self.got) >= number + self.behind)

    async def answer_all(self) -> None:
        """Give the answers that are held back, and all others at once."""
        self.behind = 0
        async with self.changed:
            self.changed.notify_all()

    async def reserve(self, bot: str, slots: int, **_: Any) -> limits.Slot:
        """Give slots at once; while answers are held back, only when all of the block before are out, as time would."""
        if self.behind:
            await self.reached(self.booked)
        self.booked += slots
        return limits.Slot(0.0)

    async def look(self, bot: str) -> None:
        pass

    @property
    def twice(self) -> list[int]:
        return [one for one, number in Counter(self.got).items() if number > 1]


TASKS = {"audience": audience, "part_client": part, "part_partner": part, "resume": resume}


class Worker:
    """Runs the jobs of broadcasts one after the other, by a clock that the test sets."""

    def __init__(self, conn: db.Connection, monkeypatch: Any, now: datetime = NOON) -> None:
        self.conn, self.now = conn, now
        monkeypatch.setattr("lib.clock.now", lambda: self.now)
        monkeypatch.setattr("lib.jobs.kick.drain", self._kick)

    async def _kick(self) -> None:
        pass

    async def claim(self) -> Run | None:
        """Lease the next job, whatever its time: a test says what time it is."""
        await self.conn.execute("update jobs set run_at = least(run_at, now()) where run_at <= %s", (self.now,))
        found = await table.fetch_next_queued_job(self.conn, [*TASKS], timedelta(seconds=30))
        return Run(found[0], self.now + timedelta(hours=1)) if found else None

    async def step(self) -> Run | None:
        """Run one job and report it; a job that is killed keeps its lease, which then runs out."""
        run = await self.claim()
        if run is not None:
            await TASKS[run.job.task].run(run)
            state, at = ("waiting", run.waits_until) if run.waits_until else ("done", None)
            await table.update_job_status(self.conn, run.job, state, run_at=at)
        return run

    async def work(self) -> None:
        """Run everything that is due."""
        while await self.step():
            pass

    async def bury(self) -> None:
        """Let the leases of the dead run out."""
        await self.conn.execute("update jobs set leased_until = now() - interval '1 s' where state = 'running'")

    async def sums(self, one: Broadcast) -> dict[str, int]:
        """Return how many people have each outcome."""
        cursor = await self.conn.execute("select broadcast_sums(%s, %s)", (one.partner_id, one.id))
        [(sums,)] = await cursor.fetchall()
        return {outcome.name.lower(): sums[outcome] for outcome in parts.Fate if sums[outcome]}
