"""The wizard leads from half the settings to bots that answer, and a second run changes nothing."""

import asyncio
import json
from datetime import timedelta

import pytest

from dev import serving
from dev.telegram import World
from lib import cache, config
from lib.jobs import kick
from ops import envfile, webhooks
from ops.__main__ import main
from ops.doctor import seeing
from ops.setup import steps
from tests.ops import installation_lab
from tests.redis_lab import empty_redis, running_upstash

__all__ = ["empty_redis", "running_upstash"]


@pytest.fixture
async def half(database, redis, monkeypatch, tmp_path):
    """Set what a deployment with its integrations has: no bot, no secret but one, the database as its owner."""
    world = World()
    async with serving.serve(installation_lab.services(world)) as address:
        given = dict.fromkeys((*steps.SECRETS, *(f"{bot.upper()}_BOT_TOKEN" for bot in config.BOTS)), "")
        given |= {
            "PUBLIC_URL": address,
            "TELEGRAM_API_URL": f"{address}/telegram",
            "DATABASE_URL": database.url,
            "LOTOK_DATABASE_URL": "",
            "DATABASE_URL_UNPOOLED": database.url,
            "STORAGE_PATH": str(tmp_path),
            "ADMIN_IDS": "1005",
            "ADMIN_API_TOKEN": installation_lab.TOKEN,
        }
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        config.get.cache_clear()
        yield world
    config.get.cache_clear()


@pytest.fixture
def setup(tmp_path, capsys, monkeypatch):
    """Run the wizard; return its code and what it says."""

    monkeypatch.setattr("ops.setup.vercel.is_here", lambda: False)  # it may be on this machine
    monkeypatch.setattr(steps, "TICK_PAUSE", 0)
    monkeypatch.setattr(steps, "TICK_LOOKS", 1)

    async def run(*args):
        file = tmp_path / ".env.production"
        code = await asyncio.to_thread(main, ["setup", "--env-file", str(file), *args])
        said = capsys.readouterr()
        return code, said.out + said.err, file

    return run


def token(world, bot):
    return world.bots[bot].account.token


async def test_from_half_the_settings_to_a_bot_that_answers(half, setup, monkeypatch, database):
    lines = iter(["1:odd", token(half, "studio"), token(half, "studio"), token(half, "client")])
    monkeypatch.setattr("builtins.input", lambda question: next(lines, ""))
    code, said, file = await setup("--lang", "ru")
    assert code == 1, "the new settings have to be handed to the deployment"
    for sentence in (
        "✗ Токен выглядит так: 123456:ABC",
        "✓ Бот studio — это @lotok_studio_bot",
        "✗ Это токен бота studio, а каждому боту нужен свой",
        "✓ Бот client — это @lotok_client_bot",
        "✓ Созданы секреты: WEBHOOK_SECRET, CRON_SECRET, APP_SECRET, METRICS_TOKEN",
        "✓ База уже обновлена",
        "✓ Функции теперь подключаются к базе как lotok_app",
        "Не установлена командная строка Vercel",
        "Передать Vercel настройки: STUDIO_BOT_TOKEN, CLIENT_BOT_TOKEN, WEBHOOK_SECRET",
        "vercel deploy --prod",
    ):
        assert sentence in said
    kept = envfile.read(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "lotok_app:" in kept["LOTOK_DATABASE_URL"]
    assert not any(value in said for name, value in kept.items() if name != "PUBLIC_URL"), "no secret is shown"
    assert half.bots["studio"].webhook.url == "", "with a secret that the deployment has not, no update would get in"
    code, said, file = await setup("--lang", "ru")
    for sentence in (
        "✓ Телеграм знает, где живут боты",
        "✓ Подписанный запрос прошёл через проект до Postgres (8 мс) и Redis (2 мс)",
    ):
        assert sentence in said
    hook = half.bots["studio"].webhook
    assert (hook.url.rpartition("/")[2], hook.secret_token) == ("studio", kept["WEBHOOK_SECRET"])
    assert (hook.allowed_updates, hook.max_connections) == ([*webhooks.UPDATES], 40)
    assert half.bots["studio"].profile["menu"][""] == {"type": "commands"}


async def test_a_second_run_changes_nothing(half, setup, monkeypatch):
    monkeypatch.setenv("STUDIO_BOT_TOKEN", token(half, "studio"))
    first = json.loads((await setup("--json"))[1])
    code, said, file = await setup("--json")
    before, second = file.read_text(), json.loads(said)
    assert {"WEBHOOK_SECRET", "LOTOK_DATABASE_URL"} <= {*first["made"]}
    assert second["made"] == []
    assert [one["what"] for one in second["left"]] == [
        "The cron of each minute does not come: not once within the last day",
        "STORAGE_TYPE is local on Vercel, where no file stays",
    ]
    assert file.read_text() == before
    assert code == 1


async def test_a_try_changes_nothing_at_all(half, setup, monkeypatch):
    monkeypatch.setenv("STUDIO_BOT_TOKEN", token(half, "studio"))
    code, said, file = await setup("--dry-run", "--lang", "ru")
    assert code == 0
    for sentence in (
        "· Будут созданы секреты: WEBHOOK_SECRET",
        "· Функции будут подключаться к базе как lotok_app",
        f"· Будет сохранено в {file}",
        "· Будут переданы Vercel: WEBHOOK_SECRET",
        "· Телеграм узнает, где живут боты",
        "Ничего не изменено.",
    ):
        assert sentence in said
    assert not file.exists()
    assert half.bots["studio"].webhook.url == ""


async def test_what_is_missing_is_left_for_a_hand(half, setup):
    code, said, file = await setup("--yes")
    assert code == 1
    assert "STUDIO_BOT_TOKEN is missing\n    answer the next run" in said
    assert f"write a line STUDIO_BOT_TOKEN=... into {file}" in said
    assert half.bots["studio"].webhook.url == ""


async def test_a_token_that_telegram_refuses_is_named_with_its_reason(half, setup, monkeypatch):
    monkeypatch.setenv("STUDIO_BOT_TOKEN", f"999:{'a' * 35}")
    code, said, _ = await setup("--yes")
    assert code == 1
    assert "✗ Telegram does not accept this token: Unauthorized" in said


async def test_the_first_cron_of_a_new_deployment_is_waited_for(half, setup, monkeypatch):
    """Without that a first run could never end with what the page says it ends with."""
    monkeypatch.setenv("STUDIO_BOT_TOKEN", token(half, "studio"))
    await setup("--json")
    looks = []

    async def comes():
        looks.append(1)
        if len(looks) == 2:
            await cache.set(kick.MARK, "1763640000:0", timedelta(days=1))
        return await found()

    found = seeing.redis
    monkeypatch.setattr(steps, "TICK_LOOKS", 5)
    monkeypatch.setattr(seeing, "redis", comes)
    _, said, _ = await setup("--yes", "--lang", "ru")
    assert "… Ждём первого крона — не дольше двух минут\n✓ Ежеминутный крон приходит" in said
    assert "крон не приходит" not in said


async def test_ctrl_c_at_a_later_question_loses_no_answer(half, setup, monkeypatch, capsys):
    typed = iter([token(half, "studio"), token(half, "client")])

    def interrupted(question):
        try:
            return next(typed)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("builtins.input", interrupted)
    code, said, file = await setup()
    assert (code, "stopped" in said) == (130, True)
    assert envfile.read(file) == {f"{bot.upper()}_BOT_TOKEN": token(half, bot) for bot in ("studio", "client")}
    monkeypatch.setattr("builtins.input", lambda question: "")
    _, said, _ = await setup()
    assert "for name in WEBHOOK_SECRET" in said
    [line] = [line for line in said.splitlines() if line.startswith("    for name in")]
    assert {"STUDIO_BOT_TOKEN", "CLIENT_BOT_TOKEN"} <= {*line.split(";")[0].split()}, "nobody has handed them over"


async def test_a_deployment_with_other_secrets_keeps_its_webhooks(half, setup, monkeypatch):
    """With our secret it would refuse every update until it is deployed again."""
    monkeypatch.setenv("STUDIO_BOT_TOKEN", token(half, "studio"))
    await setup("--json")
    monkeypatch.setenv("ADMIN_API_TOKEN", "another-one-of-a-later-day")
    config.get.cache_clear()
    _, said, _ = await setup("--yes")
    assert "The deployment has another ADMIN_API_TOKEN" in said
    assert half.bots["studio"].webhook.url == ""
