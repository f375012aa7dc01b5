"""A verb of ops asks for the settings that it uses, and for no other."""

import asyncio

import pytest

from dev import serving
from dev.telegram import World, bot_api
from lib import config, errors
from ops import VERBS
from ops.__main__ import main
from tests.conftest import SETTINGS

# What each verb does here without harm, and whether it needs more than the database.
ON_THE_DATABASE_ALONE = {
    "audit": ["audit"],
    "catalog": ["catalog", "list"],
    "credits": ["credits", "audit"],
    "jobs": ["jobs", "stats"],
    "migrate": ["migrate", "--status"],
    "providers": ["providers", "list"],
}
TELEGRAM = ("TELEGRAM_API_URL", "STUDIO_BOT_TOKEN", "PUBLIC_URL", "WEBHOOK_SECRET")


@pytest.fixture
def only(monkeypatch):
    """Leave nothing set but what is given."""

    def leave(**settings):
        for name in (*SETTINGS, "DATABASE_URL_UNPOOLED"):
            monkeypatch.delenv(name, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        config.get.cache_clear()

    yield leave
    config.get.cache_clear()


@pytest.mark.parametrize("verb", ON_THE_DATABASE_ALONE)
async def test_a_verb_that_looks_into_the_database_needs_its_address_only(verb, database, only, capsys):
    only(DATABASE_URL=database.url)
    assert await asyncio.to_thread(main, ON_THE_DATABASE_ALONE[verb]) == 0, capsys.readouterr().err


async def test_migrate_needs_the_direct_address_alone(database, only, capsys):
    only(DATABASE_URL_UNPOOLED=database.url)
    assert await asyncio.to_thread(main, ["migrate", "--status"]) == 0
    only()
    assert await asyncio.to_thread(main, ["migrate"]) == 1
    assert capsys.readouterr().err == "ops migrate: misconfigured: DATABASE_URL_UNPOOLED or DATABASE_URL is not set\n"


async def test_webhooks_needs_telegram_and_no_database(only, capsys):
    world = World()
    async with serving.serve(bot_api(world)) as address:
        own = {**SETTINGS, "TELEGRAM_API_URL": address, "STUDIO_BOT_TOKEN": world.bots["studio"].account.token}
        only(**{name: own[name] for name in TELEGRAM})
        assert await asyncio.to_thread(main, ["webhooks"]) == 0, capsys.readouterr().err
    assert world.bots["studio"].webhook.url == "http://127.0.0.1:1/api/telegram/studio"


async def test_each_verb_is_tried_with_no_more_than_it_needs():
    foreign = {name for name, module in VERBS.items() if module.startswith("ops.neon.")}  # they are given addresses
    assert set(VERBS) - set(ON_THE_DATABASE_ALONE) - foreign == {
        *(
            "backup",
            "bridge",
            "dashboard",
            "doctor",
            "import",
            "regions",
            "serve",
            "setup",
            "texts",
            "trace",
            "warmup-cache",
            "webhooks",
        )
    }


def test_a_setting_that_is_not_asked_for_may_be_odd():
    settings = config.Config({"DATABASE_URL": "postgresql://127.0.0.1/x", "ADMIN_IDS": "nobody"})
    assert settings.database_url == "postgresql://127.0.0.1/x"
    with pytest.raises(errors.Misconfigured, match="ADMIN_IDS"):
        settings.admin_ids  # noqa: B018


def test_a_function_still_refuses_to_start_without_a_setting():
    with pytest.raises(errors.Misconfigured, match="UPSTASH_REDIS_REST_URL"):
        config.load({"DATABASE_URL": "postgresql://127.0.0.1/x"})


PREVIEW = {"VERCEL_ENV": "preview", "PRODUCTION_DATABASE_HOST": "prod-pooler.example"}


@pytest.mark.parametrize("name", ["database_url", "database_url_unpooled"])
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://a@prod.example/x",
        "postgresql://a:b@PROD-pooler.example:5432/x",
        "postgresql://a@other.example/x?host=prod.example",
        "postgresql://a@other.example,prod.example:5432/x",
    ],
)
def test_neither_address_of_a_preview_may_be_productions(name, url):
    with pytest.raises(errors.Misconfigured, match=name.upper()):
        getattr(config.Config(PREVIEW | {name.upper(): url}), name)


def test_a_preview_never_reads_its_reports_from_productions_copy():
    copy = {"DATABASE_READ_URL": "postgresql://a@replica.example/x"}
    assert config.Config(PREVIEW | copy).database_read_url == ""
    assert config.Config({"VERCEL_ENV": "production", **copy}).database_read_url == copy["DATABASE_READ_URL"]


def test_a_preview_that_is_not_told_where_production_is_does_not_start():
    url = "postgresql://a@branch.example/x"
    assert config.Config(PREVIEW | {"DATABASE_URL": url}).database_url == url
    with pytest.raises(errors.Misconfigured, match="PRODUCTION_DATABASE_HOST is not set"):
        config.Config({"VERCEL_ENV": "preview", "DATABASE_URL": url}).database_url  # noqa: B018
    assert config.Config({"VERCEL_ENV": "production", "DATABASE_URL": url}).database_url == url
