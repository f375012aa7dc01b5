"""dev/functions.py: one function of api/ as a process."""

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import httpx
import pytest

from dev import functions, patience
from ops.serving import routes

APP = """
import asyncio, json, os
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def later():
    await asyncio.sleep(0.05)
    print("after the answer")

async def hello(request):
    if request.url.path == "/die":
        os._exit(3)
    print(json.dumps({"event": "hello", "path": request.url.path}))
    return PlainTextResponse(str(os.getpid()), background=BackgroundTask(later))

class Lifespan:
    async def __aenter__(self):
        if os.environ.get("ODD"):
            raise SystemExit("Lotok cannot start: ODD is set")
    async def __aexit__(self, *_): ...

app = Starlette(routes=[Route("/{path:path}", hello)], lifespan=lambda app: Lifespan())
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "hello.py").write_text(APP)
    return tmp_path


def _function(root, entry="api/hello.py", **settings):
    lines = []
    function = functions.Function(entry, functions.environment(settings), root=root, on_line=lines.append)
    return function, lines


async def _get(function, path="/", **headers):
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return await client.get(f"http://127.0.0.1:{await function.port()}{path}", headers=headers)


async def test_a_function_boots_answers_and_reports_how_long_it_took(root):
    function, _ = _function(root)
    await function.start()
    assert (await _get(function)).text == str(function.pid)
    assert function.boots[0].init_ms > 0
    await function.stop()
    assert function.status == "down"


async def test_lines_are_handed_over_with_their_invocation_and_their_json(root):
    function, lines = _function(root)
    await function.start()
    await _get(function, "/x", **{"x-vercel-internal-invocation-id": "inv1"})
    await function.idle()
    assert [(line.invocation, line.record) for line in lines] == [
        ("inv1", {"event": "hello", "path": "/x"}),
        ("inv1", None),
    ]
    await function.stop()


async def test_an_invocation_ends_after_the_work_that_follows_the_answer(root):
    function, lines = _function(root)
    await function.start()
    await _get(function)
    await function.idle()
    assert function.messages[-1][0] == "end"
    assert lines[-1].text == "after the answer"
    await function.stop()


@pytest.mark.long
async def test_the_next_request_boots_a_function_that_died(root):
    function, _ = _function(root)
    await function.start()
    with pytest.raises(httpx.RemoteProtocolError):
        await _get(function, "/die")
    await _until(lambda: function.status != "up")
    assert (await _get(function)).status_code == 200
    await function.kill()
    assert (await _get(function)).status_code == 200
    assert len(function.boots) == 3
    await function.stop()


async def test_a_function_that_refuses_to_start_says_why(root):
    function, _ = _function(root, ODD="1")
    with pytest.raises(functions.BootFailed, match="Lotok cannot start: ODD is set"):
        await function.start()
    assert function.status == "failed"
    with pytest.raises(functions.BootFailed, match="ODD is set"):
        await function.port()
    await function.stop()


async def test_a_function_that_cannot_be_imported_says_why(root):
    (root / "api" / "broken.py").write_text("import nothing_of_that_name\napp = 1")
    function, _ = _function(root, "api/broken.py")
    with pytest.raises(functions.BootFailed, match="nothing_of_that_name"):
        await function.start()
    (root / "api" / "broken.py").write_text(APP)
    assert (await _get(function)).status_code == 200, "a mended file is used by the next request"
    await function.stop()


async def test_a_function_that_hangs_at_its_start_is_given_up(root, monkeypatch):
    (root / "api" / "hello.py").write_text("import threading\nthreading.Event().wait()\n")
    monkeypatch.setattr(patience, "BOOT_SECONDS", 0.7)
    function, _ = _function(root)
    with pytest.raises(functions.BootFailed, match=r"api/hello\.py did not start in time"):
        await function.start()
    await function.stop()


def test_a_boot_is_given_up_by_what_it_does_and_not_by_how_long_it_takes():
    slow, hanging, circling = (patience.Patience(now=100) for _ in range(3))
    assert not [now for now in range(100, 1000, 10) if slow.is_over(used=now / 100, now=now)], "a little, but always"
    assert [hanging.is_over(used=1.5, now=now) for now in (101, 130.9, 131)] == [False, False, True]
    assert [circling.is_over(used=now - 100, now=now) for now in (101, 129.9, 130)] == [False, False, True]


async def test_a_function_dies_with_its_parent_even_after_kill_9(root):
    parent = textwrap.dedent(f"""
        import asyncio, pathlib, sys
        sys.path.insert(0, {str(Path(functions.__file__).parent.parent)!r})
        from dev import functions, patience
        async def main():
            f = functions.Function("api/hello.py", functions.environment({{}}), root=pathlib.Path({str(root)!r}))
            await f.start()
            print(f.pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
    """)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", parent, stdout=asyncio.subprocess.PIPE)
    pid = int(await process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await _until(lambda: not _alive(pid))


async def _until(condition):
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - another process's end sets no event of ours
            await asyncio.sleep(0.01)


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def test_only_files_that_define_an_app_are_functions(root):
    (root / "api" / "_shared.py").write_text("app = 1")
    (root / "api" / "notes.py").write_text("words = 1")
    (root / "api" / "deep").mkdir()
    (root / "api" / "deep" / "index.py").write_text("from lib import app\n")
    assert routes.entries(root) == ["api/deep/index.py", "api/hello.py"]
