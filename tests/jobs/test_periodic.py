import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lib.jobs import periodic, table
from lib.jobs.periodic import EVERY_DAY, EVERY_HOUR, EVERY_MINUTE, Schedule
from lib.tasks import SCHEDULES, TASKS

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


async def keys(conn):
    return [row[0] for row in await (await conn.execute("select key from jobs order by key")).fetchall()]


async def test_a_schedule_begins_at_its_first_tick(conn):
    assert await periodic.tick(conn, {"audit": Schedule(EVERY_MINUTE)}, NOON) == 0
    assert await keys(conn) == []


async def test_one_due_time_is_one_job_whatever_the_number_of_ticks(conn):
    schedules = {"audit": Schedule(EVERY_MINUTE), "tidy": Schedule(EVERY_HOUR)}
    await periodic.tick(conn, schedules, NOON - MINUTE)
    assert [await periodic.tick(conn, schedules, NOON + n * MINUTE / 10) for n in range(5)] == [2, 0, 0, 0, 0]
    assert await keys(conn) == ["audit:2026-11-21T12:00Z", "tidy:2026-11-21T12:00Z"]
    [job, _] = await table.list_last_jobs(conn)
    assert (job.user_id, job.price, job.args) == (0, 0, {"due": "2026-11-21T12:00:00+00:00"})


async def test_twenty_ticks_at_once_make_one_job(database):
    schedules = {"audit": Schedule(EVERY_MINUTE)}
    async with database.connect() as conn:
        await periodic.tick(conn, schedules, NOON - MINUTE)

    async def tick(_):
        async with database.connect() as conn:
            return await periodic.tick(conn, schedules, NOON)

    await asyncio.gather(*map(tick, range(20)))
    async with database.connect() as conn:
        assert await keys(conn) == ["audit:2026-11-21T12:00Z"]


@pytest.mark.parametrize(("catch_up", "times"), [(True, ["11:58", "11:59", "12:00"]), (False, ["12:00"])])
async def test_missed_times_are_caught_up_or_skipped_as_declared(conn, catch_up, times):
    schedules = {"audit": Schedule(EVERY_MINUTE, catch_up=catch_up)}
    await periodic.tick(conn, schedules, NOON - 3 * MINUTE)
    await periodic.tick(conn, schedules, NOON + MINUTE / 2)
    assert await keys(conn) == [f"audit:2026-11-21T{time}Z" for time in times]


async def test_a_late_tick_does_not_queue_what_ran_already(conn, make_user):
    schedules = {"audit": Schedule(EVERY_MINUTE)}
    await periodic.tick(conn, schedules, NOON - MINUTE)
    await periodic.tick(conn, schedules, NOON)
    [job] = await table.fetch_next_queued_job(conn, ["audit"], MINUTE)
    await table.update_job_status(conn, job, "done")
    await conn.execute("delete from job_schedules")
    await periodic.tick(conn, schedules, NOON - MINUTE)
    await periodic.tick(conn, schedules, NOON)
    assert await keys(conn) == []


async def test_a_tick_with_nothing_due_writes_nothing(conn):
    schedules = {"audit": Schedule(EVERY_DAY)}
    await periodic.tick(conn, schedules, NOON)
    before = await (await conn.execute("select queued_until from job_schedules")).fetchone()
    await periodic.tick(conn, schedules, NOON + MINUTE)
    assert await (await conn.execute("select queued_until from job_schedules")).fetchone() == before


def test_a_time_zone_keeps_its_summer_time():
    berlin = Schedule("30 9 * * *", zone="Europe/Berlin")
    times = berlin.after(datetime(2026, 10, 24, 0, 0, tzinfo=UTC))
    assert [next(times).isoformat() for _ in range(2)] == ["2026-10-24T07:30:00+00:00", "2026-10-25T08:30:00+00:00"]


def test_a_time_that_a_night_in_spring_leaves_out_still_comes_once():
    berlin = Schedule("30 2 * * *", zone="Europe/Berlin")
    assert len(berlin.missed(datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 3, 29, 12, tzinfo=UTC))) == 1


def test_next_due_is_the_earliest():
    schedules = {"a": Schedule(EVERY_DAY), "b": Schedule("5 12 * * *")}
    assert periodic.next_due(schedules, NOON) == NOON + 5 * MINUTE
    assert periodic.next_due({}, NOON) is None


def test_every_periodic_task_is_a_task():
    assert set(SCHEDULES) <= set(TASKS)
    for schedule in SCHEDULES.values():
        assert next(schedule.after(NOON)) > NOON
