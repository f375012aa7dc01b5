"""A preview's bots answer from the preview, through its protection; a bot that works for production is left alone."""

import asyncio
from dataclasses import replace

import pytest

from dev import serving
from dev.telegram import World, bot_api
from lib import config
from ops.__main__ import main

PASS = "the-pass-of-vercel"
PREVIEW = {
    "LOTOK_ENV": "preview",
    "PREVIEW_BRANCH": "new-cards",
    "PUBLIC_URL": "https://lotok-1.vercel.app",
    "VERCEL_AUTOMATION_BYPASS_SECRET": PASS,
}
OWN = f"https://lotok-1.vercel.app/api/telegram/studio?preview=new-cards&x-vercel-protection-bypass={PASS}"
PRODUCTION = "https://lotok.example/api/telegram/studio"
ANOTHER = "https://lotok-2.vercel.app/api/telegram/studio?preview=other"


@pytest.fixture
async def hook(monkeypatch, capsys):
    """Run `python -m ops webhooks` for a preview whose studio bot has this webhook; return code, webhook and words."""
    world = World()
    async with serving.serve(bot_api(world)) as address:
        token = world.bots["studio"].account.token
        for name, value in {**PREVIEW, "TELEGRAM_API_URL": address, "STUDIO_BOT_TOKEN": token}.items():
            monkeypatch.setenv(name, value)
        config.get.cache_clear()

        async def run(*args, before=""):
            bot = world.bots["studio"]
            bot.set_webhook(replace(bot.webhook, url=before))
            code = await asyncio.to_thread(main, ["webhooks", *args])
            said = capsys.readouterr()
            return code, bot.webhook.url, (said.out + said.err).strip()

        yield run
    config.get.cache_clear()


@pytest.mark.parametrize("before", ["", ANOTHER, OWN])
async def test_the_last_preview_takes_the_bots(hook, before):
    code, url, said = await hook(before=before)
    assert (code, url) == (0, OWN)
    assert said == "studio    https://lotok-1.vercel.app/api/telegram/studio", "the pass is not shown"


async def test_a_preview_leaves_productions_bot_alone(hook):
    code, url, said = await hook(before=PRODUCTION)
    assert (code, url) == (1, PRODUCTION)
    assert said == (
        "ops webhooks: not a preview: the studio bot answers from lotok.example; a preview needs bots of its own"
    )


async def test_a_preview_that_ends_takes_only_its_own_webhook_away(hook):
    assert (await hook("--remove", before=OWN))[:2] == (0, "")
    for other in (ANOTHER, PRODUCTION):
        code, url, said = await hook("--remove", before=other)
        assert (code, url) == (0, other)
        assert "left alone" in said
    assert (await hook("--remove"))[2] == "studio    no webhook"


async def test_what_telegram_knows_is_shown_without_the_pass(hook):
    code, _, said = await hook("--show", before=OWN)
    assert (code, said) == (0, "studio    https://lotok-1.vercel.app/api/telegram/studio  pending 0")


async def test_a_region_leaves_the_bots_where_they_are_unless_it_is_told(hook, monkeypatch):
    monkeypatch.setenv("LOTOK_ENV", "production")
    monkeypatch.setenv("HOME_REGION", "eu")
    monkeypatch.setenv("REGIONS", "ru=https://lotok.example,eu=https://lotok-1.vercel.app")
    config.get.cache_clear()
    code, url, said = await hook(before=PRODUCTION)
    assert (code, url) == (0, PRODUCTION)
    assert said == "studio    stays with ru; --here brings it to this region"
    assert (await hook("--here", before=PRODUCTION))[:2] == (0, "https://lotok-1.vercel.app/api/telegram/studio")
