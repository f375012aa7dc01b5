"""A kick gets through a preview's protection, and carries nothing more in production."""

import pytest

from lib import cache, config, errors, fetch
from lib.jobs import kick
from lib.studio import callbacks
from tests.conftest import SETTINGS

PASS = "the-pass-of-vercel"


@pytest.fixture
def nudged(monkeypatch):
    """Collect the kicks of this deployment; Redis is out of reach, which no kick waits for."""
    found = []

    async def nudge(url, *, headers, timeout):
        found.append((url, headers))

    async def broken(*_):
        raise errors.Unavailable()

    monkeypatch.setattr(fetch, "nudge", nudge)
    monkeypatch.setattr(cache, "pipeline", broken)
    monkeypatch.setenv("VERCEL_AUTOMATION_BYPASS_SECRET", PASS)
    config.get.cache_clear()
    yield found
    config.get.cache_clear()


@pytest.mark.parametrize(("env", "extra"), [("production", {}), ("preview", {config.BYPASS: PASS})])
async def test_a_kick_shows_a_previews_pass(nudged, monkeypatch, env, extra):
    monkeypatch.setenv("LOTOK_ENV", env)
    config.get.cache_clear()
    await kick.drain()
    bearer = {"Authorization": f"Bearer {SETTINGS['CRON_SECRET']}"}
    assert nudged == [("http://127.0.0.1:1/api/drain", bearer | extra)]


@pytest.mark.parametrize(("env", "passes"), [("production", False), ("preview", True)])
def test_a_provider_reports_to_a_preview_through_its_protection(nudged, monkeypatch, env, passes):
    monkeypatch.setenv("LOTOK_ENV", env)
    config.get.cache_clear()
    address = callbacks.address("kie", 17, "nonce")
    assert address.startswith("http://127.0.0.1:1/api/callback/kie?job=17&nonce=nonce&sig=")
    assert address.endswith(f"&{config.BYPASS}={PASS}") is passes
