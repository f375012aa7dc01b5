"""What administrators see of the queue, and what they may put right there."""

from dataclasses import replace
from datetime import timedelta

import pytest

from lib import errors
from lib.jobs import table
from lib.office import pulse, queue, trail
from lib.people import users
from tests import factories
from tests.loyalty_lab import NOW

BY = {"actor": "admin:7", "reason": "asked in the chat"}


async def failed(conn, person, code="rules", *, state="failed", **fields):
    job = await factories.make_running(conn, person, **fields)
    await table.update_job_status(conn, job, state, error_code=code, error="it did not work")
    return job


async def deeds(conn, job):
    return [one.action for one in await trail.read(conn, subject=f"job {job.id}")]


async def test_failures_are_counted_by_task_and_by_reason_and_each_narrows_the_other(conn, make_user):
    alice = await make_user()
    for code in ("rules", "rules", "picture_broken"):
        await failed(conn, alice, code)
    counted = {one.word: one.number for one in await queue.failed_by_code(conn, task="card")}
    assert counted == {"rules": 2, "picture_broken": 1}
    assert {one.word: one.number for one in await queue.failed_by_task(conn, code="rules")} == {"card": 2}
    assert await queue.failed_by_task(conn, code="nothing_of_it") == []


async def test_failures_come_newest_first_in_pages(conn, make_user):
    alice = await make_user()
    jobs = [await failed(conn, alice, code) for code in ("rules", "busy", "rules")]
    shown = [one.id for one in await queue.failed(conn, task="card")]
    assert shown == [one.id for one in reversed(jobs)]
    assert [one.id for one in await queue.failed(conn, code="rules", limit=1)] == [jobs[2].id]
    assert [one.id for one in await queue.failed(conn, code="rules", before=jobs[2].id)] == [jobs[0].id]


async def test_a_failed_order_is_done_over_once_and_charged_once_more_with_one_note(conn, make_user):
    alice = await make_user(credits=5)
    job = await failed(conn, alice, price=2)
    assert await queue.refunded(conn, job.id)
    assert await queue.retried_as(conn, job.id) is None
    first, second = [await queue.retry(conn, job.id, **BY) for _ in range(2)]
    assert (first.created, first.charged, second.created, second.charged) == (True, 2, False, 0)
    assert await queue.retried_as(conn, job.id) == first.job.id == second.job.id
    assert await deeds(conn, job) == ["job.retry"]
    assert [kind for kind, *_ in await factories.kinds(conn, alice)] == ["grant", "charge", "refund", "charge"]


async def test_an_order_of_an_erased_person_is_not_done_over_and_its_administrator_reads_why(conn, make_user):
    alice = await make_user(credits=5)
    job = await failed(conn, alice, price=2)
    await users.erase(conn, alice.id, alice.tg_id)
    async with factories.refused(conn, errors.Conflict, match="erased"):
        await queue.retry(conn, job.id, **BY)
    assert await deeds(conn, job) == []


async def test_an_order_that_did_not_fail_is_not_done_over(conn, make_user):
    alice = await make_user()
    job = await failed(conn, alice, None, state="done")
    async with factories.refused(conn, errors.Conflict):
        await queue.retry(conn, job.id, **BY)
    async with factories.refused(conn, errors.Missing):
        await queue.retry(conn, job.id + 1000, **BY)
    assert await deeds(conn, job) == []


async def test_an_order_is_not_done_over_without_the_credits_for_it(conn, make_user):
    alice = await make_user(credits=2)
    job = await failed(conn, alice, price=2)
    await factories.make_job(conn, alice, price=1)
    async with factories.refused(conn, errors.ShortOfCredits):
        await queue.retry(conn, job.id, **BY)
    assert await deeds(conn, job) == []
    assert await queue.retried_as(conn, job.id) is None


async def test_a_waiting_order_is_cancelled_and_refunded_and_a_running_one_is_asked_to_stop(conn, make_user):
    alice = await make_user(credits=5)
    running = await factories.make_running(conn, alice, price=1)
    waiting = await factories.make_job(conn, alice, price=2)
    assert (await queue.cancel(conn, waiting.id, **BY)).state == "cancelled"
    assert (await queue.cancel(conn, running.id, **BY)).state == "running"
    assert [await deeds(conn, one) for one in (waiting, running)] == [["job.cancel"]] * 2
    assert [kind for kind, *_ in await factories.kinds(conn, alice)] == ["grant", "charge", "charge", "refund"]


async def test_an_order_that_has_ended_is_not_cancelled(conn, make_user):
    job = await failed(conn, await make_user())
    async with factories.refused(conn, errors.Conflict):
        await queue.cancel(conn, job.id, **BY)
    assert await deeds(conn, job) == []


async def test_what_is_under_way_comes_oldest_first_and_goes_on_behind_the_last(conn, make_user):
    alice = await make_user()
    made = [(await factories.make_job(conn, alice)).id for _ in range(3)]
    assert [one.id for one in await queue.under_way(conn, after=made[0] - 1)][:3] == made
    assert [one.id for one in await queue.under_way(conn, after=made[1], limit=1)] == [made[2]]


async def test_the_pulse_counts_what_waits_runs_and_failed(conn, make_user):
    before = await pulse.look(conn)
    alice = await make_user(credits=9)
    await factories.make_running(conn, alice, price=2)
    await failed(conn, alice, price=1)
    await factories.make_job(conn, alice, price=3)
    now = await pulse.look(conn)
    assert (now.running - before.running, now.failed - before.failed) == (1, 1)
    assert now.held - before.held == 5, "the credits of what has not ended"
    assert now.failing_task == "card"


@pytest.mark.parametrize(
    ("failures", "finished", "is_failing"), [(2, 2, False), (3, 30, True), (3, 31, False), (30, 40, True)]
)
async def test_a_few_bad_photos_are_no_fault_of_ours(conn, failures, finished, is_failing):
    found = replace(await pulse.look(conn), failed=failures, finished=finished)
    assert found.is_failing is is_failing


async def test_a_queue_is_stuck_when_its_oldest_job_waits_longer_than_a_busy_line_explains(conn):
    found = replace(await pulse.look(conn), waiting_since=NOW)
    assert not found.stuck(NOW + pulse.WAITS_LONG)
    assert found.stuck(NOW + pulse.WAITS_LONG + timedelta(seconds=1))
    assert not replace(found, waiting_since=None).stuck(NOW)


async def test_an_alert_is_muted_for_one_administrator_and_heard_again(conn):
    for _ in range(2):
        await trail.mute(conn, 1005, "buried", off=True)
    assert await trail.muted(conn, 1005) == {"buried"}
    assert await trail.muted(conn, 1006) == set()
    await trail.mute(conn, 1005, "buried", off=False)
    assert await trail.muted(conn, 1005) == set()
