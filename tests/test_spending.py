import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from lib import spending
from tests.factories import refused

CALL = {"provider": "kie", "model": "m", "cost": 40}
RATE = {"starts": 3, "span": timedelta(seconds=10)}


async def begin(conn, job_id, item=0, **options):
    return await spending.begin_call(conn, job_id, item, "main", **{**CALL, **options})


async def test_a_call_has_its_row_before_the_provider_is_asked(conn):
    begun = await begin(conn, 1)
    [cost] = await spending.costs_of_job(conn, 1)
    assert (begun.spent, begun.wait_until) == (False, None)
    assert (cost.provider, cost.model, cost.state, cost.cost, cost.seconds) == ("kie", "m", "begun", 40, None)


async def test_a_call_that_ended_has_its_true_cost_and_time(conn):
    begun = await begin(conn, 1)
    await spending.end_call(conn, begun.id, "done", 37)
    [cost] = await spending.costs_of_job(conn, 1)
    assert (cost.state, cost.cost) == ("done", 37)
    assert cost.seconds >= 0


async def test_without_word_of_the_provider_the_list_price_stands(conn):
    begun = await begin(conn, 1)
    await spending.end_call(conn, begun.id, "lost")
    assert await spending.spent_today(conn, "kie") == 40


async def test_a_call_ends_once(conn):
    begun = await begin(conn, 1)
    await spending.end_call(conn, begun.id, "done", 37)
    await spending.end_call(conn, begun.id, "failed", 0)
    [cost] = await spending.costs_of_job(conn, 1)
    assert (cost.state, cost.cost) == ("done", 37)


async def test_what_a_dead_worker_began_is_lost_and_stays_counted(conn):
    await begin(conn, 1)
    await begin(conn, 1)
    assert [cost.state for cost in await spending.costs_of_job(conn, 1)] == ["lost", "begun"]
    assert await spending.spent_today(conn, "kie") == 80


async def test_the_day_costs_no_more_than_its_limit(conn):
    await spending.set_daily_limit(conn, "kie", 100)
    assert [(await begin(conn, job)).spent for job in range(3)] == [False, False, True]
    assert await spending.spent_today(conn, "kie") == 80


async def test_a_provider_without_a_limit_is_never_spent(conn):
    assert not (await begin(conn, 1, provider="other", cost=10**6)).spent


async def test_no_more_is_begun_within_a_span_than_the_provider_takes(conn):
    before = datetime.now(UTC)
    begun = [await begin(conn, job, **RATE) for job in range(4)]
    assert [one.id is None for one in begun] == [False, False, False, True]
    assert timedelta(seconds=9) < begun[3].wait_until - before < timedelta(seconds=11)


async def test_forty_workers_at_once_keep_rate_and_budget(database):
    async with database.connect() as conn:
        await spending.set_daily_limit(conn, "kie", 40 * 12)

    async def one(job):
        async with database.connect() as conn:
            return await begin(conn, job, starts=20, span=timedelta(minutes=1))

    begun = await asyncio.gather(*map(one, range(40)))
    assert sum(call.id is not None for call in begun) == 12
    assert sum(call.spent for call in begun) == 28


@pytest.mark.parametrize("odd", [{"cost": -1}, {"provider": "K; drop"}, {"model": ""}])
async def test_an_odd_call_cannot_be_stored(conn, odd):
    async with refused(conn, psycopg.errors.CheckViolation):
        await begin(conn, 1, **odd)


async def test_a_pause_is_known_to_its_process_without_redis():
    await spending.pause("kie", timedelta(minutes=1), "money")
    assert await spending.paused(["kie", "openai"]) == {"kie": "money"}
    spending._paused.clear()
