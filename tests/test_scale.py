"""python -m bench scale reads what was measured, and reckons from nothing else."""

from dataclasses import replace

import pytest

from bench import scale
from bench.results import Failed
from dev.stack import ROOT

FIGURES = scale.Figures(
    update_ms=2.0,
    commands=5,
    statements=1,
    points_per_second=2000,
    cards_per_minute=50,
    messages_per_second=27,
    jobs_per_second=30_000,
)
PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_every_figure_is_found_in_the_results():
    found = scale.read(scale.RESULTS.read_text(encoding="utf-8"))
    assert 0.5 < found.update_ms < 20
    assert (found.commands, found.statements) == (5, 1)
    assert found.points_per_second > 500
    assert 5 < found.cards_per_minute < 500
    assert 20 < found.messages_per_second <= 30
    assert found.jobs_per_second > 5000


def test_a_figure_that_is_gone_is_no_zero():
    text = scale.RESULTS.read_text(encoding="utf-8").replace("card wb:", "card x:")
    with pytest.raises(Failed, match="no longer says cards_per_minute"):
        scale.read(text)


def test_the_page_has_the_table_of_the_results():
    results = scale.RESULTS.read_text(encoding="utf-8")
    printed = results.partition("<!-- scale -->")[2].partition("<!-- end of scale -->")[0]
    assert scale.run() in printed, "run: python -m bench scale"
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert [row.split("|")[1].strip() for row in rows[2:]] == [f"{users:,}" for users in scale.USERS]
    for row in rows:
        assert row in PAGE


def test_the_peak_is_reckoned_from_the_habits():
    found = scale.need(1_000_000, FIGURES)
    # 4 updates a day, 15 % of them in an hour, three times its mean
    assert found.updates_per_second == pytest.approx(1_000_000 * 4 * 0.15 * 3 / 3600)
    assert found.commands_per_second == pytest.approx(5 * found.updates_per_second)
    assert found.broadcast_hours == pytest.approx(1_000_000 / 27 / 3600)


def test_few_users_pay_for_the_database_that_is_awake():
    least = scale.FEWEST_CU * 30 * 24 * scale.CU_HOUR
    assert scale.need(1, FIGURES).dollars == pytest.approx(least, rel=0.01)


@pytest.mark.parametrize(("users", "first"), [(1_000, "nothing"), (1_000_000, "a broadcast takes over an hour")])
def test_what_gives_way_first(users, first):
    assert scale.need(users, FIGURES).first == first


def test_a_slow_till_makes_the_database_the_first():
    slow = replace(FIGURES, points_per_second=20, messages_per_second=3000)
    assert scale.need(1_000_000, slow).first == "one database"


def test_updates_of_a_quiet_town_wait_for_nothing():
    assert scale.waits(rate=1, seconds=0.002, count=1, seed=1) == 0


def test_updates_wait_when_there_are_more_than_a_process_can_take():
    assert scale.waits(rate=700, seconds=0.002, count=1, seed=1) > scale.WAIT
    assert scale.waits(rate=700, seconds=0.002, count=2, seed=1) < scale.WAIT


@pytest.mark.parametrize(("rate", "count"), [(0.5, 1), (340, 1), (360, 2), (1000, 3)])
def test_processes_are_at_work_seven_tenths_of_the_time_at_most(rate, count):
    assert scale.processes(rate, 0.002) == count


def test_nobody_waits_where_nobody_writes():
    assert scale.waits(rate=1e-9, seconds=1, count=1, seed=1) == 0
