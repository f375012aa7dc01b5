"""Two people order and cancel as fast as they can, with many workers: what that costs us stays within their shares."""

import asyncio
import random
import uuid

import pytest

from lib import errors
from lib.jobs import table
from lib.studio import spending
from tests import factories
from tests.sizes import few

TURNS, HANDS = 30, 4
SHARES = {"trial": 1_000, "others": 10_000}
COSTS = (40, 550)  # a still, and a clip of ten seconds


async def order(conn, user):
    """Order five clips and take the job up, as a worker does."""
    made = await factories.make_job(conn, user, price=2)
    token = uuid.uuid4()
    await conn.execute(
        "update jobs set state = 'running', lease_token = %s, leased_until = now() + interval '1 hour' where id = %s",
        (token, made.id),
    )
    job = await table.get_job_by_id(conn, made.id)
    assert job is not None
    return job


async def make(conn, job, rng):
    """Ask for stills and clips until nobody wants them, or none may be asked for; say how it ended."""
    for item in range(5):
        for cost in COSTS:
            try:
                begun = await factories.begin_call(conn, job, item, cost=cost)
            except errors.Conflict as error:
                return error.code
            if begun.id is None:
                return "done"
            await spending.end_call(conn, begun.id, "done", cost)
            await asyncio.sleep(rng.random() / 1000)
    return "done"


async def turn(database, user, rng):
    """Order, and cancel somewhere in between."""
    async with database.connect() as conn, database.connect() as other:
        try:
            job = await order(conn, user)
        except errors.ShortOfCredits:
            return
        making = asyncio.create_task(make(conn, job, rng))
        await asyncio.sleep(rng.random() / 50)
        await spending.stop_order(other, job.id, user.id)
        state = "done" if await making == "done" else "cancelled"
        await table.update_job_status(conn, job, state)


@pytest.mark.parametrize("seed", few([1, 2], 1))
async def test_a_storm_of_orders_and_cancels_costs_no_more_than_two_shares(database, seed):
    rng = random.Random(seed)
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        await conn.execute(
            "insert into credit_ledger (user_id, kind, amount, key) values (%s, 'trial', 2, 'storm')", (alice.id,)
        )
        bob = await factories.make_user(conn, credits=60)

    async def hand(user):
        for _ in range(TURNS // HANDS):
            await turn(database, user, rng)

    await asyncio.gather(*(hand(user) for user in (alice, bob) for _ in range(HANDS)))
    async with database.connect() as conn:
        for user, kind in ((alice, "trial"), (bob, "others")):
            spent, wasted = await what_it_cost(conn, user)
            assert 0 < spent <= max(SHARES[kind], 5 * sum(COSTS)), kind
            assert wasted <= spending.STOPPED_CALLS[kind], kind
        await factories.books_are_right(conn)


async def what_it_cost(conn, user):
    """Return what a person's calls cost, and how many belong to orders that were cancelled."""
    query = """
        select sum(c.cost)::integer, count(*) filter (where h.state = 'cancelled')
        from provider_calls c
        join job_history h on h.id = c.job_id
        where c.user_id = %s
    """
    [row] = await (await conn.execute(query, (user.id,))).fetchall()
    return row
