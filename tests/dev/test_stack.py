"""dev/stack.py: the whole of Lotok in a folder, and nothing left of it afterwards."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import httpx
import psutil
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from dev import parts, running, serving, settings
from dev.stack import ROOT, Stack
from lib import errors
from ops import envfile


@pytest.fixture(scope="module")
def busy():
    """Take a port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
async def own(tmp_path_factory, busy):
    """A stack that these tests may break, in a folder whose name holds a space."""
    async with Stack(tmp_path_factory.mktemp("own stack"), port=busy, time_scale=0.1) as stack:
        yield stack


@pytest.fixture
async def http(own):
    async with httpx.AsyncClient(base_url=own.page, timeout=60, trust_env=False, verify=False) as http:
        yield http


async def _says(http, text, user=1001):
    answer = await http.post(f"/sim/chats/studio/{user}/text", params={"wait": 1}, json={"text": text})
    return answer.raise_for_status().json()


@pytest.mark.long
async def test_the_page_answers_and_every_part_is_up(own, http):
    assert "text/html" in (await http.get("/")).headers["content-type"]
    assert (await http.get("/static/app.js")).status_code == 200
    parts = (await http.get("/sim/state")).json()["parts"]
    assert {part["status"] for part in parts} == {"up"}
    assert {"postgres", "upstash", "telegram", "api-telegram", "api-drain"} <= {part["name"] for part in parts}


@pytest.mark.long
async def test_a_message_goes_through_the_webhook_and_is_answered(own, http):
    assert (await _says(http, "/start"))["delivery"]["status"] == 200
    messages = (await http.get("/sim/chats/studio/1001")).json()["messages"]
    assert [message["sim"]["outgoing"] for message in messages] == [True, False]


@pytest.mark.long
async def test_a_click_on_a_message_tells_its_whole_story(own, http):
    update = (await _says(http, "/help"))["update_id"]
    await own.idle()
    trace = (await http.get(f"/sim/updates/studio/{update}")).json()
    assert trace["log"]["update_id"] == update
    assert trace["calls"][0]["method"] == "sendMessage"
    assert trace["state_after"]


@pytest.mark.long
async def test_the_tick_calls_the_drain_as_vercel_cron_does(own, http):
    assert (await http.post("/sim/tick")).json()["status"] == 200


async def test_a_tick_that_works_for_long_does_not_hold_the_next(tmp_path, monkeypatch):
    begun = asyncio.Semaphore(0)

    async def work(stack):
        begun.release()
        await asyncio.Event().wait()

    monkeypatch.setattr(Stack, "tick", work)
    monkeypatch.setattr("dev.stack.TICK", 0.001)
    ticking = asyncio.create_task(Stack(tmp_path)._keep_ticking())
    async with asyncio.timeout(60):
        await begun.acquire()
        await begun.acquire()
    ticking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ticking


@pytest.mark.long
async def test_the_webhook_is_set_with_its_updates(own, http):
    bot = (await http.get("/sim/state")).json()["bots"][0]
    assert bot["webhook"]["url"] == f"{own.deployment}/api/telegram/studio"
    assert set(bot["webhook"]["allowed_updates"]) == {
        "message",
        "edited_message",
        "callback_query",
        "pre_checkout_query",
        "my_chat_member",
        "stopped_message_generation",
    }


@pytest.mark.long
@pytest.mark.parametrize("part", ["upstash", "postgres"])
async def test_a_part_can_be_stopped_and_started_and_keeps_its_data(own, http, part):
    await _says(http, "/start")
    assert (await http.post(f"/sim/parts/{part}/stop")).json()["status"] == "down"
    assert (await http.get("/sim/queue")).status_code == 200
    assert (await http.post(f"/sim/parts/{part}/start")).json()["status"] == "up"
    assert (await _says(http, "/balance"))["delivery"]["status"] == 200
    users = (await http.get("/sim/queue")).json()["users"]
    assert 1001 in [user["tg_id"] for user in users]


@pytest.mark.long
async def test_a_killed_function_is_booted_again_by_the_next_update(own, http):
    await http.post("/sim/parts/api-telegram/kill")
    assert (await _says(http, "/start"))["delivery"]["status"] == 200


@pytest.mark.long
@pytest.mark.parametrize("part", ["upstash", "postgres", "api-health"])
async def test_a_part_that_runs_is_not_started_again(own, http, part):
    answer = await http.post(f"/sim/parts/{part}/start")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "runs_already")
    both = await asyncio.gather(*(http.post(f"/sim/parts/{part}/restart") for _ in range(2)))
    assert [one.json()["status"] for one in both] == ["up", "up"]


DOORS = (
    "/",
    "/static/app.js",
    "/sim/state",
    "/telegram/bot1:x/getMe",
    "/upstash/get/a",
    "/blob/a",
    "/kie/a",
    "/openai/a",
)


@pytest.mark.long
@pytest.mark.parametrize("path", [*DOORS, "deployment:/", "deployment:/api/health"])
async def test_no_door_opens_to_a_page_from_elsewhere(own, path):
    base = own.deployment if path.startswith("deployment:") else own.page
    port = base.rpartition(":")[2]
    strangers = [
        {"host": "evil.example"},
        {"host": f"evil.example:{port}"},
        {"host": f"127.0.0.1.evil.example:{port}"},
        {"host": "[bad"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"http://localhost:{port}"},
        {"origin": "http://[bad"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ]
    async with httpx.AsyncClient(base_url=base, timeout=60, trust_env=False, verify=False) as client:
        for headers in strangers:
            answer = await client.get(path.removeprefix("deployment:"), headers=headers)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign"), headers


@pytest.mark.long
async def test_a_link_opens_the_page_and_nothing_else(http):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert (await http.get("/", headers=link)).status_code == 200
    assert (await http.get("/sim/state", headers=link)).status_code == 403


async def test_a_tunnel_is_let_in_by_its_own_name():
    app = Starlette(routes=[Route("/", lambda _: Response())])
    there = {"host": "lotok.example", "origin": "https://lotok.example", "sec-fetch-site": "cross-site"}
    async with (
        serving.serve(app, hosts=["lotok.example"]) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, verify=False) as client,
    ):
        assert (await client.get("/", headers=there)).status_code == 200
        assert (await client.get("/", headers=there | {"origin": "https://evil.example"})).status_code == 403


@pytest.mark.long
@pytest.mark.parametrize("name", ["%00", "a%00b.js", "x" * 5000, "%ff%fe", "..%2f..%2fetc%2fpasswd", "%2e%2e/x"])
async def test_an_odd_path_is_refused_at_every_door(own, name):
    doors = ["/static/", "/sim/samples/", "/sim/files/", "/sim/chats/studio/", "/blob/", "/kie/", "/openai/v1/", "/"]
    doors += [f"/telegram/file/bot{own.settings['STUDIO_BOT_TOKEN']}/", "/telegram/bot1:x/"]
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=False) as client:
        for base in (own.page, own.deployment):
            for door in doors:
                answer = await client.get(f"{base}{door}{name}")
                assert 400 <= answer.status_code < 500, (door, answer.text)


OPS = (
    "audit",
    "branch create of-the-test",
    "branch list",
    "branch delete of-the-test",
    "catalog list",
    "credits audit",
    "jobs stats",
    "migrate --status",
    "providers list",
    "warmup-cache --json",
    "webhooks --show",
)
RUN = """
import sys
from ops.__main__ import main

for verb in sys.argv[1:]:
    print(verb, "ends with", main(verb.split()))
"""
ENV = "import sys; from pathlib import Path; from dev import up; up.FOLDER = Path(sys.argv[1]); "


@pytest.mark.long
async def test_each_verb_of_ops_works_against_the_running_stack(own):
    async def env(*command):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", f"{ENV} sys.exit(up.env(sys.argv[2:]))", str(own.folder), *command),
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    running.note(own.folder, page=own.page, settings=own.settings)
    assert (own.folder / "run.json").stat().st_mode & 0o077 == 0
    with running.alone(own.folder):
        code, said = await env("python", "-c", RUN, *OPS)
        assert code == 0, said
        assert [verb for verb in OPS if f"{verb} ends with 0" not in said.splitlines()] == [], said
        assert f"export CRON_SECRET={own.settings['CRON_SECRET']}" in (await env())[1].splitlines()
        assert (await env("no-such-program"))[0] == 1
    running.forget(own.folder)
    code, said = await env("true")
    assert (code, "make up" in said) == (1, True)


@pytest.mark.long
async def test_a_part_that_does_not_exist_is_refused(http):
    assert (await http.post("/sim/parts/moon/stop")).status_code == 404


@pytest.mark.long
async def test_everything_listens_on_this_machine_only(own):
    pids = [os.getpid(), *own.pids()]
    listening = [
        connection.laddr.ip
        for pid in pids
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}


@pytest.mark.long
async def test_nothing_is_left_after_the_stop(tmp_path):
    others = {process.pid for process in psutil.Process().children(recursive=True)}
    async with Stack(tmp_path) as stack:
        started = [psutil.Process(pid) for pid in stack.pids() if pid not in others]
        page = stack.page
    await asyncio.to_thread(psutil.wait_procs, started, 5)
    assert [process for process in started if _lives(process)] == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(page.rpartition(":")[2])), 1)


@pytest.mark.long
async def test_a_busy_port_gives_the_next_free_one(own, busy):
    assert int(own.page.rpartition(":")[2]) > busy


async def test_a_part_that_does_not_start_is_named_and_nothing_is_left(tmp_path):
    (tmp_path / "postgres").write_text("not a folder")
    with pytest.raises(parts.PartFailed) as failed:
        await Stack(tmp_path).__aenter__()
    assert failed.value.part == "postgres"
    assert "\n" not in failed.value.reason


async def test_a_wrong_setting_is_named_before_anything_starts(tmp_path):
    with pytest.raises(errors.Misconfigured, match="WEBHOOK_SECRET"):
        await Stack(tmp_path, given={"WEBHOOK_SECRET": "short"}).__aenter__()
    assert not (tmp_path / "postgres").exists()


def test_the_env_file_is_read_as_shells_write_it(tmp_path):
    (tmp_path / ".env").write_text("# keys\nexport A='x # y'\nB=two # words\n\nC=\nD = \"q\"\n")
    assert envfile.read(tmp_path / ".env") == {"A": "x # y", "B": "two", "D": "q"}
    (tmp_path / ".env").write_text("A=1\nnonsense\n")
    with pytest.raises(errors.Misconfigured, match=r"\.env, line 2"):
        envfile.read(tmp_path / ".env")


MISSPELT = {
    "STUDIO_BOT_TOKN": "STUDIO_BOT_TOKEN",
    "DATABSE_URL": "DATABASE_URL",
    "OPENAI_APIKEY": "OPENAI_API_KEY",
    "admin_ids": "ADMIN_IDS",
}


@pytest.mark.parametrize("wrong", MISSPELT)
def test_a_misspelt_name_in_the_env_file_is_named_with_the_nearest_right_one(wrong):
    with pytest.raises(errors.Misconfigured, match=f"no setting {wrong}; the nearest is {MISSPELT[wrong]}"):
        settings.strangers({"CRON_SECRET": "x", wrong: "x"})


def test_a_name_that_is_like_no_setting_is_passed_by():
    assert settings.strangers({"EDITOR": "vi", "CRON_SECRET": "x"}) == ["EDITOR"]


def test_each_checkout_has_secrets_of_its_own_and_keeps_them(tmp_path):
    here, there = (settings.own_secrets(tmp_path / name) for name in ("here", "there"))
    assert settings.own_secrets(tmp_path / "here") == here
    assert not set(here.values()) & set(there.values())
    assert (tmp_path / "here" / "secrets.json").stat().st_mode & 0o077 == 0
    settings.complete({}, here, page="http://x", deployment="http://y", database_url="postgresql://z", ai=True)


def test_real_services_take_the_place_of_stand_ins():
    given = {"DATABASE_URL": "postgresql://x", "STUDIO_BOT_TOKEN": "1", "KV_REST_API_URL": "https://x"}
    assert settings.real(given) == {"postgres", "telegram", "upstash"}
    assert settings.real({}) == set()


def test_branches_are_made_of_the_local_postgres_or_of_neons_own(tmp_path):
    own = settings.own_secrets(tmp_path)
    places = {"page": "http://127.0.0.1:1", "deployment": "http://127.0.0.1:2", "database_url": "postgresql://x"}
    local = settings.complete({}, own, **places)
    assert (local["NEON_API_URL"], local["NEON_API_KEY"]) == ("http://127.0.0.1:1/neon", own["NEON_API_KEY"])
    for real in ({"NEON_API_KEY": "napi_x", "NEON_PROJECT_ID": "p"}, {"DATABASE_URL": "postgresql://y"}):
        assert "NEON_API_URL" not in settings.complete(real, own, **places)


def test_a_real_bot_needs_an_address_that_telegram_can_reach(tmp_path):
    own = settings.own_secrets(tmp_path)
    given = {"STUDIO_BOT_TOKEN": "111111:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    places = {"page": "http://127.0.0.1:1", "deployment": "http://127.0.0.1:2", "database_url": "postgresql://x"}
    with pytest.raises(errors.Misconfigured, match="PUBLIC_URL"):
        settings.complete(given, own, **places)
    made = settings.complete(given | {"PUBLIC_URL": "https://lotok.example"}, own, **places)
    assert "TELEGRAM_API_URL" not in made


def test_the_bots_are_those_that_have_flows():
    from lib.flows import FLOWS

    assert set(settings.BOTS) == set(FLOWS.menus)


def test_one_folder_has_one_stack(tmp_path):
    with running.alone(tmp_path):
        running.note(tmp_path, page="http://127.0.0.1:4000")
        with pytest.raises(running.AlreadyRuns, match=r"http://127\.0\.0\.1:4000"), running.alone(tmp_path):
            pass
    with running.alone(tmp_path):
        pass


@pytest.mark.long
async def test_what_a_killed_run_left_is_ended_and_nothing_else(tmp_path):
    ours = await asyncio.create_subprocess_exec("sleep", "60")
    other = await asyncio.create_subprocess_exec("sleep", "61")
    running.note(tmp_path, pids=[ours.pid, other.pid])
    record = (tmp_path / "run.json").read_text().replace('"61"', '"62"')  # its number now belongs to somebody else
    (tmp_path / "run.json").write_text(record)
    reaping = asyncio.create_task(ours.wait())
    assert await asyncio.to_thread(running.end_leftovers, tmp_path) == 1
    await reaping
    assert other.returncode is None
    other.kill()
    await other.wait()


def _lives(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.long
def test_reset_and_second_start_are_said_in_words(tmp_path, capsys, monkeypatch):
    from dev import up

    monkeypatch.setattr(up, "FOLDER", tmp_path)
    (tmp_path / "telegram").mkdir()
    assert up.reset() == 0
    assert "deleted  .dev/telegram" in capsys.readouterr().out
    assert not Path(tmp_path / "telegram").exists()
    with running.alone(tmp_path):
        running.note(tmp_path, page="http://127.0.0.1:4000")
        assert up.reset() == 1
        assert up.run(4000) == 0
    assert capsys.readouterr().out.count("http://127.0.0.1:4000") == 2
