import asyncio
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from lib import errors, log
from lib.credits import ledger
from lib.jobs import table
from lib.jobs.table import QueuedJob
from tests import factories
from tests.factories import LEASE, claim, expire_lease, refused


async def enqueue(conn, user, **changes):
    wanted = {"task": "card", "key": "k", "args": {"title": "Чай", "n": 1}, "price": 1, **changes}
    return await table.create_job_and_consume_credit(conn, user.id, **wanted)


# Enqueue and charge


async def test_create_job_charges_and_queues_in_one_round_trip(conn, make_user):
    alice = await make_user(credits=5)
    with log.scope("test") as record:
        made = await enqueue(conn, alice, price=2)
    assert record["sql"] == 1
    assert (made.created, made.balance, made.position) == (True, 3, 1)
    assert (made.job.state, made.job.price, made.job.args) == ("queued", 2, {"title": "Чай", "n": 1})
    assert await table.get_job_by_id(conn, made.job.id) == made.job
    assert await factories.kinds(conn, alice) == [("grant", 5, 5), ("charge", -2, 3)]


async def test_create_job_again_returns_the_first_job_and_charges_nothing(conn, make_user):
    alice = await make_user(credits=5)
    first = await enqueue(conn, alice)
    again = await enqueue(conn, alice, args={"n": 1, "title": "Чай"})
    assert again == QueuedJob(first.job, created=False, balance=4, position=1)


async def test_create_job_again_still_answers_when_the_credits_are_spent(conn, make_user):
    alice = await make_user(credits=1)
    first = await enqueue(conn, alice)
    assert (await enqueue(conn, alice)).job == first.job


@pytest.mark.parametrize("change", [{"args": {"n": 2}}, {"price": 2}, {"task": "video"}])
async def test_create_job_refuses_another_request_under_the_same_key(conn, make_user, change):
    alice = await make_user(credits=5)
    await enqueue(conn, alice)
    async with refused(conn, errors.Conflict, "key_reused"):
        await enqueue(conn, alice, **change)
    assert await ledger.safe_get_balance(conn, alice.id) == 4


async def test_create_job_refuses_the_key_of_another_person(conn, make_user):
    await enqueue(conn, await make_user(credits=5))
    async with refused(conn, errors.Conflict):
        await enqueue(conn, await make_user(credits=5))


async def test_create_job_short_of_credits_writes_nothing(conn, make_user):
    alice = await make_user(credits=1)
    async with refused(conn, errors.ShortOfCredits):
        await enqueue(conn, alice, price=2)
    assert await table.get_job_by_idempotency_key(conn, "k") is None
    assert await factories.kinds(conn, alice) == [("grant", 1, 1)]


async def test_a_free_job_needs_no_credits(conn, make_user):
    alice = await make_user()
    assert (await enqueue(conn, alice, price=0)).balance == 0
    assert await factories.kinds(conn, alice) == []


async def test_twenty_orders_at_once_spend_five_credits_on_five_jobs(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn, credits=5)

    async def order(n):
        async with database.connect() as conn:
            return await enqueue(conn, alice, key=f"order:{n}")

    answers = await asyncio.gather(*map(order, range(20)), return_exceptions=True)
    assert sum(isinstance(answer, QueuedJob) for answer in answers) == 5
    assert sum(isinstance(answer, errors.ShortOfCredits) for answer in answers) == 15
    async with database.connect() as conn:
        assert len(await table.list_last_jobs(conn)) == 5
        assert await ledger.safe_get_balance(conn, alice.id) == 0
        await factories.books_are_right(conn)


async def test_the_same_order_twenty_times_at_once_is_one_job_and_one_charge(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn, credits=5)

    async def order(_):
        async with database.connect() as conn:
            return await enqueue(conn, alice)

    answers = await asyncio.gather(*map(order, range(20)))
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.job.id for answer in answers}) == 1
    assert {answer.balance for answer in answers} == {4}


# Reading


async def test_get_job_by_id_and_by_key_find_nothing_that_is_not_there(conn):
    assert await table.get_job_by_id(conn, 404) is None
    assert await table.get_job_by_idempotency_key(conn, "404") is None


async def test_get_user_jobs_lists_a_persons_own_newest_first(conn, make_user, make_job):
    alice, bob = await make_user(), await make_user()
    first, _, notice = await make_job(alice), await make_job(bob), await make_job(alice, task="notice")
    assert await table.get_user_jobs(conn, alice.id) == [notice, first]
    assert await table.get_user_jobs(conn, alice.id, tasks=["card"]) == [first]
    assert await table.get_user_jobs(conn, alice.id, limit=1) == [notice]


async def test_list_last_jobs_lists_everybodys(conn, make_user, make_job):
    first, second = await make_job(await make_user()), await make_job(await make_user())
    assert await table.list_last_jobs(conn) == [second, first]
    assert await table.list_last_jobs(conn, state="done") == []


async def test_get_queue_position_counts_who_comes_first(conn, make_user, make_job):
    alice = await make_user()
    first, second = await make_job(alice), await make_job(alice)
    await make_job(alice, task="notice", priority=9)
    urgent = await make_job(alice, priority=5)
    assert [await table.get_queue_position(conn, job.id) for job in (urgent, first, second)] == [1, 2, 3]
    await claim(conn, limit=2)
    assert await table.get_queue_position(conn, urgent.id) is None
    assert await table.get_queue_position(conn, second.id) == 2


async def test_due_at_is_when_there_is_something_to_do(conn, make_user, make_job):
    assert await table.due_at(conn) is None
    alice = await make_user()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await make_job(alice, run_at=tomorrow)
    assert await table.due_at(conn) == tomorrow
    running = await factories.make_running(conn, alice)
    assert await table.due_at(conn) == running.leased_until
    assert await table.due_at(conn, ["notice"]) is None


# Claim and lease


async def test_claim_takes_the_urgent_then_the_oldest(conn, make_user, make_job):
    alice = await make_user()
    first, second, urgent = await make_job(alice), await make_job(alice), await make_job(alice, priority=1)
    taken = await claim(conn, limit=2)
    assert [job.id for job in taken] == [urgent.id, first.id]
    assert [job.id for job in await claim(conn, limit=2)] == [second.id]
    assert await claim(conn) == []


async def test_claim_leases_the_job_and_counts_an_attempt(conn, make_user, make_job):
    await make_job(await make_user())
    [job] = await claim(conn)
    assert (job.state, job.attempts) == ("running", 1)
    assert job.lease_token is not None
    assert timedelta(0) < job.leased_until - datetime.now(UTC) <= LEASE


async def test_claim_skips_a_job_whose_time_has_not_come(conn, make_user, make_job):
    await make_job(await make_user(), run_at=datetime.now(UTC) + timedelta(minutes=1))
    assert await claim(conn) == []


async def test_claim_skips_tasks_it_was_not_asked_for(conn, make_user, make_job):
    await make_job(await make_user(), task="video")
    assert await claim(conn) == []


async def test_claim_skips_a_leased_job(conn, make_user):
    await factories.make_running(conn, await make_user())
    assert await claim(conn) == []


async def test_an_expired_lease_is_taken_over_and_counts_as_an_attempt(conn, make_user):
    lost = await factories.make_running(conn, await make_user())
    await expire_lease(conn, lost)
    [found] = await claim(conn)
    assert (found.id, found.attempts) == (lost.id, 2)
    assert found.lease_token != lost.lease_token


async def test_a_worker_that_lost_its_lease_can_no_longer_touch_the_job(conn, make_user):
    lost = await factories.make_running(conn, await make_user())
    await expire_lease(conn, lost)
    await claim(conn)
    with pytest.raises(errors.Conflict, match="lease_lost"):
        await table.update_job_status(conn, lost, "done")
    with pytest.raises(errors.Conflict, match="lease_lost"):
        await table.save_checkpoint(conn, lost, {"step": 1})


async def test_an_expired_lease_that_nobody_took_over_is_still_good(conn, make_user):
    job = await factories.make_running(conn, await make_user())
    await expire_lease(conn, job)
    assert (await table.update_job_status(conn, job, "done")).state == "done"


async def test_a_job_whose_worker_dies_every_time_is_failed_refunded_and_told(conn, make_user):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=2, max_attempts=2)
    await expire_lease(conn, job)
    [again] = await claim(conn)
    await expire_lease(conn, again)
    assert await claim(conn) == []
    failed = await table.get_job_by_id(conn, job.id)
    assert (failed.state, failed.error_code, failed.attempts) == ("failed", "gave_up", 2)
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    [notice] = await claim(conn)
    assert (notice.task, notice.key, notice.args) == ("notice", f"failed:{job.id}", {"job_id": job.id})


async def test_workers_that_claim_at_once_never_get_the_same_job(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn)
        made = {(await factories.make_job(conn, alice)).id for _ in range(60)}
        for job in await claim(conn, limit=20):
            await expire_lease(conn, job)

    async def worker(_):
        taken = []
        async with database.connect() as conn:
            while batch := await claim(conn, limit=3):
                taken += [job.id for job in batch]
        return taken

    taken = [job_id for batch in await asyncio.gather(*map(worker, range(6))) for job_id in batch]
    assert len(taken) == 60
    assert set(taken) == made


# Moving on


async def test_done_ends_the_job_and_keeps_the_credits(conn, make_user):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=2)
    done = await table.update_job_status(conn, job, "done")
    assert done.state == "done"
    assert done.finished_at is not None
    assert done.lease_token is None
    assert await ledger.safe_get_balance(conn, alice.id) == 3


async def test_failed_refunds_and_queues_a_notice_in_the_same_round_trip(conn, make_user):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=2)
    with log.scope("test") as record:
        failed = await table.update_job_status(conn, job, "failed", error_code="photo_broken", error="boom")
    assert record["sql"] == 1
    assert (failed.error_code, failed.error) == ("photo_broken", "boom")
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    notice = await table.get_job_by_idempotency_key(conn, f"failed:{job.id}")
    assert (notice.task, notice.price, notice.user_id) == ("notice", 0, alice.id)


async def test_a_notice_that_fails_makes_no_further_notice(conn, make_user):
    notice = await factories.make_running(conn, await make_user(), task="notice")
    await table.update_job_status(conn, notice, "failed", error_code="blocked")
    assert await table.get_job_by_idempotency_key(conn, f"failed:{notice.id}") is None


async def test_a_retry_waits_for_its_time_and_keeps_its_attempts(conn, make_user):
    job = await factories.make_running(conn, await make_user())
    later = datetime.now(UTC) + timedelta(minutes=1)
    queued = await table.update_job_status(conn, job, "queued", run_at=later, error_code="telegram", error="429")
    assert (queued.state, queued.attempts, queued.run_at) == ("queued", 1, later)
    assert await claim(conn) == []


async def test_waiting_gives_the_attempts_back(conn, make_user):
    job = await factories.make_running(conn, await make_user(), max_attempts=1)
    for _ in range(3):
        waiting = await table.update_job_status(conn, job, "waiting")
        assert (waiting.state, waiting.attempts) == ("waiting", 0)
        [job] = await claim(conn)
    assert job.attempts == 1


async def test_save_checkpoint_merges(conn, make_user):
    job = await factories.make_running(conn, await make_user())
    await table.save_checkpoint(conn, job, {"drawn": 1, "shown": False})
    saved = await table.save_checkpoint(conn, job, {"shown": True})
    assert saved.checkpoint == {"drawn": 1, "shown": True}
    assert (await table.update_job_status(conn, saved, "queued")).checkpoint == saved.checkpoint


async def test_cancel_job_refunds_a_queued_job_in_the_same_round_trip(conn, make_user, make_job):
    alice = await make_user(credits=5)
    job = await make_job(alice, price=2)
    with log.scope("test") as record:
        cancelled = await table.cancel_job(conn, job.id, alice.id)
    assert record["sql"] == 1
    assert cancelled.state == "cancelled"
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    with pytest.raises(errors.Conflict):
        await table.cancel_job(conn, job.id, alice.id)
    assert await table.get_job_by_idempotency_key(conn, f"failed:{job.id}") is None
    await factories.books_are_right(conn)


async def test_cancel_job_comes_too_late_for_a_running_job(conn, make_user):
    alice = await make_user()
    job = await factories.make_running(conn, alice)
    with pytest.raises(errors.Conflict, match="job_begun"):
        await table.cancel_job(conn, job.id, alice.id)


async def test_cancel_job_of_somebody_else_is_missing(conn, make_user, make_job):
    alice, mallory = await make_user(), await make_user()
    job = await make_job(alice)
    with pytest.raises(errors.Missing):
        await table.cancel_job(conn, job.id, mallory.id)
    with pytest.raises(errors.Missing):
        await table.cancel_job(conn, 404, mallory.id)


async def test_cancel_and_claim_at_once_have_one_winner(database):
    async with database.connect() as conn:
        alice = await factories.make_user(conn, credits=20)
        made = [await factories.make_job(conn, alice, price=1) for _ in range(20)]

    async def cancel(job):
        async with database.connect() as conn:
            try:
                return (await table.cancel_job(conn, job.id, alice.id)).id
            except errors.Conflict:
                return None

    async def work():
        async with database.connect() as conn:
            return [job.id for _ in range(20) for job in await claim(conn)]

    claimed, *cancelled = await asyncio.gather(work(), *map(cancel, made))
    assert sorted(claimed + [job_id for job_id in cancelled if job_id]) == [job.id for job in made]
    async with database.connect() as conn:
        assert await ledger.safe_get_balance(conn, alice.id) == 20 - len(claimed)
        await factories.books_are_right(conn)


# What the table itself forbids


@pytest.mark.parametrize(
    "change",
    [
        "state = 'running'",
        "lease_token = gen_random_uuid()",
        "leased_until = now()",
        "finished_at = now()",
        "state = 'cancelled'",
        "price = -1",
        "attempts = -1",
        "task = 'Not a name'",
        "args = '[]'",
        "key = ''",
    ],
)
async def test_a_wrong_state_cannot_be_stored(conn, make_user, make_job, change):
    await make_job(await make_user())
    with pytest.raises(psycopg.errors.CheckViolation):
        await conn.execute(f"update jobs set {change}")


async def test_an_unknown_state_cannot_be_stored(conn, make_user):
    alice = await make_user()
    with pytest.raises(psycopg.errors.CheckViolation):
        await conn.execute(
            "insert into jobs (user_id, task, key, state) values (%s, 'card', 'k', 'sleeping')", (alice.id,)
        )


@pytest.mark.parametrize(("state", "move"), [("done", "queued"), ("failed", "running"), ("cancelled", "done")])
async def test_a_finished_job_stays_finished(conn, make_user, state, move):
    job = await factories.make_running(conn, await make_user())
    await table.update_job_status(conn, job, state, error_code="x")
    async with refused(conn, psycopg.DatabaseError, "illegal_move"):
        await conn.execute("update job_history set state = %s", (move,))


async def test_whoever_fails_a_job_refunds_it(conn, make_user, make_job):
    alice = await make_user(credits=5)
    await make_job(alice, price=2)
    await conn.execute("update jobs set state = 'failed', finished_at = now(), error_code = 'by_hand'")
    assert await ledger.safe_get_balance(conn, alice.id) == 5
    await factories.books_are_right(conn)


async def test_whoever_inserts_a_job_with_a_price_charges_it(conn, make_user):
    alice = await make_user(credits=5)
    await conn.execute("insert into jobs (user_id, task, key, price) values (%s, 'card', 'by hand', 2)", (alice.id,))
    assert await ledger.safe_get_balance(conn, alice.id) == 3


# Figures, and once more


async def test_queue_stats_count_what_is_unfinished_and_what_ended_lately(conn, make_user, make_job):
    alice = await make_user(credits=9)
    ended = await factories.make_running(conn, alice)
    await table.update_job_status(conn, ended, "done")
    old = await factories.make_running(conn, alice)
    await table.update_job_status(conn, old, "failed", error_code="x")
    await conn.execute("alter table job_history disable trigger user")
    await conn.execute("update job_history set finished_at = now() - interval '25 hours' where id = %s", (old.id,))
    await factories.make_running(conn, alice)
    jobs = [await make_job(alice, task="video") for _ in range(2)]
    stats = {(one["task"], one["state"]): one for one in await table.queue_stats(conn)}
    numbers = {key: one["number"] for key, one in stats.items() if key[0] != "notice"}
    assert numbers == {("card", "done"): 1, ("card", "running"): 1, ("video", "queued"): 2}
    assert stats["video", "queued"]["oldest_at"] == min(job.run_at for job in jobs)
    assert stats["card", "running"]["most_attempts"] == 1
    week = {(one["task"], one["state"]) for one in await table.queue_stats(conn, timedelta(days=7))}
    assert ("card", "failed") in week


async def test_a_refunded_order_is_charged_once_more_and_done_over_once(conn, make_user):
    alice = await make_user(credits=5)
    job = await factories.make_running(conn, alice, price=3)
    await table.update_job_status(conn, job, "failed", error_code="x")
    made = [await table.retry_job(conn, job.id) for _ in range(2)]
    assert [(one.created, one.charged) for one in made] == [(True, 3), (False, 0)]
    assert made[0].job.id == made[1].job.id
    assert (made[0].job.args, made[0].job.price, made[0].job.attempts) == (job.args, 3, 0)
    assert await ledger.safe_get_balance(conn, alice.id) == 2
    await factories.books_are_right(conn)


@pytest.mark.parametrize("state", ["queued", "running", "done"])
async def test_what_did_not_fail_is_not_done_over(conn, make_user, make_job, state):
    alice = await make_user(credits=5)
    job = await (make_job(alice, price=1) if state == "queued" else factories.make_running(conn, alice, price=1))
    if state == "done":
        await table.update_job_status(conn, job, "done")
    async with refused(conn, errors.Conflict, "job_not_failed"):
        await table.retry_job(conn, job.id)
    async with refused(conn, errors.Missing, "no_job"):
        await table.retry_job(conn, 0)
    assert await ledger.safe_get_balance(conn, alice.id) == 4


async def test_a_job_that_is_done_over_needs_its_credits_again(conn, make_user, make_job):
    alice = await make_user(credits=3)
    job = await make_job(alice, price=3)
    await table.cancel_job(conn, job.id, alice.id)
    await make_job(alice, price=2)
    async with refused(conn, errors.ShortOfCredits):
        await table.retry_job(conn, job.id)
    assert await ledger.safe_get_balance(conn, alice.id) == 1


async def test_a_job_for_later_is_not_in_the_line(conn, make_user):
    alice, later = await make_user(), datetime.now(UTC) + timedelta(hours=1)
    await table.create_free_jobs(conn, "tell", [table.NewJob(alice.id, "later", {})], run_at=later)
    job = await table.get_job_by_idempotency_key(conn, "later")
    assert (job.run_at, await table.get_queue_position(conn, job.id)) == (later, None)
    assert await table.due_at(conn, ["tell"]) == later
    assert await table.get_place(conn, job.id) == table.Place(None, None)


async def test_a_running_job_is_asked_to_stop_and_a_finished_one_is_not(conn, make_user, make_job):
    alice = await make_user()
    job = await factories.make_running(conn, alice)
    asked = await table.ask_to_cancel(conn, job.id)
    assert asked.cancel_asked_at is not None
    await table.update_job_status(conn, job, "cancelled")
    assert await table.ask_to_cancel(conn, job.id) is None
    assert await table.ask_to_cancel(conn, (await make_job(alice)).id) is None, "a queued one is cancelled at once"
