"""The doctor looks at an installation of stand-ins: a Telegram, a Postgres, a Redis, and an answer at PUBLIC_URL."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from dev import blob, serving
from dev.telegram import World
from lib import cache, config, migrations
from lib.reach import alerts
from ops.__main__ import main
from ops.doctor import looks, seeing
from tests.ops import installation_lab
from tests.ops.installation_lab import TOLD
from tests.redis_lab import empty_redis, running_upstash

__all__ = ["empty_redis", "running_upstash"]


@pytest.fixture(scope="module")
async def services():
    world = World()
    async with serving.serve(installation_lab.services(world)) as address:
        yield world, address


@pytest.fixture
def installation(services, database, redis, monkeypatch, tmp_path):
    """Let the settings name the stand-ins; return what changes them."""
    world, address = services

    def change(**settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        config.get.cache_clear()

    change(
        PUBLIC_URL=address,
        TELEGRAM_API_URL=f"{address}/telegram",
        STUDIO_BOT_TOKEN=world.bots["studio"].account.token,
        ADMIN_BOT_TOKEN=world.bots["admin"].account.token,
        ADMIN_IDS="999999",
        STORAGE_PATH=str(tmp_path),
    )
    return change


async def test_everything_that_answers_is_seen(installation):
    await cache.pipeline([["SET", cache.key("cron_mark"), "1763640000:1"], ["SET", cache.key(alerts.BACKUP), "7"]])
    found = await seeing.see(hosting="pro")
    assert (found.bots["studio"].id > 0, found.bots["admin"].hook["pending_update_count"]) == (True, 0)
    assert (found.site.is_ours, found.site.is_vercel, found.site.status, found.site.whole) == (True, True, 200, TOLD)
    assert (found.base.error, found.base.who["role"], found.base.who["is_owner"]) == ("", "lotok_app", False)
    assert {one.state for one in found.base.migrations} == {"applied"}
    assert (found.redis.error, found.redis.cron_at, found.redis.policy) == ("", 1763640000.0, "noeviction")
    assert (found.strangers, found.backup_at, found.complaints) == ((999999,), 7, ())
    assert (found.newest, found.crons) == (migrations.available()[-1].name, ("* * * * *",))


async def test_the_owner_is_known_for_the_owner(installation, database):
    installation(DATABASE_URL=database.url)
    assert (await seeing.see()).base.who["is_owner"] is True


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({"ADMIN_API_TOKEN": "of-another-deployment"}, lambda found: found.site.status == 403 and not found.site.whole),
        ({"STUDIO_BOT_TOKEN": f"9:{'a' * 35}"}, lambda found: "STUDIO_BOT_TOKEN does not look" in found.complaints[0]),
        ({"STUDIO_BOT_TOKEN": f"999:{'a' * 35}"}, lambda found: found.bots["studio"].error == "Unauthorized"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, lambda found: "refused" in found.base.error.lower()),
        ({"DATABASE_URL": "mysql://x"}, lambda found: found.base is None and "postgresql://" in found.complaints[0]),
        ({"UPSTASH_REDIS_REST_TOKEN": "another"}, lambda found: "401 WRONGPASS" in found.redis.error),
        ({"UPSTASH_REDIS_REST_URL": "http://127.0.0.1:1"}, lambda found: "ConnectError" in found.redis.error),
        ({"PUBLIC_URL": "http://127.0.0.1:1"}, lambda found: "ConnectError" in found.site.error),
        ({"STORAGE_TYPE": "blob", "BLOB_READ_WRITE_TOKEN": "odd"}, lambda found: "BLOB_READ_WRITE" in found.blob),
        ({"TELEGRAM_API_URL": "http://127.0.0.1:1"}, lambda found: "ConnectError" in found.bots["admin"].error),
    ],
)
async def test_what_does_not_answer_is_told_and_stops_no_other_look(installation, settings, seen):
    installation(**settings)
    found = await seeing.see()
    assert seen(found)
    assert found.newest


async def test_a_stranger_at_our_address_and_a_key_that_is_refused_are_seen(installation, services):
    _, address = services
    installation(PUBLIC_URL=f"{address}/stranger", KIE_API_KEY="a-key-of-kie", KIE_API_URL=f"{address}/kie")
    found = await seeing.see()
    assert (found.site.is_ours, found.keys) == (False, {"kie": 401})


async def test_a_proxy_with_nobody_behind_it_is_no_stranger(installation, services):
    installation(PUBLIC_URL=f"{services[1]}/down")
    assert (await seeing.see()).site.error == "status 502"


async def test_the_verb_says_the_command_that_mends_and_exits_with_1(installation, capsys):
    code = await asyncio.to_thread(main, ["doctor"])
    said = capsys.readouterr().out
    assert code == 1
    assert "✗ The studio bot has no webhook\n    python -m ops webhooks\n" in said
    assert "· PUBLIC_URL is not https" in said


async def test_a_program_reads_the_same_and_an_operator_in_russian(installation, capsys):
    assert await asyncio.to_thread(main, ["doctor", "--json", "--lang", "ru"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert {"name": "hook_missing", "level": "fault", "what": "У бота studio нет вебхука"}.items() <= next(
        one for one in found["faults"] if one["name"] == "hook_missing"
    ).items()
    assert found["looked_for"] >= 30


async def test_the_settings_may_come_out_of_a_file(installation, tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ADMIN_IDS")
    file = tmp_path / "settings"
    file.write_text("ADMIN_IDS='1, 2'\nPUBLIC_URL=https://not.taken\n")
    monkeypatch.setenv("ADMIN_IDS", "")  # so that it is undone
    await asyncio.to_thread(main, ["doctor", "--env-file", str(file)])
    said = capsys.readouterr().out
    assert "cannot write to 2" in said
    assert "not.taken" not in said
    assert await asyncio.to_thread(main, ["doctor", "--env-file", str(tmp_path / "no")]) == 1
    assert "there is no file" in capsys.readouterr().err


async def test_a_store_that_is_open_to_everybody_is_told_from_one_that_does_not_work(installation, tmp_path):
    token = "vercel_blob_rw_StoreId_secret"
    store = Starlette(routes=[Route("/blob{path:path}", blob.app(tmp_path, token, access="public"))])
    async with serving.serve(store) as address:
        installation(STORAGE_TYPE="blob", VERCEL_BLOB_API_URL=f"{address}/blob", BLOB_READ_WRITE_TOKEN=token)
        found = await seeing.see()
    assert "private access on a public store" in found.blob
    assert ([*looks.blob("refused")(found)], len([*looks.blob("public")(found)])) == ([], 1)
