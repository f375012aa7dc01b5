"""The dead man's switch: who misses the cron, how often, and who does not."""

import time
from dataclasses import replace
from datetime import timedelta

import pytest

from lib import cache, config
from lib.jobs import kick
from lib.people import notify
from lib.reach import cron, snapshot
from tests.reach.test_metrics import LEFT
from tests.redis_lab import empty_redis, running_upstash  # noqa: F401


@pytest.fixture
def missed(monkeypatch):
    """Collect the messages and kicks of an instance that has never looked."""
    missed = []

    async def alert(through, key, **fields):
        missed.append((key, fields["minutes"]))
        return True

    async def drain():
        missed.append("kicked")

    monkeypatch.setattr(notify, "alert_admins", alert)
    monkeypatch.setattr(kick, "drain", drain)
    monkeypatch.setattr(cron, "_looked", [-cron.LOOK])
    return missed


async def marked(ago, often):
    await cache.pipeline([["SET", cache.key(kick.MARK), f"{time.time() - ago:.0f}:{often}"]])


async def test_a_cron_that_came_often_and_stopped_is_missed_once_an_hour(redis, missed, monkeypatch):
    await marked(700, 1)
    await cron.look()
    await cron.look()
    assert missed == ["kicked", ("alert.alarm_cron", 11)], "one look in five minutes"
    monkeypatch.setattr(cron, "_looked", [-cron.LOOK])
    await cron.look()
    assert missed[2:] == ["kicked"], "told once an hour by all instances"


@pytest.mark.parametrize(("ago", "often"), [(400, 1), (80_000, 0)])
async def test_a_cron_that_comes_or_never_came_often_is_not_missed(redis, missed, ago, often):
    await marked(ago, often)
    await cron.look()
    assert missed == []


async def left(ago):
    await cache.set(snapshot.KEY, replace(LEFT, at=time.time() - ago).dump(), timedelta(days=1))


async def test_a_worker_that_leaves_no_figures_is_missed_though_the_cron_comes(redis, missed, monkeypatch):
    await marked(60, 1)
    await left(41 * 60)
    await cron.look()
    assert missed == ["kicked", ("alert.alarm_snapshot", 41)]
    monkeypatch.setattr(cron, "_looked", [-cron.LOOK])
    await cron.look()
    assert missed[2:] == ["kicked"], "told once an hour"


@pytest.mark.parametrize(("ago", "often"), [(31 * 60, 1), (50_000, 0)])
async def test_figures_of_a_quiet_half_hour_or_of_a_daily_cron_are_not_old(redis, missed, ago, often):
    await marked(60, often)
    await left(ago)
    await cron.look()
    assert missed == []


async def test_a_deployment_without_a_cron_misses_none(redis, missed):
    await cron.look()
    assert missed == []


async def test_the_cron_is_marked_at_times_and_known_to_come_often_from_the_second_on(redis):
    await kick.may_rest()
    first = kick.mark_of(await cache.get(kick.MARK))
    assert (first[0] > 0, first[1]) == (True, False)
    redis.commands = 0
    await kick.may_rest()
    assert redis.commands == 1, "not each minute"
    await marked(290, 0)
    await kick.may_rest()
    assert kick.mark_of(await cache.get(kick.MARK))[1]


async def test_a_previews_updates_do_what_the_cron_does_elsewhere(redis, missed, monkeypatch):
    async def render():
        missed.append("rendered")

    monkeypatch.setenv("LOTOK_ENV", "preview")
    monkeypatch.setattr(kick, "render", render)
    config.get.cache_clear()
    try:
        await cron.look()
        await cron.look()
        assert missed == ["kicked", "rendered"], "once in half a minute"
        monkeypatch.setattr(cron, "_looked", [time.monotonic() - cron.PREVIEW])
        number = await kick.heard("drain")
        await kick.rest("drain", number, None)
        await cron.look()
        assert missed == ["kicked", "rendered", "rendered"], "a worker that rests is left alone"
    finally:
        config.get.cache_clear()
