"""What the storm takes for the reason of a delivery that came twice: only what somebody saw."""

from types import SimpleNamespace

import pytest

from bench.storm import verdict
from bench.storm.services import PATIENCE, Delivery
from bench.storm.weather import Told

KEY, JOB = "greet:7", 70
FIRST = Delivery(KEY, 1001, worker=1, at=100.0, heard=True, why="")
AGAIN = Delivery(KEY, 1001, worker=2, at=108.0, heard=True, why="Unavailable: redis: timed out")


def reason(*lines, killed_at=None, away=(), lapsed=(), first=FIRST, worker=1):
    told = Told()
    for line in lines:
        told.hear(line)
    drainer = SimpleNamespace(process=SimpleNamespace(pid=worker), killed_at=killed_at, told=told)
    weather = SimpleNamespace(gone=[drainer], drainers=[], away=list(away), lapsed={JOB: list(lapsed)})
    [found] = verdict.repeats(SimpleNamespace(deliveries=[first, AGAIN]), weather, {KEY: JOB})
    return found


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (f"unheard 99.9 {KEY}", "Telegram's answer came too late"),
        (f"unheard {99.9 - PATIENCE} {KEY}", "Telegram's answer came too late"),
        (f"unnoted 99.9 {KEY}", "Postgres did not take the note"),
        (f"late 99.9 {KEY}", "the note came when the lease had run out"),
        ("left 104.0", "the worker's time was up"),
        ("stood 99.0 107.0", "the worker stood still while its lease ran out"),
    ],
)
def test_what_the_worker_told_of_that_delivery_is_its_reason(line, why):
    assert reason(line) == why
    assert reason(line, worker=3) == verdict.NO_REASON, "another worker's trouble explains nothing"


@pytest.mark.parametrize(
    "line",
    [
        "unheard 99.9 greet:8",
        f"unheard 60.0 {KEY}",
        f"unheard 107.9 {KEY}",
        "left 99.0",
        "left 109.0",
        "stood 80.0 90.0",
        "stood 109.0 120.0",
        "unheard 99.9",
        "redis 99.9 107.0",
    ],
)
def test_nothing_is_explained_by_another_time_or_delivery_nor_by_redis(line):
    assert reason(line) == verdict.NO_REASON


def test_what_the_weather_did_is_a_reason_when_it_was_there():
    assert reason(killed_at=100.5) == "the worker was killed before it had noted it"
    assert reason(away=[(101.0, 103.0)]) == "Postgres was away before it was noted"
    assert reason(lapsed=[101.0]) == "the lease was moved away"
    assert reason(killed_at=90.0, away=[(90.0, 95.0)], lapsed=[90.0]) == verdict.NO_REASON


def test_an_answer_that_the_storm_lost_is_a_reason():
    lost = Delivery(KEY, 1001, worker=1, at=100.0, heard=False, why="")
    assert reason(first=lost) == "Telegram's answer was lost"


def test_a_delivery_without_a_reason_is_told_with_what_is_known_of_it():
    weather = SimpleNamespace(gone=[], drainers=[], away=[], lapsed={})
    found = verdict.repeats(SimpleNamespace(deliveries=[FIRST, AGAIN]), weather, {KEY: JOB})
    assert found == {
        verdict.NO_REASON: ["greet:7 by another worker 8.0 s later, after Unavailable: redis: timed out"],
    }
