"""How much of a month's plan is used up: by our own counts, by Postgres, by Neon's word."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from lib import cache, config, errors, fetch
from lib.reach import plan
from lib.reach.plan import MonthStart
from lib.studio import files
from tests import factories
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
TOTALS = {"redis_commands|telegram": 300_000, "redis_commands|drain": 50_000, "stored|render": 40, "redis|drain": 9}


@pytest.fixture
def limits(monkeypatch):
    """Say what the plans hold, and where Neon is."""

    def are(value="", **more):
        monkeypatch.setenv("PLAN_LIMITS", value)
        for name, word in more.items():
            monkeypatch.setenv(name, word)
        config.get.cache_clear()

    yield are
    config.get.cache_clear()


def test_a_month_begins_with_what_the_counters_say_then():
    first = plan.begin(MonthStart("", {}), TOTALS, NOW)
    assert first == MonthStart("2026-11", {"redis_commands": 350_000, "blob_puts": 40})
    later = TOTALS | {"redis_commands|drain": 60_000}
    assert plan.begin(first, later, NOW + timedelta(days=1)) == first
    assert plan.used(first, later, neon_hours=None, size=0) == {"redis_commands": 10_000.0, "blob_puts": 0.0}
    december = plan.begin(first, later, NOW + timedelta(days=3))
    assert (december.month, december.sums["redis_commands"]) == ("2026-12", 360_000)


def test_counters_that_begin_from_nothing_begin_the_month_from_there():
    full = plan.begin(MonthStart("", {}), TOTALS, NOW)
    emptied = plan.begin(full, {"redis_commands|drain": 5}, NOW)
    assert emptied.sums == {"redis_commands": 5, "blob_puts": 0}


@pytest.mark.parametrize("text", [None, "", "null", "[]", '["2026-11"]', '["2026-11", {"a": "x"}]', '["2026-11", 5]'])
def test_what_cannot_be_read_is_no_month(text):
    assert MonthStart.read(text) == MonthStart("", {})


def test_a_month_is_kept_as_it_is():
    one = MonthStart("2026-11", {"redis_commands": 7, "blob_puts": 0})
    assert MonthStart.read(one.dump()) == one


def test_what_nobody_knows_is_not_judged():
    start = MonthStart("2026-11", {})
    assert "neon_hours" not in plan.used(start, {}, neon_hours=None, size=0)
    found = plan.used(start, TOTALS, neon_hours=71.5, size=400_000_000)
    assert found == {"redis_commands": 350_000.0, "blob_puts": 40.0, "neon_hours": 71.5, "neon_gb": 0.4}
    assert plan.used(start, {}, neon_hours=None, size=0, stored=720_000_000)["blob_gb"] == 0.72


def test_the_limits_are_those_of_the_free_plans_unless_said(limits):
    found = {"redis_commands": 350_000.0, "neon_gb": 0.4, "neon_hours": 71.0, "blob_puts": 40.0}
    limits()
    shares = plan.shares(found)
    assert {name: round(share, 3) for name, share in shares.items()} == {
        **{"redis_commands": 0.7, "neon_gb": 0.8, "neon_hours": 0.71, "blob_puts": 0.004},
    }
    limits("redis_commands=10000000,neon_gb=0 neon_hours=750")
    assert set(plan.shares(found)) == {"redis_commands", "neon_hours", "blob_puts"}, "0 is no limit"
    assert plan.shares(found)["redis_commands"] == pytest.approx(0.035)


@pytest.mark.parametrize("value", ["neon=1", "neon_hours", "neon_hours=-1", "neon_hours=a", "=5", "neon_hours=1e9"])
def test_a_limit_that_there_is_not_is_named(limits, value):
    limits(value)
    with pytest.raises(errors.Misconfigured, match="PLAN_LIMITS"):
        _ = config.get().plan_limits


class Neon:
    """Neon's API, as far as it is asked."""

    def __init__(self, monkeypatch) -> None:
        self.asked: list[tuple[str, str, str]] = []
        self.answer: object = {"project": {"compute_time_seconds": 36_000}}
        monkeypatch.setattr(fetch, "ask", self.ask)

    async def ask(self, method, url, *, headers, limit):
        self.asked.append((method, url, headers["Authorization"]))
        if isinstance(self.answer, Exception):
            raise self.answer
        return fetch.Answer(200, {}, httpx.Response(200, json=self.answer).content)


KEYED = {"NEON_API_KEY": "napi_key", "NEON_PROJECT_ID": "calm-sea-1", "NEON_API_URL": "https://neon.test/api/v2"}


async def test_neon_is_asked_once_an_hour_and_its_word_is_kept(redis, limits, monkeypatch):
    limits(**KEYED)
    neon = Neon(monkeypatch)
    assert await plan.neon_hours(None) == 10.0
    assert neon.asked == [("GET", "https://neon.test/api/v2/projects/calm-sea-1", "Bearer napi_key")]
    kept = await cache.get(plan.NEON)
    assert await plan.neon_hours(kept) == 10.0
    assert len(neon.asked) == 1


async def test_without_a_key_nobody_is_asked(redis, limits, monkeypatch):
    limits()
    neon = Neon(monkeypatch)
    assert await plan.neon_hours(None) is None
    assert neon.asked == []


@pytest.mark.parametrize("answer", [errors.Unavailable("no_answer"), {"message": "no"}, {"project": {}}, []])
async def test_a_neon_that_does_not_say_leaves_what_it_said_before(redis, limits, monkeypatch, answer):
    limits(**KEYED)
    neon = Neon(monkeypatch)
    neon.answer = answer
    assert await plan.neon_hours(f"{datetime.now(UTC):%Y-%m}:12.5") == 12.5


@pytest.mark.parametrize("kept", ["2020-01:99", "", "x", "2026-11:much"])
async def test_what_neon_said_in_another_month_is_over(redis, limits, kept):
    limits()
    assert await plan.neon_hours(kept) is None


async def test_the_bytes_in_blob_are_added_up_a_few_times_a_day(redis, limits, monkeypatch, conn):
    limits(STORAGE_TYPE="blob")
    monkeypatch.setattr("lib.db.run", lambda work: work(conn))
    alice, place = await factories.make_user(conn), config.get().key_prefix
    for path, size in ((f"{place}/card/a.png", 700), (f"{place}/card/b.png", 20), ("elsewhere/card/c.png", 5)):
        await files.add_files(
            conn,
            alice.id,
            1,
            [{"kind": "card", "pathname": path, "content_type": "image/png", "bytes": size, "width": 1, "height": 1}],
        )
    assert await plan.bytes_stored(None) == 720
    kept = await cache.get(plan.BLOB)
    assert await plan.bytes_stored(kept) == 720
    assert await plan.bytes_stored("") is None, "it is not added up again so soon"
    limits(STORAGE_TYPE="local")
    assert await plan.bytes_stored(kept) is None
