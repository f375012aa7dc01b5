"""The page that Prometheus reads: its form, what it says, and that nothing of a person can be on it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dev.faults import Fault
from lib import errors, tally
from lib.reach import metrics
from lib.reach.snapshot import Snapshot
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401

NOW = 1_800_000_000.0
TOTALS = {
    "update|studio|done|0.05": 3,
    "update|studio|done|0.2": 1,
    "update|studio|done|+Inf": 1,
    "update_ms|studio|done": 12_345,
    "update|client|later|0.01": 2,
    "update_ms|client|later": 9,
    "job|card|done|2.5": 2,
    "job_ms|card|done": 3000,
    "wait|card|0.1": 2,
    "wait_ms|card": 40,
    "provider|kie|failed|60": 1,
    "provider_ms|kie|failed": 41_000,
    "provider_cost|kie": 120,
    "cache|menu|hits": 7,
    "call|studio|message|flood": 1,
    "cast|news|sent": 900,
    "redis|webhook": 10,
    "redis_commands|webhook": 25,
    "sql|webhook": 4,
    "of an older deployment|x": 1,
}
LEFT = Snapshot(
    at=NOW - 60,
    jobs=[
        {"task": "card", "state": "queued", "number": 2, "since": NOW - 200},
        {"task": "tell", "state": "queued", "number": 1, "since": None},
        {"task": "video", "state": "waiting", "number": 1, "since": NOW - 900},
    ],
    counts={"letters": 2, "refunding": 0, "debt": 0, "unmatched": 0, "failed_hour": 1, "finished_hour": 9},
    credits={"purchase": 100, "charge": 40},
    points={"accrue": 5000},
    casts={"running": 1},
    migration="0021_keep_what_batches_earned",
    providers=[
        {"provider": "kie", "spent": 1500, "limit": 50_000, "halt": "money", "hour": 3, "hour_failed": 1},
        {"provider": "openai", "spent": 0, "limit": 20_000, "halt": "off", "hour": 0, "hour_failed": 0},
    ],
)
PAGE = metrics.page(TOTALS, LEFT, f"{NOW - 90:.0f}:1", NOW)


def promtool() -> str | None:
    """Return Prometheus' own checker, where this machine has it."""
    return shutil.which("promtool")


def families(text: str) -> dict[str, object]:
    found = list(text_string_to_metric_families(text))
    assert len({one.name for one in found}) == len(found), "a family is in one piece"
    return {one.name: one for one in found}


def value(name: str, **labels: str) -> float:
    [found] = [
        sample.value
        for family in text_string_to_metric_families(PAGE)
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    return found


def test_every_family_has_its_help_its_kind_and_something_to_say():
    found = families(PAGE)
    every = (*metrics.COUNTED.values(), metrics.UPDATES, *metrics.GAUGES)
    assert set(found) == {one.name.removesuffix("_total") for one in every}
    for family in every:
        one = found[family.name.removesuffix("_total")]
        assert (one.type, one.documentation) == (family.kind, family.help)
        assert (family.kind == "counter") == family.name.endswith("_total")
        assert not re.search(r"_(ms|milliseconds|kb|percent)\b", family.name)


def test_a_histogram_adds_up_and_ends_in_infinity():
    labels = {"bot": "studio", "outcome": "done"}
    buckets = [value("lotok_update_seconds_bucket", le=le, **labels) for le in (*map(str, tally.QUICK), "+Inf")]
    assert buckets == sorted(buckets)
    assert (buckets[2], buckets[4], buckets[-1]) == (3, 4, 5)
    assert value("lotok_update_seconds_count", **labels) == 5
    assert value("lotok_update_seconds_sum", **labels) == 12.345
    assert value("lotok_updates_total", **labels) == 5


def test_what_a_worker_left_is_as_old_as_it_is_by_now():
    assert value("lotok_snapshot_age_seconds") == 60
    assert value("lotok_cron_age_seconds") == 90
    assert value("lotok_queue_lag_seconds") == 200, "not 140, as it was when the worker left"
    assert value("lotok_oldest_job_seconds") == 900
    assert value("lotok_jobs", task="tell", state="queued") == 1
    assert value("lotok_credits_day", kind="purchase") == 100
    assert value("lotok_provider_spent_day_dollars", provider="kie") == 1.5
    assert value("lotok_provider_halted", provider="kie", why="money") == 1
    assert value("lotok_provider_cost_dollars_total", provider="kie") == 0.12


def test_a_new_deployment_has_a_page_too():
    assert metrics.page({}, None, None, NOW) == ""
    assert Snapshot.read('{"at": 1}') is None, "what another version left"
    assert Snapshot.read(LEFT.dump()) == LEFT


def test_no_label_can_name_a_person_or_grow_without_end():
    allowed = {"bot", "outcome", "task", "state", "provider", "class", "kind", "part", "what", "why", "migration"}
    assert {label for one in (*metrics.COUNTED.values(), *metrics.GAUGES) for label in one.labels} <= allowed


def test_what_a_label_holds_cannot_break_the_page():
    odd = 'a"b\\c\nd'
    found = families(metrics.page({f"cache|{odd}|hits": 1}, None, None, NOW))["lotok_cache_reads"]
    assert found.samples[0].labels["class"] == odd


@pytest.mark.skipif(not promtool(), reason="promtool is not installed: apt install prometheus")
def test_promtool_finds_nothing_to_say():
    done = subprocess.run([promtool(), "check", "metrics"], input=PAGE, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), "3 stands for what its linter finds"


async def test_the_page_is_read_in_one_round_trip(redis):
    tally.timed("update", "studio", "done", ms=12)
    text = await metrics.scrape()
    assert redis.requests == 1
    assert 'lotok_update_seconds_count{bot="studio",outcome="done"} 1' in text


async def test_without_redis_there_is_no_page(redis):
    redis.faults.now = Fault("503", times=1)
    with pytest.raises(errors.Unavailable):
        await metrics.scrape()


def test_the_documentation_names_every_figure():
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    every = (*metrics.COUNTED.values(), metrics.UPDATES, *metrics.GAUGES)
    assert [one.name for one in every if f"`{one.name}`" not in page] == []
