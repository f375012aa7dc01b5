"""What a month costs: the figures are read from bench/RESULTS.md, the arithmetic is done by hand here."""

import json
import re
from dataclasses import replace
from datetime import date

import pytest

from bench import cost, results

FIGURES = cost.Figures(
    commands=5, update_cpu=0.006, update_wall=0.036, card_cpu=7.2, card_mb=0.5, video_cpu=18.0, video_mb=1.0
)
MONTH = cost.UserMonth(updates=40, cards=0.5, videos=0.05, kept=6, bytes_in_postgres=10_000, hours_a_day=24)
PRICES = json.loads(cost.PRICES.read_text(encoding="utf-8"))
TICKS = 730 * 60


def test_usage_is_the_sum_of_what_was_measured():
    used = cost.usage(1000, FIGURES, MONTH)
    assert used.invocations == 40_000 + 2 * 550 + TICKS
    assert used.cpu_hours == pytest.approx((40_000 * 0.006 + 500 * 7.2 + 50 * 18 + TICKS * 0.006) / 3600)
    assert used.gb_hours == pytest.approx(2 * ((40_000 + TICKS) * 0.036 + 500 * 7.2 + 50 * 18) / 3600)
    assert used.commands == 40_000 * 5 + TICKS
    assert (used.puts, used.reads) == (1100, 1100)
    assert used.stored_gb == pytest.approx((500 * 0.5 + 50 * 1.0) * 6 / 1000)
    assert used.gb == pytest.approx(1000 * 10_000 * 12 / 1e9)


@pytest.mark.parametrize(("updates", "hours"), [(0, 730 / 6), (10_000_000, 730)])
def test_neon_is_awake_for_the_workers_looks_at_least_and_for_the_month_at_most(updates, hours):
    assert cost.awake(updates, MONTH) == pytest.approx(hours)


def test_neon_sleeps_at_night_but_for_the_workers_looks():
    day = replace(MONTH, hours_a_day=12.0)
    assert cost.awake(10_000_000, day) == pytest.approx(365 + 365 / 6)


def test_a_few_users_pay_for_the_seat_alone():
    used = cost.usage(10, FIGURES, MONTH)
    assert cost.too_small(used, PRICES) == ""
    paid = cost.bill(used, PRICES)
    assert (paid.total, paid.neon, paid.upstash, paid.blob) == (20, 0, 0, 0)


def test_each_service_is_paid_by_its_price_once_its_free_plan_is_too_small():
    used = cost.Usage(
        invocations=10_000_000,
        cpu_hours=100,
        gb_hours=1000,
        cu_hours=200,
        gb=2,
        commands=1_000_000,
        puts=110_000,
        reads=100_000,
        stored_gb=105,
        sent_gb=200,
    )
    paid = cost.bill(used, PRICES)
    assert paid.vercel == pytest.approx(20 + max(0, 100 * 0.184 + 1000 * 0.0152 + 10 * 0.6 - 20))
    assert paid.neon == pytest.approx(200 * 0.106 + 2 * 0.35)
    assert paid.upstash == pytest.approx(10 * 0.2)
    assert paid.blob == pytest.approx(100_000 * 5 / 1e6 + 100 * 0.023 + 100 * 0.05)
    assert cost.too_small(used, PRICES) == "Vercel, Neon, Upstash, Blob"


def test_more_users_cost_more_and_each_of_them_less():
    bills = [cost.bill(cost.usage(users, FIGURES, MONTH), PRICES).total for users in cost.USERS]
    assert bills == sorted(bills)
    each = [total / users for total, users in zip(bills, cost.USERS, strict=True)]
    assert each == sorted(each, reverse=True)


def test_the_figures_are_those_of_the_other_questions():
    figures = cost.read(results.FILE.read_text(encoding="utf-8"))
    assert 1 <= figures.commands <= 10
    assert 0.001 < figures.update_cpu < figures.update_wall < 1
    assert figures.card_cpu < figures.video_cpu
    assert 0 < figures.card_mb < figures.video_mb


@pytest.mark.parametrize("question", ["updates", "load", "studio"])
def test_a_figure_that_is_missing_names_the_question_to_ask(question):
    text = results.FILE.read_text(encoding="utf-8").replace(f"<!-- {question} -->", "")
    with pytest.raises(results.Failed, match=f"python -m bench {question}"):
        cost.read(text)


def test_every_price_has_its_source_and_all_their_date():
    assert date.fromisoformat(PRICES["checked"]) >= date(2026, 11, 1)
    assert all("source" in one and "free" in one for one in PRICES.values() if isinstance(one, dict))


def test_the_table_has_a_row_for_each_number_of_users():
    said = cost.run()
    assert [int(row.replace(",", "")) for row in re.findall(r"^\| ([\d,]+) \|", said, re.MULTILINE)] == [*cost.USERS]
    assert len({line.count("|") for line in said.splitlines() if line.startswith("|")}) == 1


def test_the_results_and_the_page_say_what_the_figures_of_today_come_to():
    """The costs are reckoned from `load`, `updates` and `studio`: after new figures, run `bench cost` again."""
    printed = results.FILE.read_text(encoding="utf-8").partition("<!-- cost -->")[2]
    assert cost.run() in printed, "run: python -m bench cost"
    page = " ".join((cost.PRICES.parent.parent / "docs" / "deploy.md").read_text(encoding="utf-8").split())
    totals = re.findall(r"^\| ([\d,]+) \|(?:[^|]*\|){5} \$([\d,.]+) \|", cost.run(), re.MULTILINE)
    for users, total in totals:
        assert f"{users} users ${float(total.replace(',', '')):,.0f}" in page
    assert len(totals) == len(cost.USERS)
