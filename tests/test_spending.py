import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from lib import spending
from tests.factories import reads, refused

CALL = {"provider": "kie", "model": "m", "cost": 40}
BY = {"actor": "ops:test", "reason": "test"}
RATE = {"starts": 3, "span": timedelta(seconds=10)}


async def begin(conn, job_id, item=0, **options):
    return await spending.begin_call(conn, job_id, item, "main", **{**CALL, **options})


async def spent(conn):
    [kie] = await spending.states(conn, ["kie"])
    return kie.spent


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
    assert await spent(conn) == 40


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
    assert await spent(conn) == 80


async def test_the_day_costs_no_more_than_its_limit(conn):
    await spending.set_daily_limit(conn, "kie", 100, **BY)
    assert [(await begin(conn, job)).spent for job in range(3)] == [False, False, True]
    assert await spent(conn) == 80


async def test_what_was_spent_before_the_day_is_not_read(database):
    async with database.connect() as conn:
        await conn.execute(
            "insert into provider_calls (job_id, item, step, provider, model, cost, begun_at)"
            " select n, 0, 'main', 'kie', 'm', 40, now() - n * interval '1 hour' from generate_series(5000, 1, -1) n"
        )
        await conn.execute("set enable_seqscan = off")
        before = await reads(conn, "provider_calls_day")
        assert not (await begin(conn, 5001)).spent
        assert await reads(conn, "provider_calls_day") - before < 100
        assert await spent(conn) == 24 * 40


async def test_a_provider_without_a_limit_is_never_spent(conn):
    assert not (await begin(conn, 1, provider="other", cost=10**6)).spent


async def test_no_more_is_begun_within_a_span_than_the_provider_takes(conn):
    before = datetime.now(UTC)
    begun = [await begin(conn, job, **RATE) for job in range(4)]
    assert [one.id is None for one in begun] == [False, False, False, True]
    assert timedelta(seconds=9) < begun[3].wait_until - before < timedelta(seconds=11)


async def test_forty_workers_at_once_keep_rate_and_budget(database):
    async with database.connect() as conn:
        await spending.set_daily_limit(conn, "kie", 40 * 12, **BY)

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


async def test_states_count_what_was_begun_within_an_hour_and_a_day_and_add_up_its_cost(conn):
    begun = [(await begin(conn, job)).id for job in range(6)]
    for call, state, cost in zip(
        begun, ["done", "failed", "lost", "done", "done"], [37, 0, None, 40, 40], strict=False
    ):
        await spending.end_call(conn, call, state, cost)
    for call, age in [(begun[0], "26 hours"), (begun[3], "2 hours")]:
        await conn.execute("update provider_calls set begun_at = begun_at - %s::interval where id = %s", (age, call))
    [kie] = await spending.states(conn, ["kie"])
    assert (kie.hour, kie.hour_done, kie.hour_failed) == (4, 1, 2)
    assert (kie.day, kie.day_done, kie.day_failed) == (5, 2, 2)
    assert kie.spent == 40 * 4
    assert (kie.daily_limit, kie.is_spent) == (50000, False)


async def test_states_know_the_last_success_of_an_earlier_day(conn):
    begun = await begin(conn, 1)
    await spending.end_call(conn, begun.id, "done", 37)
    await conn.execute(
        "update provider_calls set begun_at = begun_at - interval '3 days', ended_at = now() - interval '3 days'"
    )
    [openai, kie] = await spending.states(conn, ["openai", "kie"])
    assert (openai.provider, openai.last_done_at, openai.day) == ("openai", None, 0)
    assert (kie.day, kie.spent) == (0, 0)
    assert timedelta(days=2) < datetime.now(UTC) - kie.last_done_at < timedelta(days=4)


async def test_a_provider_whose_limit_is_reached_is_spent_and_one_without_a_limit_never(conn):
    await spending.set_daily_limit(conn, "kie", 40, **BY)
    await begin(conn, 1)
    await begin(conn, 2, provider="other")
    assert [one.is_spent for one in await spending.states(conn, ["kie", "other"])] == [True, False]
