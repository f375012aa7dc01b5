"""Workers whose clocks are wrong: what Postgres compares is written by Postgres' clock alone."""

import sys
import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lib import clock, errors, limits
from lib.jobs import periodic, reports, table
from lib.jobs.periodic import Schedule
from lib.jobs.run import Kind
from lib.retry import Backoff
from tests import factories
from tests.worker_lab import work

TEN = timedelta(minutes=10)
HALF = timedelta(seconds=30)

pytestmark = pytest.mark.parametrize("wrong", [-TEN, timedelta(0), TEN], ids=["behind", "right", "ahead"])


@pytest.fixture
async def conn(database):
    async with database.connect() as conn:
        yield conn


@pytest.fixture(autouse=True)
def wrong_clock(monkeypatch, wrong):
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + wrong)
    return wrong


@pytest.fixture
def task(monkeypatch):
    """Make a function the task `card`, and return the table to work by."""

    def make(run, backoff=None):
        module = f"task_of_a_test_{uuid.uuid4().hex}"
        found = SimpleNamespace(BACKOFF=backoff or Backoff(), LEASE=HALF, run=run)
        monkeypatch.setitem(sys.modules, module, found)
        return {"card": Kind(module)}

    return make


async def runs_in(conn, job):
    """Return after how long the job's time comes, by Postgres' clock."""
    query = "select run_at - clock_timestamp() from jobs where id = %s"
    [(span,)] = await (await conn.execute(query, (job.id,))).fetchall()
    return span


async def one(tasks, **options):
    return await work(tasks, until=clock.now() + timedelta(hours=1), **options)


async def test_a_poll_comes_when_it_was_to_come(conn, task):
    job = await factories.make_job(conn, await factories.make_user(conn))

    async def run(run):
        await run.wait(clock.now() + HALF)

    summary = await one(task(run))
    assert timedelta(seconds=20) < await runs_in(conn, job) <= HALF
    assert timedelta(seconds=20) < summary.due_at - clock.now() <= HALF


async def test_a_failure_is_tried_again_when_it_was_to_be(conn, task):
    job = await factories.make_job(conn, await factories.make_user(conn))

    async def run(run):
        raise errors.Unavailable("busy", retry_after=HALF)

    await one(task(run, Backoff(limit=timedelta(minutes=5))))
    assert timedelta(seconds=20) < await runs_in(conn, job) <= HALF


async def test_a_job_that_falls_due_soon_is_waited_for_without_asking_again_and_again(conn, task, monkeypatch):
    await factories.make_job(conn, await factories.make_user(conn))
    asked, runs = [], []
    ask = reports.Reports.ask

    async def counted(*args):
        asked.append(1)
        return await ask(*args)

    async def run(run):
        runs.append(1)
        if len(runs) == 1:
            await run.wait(clock.now() + timedelta(seconds=1))

    monkeypatch.setattr(reports.Reports, "ask", counted)
    summary = await one(task(run), patience=timedelta(seconds=5))
    assert (summary.done, len(runs)) == (1, 2)
    assert len(asked) <= 6


async def test_a_job_has_the_time_it_was_given(conn, task):
    user = await factories.make_user(conn)
    job = await factories.make_job(conn, user, time_limit=timedelta(minutes=5))

    async def run(run):
        assert timedelta(0) <= run.age < timedelta(minutes=1)

    assert (await one(task(run))).done == 1
    assert (await table.get_job_by_id(conn, job.id)).state == "done"


async def test_a_turn_that_lies_in_the_future_is_cut_to_now(wrong):
    limit = limits.Limit("order", 2, timedelta(seconds=10))
    due = {"order": limits._now() + 3_600_000}
    assert [limits.take(due, limit) for _ in range(3)] == [0, 0, 5]


async def test_starts_in_the_future_hold_nobody_up(conn):
    job = await factories.make_running(conn, await factories.make_user(conn))
    await conn.execute(
        "insert into job_limits (name, starts) values ('create:kie', array_fill(now() + interval '1 hour', array[3]))"
    )
    rate = {"starts": 3, "span": timedelta(seconds=10)}
    held = await factories.begin_call(conn, job, **rate)
    assert timedelta(seconds=5) < held.wait <= timedelta(seconds=10)
    await conn.execute(
        "update job_limits set starts = array(select s - interval '10 seconds' from unnest(starts) s)"
        " where name = 'create:kie'"
    )
    assert (await factories.begin_call(conn, job, **rate)).id


async def test_a_schedule_that_ran_ahead_goes_on_by_the_right_clock(conn):
    now = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)
    schedules = {"tidy": Schedule("* * * * *")}
    await periodic.tick(conn, schedules, now + timedelta(hours=1))
    await periodic.tick(conn, schedules, now)
    assert await periodic.tick(conn, schedules, now + timedelta(minutes=2)) == 1
