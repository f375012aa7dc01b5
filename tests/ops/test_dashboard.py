"""The dashboard, the rules and the template: whole, about figures that exist, and right by Prometheus' own programs."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lib import config
from lib.reach import alerts, metrics
from ops import dashboard

OPS = Path(__file__).parents[2] / "ops"
BOARD = json.loads(dashboard.DASHBOARD.read_text(encoding="utf-8"))
RULES = (OPS / "prometheus" / "lotok.rules.yml").read_text(encoding="utf-8")
KNOWN = {one.name for one in (*metrics.COUNTED.values(), metrics.UPDATES, *metrics.GAUGES)}
EXPRS = [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def figures(text: str) -> set[str]:
    """Return the figures that an expression names; a histogram's parts are its own."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\blotok_[a-z_]+", text)}


def run(*command: str, cwd: Path) -> None:
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed: apt install prometheus prometheus-alertmanager")
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_can_be_imported_anywhere():
    assert (BOARD["uid"], "id" in BOARD, BOARD["schemaVersion"] >= 39) == ("lotok", False, True)
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    sources = {one["datasource"]["uid"] for panel in BOARD["panels"] for one in (panel, *panel["targets"])}
    assert sources == {"${ds}"}


def test_no_panel_lies_over_another():
    taken = [
        (x, y)
        for place in (panel["gridPos"] for panel in BOARD["panels"])
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) == 23


@pytest.mark.parametrize("text", [*EXPRS, RULES], ids=lambda text: text[:40])
def test_what_is_asked_for_exists(text):
    assert figures(text) <= KNOWN


def test_every_figure_is_on_the_dashboard_or_in_a_rule():
    assert KNOWN - figures(" ".join([*EXPRS, RULES])) == {"lotok_migration_info", "lotok_provider_cost_dollars_total"}


def test_a_rule_of_ours_that_only_the_figures_can_know_has_one_of_prometheus():
    told = {"lag", "oldest", "errors", "slow_errors", "money", "budget", "letters", "unmatched", "floods"}
    elsewhere = {"webhook", "audit", "jobs", "debt", "stopped", "disliked", "backup", "saved", *config.PLAN}
    assert {rule.name for rule in alerts.RULES} == told | elsewhere
    assert len(re.findall(r"^      - alert: Lotok", RULES, re.MULTILINE)) >= len(told)


def test_promtool_takes_the_rules_and_the_tests_of_them_pass():
    run("promtool", "check", "rules", "lotok.rules.yml", cwd=OPS / "prometheus")
    run("promtool", "test", "rules", "lotok.rules.test.yml", cwd=OPS / "prometheus")


def test_promtool_takes_every_expression_of_the_dashboard(tmp_path):
    rules = [{"record": f"a:{n}", "expr": expr.replace("$__rate_interval", "5m")} for n, expr in enumerate(EXPRS)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "a", "rules": rules}]}))
    run("promtool", "check", "rules", "rules.yml", cwd=tmp_path)


def test_amtool_takes_the_configuration():
    run("amtool", "check-config", "alertmanager.yml", cwd=OPS / "alertmanager")


def test_the_page_shows_every_line_with_its_last_value_and_breaks_on_no_name():
    lines = [dashboard.Line("p95 <b>", [(0, 0.1), (60, 0.25)]), dashboard.Line("p99", [(0, 1.5), (60, 2.0)])]
    shown = dashboard.page([dashboard.Panel("How long", "s", lines), dashboard.Panel("Nothing", "reqps", [])], 90_000)
    assert "p95 &lt;b&gt; 250 ms" in shown
    assert "p99 2 s" in shown
    assert "nothing yet" in shown
    assert shown.count("<polyline") == 2
    assert "<script" not in shown
    assert "1970-01-02 01:00 UTC" in shown


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [(0, "s", "0 s"), (0.0421, "s", "42.1 ms"), (0.987, "percentunit", "98.7 %"), (12.5, "reqps", "12.5/s"),
     (0.041, "currencyUSD", "$0.041"), (12_345, "short", "12,345")],
)  # fmt: skip
def test_a_value_is_shown_with_its_unit(value, unit, words):
    assert dashboard._shown(value, unit) == words


@pytest.mark.parametrize(
    ("highest", "end"), [(0, 1), (1, 2), (236, 400), (608, 800), (30_100, 40_000), (0.05, 0.08), (9.9, 20), (9.7, 10)]
)
def test_an_axis_ends_where_its_quarters_are_round(highest, end):
    """Its lines once stood at 8,278 and 16,555."""
    assert dashboard._round(highest) == pytest.approx(end)


async def test_prometheus_is_asked_for_every_panel(monkeypatch):
    asked = []

    async def ask(method, url):
        asked.append(url)
        series = {"metric": {"bot": "studio"}, "values": [[1, "2"], [2, "NaN"]]}
        return dashboard.fetch.Answer(200, {}, json.dumps({"status": "success", "data": {"result": [series]}}).encode())

    monkeypatch.setattr(dashboard.fetch, "ask", ask)
    panels = await dashboard.read("http://127.0.0.1:9090", 0, 3600)
    assert len(asked) == len(EXPRS)
    assert panels[0].lines == [dashboard.Line("studio", [(1.0, 2.0)])]
    assert not any("rate_interval" in url for url in asked)
