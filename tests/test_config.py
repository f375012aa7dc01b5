"""Each setting is read once and strictly: an odd value is one line that names it, a missing one is missed in use."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from lib import config, errors
from tests.conftest import SETTINGS

TOKEN = "123456:" + "A" * 35


def read(name, **env):
    return getattr(config.Config(env), name)


@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("environment", {"LOTOK_ENV": "staging"}),
        ("database_url", {}),
        ("database_url", {"DATABASE_URL": "mysql://127.0.0.1/x"}),
        ("database_read_url", {"DATABASE_READ_URL": "mysql://127.0.0.1/x"}),
        ("redis_url", {"UPSTASH_REDIS_REST_URL": "redis://127.0.0.1"}),
        ("redis_token", {}),
        ("storage_type", {"STORAGE_TYPE": "ftp"}),
        ("bot_tokens", {"CLIENT_BOT_TOKEN": "my bot"}),
        ("webhook_secret", {"WEBHOOK_SECRET": "too short"}),
        ("cron_secret", {"CRON_SECRET": "пароль" * 5}),
        ("app_secret", {"APP_SECRET": "a" * 257}),
        ("admin_ids", {"ADMIN_IDS": "1, olga"}),
        ("public_url", {"PUBLIC_URL": "lotok.example"}),
        ("provider_urls", {"KIE_API_URL": "ftp://kie.example"}),
        ("provider_urls", {"OPENAI_BASE_URL": "https://"}),
        ("kie_api_keys", {"KIE_API_KEY": "good-key-1, плохой ключ"}),
        ("openai_token_prices", {"OPENAI_TOKEN_PRICES": "1,2"}),
        ("openai_token_prices", {"OPENAI_TOKEN_PRICES": "1,-2,3"}),
        ("drain_budget", {"DRAIN_SECONDS": "4"}),
        ("drain_budget", {"DRAIN_SECONDS": "soon"}),
        ("lease_scale", {"LEASE_SCALE": "nan"}),
        ("cut_side", {"CUT_SIDE": "513"}),
        ("strips_a_day", {"STRIPS_A_DAY": "-1"}),
        ("regions", {"REGIONS": "ru=ru.example,eu=https://eu.example"}),
        ("home_region", {"HOME_REGION": "us", "REGIONS": "ru=https://ru.example,eu=https://eu.example"}),
    ],
)
def test_an_odd_or_missing_setting_is_named_and_its_value_is_not_told_when_it_is_secret(name, env):
    with pytest.raises(errors.Misconfigured) as raised:
        read(name, **env)
    variable = next(iter(env), {"database_url": "DATABASE_URL", "redis_token": "UPSTASH_REDIS_REST_TOKEN"}.get(name))
    assert variable.replace("LOTOK_ENV", "VERCEL_ENV") in raised.value.detail
    if name.endswith(("_secret", "_tokens", "_keys")):
        assert not [value for value in env.values() if value in raised.value.detail]


@pytest.mark.parametrize(
    ("name", "env", "value"),
    [
        ("environment", {}, "local"),
        ("environment", {"VERCEL_ENV": "development"}, "local"),
        ("environment", {"VERCEL_ENV": "preview", "LOTOK_ENV": "production"}, "production"),
        ("branch", {"VERCEL_ENV": "preview", "VERCEL_GIT_COMMIT_REF": "new-cards"}, "new-cards"),
        ("branch", {"VERCEL_ENV": "preview", "VERCEL_GIT_COMMIT_REF": "a", "PREVIEW_BRANCH": "b"}, "b"),
        ("branch", {"VERCEL_ENV": "preview"}, "preview"),
        ("branch", {"VERCEL_ENV": "production", "VERCEL_GIT_COMMIT_REF": "main"}, ""),
        ("redis_url", {"KV_REST_API_URL": "https://kv.example"}, "https://kv.example"),
        ("database_read_url", {}, ""),
        ("database_read_url", {"DATABASE_READ_URL": "postgresql://b/x"}, "postgresql://b/x"),
        ("database_url_unpooled", {"DATABASE_URL": "postgresql://a/x"}, "postgresql://a/x"),
        ("storage_type", {}, "blob"),
        ("webhook_secret", {}, ""),
        ("admin_ids", {"ADMIN_IDS": "1, 2 3"}, frozenset({1, 2, 3})),
        ("public_url", {"PUBLIC_URL": "https://lotok.example/"}, "https://lotok.example"),
        ("public_url", {"VERCEL_ENV": "preview", "VERCEL_URL": "a-1.vercel.app"}, "https://a-1.vercel.app"),
        (
            "public_url",
            {"VERCEL_ENV": "preview", "VERCEL_URL": "a-1.vercel.app", "VERCEL_BRANCH_URL": "a-git-x.vercel.app"},
            "https://a-git-x.vercel.app",
        ),
        (
            "public_url",
            {"VERCEL_ENV": "preview", "VERCEL_URL": "a-1.vercel.app", "PUBLIC_URL": "https://x.example"},
            "https://x.example",
        ),
        ("bypass", {"VERCEL_AUTOMATION_BYPASS_SECRET": "the-pass-of-vercel"}, ""),
        ("neon_api_url", {}, "https://console.neon.tech/api/v2"),
        ("neon_api_url", {"NEON_API_URL": "http://127.0.0.1:4000/neon/"}, "http://127.0.0.1:4000/neon"),
        ("kie_api_keys", {"KIE_API_KEY": "key-number-1, key-number-2"}, ("key-number-1", "key-number-2")),
        ("provider_keys", {"OPENAI_API_KEY": "one"}, {"kie": (), "openai": ("one",)}),
        ("provider_urls", {"KIE_API_URL": "https://a.example/"}, {"kie": "https://a.example", "openai": ""}),
        ("openai_model", {"OPENAI_MODEL": " "}, "gpt-5.4-mini"),
        ("openai_token_prices", {"OPENAI_TOKEN_PRICES": "1, 0.1, 2"}, (1.0, 0.1, 2.0)),
        ("drain_budget", {}, timedelta(seconds=300)),
        ("cut_side", {"CUT_SIDE": "100"}, 64),
    ],
)
def test_a_setting_is_read_as(name, env, value):
    assert read(name, **env) == value


def test_keys_of_a_preview_begin_with_its_branch_and_of_production_do_not():
    preview = config.Config({"VERCEL_ENV": "preview", "VERCEL_GIT_COMMIT_REF": "new-cards"})
    assert preview.key_prefix == "preview-new-cards"
    assert config.Config({"VERCEL_ENV": "production"}).key_prefix == "production"


@pytest.mark.parametrize(
    ("one", "other"),
    [("feature/a", "feature-a"), ("Feature-A", "feature-a"), ("два", "слова"), ("a" * 41, "a" * 42), ("x_", "x-")],
)
def test_no_two_branches_share_their_keys(one, other):
    found = [read("branch", VERCEL_ENV="preview", PREVIEW_BRANCH=ref) for ref in (one, other)]
    assert found[0] != found[1]
    assert not [slug for slug in found if not slug or len(slug) > 40 or slug.strip("-") != slug]


PREVIEW = {
    **{"VERCEL_ENV": "preview", "PREVIEW_BRANCH": "new-cards", "VERCEL_URL": "lotok-1.vercel.app"},
    **{"VERCEL_PROJECT_PRODUCTION_URL": "lotok.example", "VERCEL_AUTOMATION_BYPASS_SECRET": "the-pass-of-vercel"},
}


def test_a_preview_never_takes_itself_for_production():
    with pytest.raises(errors.Misconfigured, match="PUBLIC_URL of this preview is the production's"):
        read("public_url", **PREVIEW, PUBLIC_URL="https://Lotok.example/")
    with pytest.raises(errors.Misconfigured, match="PUBLIC_URL is not set"):
        read("public_url", VERCEL_ENV="production", VERCEL_URL="lotok-1.vercel.app")


def test_who_calls_a_preview_gets_an_address_that_lets_them_in_and_production_needs_none():
    preview = config.Config(PREVIEW)
    pass_ = "x-vercel-protection-bypass=the-pass-of-vercel"
    assert preview.address("/api/x") == f"https://lotok-1.vercel.app/api/x?{pass_}"
    assert preview.address("/api/x", {"a": "é"}) == f"https://lotok-1.vercel.app/api/x?a=%C3%A9&{pass_}"
    assert preview.pass_headers == {"x-vercel-protection-bypass": "the-pass-of-vercel"}
    production = config.Config(PREVIEW | {"VERCEL_ENV": "production", "PUBLIC_URL": "https://lotok.example"})
    assert production.address("/api/x") == "https://lotok.example/api/x"
    assert production.pass_headers == {}


def test_a_bot_without_a_token_is_off_and_so_is_one_that_does_not_exist():
    settings = config.Config({"CLIENT_BOT_TOKEN": TOKEN})
    assert settings.bot_token("client") == TOKEN
    for bot in ("studio", "nobody"):
        with pytest.raises(errors.Missing):
            settings.bot_token(bot)


def test_accounts_name_keys_without_telling_them():
    keys = ("key-number-one", "key-number-two")
    settings = config.Config({"KIE_API_KEY": ",".join(keys)})
    assert settings.keyed_providers == ("kie",)
    [accounts] = settings.accounts.values()
    assert len(set(accounts)) == 2
    assert not [key for key in keys if key in str(accounts)]


def test_settings_show_no_secret_when_they_are_printed():
    settings = config.load(SETTINGS)
    said = repr(settings) + str(settings)
    assert not [value for name, value in SETTINGS.items() if name.endswith(("SECRET", "TOKEN")) and value in said]


def test_a_setting_that_does_not_exist_is_an_error_of_the_code():
    with pytest.raises(AttributeError):
        read("wallpaper")


def test_the_functions_own_address_goes_before_the_integrations():
    owner, own = "postgresql://owner@db.example/x", "postgresql://lotok_app@db.example/x"
    assert config.Config({"DATABASE_URL": owner}).database_url == owner
    both = config.Config({"DATABASE_URL": owner, "LOTOK_DATABASE_URL": own})
    assert (both.database_url, both.database_url_unpooled) == (own, owner)
    odd = config.Config({"DATABASE_URL": owner, "LOTOK_DATABASE_URL": "mysql://x"}).complaints()
    assert "LOTOK_DATABASE_URL must begin with postgresql://" in odd


def test_a_preview_with_an_address_of_its_own_is_refused_on_production_all_the_same():
    env = {"LOTOK_ENV": "preview", "PRODUCTION_DATABASE_HOST": "db.example", "DATABASE_URL": "postgresql://other/x"}
    loaded = config.Config(env | {"LOTOK_DATABASE_URL": "postgresql://lotok_app@db.example/x"})
    with pytest.raises(errors.Misconfigured, match="LOTOK_DATABASE_URL of this preview points at the production"):
        loaded.database_url  # noqa: B018


def test_a_setting_left_empty_is_one_that_is_not_set():
    """A copy of .env.example names them all; Docker and Kubernetes hand the empty ones over as well."""
    text = (Path(__file__).parents[1] / ".env.example").read_text(encoding="utf-8")
    empty = dict.fromkeys(re.findall(r"^([A-Z_]+)=$", text, re.MULTILINE), "")

    def read(env, name):
        try:
            return getattr(config.Config(env), name)
        except errors.Misconfigured as error:
            return error.detail

    assert len(empty) > 40
    assert {name: read(empty, name) for name in config._READERS} == {name: read({}, name) for name in config._READERS}


def test_one_region_is_as_none():
    alone = config.Config({"REGIONS": "ru=https://ru.example", "HOME_REGION": "ru"})
    assert (alone.regions, alone.home_region, alone.other_regions) == ({}, "", {})
    preview = {"LOTOK_ENV": "preview", "HOME_REGION": "ru", "REGIONS": "ru=https://ru.example,eu=https://eu.example"}
    assert config.Config(preview).regions == {}
    two = config.Config({"REGIONS": "ru=https://ru.example/, eu=https://eu.example", "HOME_REGION": "eu"})
    assert two.regions == {"ru": "https://ru.example", "eu": "https://eu.example"}
    assert (two.home_region, two.other_regions) == ("eu", {"ru": "https://ru.example"})
