"""What an administrator reads is wrong just now: each count that needs a look has its line, a calm day has none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lib import clock
from lib.flows.admin import worries
from lib.flows.admin.worries import ProviderHealth
from lib.office.pulse import WAITS_LONG, Pulse
from lib.studio.spending import ProviderState
from lib.telegram import conversation
from tests.telegram import paper

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
CALM = Pulse(None, 3, 2, 4, 40, 1, None, NOW, 0, 0, 0, 0)
DOING = ProviderState("kie", 50_000, 100, 20, 20, 0, 51, 50, 1, NOW, "")


@pytest.fixture(params=["ru", "en"])
def turn(request):
    return paper.turn(paper.press("x"), conversation.State(who={"language": request.param}))


def test_a_calm_day_has_nothing_wrong(turn):
    assert worries.worries(turn, CALM) == []
    assert worries.service_worries(turn, [ProviderHealth(DOING, "")]) == []


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"letters": 2}, "letters"),
        ({"refunding": 1}, "refunding"),
        ({"unmatched": 1}, "unmatched"),
        ({"debts": 3}, "debts"),
    ],
)
def test_each_count_that_needs_a_look_has_its_line(turn, changes, key):
    [number] = changes.values()
    assert worries.worries(turn, replace(CALM, **changes)) == [turn.text(f"admin.worry.{key}", n=number)]


def test_a_queue_that_nobody_takes_from_comes_first(turn, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    waiting = replace(CALM, waiting_since=NOW - WAITS_LONG - timedelta(minutes=10), letters=1)
    first, second = worries.worries(turn, waiting)
    assert first == turn.text("admin.worry.stuck", since=turn.text("admin.span.minutes", n=15), queued=3)
    assert second == turn.text("admin.worry.letters", n=1)


def test_jobs_that_fail_are_named_by_the_task_that_fails_most(turn):
    found = replace(CALM, failed=30, finished=40, failing_task="card")
    task = turn.text("admin.task.card")
    assert worries.worries(turn, found) == [turn.text("admin.worry.failing", task=task, failed=30, finished=40)]


def test_a_budget_that_is_spent_ten_times_over_is_no_calm_day(turn):
    spent = ProviderHealth(replace(DOING, spent=502_500), "")
    [line] = worries.service_worries(turn, [spent])
    why = turn.text("admin.worry.provider.spent", spent=50_250, limit=5_000)
    assert line == turn.text("admin.worry.provider", name=worries.service_name(turn, spent), why=why)


def test_calls_that_fail_are_said_by_the_hour_and_the_day(turn):
    failing = ProviderHealth(replace(DOING, hour=51, hour_done=13, hour_failed=38), "")
    [line] = worries.service_worries(turn, [failing])
    why = turn.text("admin.worry.provider.failing", hour=51, hour_failed=38, day=51, day_failed=1)
    assert line == turn.text("admin.worry.provider", name=worries.service_name(turn, failing), why=why)


@pytest.mark.parametrize("halt", ["spent", "money", "down"])
def test_a_service_that_may_not_be_asked_says_why(turn, halt):
    halted = ProviderHealth(DOING, halt)
    [line] = worries.service_worries(turn, [halted])
    assert turn.text(f"admin.provider.{halt}", setting="KIE_API_KEY") in line


def test_a_service_that_is_off_worries_nobody_and_one_can_have_two_troubles(turn):
    bad = replace(DOING, spent=50_000, day_failed=40)
    assert worries.service_worries(turn, [ProviderHealth(bad, "off")]) == []
    assert len(worries.service_worries(turn, [ProviderHealth(bad, "spent"), ProviderHealth(DOING, "")])) == 3


@pytest.mark.parametrize(("thousandths", "cents"), [(0, 0), (1, 1), (10, 1), (11, 2), (502_500, 50_250)])
def test_a_started_cent_is_a_whole_one(thousandths, cents):
    assert worries.cents(thousandths) == cents
