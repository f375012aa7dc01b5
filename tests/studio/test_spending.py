import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from lib import config, errors
from lib.jobs import table
from lib.people import users
from lib.studio import spending
from tests import factories
from tests.factories import reads, refused

CALL = {"provider": "kie", "model": "m", "cost": 40}
BY = {"actor": "ops:test", "reason": "test"}
RATE = {"starts": 3, "span": timedelta(seconds=10)}


TOKEN = uuid.UUID(int=1)


async def begin(conn, job_id, item=0, *, user=None, token=TOKEN, **options):
    """Note a call for the job with this number, which is put among the running ones.

    The small numbers are these tests' own: a job that the product makes meanwhile, such as an erasure's, gets another.
    """
    await conn.execute(
        "select setval(s.id, greatest(1000, nextval(s.id))) from pg_get_serial_sequence('jobs', 'id') s (id)"
    )
    await conn.execute(
        "insert into jobs (id, user_id, task, key, state, lease_token, leased_until, turn) overriding system value"
        " values (%s, %s, 'card', %s, 'running', %s, '2099-01-01', 1) on conflict do nothing",
        (job_id, user and user.id, f"call:{job_id}", TOKEN),
    )
    return await spending.begin_call(conn, spending.Intent(job_id, token, item, "main", **{**CALL, **options}))


async def spent(conn):
    [kie] = await spending.states(conn, ["kie"])
    return kie.spent


async def test_a_call_has_its_row_before_the_provider_is_asked(conn):
    begun = await begin(conn, 1)
    [cost] = await spending.costs_of_job(conn, 1)
    assert (begun.halt, begun.wait) == ("", None)
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
    assert [(await begin(conn, job)).halt for job in range(3)] == ["", "", "spent"]
    assert await spent(conn) == 80


async def test_what_was_spent_before_the_day_is_not_read(database):
    async with database.connect() as conn:
        await conn.execute(
            "insert into provider_calls (job_id, item, step, provider, model, cost, begun_at)"
            " select n, 0, 'main', 'kie', 'm', 40, now() - n * interval '1 hour' from generate_series(5000, 1, -1) n"
        )
        await conn.execute("set enable_seqscan = off")
        before = await reads(conn, "provider_calls_day")
        assert not (await begin(conn, 5001)).halt
        assert await reads(conn, "provider_calls_day") - before < 100
        assert await spent(conn) == 24 * 40


async def test_a_provider_without_a_limit_is_never_spent(conn):
    assert not (await begin(conn, 1, provider="other", cost=10**6)).halt


async def test_no_more_is_begun_within_a_span_than_the_provider_takes(conn):
    begun = [await begin(conn, job, **RATE) for job in range(4)]
    assert [one.id is None for one in begun] == [False, False, False, True]
    assert timedelta(seconds=5) < begun[3].wait <= timedelta(seconds=10)


async def test_forty_workers_at_once_keep_rate_and_budget(database):
    async with database.connect() as conn:
        await spending.set_daily_limit(conn, "kie", 40 * 12, **BY)

    async def one(job):
        async with database.connect() as conn:
            return await begin(conn, job, starts=20, span=timedelta(minutes=1))

    begun = await asyncio.gather(*map(one, range(40)))
    assert sum(call.id is not None for call in begun) == 12
    assert sum(call.halt == "spent" for call in begun) == 28


@pytest.mark.parametrize("odd", [{"cost": -1}, {"provider": "K; drop"}, {"model": ""}])
async def test_an_odd_call_cannot_be_stored(conn, odd):
    async with refused(conn, psycopg.errors.CheckViolation):
        await begin(conn, 1, **odd)


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
    assert (kie.daily_limit, kie.halt) == (50000, "")


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
    assert [one.halt for one in await spending.states(conn, ["kie", "other"])] == ["spent", ""]


# A person's share of the day


async def make_buyer(conn):
    return await factories.make_user(conn, credits=100)


async def make_trial(conn):
    return await factories.make_user(conn)


@pytest.mark.parametrize(("who", "share"), [(make_buyer, 10_000), (make_trial, 1_000)])
async def test_a_person_has_a_share_of_the_days_budget_the_smallest_with_trial_credits(conn, who, share):
    alice, bob = await who(conn), await who(conn)
    halts = [(await begin(conn, job, user=alice, cost=share // 2)).halt for job in range(1, 4)]
    assert halts == ["", "", "share"]
    assert (await begin(conn, 4, user=bob, cost=share // 2)).halt == ""
    assert await spent(conn) == share // 2 * 3


async def test_the_first_order_of_a_day_is_begun_however_small_the_share(conn):
    alice = await make_trial(conn)
    await spending.set_daily_limit(conn, "kie", 1000, **BY)
    assert [(await begin(conn, 1, item, user=alice)).halt for item in range(3)] == [""] * 3
    assert (await begin(conn, 2, user=alice)).halt == "share"


async def test_the_share_holds_over_the_accounts_of_a_day(conn):
    alice, bob = await make_buyer(conn), await make_buyer(conn)
    halts = [(await begin(conn, job, user=alice, cost=5_000)).halt for job in (1, 2)]
    await conn.execute("delete from jobs where id in (1, 2)")
    await users.erase(conn, alice.id, alice.tg_id)
    again = await factories.make_user(conn, tg_id=alice.tg_id, credits=100)
    halts += [(await begin(conn, job, user=user, cost=5_000)).halt for job, user in ((3, again), (4, bob))]
    assert halts == ["", "", "share", ""]


async def test_yesterdays_share_is_not_todays(conn):
    alice = await make_trial(conn)
    await begin(conn, 1, user=alice, cost=1000)
    await conn.execute("update provider_calls set begun_at = begun_at - interval '25 hours'")
    assert (await begin(conn, 2, user=alice, cost=1000)).halt == ""


async def test_doors_tell_a_person_before_the_order_what_cannot_be_asked(conn, monkeypatch):
    alice, bob = await make_trial(conn), await make_trial(conn)
    asked = [("kie", 40), ("openai", 70), ("local", 0)]
    assert [door.halt for door in await spending.doors(conn, alice.id, asked)] == ["", "", ""]
    await begin(conn, 1, user=alice, cost=990)
    await spending.set_daily_limit(conn, "openai", 60, **BY)
    assert [door.halt for door in await spending.doors(conn, alice.id, asked)] == ["share", "spent", ""]
    assert [door.halt for door in await spending.doors(conn, bob.id, asked)] == ["", "spent", ""]
    await spending.set_daily_limit(conn, "openai", 80, **BY)
    assert [door.halt for door in await spending.doors(conn, bob.id, asked)] == ["", "", ""], "at once"


# Keys and pauses


@pytest.fixture
def two_keys(monkeypatch):
    monkeypatch.setenv("KIE_API_KEY", "key-number-one,key-number-two")
    config.get.cache_clear()
    yield config.get().accounts["kie"]
    monkeypatch.undo()
    config.get.cache_clear()


async def test_one_keys_trouble_rests_that_key_and_all_keys_the_provider(conn, two_keys):
    one, two = two_keys
    await spending.pause(conn, "kie", timedelta(minutes=10), "money", one)
    assert await spending.doors(conn, None, [("kie", 40)]) == [spending.Door("", [one])]
    assert (await begin(conn, 1, account=two)).halt == ""
    assert (await begin(conn, 2, account=one)).halt == "money", "another worker has found out meanwhile"
    await spending.pause(conn, "kie", timedelta(minutes=10), "money", two)
    [door] = await spending.doors(conn, None, [("kie", 40)])
    assert (door.halt, sorted(door.resting)) == ("money", sorted(two_keys))


async def test_a_provider_that_is_away_rests_whole_and_only_for_its_time(conn, two_keys):
    await spending.pause(conn, "kie", timedelta(seconds=20), "down")
    await spending.pause(conn, "kie", timedelta(seconds=1), "down")
    assert [one.halt for one in await spending.states(conn, ["kie", "openai"])] == ["down", ""]
    await conn.execute("update provider_pauses set until = until - interval '20 seconds'")
    assert (await spending.doors(conn, None, [("kie", 40)]))[0].halt == ""


# What is told


@pytest.mark.parametrize("told", [100_000 * 5, 10**12])
async def test_an_absurd_cost_is_noted_as_three_list_prices_and_said(conn, told):
    begun = await begin(conn, 1)
    assert await spending.end_call(conn, begun.id, "done", told) is False
    assert await spent(conn) == 120
    assert await spending.end_call(conn, (await begin(conn, 2)).id, "done", 120) is True


@pytest.mark.parametrize("state", ["cancelled", "failed"])
async def test_an_order_that_ends_without_a_result_leaves_no_call_open(conn, state):
    job = await factories.make_running(conn, await factories.make_user(conn))
    await factories.begin_call(conn, job)
    await table.update_job_status(conn, job, state, error_code="x")
    assert [(cost.state, cost.cost) for cost in await spending.costs_of_job(conn, job.id)] == [("lost", 40)]


async def test_a_call_that_outlived_its_order_ends_in_the_night(conn, make_user):
    alice = await make_user()
    done, waiting = [await factories.make_running(conn, alice) for _ in range(2)]
    for job in (done, waiting):
        await factories.begin_call(conn, job)
    await table.update_job_status(conn, done, "done")
    assert await spending.end_left(conn) == 0, "its end may still be noted"
    await conn.execute("update provider_calls set begun_at = now() - interval '2 hours'")
    assert await spending.end_left(conn) == 1
    states = [(await spending.costs_of_job(conn, job.id))[0].state for job in (done, waiting)]
    assert states == ["lost", "begun"]


async def test_a_worker_that_lost_its_job_begins_no_call_and_ends_nobody_elses(conn):
    await begin(conn, 1)
    async with refused(conn, errors.Conflict, match="lease_lost"):
        await begin(conn, 1, token=uuid.UUID(int=2))
    assert [cost.state for cost in await spending.costs_of_job(conn, 1)] == ["begun"]


# Stopping orders


async def under_way(conn, user, *, calls=1, state="waiting"):
    """Return an order in work, for which so many paid calls have begun."""
    made = await factories.make_job(conn, user)
    await conn.execute(
        "update jobs set state = 'running', lease_token = %s, leased_until = '2099-01-01' where id = %s",
        (TOKEN, made.id),
    )
    job = await table.get_job_by_id(conn, made.id)
    for item in range(calls):
        await factories.begin_call(conn, job, item)
    return await table.update_job_status(conn, job, state)


async def stopped(conn, user, **options):
    job = await under_way(conn, user, **options)
    return await spending.stop_order(conn, job.id, user.id)


async def test_nothing_is_spent_on_an_order_that_is_to_be_stopped(conn):
    alice = await make_trial(conn)
    job = await factories.make_running(conn, alice)
    assert await spending.stop_order(conn, job.id, alice.id) == "asked"
    async with refused(conn, errors.Conflict, match="cancelled"):
        await factories.begin_call(conn, job)
    assert await spent(conn) == 0


@pytest.mark.parametrize(("who", "most"), [(make_trial, 2), (make_buyer, 5)])
async def test_orders_that_cost_already_are_stopped_a_few_times_a_day_fewest_with_trial_credits(conn, who, most):
    alice, bob = await who(conn), await who(conn)
    outcomes = [await stopped(conn, alice) for _ in range(most + 1)]
    assert outcomes == ["asked"] * most + ["paid"]
    assert await stopped(conn, bob) == "asked"
    assert await stopped(conn, alice, calls=0) == "asked", "what has cost nothing is always stopped"
    await conn.execute("update provider_calls set begun_at = begun_at - interval '25 hours'")
    assert await stopped(conn, alice) == "asked"


async def test_what_an_erasure_stopped_counts_for_the_persons_next_account(conn):
    alice, bob = await make_buyer(conn), await make_buyer(conn)
    await under_way(conn, alice, calls=2)
    await users.erase(conn, alice.id, alice.tg_id)
    again = await factories.make_user(conn, tg_id=alice.tg_id, credits=100)
    assert [await stopped(conn, again) for _ in range(4)] == ["asked"] * 3 + ["paid"]
    assert await stopped(conn, bob) == "asked"


async def test_what_was_cancelled_counts_as_what_is_asked_to_stop(conn):
    alice = await make_trial(conn)
    job = await under_way(conn, alice)
    assert await spending.stop_order(conn, job.id, alice.id) == "asked"
    assert await spending.stop_order(conn, job.id, alice.id) == "asked", "twice is once"
    assert await factories.claim(conn) == [], "it is cancelled as it is claimed"
    assert (await table.get_job_by_id(conn, job.id)).state == "cancelled"
    assert [await stopped(conn, alice) for _ in range(2)] == ["asked", "paid"]


async def test_an_order_put_back_after_a_failure_counts_too(conn):
    alice = await make_trial(conn)
    assert [await stopped(conn, alice, state="queued") for _ in range(3)] == ["cancelled", "cancelled", "paid"]


async def test_an_order_of_many_calls_takes_as_many_of_the_allowance(conn):
    alice = await make_buyer(conn)
    assert [await stopped(conn, alice, calls=number) for number in (3, 3, 2)] == ["asked", "paid", "asked"]


async def test_a_waiting_order_is_cancelled_and_another_persons_is_not(conn):
    alice, bob = await make_buyer(conn), await make_buyer(conn)
    job = await factories.make_job(conn, alice, price=3)
    assert await spending.stop_order(conn, job.id, bob.id) == "late"
    assert await spending.stop_order(conn, job.id, alice.id) == "cancelled"
    assert await spending.stop_order(conn, job.id, alice.id) == "late"
    assert await factories.kinds(conn, alice) == [("grant", 100, 100), ("charge", -3, 97), ("refund", 3, 100)]


async def test_two_stops_at_once_do_not_share_an_allowance(database):
    async with database.connect() as conn:
        alice = await make_trial(conn)
        orders = [await under_way(conn, alice) for _ in range(6)]

    async def stop(job):
        async with database.connect() as conn:
            return await spending.stop_order(conn, job.id, alice.id)

    assert sorted(await asyncio.gather(*map(stop, orders))) == ["asked"] * 2 + ["paid"] * 4


async def test_the_pace_of_a_model_is_that_of_nine_in_ten_of_its_tasks(conn):
    assert await spending.pace_of(conn, "kie", "m") == 0
    for job, seconds in enumerate((10, 20, 30, 40, 80), 1):
        begun = await begin(conn, job)
        await spending.end_call(conn, begun.id, "done", 40)
        query = "update provider_calls set begun_at = ended_at - make_interval(secs => %s) where id = %s"
        await conn.execute(query, (seconds, begun.id))
    assert await spending.pace_of(conn, "kie", "m") == 80


def doing(**facts):
    """A provider of which nothing is known but these figures."""
    numbers = dict.fromkeys(("spent", "hour", "hour_done", "hour_failed", "day", "day_done", "day_failed"), 0)
    return spending.ProviderState("kie", **{"daily_limit": 1000, "last_done_at": None, "halt": ""} | numbers | facts)


@pytest.mark.parametrize(
    ("spent", "limit", "nearly"),
    [(799, 1000, False), (800, 1000, True), (10_050, 1000, True), (0, 0, True), (10**9, None, False)],
)
def test_money_is_nearly_spent_when_less_than_a_fifth_is_left(spent, limit, nearly):
    assert doing(spent=spent, daily_limit=limit).is_nearly_spent is nearly


@pytest.mark.parametrize(
    ("calls", "failed", "failing"),
    [
        (2, 2, False),  # an odd order or two
        (3, 3, True),
        (12, 3, True),
        (13, 3, False),
        (51, 38, True),
        (0, 0, False),
    ],
)
@pytest.mark.parametrize("span", ["hour", "day"])
def test_a_provider_fails_when_a_quarter_of_the_calls_of_an_hour_or_a_day_do(span, calls, failed, failing):
    assert doing(**{span: calls, f"{span}_failed": failed}).is_failing is failing
