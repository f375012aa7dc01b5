"""The cost model: each formula with figures that can be done by hand."""

import math
from datetime import date

import pytest

from ops.neon.assess import costs, tables
from ops.neon.assess.costs import Need
from ops.neon.assess.figures import GB
from tests.ops.neon.assess.lab import TODAY, make_activity, make_catalog, make_server, make_table

NEON = tables.prices()["providers"]["neon"]


def need(storage=1.0, *, working=None, per_second=None, wal=0.0, growth=0.0, operator=None):
    return Need(storage, storage / 2 if working is None else working, per_second, wal, growth, operator)


def price(provider, wanted, today=TODAY):
    return costs.price(provider, wanted, today)


@pytest.mark.parametrize(
    ("per_second", "share"),
    [
        (None, 1.0),
        (0.0, 0.0),
        (1.0, 1.0),
        (1 / 60, 1 - math.exp(-5)),
        (1 / 300, 1 - math.exp(-1)),
        (1 / 3600, 1 - math.exp(-1 / 12)),
    ],
)
def test_a_compute_is_awake_for_five_minutes_after_each_transaction(per_second, share):
    assert costs.awake_share(per_second, 300) == pytest.approx(share)


def test_a_cron_of_each_minute_keeps_a_compute_awake():
    assert costs.awake_share(1 / 60, 300) > 0.99


@pytest.mark.parametrize(
    ("working_set", "units"),
    [
        (0.0, 0.25),
        (0.5, 0.25),
        (0.75, 0.25),
        (0.76, 0.5),
        (3.0, 1.0),
        (3.01, 1.25),
        (24.0, 8.0),
    ],
)
def test_a_compute_holds_the_working_set_in_three_quarters_of_its_memory(working_set, units):
    assert costs.compute_units(working_set, NEON) == units


def test_the_smallest_neon_that_never_sleeps_costs_what_its_page_says():
    found = price("neon", need(0.0))
    assert found.usd == pytest.approx(0.25 * 730 * 0.106, abs=0.01)
    assert found.plan == "Launch, 0.25 CU"


def test_neon_adds_storage_and_history():
    found = price("neon", need(10.0, per_second=0.0, wal=2.0))
    by = {line.what: line.usd for line in found.lines}
    assert by == {"compute": 0.0, "storage": 3.5, "history": 0.4}
    assert found.usd == 3.9


def test_a_formula_can_be_done_by_hand():
    [compute, storage, history] = price("neon", need(10.0, wal=2.0)).lines
    assert compute.formula == "1.75 CU × 730 h × 100% × $0.106"
    assert storage.formula == "10.00 GB × $0.35"
    assert history.formula == "2.00 GB × 1 × $0.2"


@pytest.mark.parametrize(
    ("storage", "working", "plan", "usd"),
    [
        (1.0, 0.5, "Micro", 25.0),
        (8.0, 0.5, "Micro", 25.0),
        (18.0, 0.5, "Micro", 26.25),
        (4.0, 1.5, "Small", 30.0),
        (4.0, 3.0, "Medium", 75.0),
    ],
)
def test_supabase_is_its_plan_a_size_and_the_disk_over_eight_gigabytes(storage, working, plan, usd):
    found = price("supabase", need(storage, working=working))
    assert (found.plan, found.usd) == (plan, usd)


def test_a_plan_that_lacks_what_others_have_is_not_compared():
    found = price("aiven", need(1.0))
    assert (found.plan, found.usd) == ("Startup-4", 75.0)
    assert any("lacks" in size for size in tables.prices()["providers"]["aiven"]["sizes"])


def test_what_is_too_large_for_a_table_has_no_price():
    found = price("aiven", need(500.0))
    assert found.usd is None
    assert found.in_a_year is None
    assert found.why == "too_large"


def test_rds_sells_at_least_twenty_gigabytes():
    small, large = price("rds", need(1.0)), price("rds", need(120.0, working=0.5))
    assert small.usd == pytest.approx(11.68 + 20 * 0.115)
    assert large.usd == pytest.approx(11.68 + 120 * 0.115)


@pytest.mark.parametrize(
    ("working", "plan"),
    [
        (0.5, "1 vCPU, 3.75 GB"),
        (4.5, "1 vCPU, 6 GB"),
        (6.0, "2 vCPU, 8 GB"),
    ],
)
def test_cloud_sql_needs_a_processor_for_each_six_and_a_half_gigabytes(working, plan):
    assert price("cloudsql", need(20.0, working=working)).plan == plan


def test_cloud_sql_is_the_sum_of_its_parts():
    found = price("cloudsql", need(10.0, working=0.5))
    assert found.usd == pytest.approx(0.0413 * 730 + 3.75 * 0.007 * 730 + 10 * 0.17, abs=0.01)


def test_a_server_of_ones_own_has_no_price_without_somebody_who_looks_after_it():
    found = price("vps", need(1.0))
    assert found.usd is None
    assert found.why == "unpaid"
    assert {line.what for line in found.lines} == {"server", "backups"}


def test_an_operator_is_paid_in_dollars_and_the_server_in_euros():
    rate = tables.prices()["usd_for_eur"]["value"]
    found = price("vps", need(1.0, operator=40.0))
    by = {line.what: line.usd for line in found.lines}
    assert by["operator"] == 80.0
    assert by["server"] == pytest.approx(4.11 * rate, abs=0.01)
    assert by["backups"] == pytest.approx(4.11 * 0.2 * rate, abs=0.01)
    assert found.usd == pytest.approx(sum(by.values()))


def test_an_operator_for_nothing_is_a_price():
    assert price("vps", need(1.0, operator=0.0)).usd is not None


def test_in_a_year_the_growth_of_twelve_months_is_stored():
    found = price("neon", need(1.0, per_second=0.0, growth=0.5))
    assert found.usd == 0.35
    assert found.in_a_year == pytest.approx(7 * 0.35)


def test_in_a_year_the_working_set_has_grown_as_much():
    found = price("supabase", need(4.0, working=0.5, growth=1.0))
    assert found.usd == 25.0
    assert found.in_a_year == pytest.approx(15 + 60 + 8 * 0.125)


@pytest.mark.parametrize("provider", sorted(tables.prices()["providers"]))
@pytest.mark.parametrize("storage", [0.0, 0.01, 1.0, 30.0])
def test_the_lines_make_the_sum(provider, storage):
    found = price(provider, need(storage, operator=10.0))
    if found.usd is not None:
        assert found.usd == pytest.approx(sum(line.usd for line in found.lines))
        assert all(line.usd >= 0 for line in found.lines)
        assert found.in_a_year >= found.usd


@pytest.mark.parametrize("provider", sorted(tables.prices()["providers"]))
def test_a_price_tells_its_source_and_its_age(provider):
    found = price(provider, need())
    assert found.source
    assert found.region
    assert found.is_old == tables.old(provider, TODAY)
    assert price(provider, need(), date(2036, 1, 1)).is_old


def test_a_need_is_read_from_the_catalogue():
    found = make_catalog(
        server=make_server(bytes=4 * GB),
        wal_per_second=2 * GB / 86400,
        tables=[make_table(rows=1000.0, inserted=300, deleted=0, bytes=GB, index_bytes=GB)],
        activity=make_activity(seconds=30 * 86400.0),
    )
    wanted = costs.need(found, 0.5)
    assert wanted.storage_gb == 4.0
    assert wanted.working_set_gb == 2.0
    assert wanted.wal_gb_a_day == pytest.approx(2.0)
    assert wanted.growth_gb == pytest.approx(0.6)
    assert wanted.assumed == ("working_set",)


def test_what_is_assumed_is_told():
    wanted = costs.need(make_catalog(wal_per_second=None), None)
    assert len(wanted.assumed) == 3
    assert wanted.wal_gb_a_day == 0.0


def test_a_working_set_that_is_told_is_not_assumed():
    wanted = costs.need(make_catalog(), 1.0, working_set_gb=0.2)
    assert wanted.working_set_gb == 0.2
    assert wanted.assumed == ()


def test_memory_is_a_third_more_than_the_working_set():
    assert need(6.0).memory_gb == 4.0
    assert need(0.1).memory_gb == 1.0
