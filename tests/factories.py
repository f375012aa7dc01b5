"""Rows for tests: each factory shows what matters and makes up the rest."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from lib import db
from lib.jobs import table
from lib.jobs.table import Job
from lib.people import users
from lib.studio import spending

LEASE = timedelta(seconds=30)

_numbers = itertools.count(1)


async def make_user(conn: db.Connection, *, credits: int = 0, tg_id: int | None = None, **fields: Any) -> users.User:
    """Return a new person who holds `credits`."""
    number = next(_numbers)
    fields.setdefault("first_name", "Алиса")
    user = await users.get_or_create_user(conn, tg_id or 1_000_000 + number, **fields)
    if credits:
        await grant(conn, user.id, credits)
    found = await users.get_user(conn, user.id)
    assert found is not None
    return found


async def grant(conn: db.Connection, user_id: int, amount: int) -> None:
    """Give credits."""
    await conn.execute(
        "insert into credit_ledger (user_id, kind, amount, key) values (%s, 'grant', %s, %s)",
        (user_id, amount, f"grant:{next(_numbers)}"),
    )


async def make_job(conn: db.Connection, user: users.User, **fields: Any) -> Job:
    """Return a new queued job, free unless a price is given."""
    wanted: dict[str, Any] = {"task": "card", "key": f"key:{next(_numbers)}", "args": {}, "price": 0, **fields}
    return (await table.create_job_and_consume_credit(conn, user.id, **wanted)).job


async def claim(conn: db.Connection, *, lease: timedelta = LEASE, limit: int = 1) -> list[Job]:
    """Lease what is due, of the tasks that tests use."""
    return await table.fetch_next_queued_job(conn, ["card", "notice"], lease, limit)


async def make_running(conn: db.Connection, user: users.User, **fields: Any) -> Job:
    """Return a job that a worker has just claimed."""
    made = await make_job(conn, user, priority=1000, **fields)
    [job] = await claim(conn)
    assert job.id == made.id
    return job


async def begin_call(conn: db.Connection, job: Job, item: int = 0, **options: Any) -> spending.CallStart:
    """Note a call for a running job, of a provider that a test need not know."""
    wanted = {"provider": "kie", "model": "m", "cost": 40, **options}
    return await spending.begin_call(conn, spending.Intent(job.id, job.lease_token, item, "main", **wanted))


async def expire_lease(conn: db.Connection, job: Job) -> None:
    """Let the worker of a running job have died long ago."""
    await conn.execute("update jobs set leased_until = now() - interval '1 minute' where id = %s", (job.id,))


async def kinds(conn: db.Connection, user: users.User) -> list[tuple[str, int, int]]:
    """Return a person's ledger as (kind, amount, balance after), oldest first."""
    cursor = await conn.execute(
        "select kind, amount, balance_after from credit_ledger where user_id = %s order by id", (user.id,)
    )
    return [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in await cursor.fetchall()]


async def books_are_right(conn: db.Connection) -> None:
    """Assert what must hold for money at all times."""
    cursor = await conn.execute(
        """
        select
            (select count(*) from credit_accounts a where a.balance <> coalesce(
                (select sum(l.amount) from credit_ledger l where l.user_id = a.user_id), 0)),
            (select count(*) from every_job j where j.price > 0 and not exists (
                select from credit_ledger l where l.job_id = j.id and l.kind = 'charge' and l.amount = -j.price)),
            (select count(*) from every_job j where j.price > 0 and (j.state in ('failed', 'cancelled')) <> exists (
                select from credit_ledger l where l.job_id = j.id and l.kind = 'refund' and l.amount = j.price)),
            (select count(*) from credit_ledger l where l.job_id is not null
                and not exists (select from every_job j where j.id = l.job_id)),
            (select count(*) from every_job j where j.state = 'failed' and j.task <> 'notice' and not exists (
                select from every_job n where n.key = 'failed:' || j.id))
        """
    )
    assert await cursor.fetchone() == (0, 0, 0, 0, 0)


@contextlib.asynccontextmanager
async def refused(conn: db.Connection, error: type[Exception], match: str | None = None) -> AsyncIterator[None]:
    """Expect an error inside the test's transaction and keep the transaction usable after it."""
    with pytest.raises(error, match=match):
        async with conn.transaction():
            yield


async def reads(conn: db.Connection, index: str) -> int:
    """Return how many entries of an index this database has read so far, those of this connection included."""
    await conn.execute("select pg_stat_force_next_flush()")
    query = "select idx_tup_read from pg_stat_user_indexes where indexrelname = %s"
    [(read,)] = await (await conn.execute(query, (index,))).fetchall()
    return int(read)
