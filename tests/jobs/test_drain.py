"""`jobs.work` in batches: what it holds, what it gives back, and what it does about jobs that are in the way."""

import asyncio
import json
import sys
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib import db, errors
from lib.credits import ledger
from lib.jobs import drain, table
from lib.jobs.pool import Pool
from lib.jobs.run import Kind, Rate, Run
from lib.jobs.table import NewJob
from lib.retry import Backoff
from tests import factories
from tests.worker_lab import HOUR, clock, work  # noqa: F401


@pytest.fixture
def task(monkeypatch):
    """Make a function the task `card`, and return the table to work by."""

    def make(run, *, lease=timedelta(seconds=30), name="card", **kind):
        module = f"task_of_a_test_{uuid.uuid4().hex}"
        monkeypatch.setitem(sys.modules, module, SimpleNamespace(BACKOFF=Backoff(), LEASE=lease, run=run))
        return {name: Kind(module, **kind)}

    return make


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture
def statements(monkeypatch):
    """Note the name of every statement."""
    names = []
    execute = db.Query._execute

    async def noted(self, *args):
        names.append(self.name)
        return await execute(self, *args)

    monkeypatch.setattr(db.Query, "_execute", noted)
    return names


async def bulk(conn, number, *, task="card"):
    alice = await factories.make_user(conn)
    await table.create_free_jobs(conn, task, [NewJob(alice.id, f"{task}:{n:05}", {}) for n in range(number)])


async def rows(conn, query):
    return [tuple(row) for row in await (await conn.execute(query)).fetchall()]


async def nothing(run):
    pass


# Lanes


async def test_a_job_that_comes_as_the_last_lane_ends_gets_a_lane(conn, task):
    """Else it lies at hand with its lease extended, and no worker does it until this one's time is up."""
    await bulk(conn, 2)
    first, second = await factories.claim(conn, limit=2)
    go, done = asyncio.Event(), []

    async def run(run):
        await go.wait()
        done.append(run.id)

    pool = Pool("card", task(run)["card"], lanes=1)
    until = datetime.now(UTC) + HOUR
    worker = drain.Drain([pool], until, until, timedelta(0))
    pool.at_hand.append(Run(first, until))
    worker._begin(pool)
    await asyncio.sleep(0)
    go.set()
    await asyncio.sleep(0)  # the lane has just run its last step; what asyncio calls at the end of a task comes next
    pool.at_hand.append(Run(second, until))
    worker._begin(pool)
    await asyncio.sleep(0)
    assert done == [first.id, second.id]


# Batches


async def test_a_batch_costs_one_round_trip(conn, task, statements):
    await bulk(conn, 1000)
    statements.clear()
    assert (await work(task(nothing, batch=100))).done == 1000
    assert set(statements) == {"drain_jobs"}
    assert len(statements) <= 13


async def test_fifty_jobs_are_drained_in_three_round_trips(conn, task, statements):
    await bulk(conn, 50)
    statements.clear()
    assert (await work(task(nothing, batch=100))).done == 50
    assert len(statements) <= 3


async def test_two_hundred_looks_at_others_work_cost_a_statement_a_dozen(conn, task, statements):
    async def look(run):
        await asyncio.sleep(0.001 * (run.id % 7))
        await run.wait(datetime.now(UTC) + timedelta(minutes=5))

    await bulk(conn, 200)
    assert (await work(task(look, lanes=24, gather=12))).waiting == 200
    assert len(statements) <= 200 // 12 + 5


async def test_a_kind_that_gathers_still_begins_a_single_job_at_once(conn, task):
    async def look(run):
        pass

    await bulk(conn, 1)
    assert (await work(task(look, lanes=24, gather=12))).done == 1


async def test_a_worker_holds_two_batches_at_most_whatever_the_backlog(conn, task):
    await bulk(conn, 500)
    held = []

    async def run(run):
        if len(held) < 20:
            held.extend(await rows(conn, "select count(*) from jobs where state = 'running'"))

    lock = asyncio.Lock()

    async def one(run_):
        async with lock:
            await run(run_)

    assert (await work(task(one, batch=50, lanes=4))).done == 500
    assert max(held) <= (150,)


async def test_cheap_jobs_share_one_log_line(conn, task, capsys):
    await bulk(conn, 20)
    await work(task(nothing, batch=100))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [{"event": "jobs", "task": "card", "done": 20}]


async def test_a_cheap_job_that_fails_has_a_line_of_its_own(conn, task, capsys):
    await bulk(conn, 20)
    failed = []

    async def run(run):
        if not failed:
            failed.append(run.job.id)
            raise errors.Rejected("odd")

    assert (await work(task(run, batch=100))).failed == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["job_id"] for line in lines if line["event"] == "job"] == failed


async def test_what_was_not_begun_at_the_end_is_given_back_as_it_was(conn, task, clock):  # noqa: F811
    await bulk(conn, 10)
    begun = []

    async def run(run):
        begun.append(run)
        if len(begun) == 2:
            clock.go()
        await asyncio.sleep(60)

    until = clock.at + timedelta(seconds=0.1)
    summary = await work(task(run, batch=100, lanes=2), until=until, margin=timedelta(0))
    assert summary.lost == 2
    assert await rows(conn, "select state, attempts, deaths, count(*) from jobs group by 1, 2, 3 order by 1") == [
        ("queued", 0, 0, 8),
        ("running", 1, 0, 2),
    ]


async def test_a_report_that_postgres_refuses_spoils_no_other(conn, task, make_user, make_job, capsys):
    alice = await make_user()
    odd = await make_job(alice)
    others = [await make_job(alice) for _ in range(3)]
    await conn.execute(
        "create function refuse_odd() returns trigger language plpgsql as"
        f" $$ begin if new.id = {odd.id} then raise exception 'odd'; end if; return new; end $$;"
        "create trigger odd before insert on job_history for each row execute function refuse_odd()"
    )
    summary = await work(task(nothing, lanes=4))
    assert (summary.done, summary.lost) == (3, 1)
    assert [(await table.get_job_by_id(conn, job.id)).state for job in [odd, *others]] == ["running", *["done"] * 3]


async def test_a_lost_answer_counts_no_job_twice_and_loses_none(conn, task, monkeypatch):
    """The connection breaks after Postgres has done what it was asked to, again and again."""
    await bulk(conn, 60)
    execute, calls = db.Query._execute, []

    async def cut(self, *args):
        found = await execute(self, *args)
        calls.append(self.name)
        if len(calls) % 3 == 2:
            await args[0].close()
            raise errors.Unavailable("database", "cut") from db.psycopg.OperationalError("cut")
        return found

    monkeypatch.setattr(db.Query, "_execute", cut)
    ran = []

    async def run(run):
        ran.append(run.job.id)

    summary = await work(task(run, batch=10))
    assert (summary.done, summary.lost) == (60, 0)
    assert len(ran) == len(set(ran)) == 60
    assert await rows(conn, "select max(attempts) from job_history") == [(1,)]


# Waiting


async def test_waiting_uses_up_no_attempt_and_comes_back_at_its_time(conn, task, make_user, make_job):
    job = await make_job(await make_user(), max_attempts=1)
    polls = []

    async def run(run):
        polls.append(run.checkpoint.get("provider_task"))
        if len(polls) < 4:
            await run.wait(datetime.now(UTC) + timedelta(milliseconds=50), provider_task=7)

    summary = await work(task(run), patience=timedelta(seconds=5))
    assert (summary.waiting, summary.done) == (3, 1)
    assert polls == [None, 7, 7, 7]
    assert (await table.get_job_by_id(conn, job.id)).attempts == 1


# The total time limit


async def test_a_job_whose_time_is_up_is_stopped_failed_and_refunded(conn, task, make_user, make_job, clock):  # noqa: F811
    alice = await make_user(credits=1)
    job = await make_job(alice, price=1, time_limit=HOUR)

    async def run(run):
        clock.at += HOUR
        await asyncio.sleep(60)

    summary = await work(task(run), until=job.deadline + HOUR)
    found = await table.get_job_by_id(conn, job.id)
    assert (summary.failed, found.state, found.error_code) == (1, "failed", "timed_out")
    assert await ledger.safe_get_balance(conn, alice.id) == 1


@pytest.mark.parametrize("state", ["queued", "waiting"])
async def test_a_job_whose_time_ran_out_before_its_turn_is_failed_by_the_next_claim(conn, task, make_user, state):
    alice = await make_user(credits=1)
    job = await factories.make_running(conn, alice, price=1, time_limit=timedelta(minutes=5))
    moved = await table.update_job_status(conn, job, state, run_at=datetime.now(UTC) + timedelta(hours=1))
    assert moved.run_at == moved.deadline
    await conn.execute("update jobs set deadline = now() - interval '1 s'")
    assert (await work(task(nothing))).done == 0
    assert (await table.get_job_by_id(conn, job.id)).error_code == "timed_out"
    await factories.books_are_right(conn)


# Somebody no longer wants it


@pytest.mark.long
async def test_the_heartbeat_stops_a_job_that_is_no_longer_wanted(conn, task, make_user, make_job, clock):  # noqa: F811
    alice = await make_user(credits=1)
    job, other = await make_job(alice, price=1), await make_job(alice)
    asked = asyncio.Event()

    async def run(run):
        if run.job.id == other.id:
            await asked.wait()
            clock.skip(20)  # the end of this job lets the worker look
            return
        await table.ask_to_cancel(conn, run.job.id)
        asked.set()
        await asyncio.sleep(60)

    summary = await work(task(run, lanes=2))
    assert (summary.cancelled, (await table.get_job_by_id(conn, job.id)).state) == (1, "cancelled")
    assert await ledger.safe_get_balance(conn, alice.id) == 1


async def test_saving_stops_a_job_that_is_no_longer_wanted(conn, task, make_user, make_job):
    job = await make_job(await make_user())

    async def run(run):
        await table.ask_to_cancel(conn, run.job.id)
        await run.save(step=1)
        raise AssertionError("went on")

    assert (await work(task(run))).cancelled == 1
    assert (await table.get_job_by_id(conn, job.id)).state == "cancelled"


async def test_a_job_that_waits_for_a_provider_is_woken_to_be_cancelled(conn, task, make_user):
    alice = await make_user(credits=1)
    job = await factories.make_running(conn, alice, price=1)
    await table.update_job_status(conn, job, "waiting", run_at=datetime.now(UTC) + timedelta(hours=1))
    assert (await table.ask_to_cancel(conn, job.id)).cancel_asked_at is not None
    await work(task(nothing))
    assert (await table.get_job_by_id(conn, job.id)).state == "cancelled"
    assert await ledger.safe_get_balance(conn, alice.id) == 1


# A job that kills its worker


async def test_a_job_with_which_two_workers_died_is_given_out_alone(conn, make_user, make_job):
    alice = await make_user()
    made = [await make_job(alice) for _ in range(3)]
    for _ in range(2):
        for job in await factories.claim(conn, limit=3):
            await factories.expire_lease(conn, job)
    seen = [[job.id for job in await factories.claim(conn, limit=3)] for _ in range(4)]
    assert seen == [[made[0].id], [made[1].id], [made[2].id], []]


async def test_a_poison_job_takes_no_neighbours_attempts(conn, task, make_user, make_job):
    """The worker dies whenever it runs the poison; nobody else may be failed for that."""
    alice = await make_user(credits=9)
    made = [await make_job(alice, price=1) for _ in range(6)]
    poison = made[2].id

    async def run(run):
        if run.job.id == poison:
            dying.set()
            await asyncio.sleep(60)

    for _ in range(20):
        dying = asyncio.Event()
        worker = asyncio.create_task(work(task(run), concurrency=3))
        death = asyncio.create_task(dying.wait())
        await asyncio.wait({worker, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if not worker.done():
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            await conn.execute("update jobs set leased_until = now() - interval '1 s' where state = 'running'")
    states = {job.id: (await table.get_job_by_id(conn, job.id)).state for job in made}
    assert states.pop(poison) == "failed"
    assert set(states.values()) == {"done"}
    await factories.books_are_right(conn)


async def test_a_suspect_runs_while_its_worker_holds_nothing_else(conn, task, make_user, make_job):
    alice = await make_user()
    suspect = await make_job(alice)
    await conn.execute("update jobs set deaths = 2")
    for _ in range(4):
        await make_job(alice)
    beside = []

    async def run(run):
        if run.job.id == suspect.id:
            await asyncio.sleep(0.05)
            beside.extend(await rows(conn, "select count(*) from jobs where state = 'running'"))

    assert (await work(task(run), concurrency=4)).done == 5
    assert beside == [(1,)]


# Limits


async def test_workers_keep_to_the_number_that_may_run_at_once(conn, task, make_user, make_job):
    alice = await make_user()
    for _ in range(6):
        await make_job(alice)
    running, most = set(), []

    async def run(run):
        running.add(run.job.id)
        most.append(len(running))
        await asyncio.sleep(0.02)
        running.discard(run.job.id)

    tasks = task(run, at_once=2, lanes=4)
    wait = timedelta(seconds=1)
    summaries = await asyncio.gather(*(work(tasks, patience=wait) for _ in range(2)))
    assert sum(summary.done for summary in summaries) == 6
    assert max(most) <= 2


async def test_a_worker_comes_back_when_the_provider_allows_more(conn, task, make_user, make_job):
    alice = await make_user()
    for _ in range(4):
        await make_job(alice)
    rate = Rate("kie", 2, timedelta(seconds=30))
    before = datetime.now(UTC)
    summary = await work(task(nothing, rate=rate, lanes=8))
    assert summary.done == 2
    assert before + timedelta(seconds=30) <= summary.due_at <= datetime.now(UTC) + timedelta(seconds=30)


@pytest.mark.parametrize("batch", [0, 100])
async def test_a_worker_that_lost_its_lease_cannot_complete_the_job(conn, task, make_user, make_job, batch):
    job = await make_job(await make_user())

    async def run(run):
        await factories.expire_lease(conn, run.job)
        [taken] = await factories.claim(conn)
        assert taken.id == run.job.id

    summary = await work(task(run, batch=batch))
    assert (summary.done, summary.lost) == (0, 1)
    assert (await table.get_job_by_id(conn, job.id)).state == "running"


async def test_a_worker_that_holds_others_is_not_given_a_suspect(conn, make_user, make_job):
    alice = await make_user()
    suspect, other = await make_job(alice), await make_job(alice)
    await conn.execute("update jobs set deaths = 2 where id = %s", (suspect.id,))
    query = "select id from claim_jobs('{card}', '{9}', 9, %s, '30 s', gen_random_uuid(), null)"
    assert await (await conn.execute(query, (False,))).fetchall() == [(other.id,)]
    assert await (await conn.execute(query, (True,))).fetchall() == [(suspect.id,)]


# The end of a process that serves


async def test_a_worker_that_is_told_to_stop_ends_what_it_has_begun_and_claims_no_more(conn, task):
    """Of four jobs two have begun: they are done, and the others wait for another worker, unharmed."""
    await bulk(conn, 4)
    begun, go = asyncio.Event(), asyncio.Event()
    running = []

    async def run(run):
        running.append(run.id)
        if len(running) == 2:
            begun.set()
        await go.wait()

    at_work = asyncio.create_task(drain.work(task(run), datetime.now(UTC) + HOUR))
    await begun.wait()
    drain.stop(timedelta(seconds=30))
    go.set()
    summary = await at_work
    assert (summary.done, len(running)) == (2, 2)
    assert await rows(conn, "select state, attempts from jobs order by id") == [("queued", 0)] * 2
    assert not drain._at_work


async def test_what_does_not_end_within_the_grace_is_left_to_its_lease(conn, task):
    await bulk(conn, 1)
    begun = asyncio.Event()

    async def run(run):
        begun.set()
        await asyncio.Event().wait()

    at_work = asyncio.create_task(drain.work(task(run), datetime.now(UTC) + HOUR))
    await begun.wait()
    drain.stop(timedelta(0))
    assert (await at_work).done == 0
    assert await rows(conn, "select state from jobs") == [("running",)]
