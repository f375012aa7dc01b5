"""What a worker holds, without a database: each run once, its time, and the pools that it comes from."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest

from lib import clock
from lib.jobs.held import HeldRuns, tokens
from lib.jobs.pool import FIRST_LEASE, Pool
from lib.jobs.reports import GATHER, PATIENT, REPORT, LeaseClaim, Reports
from lib.jobs.run import DONE, Kind, Rate, Run, Verdict

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_run(number=1, task="card", token=None):
    return Run(SimpleNamespace(id=number, task=task), NOW, token=token)  # type: ignore[arg-type]


@pytest.fixture
def time(monkeypatch):
    """Let the clock stand; return how to move it."""
    at = [NOW]
    monkeypatch.setattr(clock, "now", lambda: at[0])

    def forward(span):
        at[0] += span

    return forward


@pytest.fixture
def pool():
    return Pool("card", Kind("lib.tasks.card"), 3)


@pytest.fixture
def held(pool):
    return HeldRuns({"card": pool})


@pytest.fixture
def reports(pool, held):
    return Reports({"card": pool, "tell": Pool("tell", Kind("lib.tasks.tell", gather=5), 3)}, held)


def test_a_run_is_let_go_once(held):
    run = a_run()
    assert held.take(run, None) is None
    assert held.release(run)
    assert not held.release(run)


def test_a_job_that_was_leased_again_is_the_later_runs(held):
    first, second = a_run(), a_run()
    held.take(first, None)
    assert held.take(second, None) is first
    assert not held.release(first)
    assert held.release(second)


def test_a_run_whose_time_is_up_is_told_once(held, time):
    late, early = a_run(1), a_run(2)
    held.take(late, NOW + 2 * MINUTE)
    held.take(early, NOW + MINUTE)
    held.take(a_run(3), None)
    assert held.overdue() == []
    time(MINUTE)
    [(run, why)] = held.overdue()
    assert (run, why.code) == (early, "timed_out")
    assert held.overdue() == []
    time(10 * MINUTE)
    assert [run for run, _ in held.overdue()] == [late]


def test_the_time_of_what_ended_is_forgotten(held, time):
    run = a_run()
    held.take(run, NOW + MINUTE)
    held.release(run)
    held.tidy()
    time(2 * MINUTE)
    assert held.overdue() == []
    assert held.next_at(100.0) == float("inf")


def test_a_worker_is_alone_no_longer_when_it_holds_nothing(held):
    run = a_run()
    held.take(run, None)
    held.alone = True
    held.tidy()
    assert held.alone, "what needs it is still held"
    held.release(run)
    held.tidy()
    assert not held.alone


def test_the_first_heartbeat_comes_in_a_third_of_the_first_lease(held, pool):
    run = a_run()
    pool.at_hand.append(run)
    held.first_beat(pool, 100.0)
    assert held.beat_at == run.beat_at == 100 + FIRST_LEASE.total_seconds() / 3


def test_a_later_claim_moves_no_heartbeat_away(held, pool):
    first, second = a_run(1), a_run(2)
    pool.at_hand.append(first)
    held.first_beat(pool, 100.0)
    pool.at_hand.append(second)
    held.first_beat(pool, 105.0)
    assert (first.beat_at, second.beat_at, held.beat_at) == (110.0, 115.0, 110.0)


def test_the_worker_wakes_for_a_heartbeat_or_for_a_time_that_is_up(held, pool, time):
    assert held.next_at(100.0) == float("inf")
    held.take(a_run(1), NOW + 5 * timedelta(seconds=1))
    assert held.next_at(100.0) == 105.0
    held.beat_at = 103.0
    assert held.next_at(100.0) == 103.0


async def test_before_it_is_time_no_heartbeat_asks_anything(held):
    held.take(a_run(), None)
    assert await held.beat() == []


def test_the_token_of_a_claim_is_told_once():
    one, other = uuid4(), uuid4()
    runs = [a_run(1, token=one), a_run(2, token=one), a_run(3, token=other)]
    assert tokens(runs) == [one, other]
    assert tokens([]) == []
    assert tokens([a_run(1, token=one), a_run(2, token=UUID(one.hex))]) == [one, one], "by object, not by value"


@pytest.mark.parametrize(
    ("kind", "lanes", "at_hand", "running", "room"),
    [
        (Kind("m"), 3, 0, 0, 3),
        (Kind("m"), 3, 1, 1, 1),
        (Kind("m"), 3, 0, 3, 0),
        (Kind("m", lanes=8), 3, 0, 0, 8),
        (Kind("m", lanes=1), 3, 0, 1, 0),
        (Kind("m", gather=2), 3, 0, 1, 2),
        (Kind("m", gather=2), 3, 0, 2, 0),  # it waits for two places
        (Kind("m", gather=9), 3, 0, 0, 3),  # but never for more than there are
        (Kind("m", gather=9), 3, 0, 1, 0),
        (Kind("m", batch=10), 3, 0, 0, 10),
        (Kind("m", batch=10), 3, 8, 2, 10),
        (Kind("m", batch=10), 3, 9, 2, 0),
    ],
)
def test_how_many_more_a_worker_leases(kind, lanes, at_hand, running, room):
    pool = Pool("card", kind, lanes)
    pool.at_hand.extend(a_run(number) for number in range(at_hand))
    pool.running = running
    assert pool.room == room


@pytest.mark.parametrize(
    ("kind", "limits"),
    [
        (Kind("m"), None),
        (Kind("m", lanes=3, batch=5), None),
        (Kind("m", at_once=4), {"at_once": 4}),
        (Kind("m", at_once=0), {"at_once": 0}),
        (Kind("m", rate=Rate("kie", 20, timedelta(seconds=10))), {"rate": "kie", "starts": 20, "seconds": 10.0}),
        (
            Kind("m", at_once=1, rate=Rate("a", 1, MINUTE)),
            {"at_once": 1, "rate": "a", "starts": 1, "seconds": 60.0},
        ),
    ],
)
def test_the_limits_of_a_kind_as_the_claim_reads_them(kind, limits):
    assert kind.limits == limits


def test_nothing_is_ripe_while_nothing_has_ended(reports):
    assert not reports.is_ripe(float("inf"))
    assert reports.take() == []


def test_what_ended_waits_a_moment_for_others(reports, held):
    for number in (1, 2):
        held.take(a_run(number), None)
    reports.add(held.runs[1], DONE)
    since = reports.ripe_at - GATHER
    assert not reports.is_ripe(since)
    assert reports.is_ripe(since + GATHER + 0.001)


def test_the_last_that_is_held_does_not_wait(reports, held):
    run = a_run()
    held.take(run, None)
    reports.add(run, DONE)
    assert reports.is_ripe(0.0)


def test_a_report_that_is_full_does_not_wait(reports, held):
    for number in range(REPORT + 1):
        held.take(a_run(number), None)
    for number in range(REPORT - 1):
        reports.add(held.runs[number], DONE)
    assert not reports.is_ripe(0.0)
    reports.add(held.runs[REPORT - 1], DONE)
    assert reports.is_ripe(0.0)


def test_kinds_that_gather_wait_longer_and_with_another_no_longer(reports, held):
    first, second = a_run(1, task="tell"), a_run(2)
    held.take(first, None)
    held.take(second, None)
    reports.add(first, DONE)
    since = reports.ripe_at - PATIENT
    reports.add(second, DONE)
    assert reports.ripe_at == pytest.approx(since + GATHER)


def test_what_was_taken_is_not_reported_again(reports, held):
    run = a_run()
    held.take(run, None)
    reports.add(run, DONE)
    assert reports.take() == [(run, DONE)]
    assert reports.take() == []


def test_what_is_lost_is_nobodys_to_report(reports, held, pool):
    run = a_run()
    held.take(run, None)
    reports.add(run, Verdict("lost"))
    assert (reports.ended, held.runs, dict(pool.counts)) == ([], {}, {"lost": 1})


def test_each_job_is_counted_by_what_postgres_confirmed(reports, held, pool):
    runs = [a_run(number) for number in range(4)]
    for run in runs:
        held.take(run, None)
    held.take(a_run(3), None)  # the last was leased again meanwhile
    ended = [(runs[0], DONE), (runs[1], Verdict("failed")), (runs[2], DONE), (runs[3], DONE)]
    reports.confirm(ended, lost={2})
    assert dict(pool.counts) == {"done": 1, "failed": 1, "lost": 2}
    assert [*held.runs] == [3]


def test_a_statement_tells_what_is_still_held_and_wants_what_there_is_room_for(reports, held, time):
    token, other = uuid4(), uuid4()
    runs = [a_run(1, token=token), a_run(2, token=token), a_run(3, token=other), a_run(4, token=other)]
    for run in runs[:3]:
        held.take(run, None)
    reports.skew = timedelta(seconds=5)
    again = Verdict("queued", NOW + MINUTE, "down", "away")
    ended = [(runs[0], DONE), (runs[1], DONE), (runs[2], again), (runs[3], DONE)]
    params = reports._params(ended, LeaseClaim({"card": 2}, other, alone=True))
    assert (params["done"], params["done_tokens"]) == ("{1,2}", [token])
    assert (params["ids"], params["tokens"], params["states"]) == ([3], [other], ["queued"])
    assert params["delays"] == [MINUTE - timedelta(seconds=5)], "by Postgres' clock"
    assert (params["codes"], params["errors"]) == (["down"], ["away"])
    assert (params["tasks"], params["rooms"], params["alone"]) == (["card"], [2], True)
    assert params["limits"] is None


def test_an_empty_report_is_a_claim_alone(reports):
    params = reports._params([], LeaseClaim({"card": 1}))
    assert (params["done"], params["ids"], params["delays"]) == ("{}", [], [])


def test_a_time_of_postgres_is_read_by_our_clock(reports):
    reports.skew = timedelta(seconds=5)
    assert reports.ours(NOW) == NOW - timedelta(seconds=5)
    assert reports.ours(None) is None
