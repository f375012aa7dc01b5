"""The rules of the recommendation: what fires, who is out, what the verdict is, and how sure."""

from dataclasses import replace
from datetime import date

import pytest

from ops.neon.assess import rules, tables
from ops.neon.assess.catalog import Guests
from ops.neon.assess.costs import Cost
from ops.neon.assess.figures import GB, Spread
from ops.neon.assess.pace import Connects
from ops.neon.assess.wire import Wire
from tests.ops.neon.assess.lab import (
    NEON,
    SERVER,
    TODAY,
    make_activity,
    make_catalog,
    make_found,
    make_inputs,
    make_server,
    with_extension,
    with_feature,
)

SLOW = Connects(300.0, Spread(5, 140.0, 151.0, 151.0))
BLOCKED = with_feature("untrusted_functions", "f(internal) in c")


def fired(given):
    return {one.key: one.fires for one in (rule(given) for rule in rules.LEAVE)}


def out(given):
    return {one.provider: one.why for one in rules.exclusions(given)}


def elsewhere(catalog=None, **more):
    """Make a database on a host that tells nothing of its provider."""
    return make_found(SERVER, catalog, **more)


@pytest.mark.parametrize(
    ("p95", "fires"),
    [(10.0, False), (150.0, False), (150.1, True), (900.0, True)],
)
def test_connecting_is_slow_above_its_limit(p95, fires):
    found = elsewhere(connects=Connects(1.0, Spread(5, 1.0, p95, p95)))
    assert fired(make_inputs(found))["connect"] is fires


def test_a_cold_connect_alone_is_no_reason():
    found = elsewhere(connects=Connects(5000.0, Spread(5, 20.0, 30.0, 30.0)))
    assert fired(make_inputs(found))["connect"] is False


@pytest.mark.parametrize(
    ("used", "fires"),
    [(10, False), (80, False), (81, True)],
)
def test_connections_run_out_above_four_fifths(used, fires):
    found = elsewhere(make_catalog(guests=Guests(used, used)))
    assert fired(make_inputs(found))["crowded"] is fires


@pytest.mark.parametrize(
    ("pays", "fires"),
    [
        (5.0, False),
        (11.0, False),  # more than one and a half times as much, but a few dollars
        (60.0, True),
    ],
)
def test_a_price_is_a_reason_when_it_is_far_above_the_best(pays, fires):
    assert fired(make_inputs(elsewhere(), pays=pays))["price"] is fires


def test_an_unknown_bill_is_unknown_and_no_reason():
    assert fired(make_inputs(elsewhere()))["price"] is None


def test_a_bill_is_estimated_where_the_host_tells_the_provider():
    given = make_inputs(make_found())
    assert given.pays == 75.0
    assert make_inputs(make_found(), pays=12.0).pays == 12.0


def test_wishes_are_reasons_where_the_provider_cannot_do_it():
    assert fired(make_inputs(make_found(), branches=True))["branches"] is True
    assert fired(make_inputs(make_found(NEON), branches=True))["branches"] is False
    assert fired(make_inputs(make_found(), services=True))["services"] is True
    assert fired(make_inputs(make_found()))["branches"] is False


@pytest.mark.parametrize(
    ("major", "today", "fires"),
    [
        (17, TODAY, False),
        (14, date(2026, 11, 11), False),
        (14, date(2026, 11, 12), True),
        (12, TODAY, True),
        (9, TODAY, True),
        (19, TODAY, None),
    ],
)
def test_a_version_without_fixes_is_a_reason(major, today, fires):
    found = elsewhere(make_catalog(server=make_server(number=major * 10000)))
    assert fired(make_inputs(found, today=today))["version"] is fires


def test_an_open_way_is_a_reason_unless_it_is_local():
    plain = Wire("tcp", tcp_ms=10.0)
    assert fired(make_inputs(elsewhere(wire=plain)))["open"] is True
    assert fired(make_inputs(make_found("postgresql:///shop", wire=Wire("socket"))))["open"] is False
    assert fired(make_inputs(make_found("postgresql://127.0.0.1/shop", wire=plain)))["open"] is False
    assert fired(make_inputs(elsewhere(wire=Wire("tcp", problem="refused"))))["open"] is None


def test_what_was_not_measured_is_unknown():
    found = elsewhere(make_catalog(server=None, guests=None, settings={}), connects=None, wire=None)
    assert fired(make_inputs(found)) == {
        "connect": None,
        "crowded": None,
        "price": None,
        "branches": False,
        "services": False,
        "version": None,
        "open": None,
    }


def test_each_outcome_tells_its_input_and_its_limit():
    for rule in rules.LEAVE:
        outcome = rule(make_inputs())
        assert outcome.measured
        assert outcome.limit


def test_who_is_out_is_told_why():
    assert out(make_inputs(make_found())) == {"aiven": "here", "supabase": "bundle", "vps": "operator"}


def test_a_server_of_ones_own_is_in_the_race_with_an_operator():
    assert "vps" not in out(make_inputs(make_found(), operator_usd=10.0))


def test_services_leave_the_one_who_has_them():
    found = out(make_inputs(elsewhere(), services=True))
    assert "supabase" not in found
    assert {found[name] for name in ("neon", "aiven", "rds", "cloudsql")} == {"services"}


def test_branches_leave_those_who_have_them():
    found = out(make_inputs(elsewhere(), branches=True))
    assert "neon" not in found
    assert {found[name] for name in ("aiven", "rds", "cloudsql")} == {"branches"}


def test_who_is_asked_for_by_name_is_judged_by_its_own_price_and_by_what_it_has():
    """Neon's price, and its branches, are no reason to move to a server of one's own."""
    dear = elsewhere()
    assert fired(make_inputs(dear, pays=75.0, branches=True)) | {"price": True, "branches": True} == fired(
        make_inputs(dear, pays=75.0, branches=True)
    )
    own = fired(make_inputs(dear, to="vps", pays=75.0, branches=True, services=True))
    assert (own["price"], own["branches"], own["services"]) == (None, False, False)
    priced = make_inputs(dear, to="vps", pays=75.0, operator_usd=0.0)
    [outcome] = [one for one in rules.decide(priced).outcomes if one.key == "price"]
    [cost] = [one for one in priced.costs if one.provider == "vps"]
    assert outcome.measured == f"$75.00 / {rules.money(cost.usd)}"


def test_a_blocker_puts_a_provider_out():
    found = out(make_inputs(elsewhere(BLOCKED)))
    assert found["neon"] == found["rds"] == "blockers"
    assert found["vps"] == "operator"


def test_a_pause_of_more_than_four_hours_puts_all_out():
    huge = make_catalog(server=make_server(bytes=400 * GB))
    found = out(make_inputs(elsewhere(huge)))
    assert {found[name] for name in ("neon", "aiven", "rds", "cloudsql")} == {"pause"}


def test_a_size_without_a_price_is_out():
    large = make_catalog(server=make_server(bytes=100 * GB))
    assert out(make_inputs(elsewhere(large)))["aiven"] == "unpriced"


def test_you_stay_without_a_reason():
    verdict = rules.decide(make_inputs(elsewhere()))
    assert (verdict.kind, verdict.target) == ("stay", None)


def test_you_move_to_the_best_price_that_nothing_rules_out():
    verdict = rules.decide(make_inputs(make_found()))
    assert (verdict.kind, verdict.target) == ("move", "neon")


def test_you_ask_first_what_only_the_provider_knows():
    verdict = rules.decide(make_inputs(make_found(catalog=with_extension("a_strange_one")), branches=True))
    assert (verdict.kind, verdict.target) == ("ask", "neon")
    assert "asked" in verdict.gaps


def test_blockers_come_first_when_everybody_has_them():
    verdict = rules.decide(make_inputs(elsewhere(BLOCKED, connects=SLOW)))
    assert verdict.kind == "mend"
    assert verdict.target is not None


def test_a_target_that_was_asked_for_is_taken():
    verdict = rules.decide(make_inputs(make_found(), to="rds"))
    assert (verdict.kind, verdict.target) == ("move", "rds")


def test_a_target_that_was_asked_for_needs_no_reason_to_be_judged():
    assert rules.decide(make_inputs(elsewhere(), to="neon")).kind == "stay"
    assert rules.decide(make_inputs(elsewhere(BLOCKED), to="neon")).kind == "mend"


def test_you_stay_where_you_asked_to_go():
    assert rules.decide(make_inputs(make_found(NEON, connects=SLOW), to="neon")).kind == "stay"


def test_a_price_that_nobody_has_verified_counts_for_more():
    def cost(usd, **more):
        facts = {"provider": "x", "title": "X", "plan": "", "usd": usd, "in_a_year": usd, "verified": True}
        return Cost(**facts | more)

    doubt = tables.limits()["rules"]["doubt_factor"]
    assert rules.weighed(cost(10.0)) == 10.0
    assert rules.weighed(cost(10.0, verified=False)) == 10.0 * doubt
    assert rules.weighed(cost(10.0, is_old=True)) == 10.0 * doubt
    assert rules.weighed(cost(None)) == float("inf")


def test_confidence_is_high_when_all_is_known():
    verdict = rules.decide(make_inputs(make_found(), pays=75.0))
    assert verdict.gaps == []
    assert verdict.confidence == "high"


@pytest.mark.parametrize(
    ("more", "gap"),
    [
        ({"catalog": make_catalog(activity=None), "sample": None}, "activity"),
        ({"catalog": make_catalog(activity=make_activity(seconds=60.0))}, "too_young"),
        ({"catalog": make_catalog(activity=make_activity(seconds=2 * 86400.0))}, "young"),
        ({"catalog": make_catalog(unread={"slots": "permission denied"})}, "unread"),
        ({"connects": None}, "unknown_connect"),
        ({"wire": None}, "unknown_open"),
    ],
)
def test_a_gap_lowers_the_confidence(more, gap):
    verdict = rules.decide(make_inputs(make_found(**more), pays=75.0))
    assert gap in verdict.gaps
    assert verdict.confidence in ("medium", "low")


def test_an_estimated_bill_and_an_unverified_price_are_gaps():
    assert "estimated" in rules.decide(make_inputs(make_found())).gaps
    assert "unverified" in rules.decide(make_inputs(make_found(), to="rds")).gaps


def test_old_prices_are_a_gap():
    given = replace(make_inputs(make_found(), today=date(2028, 1, 1)), today=date(2028, 1, 1))
    assert "old" in rules.decide(given).gaps
