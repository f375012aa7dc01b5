"""`jobs.work`: what becomes of jobs when a worker runs them."""

import asyncio
import json
import sys
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib import errors
from lib.credits import ledger
from lib.jobs import run as jobs_run
from lib.jobs import table
from lib.jobs.run import DrainSummary
from lib.retry import Backoff
from tests import factories
from tests.worker_lab import HOUR, clock, work  # noqa: F401

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SOON = Backoff(base=timedelta(minutes=1), jitter=0)


@pytest.fixture
def task(monkeypatch):
    """Make a function the task `card`, and return the table to work by."""

    def make(run, *, lease=timedelta(seconds=30), backoff=SOON, name="card"):
        module = f"task_of_a_test_{uuid.uuid4().hex}"
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(BACKOFF=backoff, LEASE=lease, run=run))
        return {name: module}

    return make


@pytest.fixture
async def conn(database):
    """The worker has its own connections, so nothing here can be rolled back."""
    async with database.connect() as conn:
        yield conn


async def state(conn, job):
    return (await table.get_job_by_id(conn, job.id)).state


async def test_work_runs_what_is_due_and_says_what_is_left(conn, make_user, make_job, task):
    alice = await make_user()
    made = [await make_job(alice) for _ in range(5)]
    tomorrow = await make_job(alice, run_at=datetime.now(UTC) + timedelta(days=1))
    ran = []

    async def run(run):
        ran.append(run.job.id)

    summary = await work(task(run))
    assert replace(summary, due_at=None) == DrainSummary(done=5)
    assert abs(summary.due_at - tomorrow.run_at) < timedelta(minutes=1)
    assert sorted(ran) == [job.id for job in made]
    assert [await state(conn, job) for job in made] == ["done"] * 5


async def test_work_with_nothing_to_do_ends_at_once(conn, task):
    assert await work(task(None)) == DrainSummary()


async def test_work_claims_no_more_than_it_has_room_for(conn, make_user, make_job, task):
    alice = await make_user()
    for _ in range(6):
        await make_job(alice)
    most = []

    async def run(run):
        running = await table.list_last_jobs(conn, state="running")
        most.append(len(running))
        await asyncio.sleep(0)

    lock = asyncio.Lock()

    async def one_at_a_time(given):
        async with lock:
            await run(given)

    assert (await work(task(one_at_a_time), concurrency=2)).done == 6
    assert max(most) <= 2


async def test_jobs_of_one_worker_run_side_by_side(conn, make_user, make_job, task):
    alice = await make_user()
    await make_job(alice)
    await make_job(alice)
    both = asyncio.Barrier(2)

    async def run(run):
        async with asyncio.timeout(60):
            await both.wait()

    assert (await work(task(run), concurrency=2)).done == 2


async def test_only_the_named_tasks_are_touched(conn, make_user, make_job, task):
    alice = await make_user()
    card, notice = await make_job(alice), await make_job(alice, task="notice")

    async def run(run):
        pass

    assert (await work(task(run) | task(run, name="notice"), only=["notice"])).done == 1
    assert [await state(conn, job) for job in (card, notice)] == ["queued", "done"]


async def test_a_service_that_is_away_means_another_try_when_it_said(conn, make_user, make_job, task):
    alice = await make_user(credits=1)
    job = await make_job(alice, price=1)

    async def run(run):
        raise errors.Unavailable("telegram", "429", retry_after=timedelta(seconds=7))

    before = datetime.now(UTC)
    summary = await work(task(run))
    found = await table.get_job_by_id(conn, job.id)
    assert (summary.retried, found.state, found.error_code) == (1, "queued", "telegram")
    assert before + timedelta(seconds=7) <= found.run_at <= datetime.now(UTC) + timedelta(seconds=7)
    assert await ledger.safe_get_balance(conn, alice.id) == 0


async def test_what_cannot_succeed_is_failed_refunded_and_told(conn, make_user, make_job, task):
    alice = await make_user(credits=1)
    job = await make_job(alice, price=1)
    told = []

    async def run(run):
        raise errors.Rejected("photo_broken")

    async def tell(run):
        told.append(run.job.args)

    summary = await work(task(run) | task(tell, name="notice"))
    assert (summary.failed, summary.done) == (1, 1)
    assert (await table.get_job_by_id(conn, job.id)).error_code == "photo_broken"
    assert told == [{"job_id": job.id}]
    assert await ledger.safe_get_balance(conn, alice.id) == 1
    await factories.books_are_right(conn)


async def test_a_bug_is_tried_again_until_the_attempts_are_used_up(conn, make_user, make_job, task, capsys):
    job = await make_job(await make_user(), max_attempts=3)

    async def run(run):
        raise ZeroDivisionError("oops")

    now = Backoff(base=timedelta(0))
    summary = await work(task(run, backoff=now))
    assert (summary.retried, summary.failed) == (2, 1)
    found = await table.get_job_by_id(conn, job.id)
    assert (found.state, found.error_code, found.error) == ("failed", "internal", "ZeroDivisionError: oops")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["state"] for line in lines] == ["queued", "queued", "failed"]
    assert all("ZeroDivisionError" in line["error"] for line in lines)


async def test_a_module_that_cannot_be_imported_is_a_bug_too(conn, make_user, make_job):
    await make_job(await make_user(), max_attempts=1)
    assert (await work({"card": "lib.tasks.none_such"})).failed == 1


async def test_a_checkpoint_is_there_at_the_next_try(conn, make_user, make_job, task):
    await make_job(await make_user())
    seen = []

    async def run(run):
        seen.append(dict(run.checkpoint))
        if not run.checkpoint:
            await run.save(drawn="a/b.png")
            raise errors.Unavailable("telegram", retry_after=timedelta(milliseconds=1))

    summary = await work(task(run), patience=timedelta(seconds=5))
    assert (summary.retried, summary.done) == (1, 1)
    assert seen == [{}, {"drawn": "a/b.png"}]


async def test_a_job_that_was_taken_over_is_dropped(conn, make_user, make_job, task):
    job = await make_job(await make_user())

    async def run(run):
        await factories.expire_lease(conn, run.job)
        [taken] = await factories.claim(conn)
        assert taken.id == run.job.id
        await run.save(drawn=True)

    summary = await work(task(run))
    assert summary.lost == 1
    found = await table.get_job_by_id(conn, job.id)
    assert (found.state, found.attempts, found.checkpoint) == ("running", 2, {})


@pytest.mark.long
async def test_the_heartbeat_holds_the_lease_while_the_task_runs(conn, make_user, make_job, task, clock):  # noqa: F811
    alice = await make_user()
    long, short = await make_job(alice), await make_job(alice)
    begun = asyncio.Event()

    async def run(run):
        if run.job.id == short.id:
            await begun.wait()
            clock.skip(20)  # two thirds of the lease; the end of this job lets the worker look
            return
        leased_until = (await table.get_job_by_id(conn, long.id)).leased_until
        begun.set()
        async with asyncio.timeout(60):
            while (await table.get_job_by_id(conn, long.id)).leased_until == leased_until:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    assert (await work(task(run))).done == 2


@pytest.mark.long
async def test_the_heartbeat_stops_a_task_whose_job_was_taken_over(conn, make_user, make_job, task, clock):  # noqa: F811
    alice = await make_user()
    await make_job(alice)
    short = await make_job(alice)
    taken, stopped = asyncio.Event(), asyncio.Event()

    async def run(run):
        if run.job.id == short.id:
            await taken.wait()
            clock.skip(20)
            return
        await factories.expire_lease(conn, run.job)
        await factories.claim(conn)
        taken.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    summary = await work(task(run))
    assert (summary.done, summary.lost) == (1, 1)
    assert stopped.is_set()


async def test_nothing_is_claimed_in_the_margin(conn, make_user, make_job, task):
    job = await make_job(await make_user())

    async def run(run):
        raise AssertionError("too late")

    summary = await work(task(run), margin=HOUR)
    assert replace(summary, due_at=None) == DrainSummary()
    assert abs(summary.due_at - job.run_at) < timedelta(minutes=1)


async def test_what_still_runs_at_the_end_is_left_to_its_lease(conn, make_user, make_job, task, clock):  # noqa: F811
    job = await make_job(await make_user())

    async def run(run):
        clock.go()
        await asyncio.sleep(60)

    summary = await work(task(run), until=clock.at + timedelta(seconds=0.1), margin=timedelta(0))
    assert (summary.done, summary.lost) == (0, 1)
    assert await state(conn, job) == "running"
    await factories.expire_lease(conn, job)
    assert [found.id for found in await factories.claim(conn)] == [job.id]


async def test_a_cancelled_worker_leaves_its_job_to_the_lease(conn, make_user, make_job, task):
    job = await make_job(await make_user())
    begun = asyncio.Event()

    async def run(run):
        begun.set()
        await asyncio.sleep(60)

    worker = asyncio.create_task(work(task(run)))
    await begun.wait()
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker
    assert await state(conn, job) == "running"


async def test_a_task_that_cancels_itself_does_not_stop_the_others(conn, make_user, make_job, task):
    await make_job(await make_user(), max_attempts=1)

    async def run(run):
        raise asyncio.CancelledError

    assert (await work(task(run))).failed == 1


async def test_connections_that_die_under_the_worker_lose_no_job(conn, database, make_user, make_job, task):
    alice = await make_user()
    for _ in range(4):
        await make_job(alice)

    async def run(run):
        await run.save(step=1)
        await conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await run.save(step=2)

    assert (await work(task(run), concurrency=1)).done == 4


async def test_two_workers_share_the_jobs(conn, make_user, make_job, task):
    alice = await make_user(credits=30)
    for _ in range(30):
        await make_job(alice, price=1)
    ran = []

    async def run(run):
        ran.append(run.job.id)

    tasks = task(run)
    first, second = await asyncio.gather(work(tasks), work(tasks))
    assert first.done + second.done == len(ran) == len(set(ran)) == 30
    await factories.books_are_right(conn)


# The decision itself


def job(**changes):
    return SimpleNamespace(attempts=1, max_attempts=5, created_at=NOW, **changes)


@pytest.mark.parametrize(
    "error",
    [
        errors.Rejected("photo_broken"),
        errors.Invalid("x"),
        errors.ShortOfCredits(0, 1),
        errors.Missing("x"),
        errors.Denied("x"),
        errors.Conflict("path_taken"),
    ],
)
def test_an_error_of_ours_is_final(error):
    assert jobs_run.judge(job(), SOON, error, NOW).state == "failed"


@pytest.mark.parametrize("error", [errors.Unavailable("x"), errors.Misconfigured("x"), KeyError("x")])
def test_what_may_pass_is_tried_again_after_the_backoff(error):
    verdict = jobs_run.judge(job(), SOON, error, NOW)
    assert (verdict.state, verdict.run_at) == ("queued", NOW + timedelta(minutes=1))


def test_the_last_attempt_is_final_whatever_the_error():
    last = SimpleNamespace(attempts=5, max_attempts=5, created_at=NOW)
    assert jobs_run.judge(last, SOON, errors.Unavailable("x"), NOW).state == "failed"


def test_the_backoff_may_give_up_first():
    verdict = jobs_run.judge(job(), Backoff(limit=timedelta(seconds=1)), errors.Unavailable("x"), NOW)
    assert (verdict.state, verdict.error_code) == ("failed", "x")


def test_a_lost_lease_is_nothing_to_decide_about():
    assert jobs_run.judge(job(), SOON, errors.Conflict("lease_lost"), NOW).state == "lost"
