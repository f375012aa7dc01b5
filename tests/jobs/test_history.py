"""The line and the history: who comes next, what a claim costs, and where a finished job goes."""

import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from lib import errors, log
from lib.credits import ledger
from lib.jobs import table
from lib.jobs.table import NewJob, Place
from tests import factories
from tests.factories import claim, refused

TOKEN = "00000000-0000-0000-0000-000000000001"


async def count(conn, query, *params):
    [found] = await (await conn.execute(query, params)).fetchone()
    return found


async def finish(conn, job, state="done"):
    return await table.update_job_status(conn, job, state, error_code="x" if state == "failed" else None)


async def claim_limited(conn, limits, *, room=100, task="card"):
    """Claim as a worker does for a kind that has limits."""
    cursor = await conn.execute(
        "select id from claim_jobs(%s, %s, 1000, false, '30 s', gen_random_uuid(), %s)",
        ([task], [room], {task: limits}),
    )
    return [row[0] for row in await cursor.fetchall()]


# History


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
async def test_a_finished_job_leaves_the_table_and_is_still_found(conn, make_user, state):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=1, key="order")
    finished = await finish(conn, job, state)
    assert await count(conn, "select count(*) from jobs where id = %s", job.id) == 0
    assert await table.get_job_by_id(conn, job.id) == finished
    assert await table.get_job_by_idempotency_key(conn, "order") == finished
    assert finished in await table.get_user_jobs(conn, alice.id)
    assert await table.list_last_jobs(conn, state=state) == [finished]


async def test_the_key_of_a_finished_job_returns_that_job_and_charges_nothing(conn, make_user):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=1, key="order")
    await finish(conn, job)
    again = await table.create_job_and_consume_credit(conn, alice.id, task="card", key="order", args={}, price=1)
    assert (again.created, again.job.id, again.job.state, again.balance) == (False, job.id, "done", 4)
    async with refused(conn, errors.Conflict, "key_reused"):
        await table.create_job_and_consume_credit(conn, alice.id, task="card", key="order", args={}, price=2)


async def test_an_order_that_races_with_the_end_of_its_job_is_taken_back(database):
    """The insert waits for the statement that moves the first job away, and must then find it in the history."""
    async with database.connect() as one, database.connect() as two:
        alice = await factories.make_user(one, credits=5)
        job = await factories.make_running(one, alice, price=1, key="order")
        async with one.transaction():
            await finish(one, job)
            again = asyncio.create_task(
                table.create_job_and_consume_credit(two, alice.id, task="card", key="order", args={}, price=1)
            )
            await asyncio.sleep(0.2)
            assert not again.done()
        assert ((await again).created, (await again).job.id) == (False, job.id)
        assert await ledger.safe_get_balance(one, alice.id) == 4
        assert await count(one, "select count(*) from jobs") == 0
        await factories.books_are_right(one)


@pytest.mark.long
async def test_many_orders_race_with_the_end_of_their_jobs(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn, credits=50)

    few = asyncio.Semaphore(20)

    async def order(key):
        async with few, database.connect() as conn:
            await table.create_job_and_consume_credit(conn, alice.id, task="card", key=key, args={}, price=1)

    async def drain():
        async with database.connect() as conn:
            for _ in range(150):
                for job in await claim(conn, limit=5):
                    await finish(conn, job)

    await asyncio.gather(*(order(f"order:{n % 20}") for n in range(200)), drain(), drain())
    async with database.connect() as conn:
        assert await ledger.safe_get_balance(conn, alice.id) == 30
        assert await count(conn, "select count(*) from every_job") == 20
        await factories.books_are_right(conn)


async def test_a_charged_job_cannot_be_deleted(conn, make_user, make_job):
    await make_job(await make_user(credits=1), price=1)
    with pytest.raises(psycopg.errors.RestrictViolation):
        await conn.execute("delete from jobs")


async def test_the_history_is_kept_for_90_days(conn, make_user):
    await finish(conn, await factories.make_running(conn, await make_user()))
    with pytest.raises(psycopg.errors.RestrictViolation):
        await conn.execute("delete from job_history")


async def test_a_job_is_done_only_by_whoever_held_it(conn):
    with pytest.raises(psycopg.errors.CheckViolation):
        await conn.execute(
            "insert into job_history (id, task, key, args, checkpoint, price, priority, state, run_at, attempts,"
            " max_attempts, created_at, finished_at)"
            " values (1, 'card', 'k', '{}', '{}', 0, 0, 'done', now(), 1, 1, now(), now())"
        )


async def test_forget_history_removes_what_is_old_in_batches_and_keeps_paid_keys(conn, make_user):
    alice = await make_user(credits=9)
    for n in range(5):
        await finish(conn, await factories.make_running(conn, alice, price=1, key=f"order:{n}"))
    await conn.execute("alter table job_history disable trigger user")
    await conn.execute("update job_history set finished_at = now() - interval '91 days' where key <> 'order:4'")
    await conn.execute("alter table job_history enable trigger user")
    assert [await table.forget_history(conn, 3) for _ in range(3)] == [3, 1, 0]
    assert [job.key for job in await table.get_user_jobs(conn, alice.id)] == ["order:4"]
    async with refused(conn, errors.Conflict, "key_reused"):
        await table.create_job_and_consume_credit(conn, alice.id, task="card", key="order:0", args={}, price=1)
    assert await ledger.safe_get_balance(conn, alice.id) == 4


# Fairness


async def test_one_person_with_a_thousand_jobs_delays_anothers_first_by_one_round(conn, make_user, make_job):
    alice, bob = await make_user(), await make_user()
    orders = [NewJob(alice.id, f"alice:{n}", {}) for n in range(1000)]
    assert await table.create_free_jobs(conn, "card", orders) == 1000
    first = await claim(conn, limit=10)
    bobs = [await make_job(bob), await make_job(bob)]
    second = await claim(conn, limit=3)
    assert {job.user_id for job in first} == {alice.id}
    assert bobs[0].id in [job.id for job in second]
    assert [job.user_id for job in second].count(bob.id) <= 2


async def test_everybodys_first_job_comes_before_anybodys_second(conn, make_user, make_job):
    people = [await make_user() for _ in range(3)]
    made = [[(await make_job(user)).id for _ in range(3)] for user in people]
    turns = [job.id for job in await claim(conn, limit=9)]
    assert turns == [made[person][n] for n in range(3) for person in range(3)]


async def test_who_comes_late_does_not_go_before_those_who_waited(conn, make_user, make_job):
    alice, bob = await make_user(), await make_user()
    waited = [await make_job(alice) for _ in range(4)]
    for job in await claim(conn, limit=3):
        await finish(conn, job)
    late = await make_job(bob)
    assert [job.id for job in await claim(conn, limit=2)] == [waited[3].id, late.id]


async def test_a_job_that_gives_way_comes_after_all_whose_turn_it_is_and_before_what_comes_later(
    conn, make_user, make_job
):
    alice, bob = await make_user(), await make_user()
    long = await make_job(alice)
    [held] = await claim(conn)
    bobs = [await make_job(bob), await make_job(bob)]
    given = await finish(conn, held, "gave_way")
    assert (given.state, given.attempts) == ("waiting", 0)
    assert [job.id for job in await claim(conn, limit=3)] == [bobs[0].id, long.id, bobs[1].id]


async def test_planned_jobs_of_one_person_take_turns_too_when_their_time_comes(conn, make_user, make_job):
    alice, bob = await make_user(), await make_user()
    soon = datetime.now(UTC) + timedelta(hours=1)
    alices = [await make_job(alice, run_at=soon) for _ in range(3)]
    bobs = await make_job(bob, run_at=soon)
    await conn.execute("update jobs set run_at = now() - interval '1 s'")
    assert [job.id for job in await claim(conn, limit=2)] == [alices[0].id, bobs.id]


# In bulk


async def test_a_thousand_free_jobs_take_one_round_trip_and_are_queued_once(conn, make_user):
    people = [await make_user() for _ in range(10)]
    orders = [NewJob(people[n % 10].id, f"spring:{n}", {"n": n}) for n in range(1000)]
    with log.scope("test") as record:
        assert await table.create_free_jobs(conn, "notice", orders) == 1000
    assert record["sql"] == 1
    assert await table.create_free_jobs(conn, "notice", [*orders[:500], NewJob(people[0].id, "new", {})]) == 1
    assert await count(conn, "select max(turn) from jobs") == 101


async def test_free_jobs_under_the_key_of_another_request_are_refused(conn, make_user):
    alice = await make_user()
    await table.create_free_jobs(conn, "notice", [NewJob(alice.id, "a", {})])
    async with refused(conn, errors.Conflict, "key_reused"):
        await table.create_free_jobs(conn, "notice", [NewJob(alice.id, "a", {"n": 1})])


async def test_free_jobs_that_were_finished_are_not_queued_again(conn, make_user):
    alice = await make_user()
    orders = [NewJob(alice.id, f"a:{n}", {}) for n in range(3)]
    await table.create_free_jobs(conn, "notice", orders)
    for job in await claim(conn, limit=3):
        await finish(conn, job)
    assert await table.create_free_jobs(conn, "notice", orders) == 0
    assert await count(conn, "select count(*) from jobs") == 0


# Limits that all workers share


async def test_no_more_jobs_of_a_kind_run_at_once_than_it_allows(conn, make_user, make_job):
    alice = await make_user()
    made = [(await make_job(alice)).id for _ in range(5)]
    rules = {"at_once": 2}
    assert await claim_limited(conn, rules) == made[:2]
    assert await claim_limited(conn, rules) == []
    job = await table.get_job_by_id(conn, made[0])
    await finish(conn, job)
    assert await claim_limited(conn, rules) == [made[2]]


async def test_a_lease_that_ran_out_frees_its_place(conn, make_user, make_job):
    made = await make_job(await make_user())
    assert await claim_limited(conn, {"at_once": 1}) == [made.id]
    await factories.expire_lease(conn, made)
    assert await claim_limited(conn, {"at_once": 1}) == [made.id]


async def test_no_more_jobs_begin_within_a_span_than_the_provider_allows(conn, make_user, make_job):
    alice = await make_user()
    made = [(await make_job(alice)).id for _ in range(50)]
    rules, before = {"rate": "kie", "starts": 20, "seconds": 10}, datetime.now(UTC)
    assert await claim_limited(conn, rules, room=15) == made[:15]
    assert await claim_limited(conn, rules, room=15) == made[15:20]
    assert await claim_limited(conn, rules, room=15) == []
    due = await count(conn, "select next_due('{card}', %s)", {"card": rules})
    assert before <= due - timedelta(seconds=10) <= datetime.now(UTC)
    await conn.execute(
        "update job_limits set starts = array(select s - interval '10 s' from unnest(starts) s) where name = 'rate:kie'"
    )
    assert len(await claim_limited(conn, rules)) == 20


async def test_a_poll_begins_nothing_and_passes_the_rate(conn, make_user):
    job = await factories.make_running(conn, await make_user())
    await table.update_job_status(conn, job, "waiting", run_at=datetime.now(UTC) + timedelta(hours=1))
    await conn.execute("update jobs set run_at = now() - interval '1 s'")
    assert await claim_limited(conn, {"rate": "kie", "starts": 0, "seconds": 10}) == [job.id]


async def test_workers_that_claim_at_once_keep_to_the_limits_together(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        await table.create_free_jobs(conn, "card", [NewJob(alice.id, f"c:{n}", {}) for n in range(60)])

    async def worker(_):
        async with database.connect() as conn:
            rules = {"rate": "kie", "starts": 20, "seconds": 60, "at_once": 25}
            return [job for _ in range(5) for job in await claim_limited(conn, rules, room=3)]

    taken = [job for jobs_ in await asyncio.gather(*map(worker, range(8))) for job in jobs_]
    assert len(taken) == len(set(taken)) == 20


# How long it will take


async def test_get_place_guesses_by_the_pace_of_the_last_minutes(conn, make_user, make_job):
    alice = await make_user(credits=20)
    for _ in range(3):
        await finish(conn, await factories.make_running(conn, alice, price=1))
    await conn.execute("alter table job_history disable trigger user")
    await conn.execute("update job_history set finished_at = now() - interval '30 s'")
    await conn.execute("alter table job_history enable trigger user")
    waiting = [await make_job(alice, price=1) for _ in range(2)]
    place = await table.get_place(conn, waiting[1].id)
    assert place.position == 2
    assert timedelta(seconds=19) < place.wait < timedelta(seconds=25)


def test_get_place_counts_the_line_once():
    query = table.SQL.get_place._text
    assert query.count(b"queue_position(") == 1
    assert b"materialized" in query, "or Postgres puts the counting wherever the place is named"


async def test_get_place_says_nothing_when_nobody_can_tell(conn, make_user, make_job):
    job = await make_job(await make_user())
    assert await table.get_place(conn, job.id) == Place(1, None)
    assert await table.get_place(conn, 404) == Place(None, None)


async def test_the_place_counts_no_further_than_a_thousand(conn, make_user):
    alice = await make_user()
    await table.create_free_jobs(conn, "card", [NewJob(alice.id, f"c:{n:04}", {}) for n in range(1500)])
    [last] = await table.list_last_jobs(conn, limit=1)
    assert await table.get_queue_position(conn, last.id) == 1001


# What it costs


HOT = {
    "claim": "select j.id from jobs j where j.task = 'card' and j.turn is not null and (j.lease_token is null"
    " or j.leased_until <= now()) and j.deaths + (j.lease_token is not null)::integer < 2"
    " order by j.priority desc, j.turn, j.id limit 100 for update skip locked",
    "finish": "delete from jobs where id = any('{1,2}') and state = 'running' and lease_token = any(array[%s]::uuid[])",
    "look again": "select h.id from job_history h where h.key = 'k'",
    "later": "select j.run_at from jobs j where j.task = 'card' and j.turn is null order by j.run_at limit 1",
    "front": "select turn from jobs where task = 'card' and priority = 0 and turn > 0 order by turn limit 1",
    "last turn": "select turn from jobs where user_id = 1 and task = 'card' and turn > 0 order by turn desc limit 1",
}


@pytest.mark.parametrize("name", HOT)
async def test_a_hot_statement_reads_an_index_and_sorts_nothing(conn, make_user, name):
    alice = await make_user()
    await table.create_free_jobs(conn, "card", [NewJob(alice.id, f"c:{n}", {}) for n in range(300)])
    await conn.execute("set local enable_seqscan = off; set local enable_bitmapscan = off")
    query = HOT[name].replace("%s", f"'{TOKEN}'")
    plan = "\n".join(row[0] for row in await (await conn.execute(f"explain {query}")).fetchall())
    assert "Index" in plan
    assert "Seq Scan" not in plan
    assert "Sort" not in plan


async def test_a_claim_rewrites_the_row_in_its_page_and_touches_no_index(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        await table.create_free_jobs(conn, "card", [NewJob(alice.id, f"c:{n}", {}) for n in range(1000)])
        for _ in range(5):
            for job in await claim(conn, limit=100):
                assert job.state == "running"
        await conn.execute("select pg_stat_force_next_flush()")
        cursor = await conn.execute("select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'jobs'")
        updated, hot = await cursor.fetchone()
    assert updated == 500
    assert hot > 0.9 * updated
