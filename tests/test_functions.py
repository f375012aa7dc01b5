"""Every function of api/ under the real vercel_runtime, with no service to stand on: it boots, guards and answers."""

import httpx
import pytest

from dev import functions
from dev.stack import ROOT
from ops.serving import routes
from tests.conftest import SETTINGS
from tests.sizes import few

ENTRIES = routes.entries(ROOT)
SECRET = {"x-telegram-bot-api-secret-token": SETTINGS["WEBHOOK_SECRET"]}
BEARER = {"authorization": f"Bearer {SETTINGS['CRON_SECRET']}"}


@pytest.fixture(scope="module")
async def running():
    booted = {
        entry: functions.Function(entry, functions.environment(SETTINGS), root=ROOT, on_line=lambda _: None)
        for entry in ENTRIES
    }
    for function in booted.values():
        await function.start()
    yield booted
    for function in booted.values():
        await function.stop()


@pytest.fixture
def ask(running):
    async def ask(entry, method="GET", path="/", **request):
        function = running[entry]
        function.messages.clear()
        headers = {"x-vercel-internal-invocation-id": "inv1", **request.pop("headers", {})}
        url = f"http://127.0.0.1:{await function.port()}{path}"
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=False) as client:
            answer = await client.request(method, url, headers=headers, **request)
        await function.idle()
        return answer

    return ask


def test_vercel_json_names_every_function_and_no_other():
    assert set(routes.load(ROOT).seconds) == set(ENTRIES)
    assert len(ENTRIES) <= 12


@pytest.mark.parametrize("entry", ENTRIES)
async def test_a_function_boots_answers_and_reports_its_end(running, ask, entry):
    assert (await ask(entry, "DELETE")).status_code == 405
    kinds = [kind for kind, _ in running[entry].messages]
    assert (kinds[0], kinds[-1]) == ("handler-started", "end")


@pytest.mark.parametrize("entry", few(sorted(ENTRIES, key=lambda entry: "telegram" not in entry), 2))
async def test_a_function_with_a_wrong_setting_says_which_in_one_line(entry):
    wrong = SETTINGS | {"DATABASE_URL": "mysql://x"}
    function = functions.Function(entry, functions.environment(wrong), root=ROOT)
    with pytest.raises(functions.BootFailed, match="Lotok cannot start: DATABASE_URL must begin with postgresql://"):
        await function.start()
    await function.stop()


@pytest.mark.parametrize("headers", [{}, {"x-telegram-bot-api-secret-token": "wrong"}])
async def test_the_webhook_lets_nobody_in_without_the_secret(ask, headers):
    assert (await ask("api/telegram/index.py", "POST", "/api/telegram/studio", headers=headers)).status_code == 403


async def test_the_webhook_answers_200_to_what_can_never_be_an_update(ask):
    answer = await ask("api/telegram/index.py", "POST", "/api/telegram/studio", headers=SECRET, content=b"{")
    assert answer.status_code == 200


async def test_the_webhook_asks_for_an_update_again_when_nothing_answers(ask):
    update = {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 1,
            "chat": {"id": 1, "type": "private"},
            "from": {"id": 1, "is_bot": False, "first_name": "Alice"},
            "text": "/start",
        },
    }
    answer = await ask("api/telegram/index.py", "POST", "/api/telegram?bot=studio", headers=SECRET, json=update)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer"}])
async def test_the_drain_lets_nobody_in_without_the_secret(ask, headers):
    for method in ("GET", "POST"):
        assert (await ask("api/drain/index.py", method, "/api/drain", headers=headers)).status_code == 403


async def test_the_drain_lets_nobody_in_when_the_secret_is_unset():
    unset = {name: value for name, value in SETTINGS.items() if name != "CRON_SECRET"}
    function = functions.Function("api/drain/index.py", functions.environment(unset), root=ROOT)
    await function.start()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        for headers in ({}, {"authorization": "Bearer"}, BEARER):
            answer = await client.get(f"http://127.0.0.1:{await function.port()}/api/drain", headers=headers)
            assert answer.status_code == 403
    await function.stop()


ADMIN = {"authorization": f"Bearer {SETTINGS['ADMIN_API_TOKEN']}"}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, BEARER])
async def test_the_caches_let_nobody_in_without_the_token(ask, headers):
    for method in ("GET", "POST"):
        answer = await ask("api/cache/index.py", method, "/api/cache", headers=headers, json={"action": "clear"})
        assert answer.status_code == 403


async def test_the_caches_let_nobody_in_when_the_token_is_unset():
    unset = {name: value for name, value in SETTINGS.items() if name != "ADMIN_API_TOKEN"}
    function = functions.Function("api/cache/index.py", functions.environment(unset), root=ROOT)
    await function.start()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        for headers in ({}, {"authorization": "Bearer"}, ADMIN):
            answer = await client.get(f"http://127.0.0.1:{await function.port()}/api/cache", headers=headers)
            assert answer.status_code == 403
    await function.stop()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"[" * 9000, "not_json"),
        (b"[]", "unknown_action"),
        (b'{"action": "explode"}', "unknown_action"),
        (b'{"action": "clear-prefix", "prefix": "turn:"}', "unknown_prefix"),
        (b" " * 20_000, "body_too_large"),
    ],
)
async def test_the_caches_answer_400_with_a_message_to_an_order_they_do_not_know(ask, content, code):
    answer = await ask("api/cache/index.py", "POST", "/api/cache", headers=ADMIN, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_the_caches_say_that_redis_is_out_of_reach(ask):
    answer = await ask("api/cache/index.py", path="/api/cache", headers=ADMIN)
    assert answer.status_code == 200
    assert answer.json()["available"] is False
    assert answer.json()["stats"]["totalKeys"] == 0
    cleared = await ask("api/cache/index.py", "POST", "/api/cache", headers=ADMIN, json={"action": "clear"})
    assert cleared.status_code == 503


@pytest.mark.parametrize(
    ("headers", "named"),
    [({}, {"ok", "redis"}), (ADMIN, {"ok", "redis", "database", "queue", "webhooks", "deployment"})],
)
async def test_health_names_what_does_not_answer_and_no_secret(ask, headers, named):
    answer = await ask("api/health/index.py", path="/api/health", headers=headers)
    assert answer.status_code == 503
    assert set(answer.json()) == named
    assert answer.json()["ok"] is False
    for secret in (SETTINGS["WEBHOOK_SECRET"], SETTINGS["CRON_SECRET"], SETTINGS["STUDIO_BOT_TOKEN"]):
        assert secret not in answer.text


METRICS = {"authorization": f"Bearer {SETTINGS['METRICS_TOKEN']}"}


@pytest.mark.parametrize(("headers", "status"), [({}, 403), (ADMIN, 403), (METRICS, 503)])
async def test_the_figures_are_for_their_own_token_and_need_redis(ask, headers, status):
    assert (await ask("api/metrics/index.py", path="/api/metrics", headers=headers)).status_code == status


async def test_health_refuses_a_wrong_token(ask):
    answer = await ask("api/health/index.py", path="/api/health", headers={"authorization": "Bearer wrong"})
    assert (answer.status_code, set(answer.json())) == (403, {"error"})


CRASHES = """
import asyncio, logging, warnings
from lib import web

async def lost():
    raise LookupError("in a task")

async def boom(request):
    task = asyncio.create_task(lost())
    await asyncio.wait([task])
    del task
    warnings.warn("an old way")
    try:
        raise OSError("in a library\\nof two lines")
    except OSError:
        logging.getLogger("psycopg.pool").warning("cannot connect to %s", "neon", exc_info=True)
    raise KeyError("in a function")

app = web.app(boom, "GET")
"""


async def test_a_librarys_traceback_is_one_json_line(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "boom.py").write_text(CRASHES)
    lines = []
    env = functions.environment(SETTINGS) | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    function = functions.Function("api/boom.py", env, root=tmp_path, on_line=lines.append)
    await function.start()
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        assert (await client.get(f"http://127.0.0.1:{await function.port()}/api/boom")).status_code == 500
    await function.idle()
    await function.stop()
    told = {line.record["logger"]: line.record for line in lines if line.record}
    assert [line.text for line in lines if not line.record] == []
    assert told["psycopg.pool"]["message"] == "cannot connect to neon"
    assert told["psycopg.pool"]["error"] == "OSError: in a library", "what comes after may quote anything"
    assert told["psycopg.pool"]["where"][-1].startswith("boom.py:")
    assert told["asyncio"]["error"] == "LookupError: in a task"
    assert "an old way" in told["py.warnings"]["message"]
    assert any(record.get("error") == "KeyError: 'in a function'" for record in told.values())
