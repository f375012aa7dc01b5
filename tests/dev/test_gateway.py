"""dev/gateway.py and ops/serving/routes.py against what Vercel documents (see the rules at the top of each)."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from dev import functions, gateway
from ops.serving import routes

ECHO = """
import asyncio, json
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
from vercel_runtime import get_deadline

async def echo(request):
    if "sleep" in request.query_params:
        await asyncio.sleep(float(request.query_params["sleep"]))
    return JSONResponse({
        "path": request.url.path, "query": list(request.query_params.multi_items()), "method": request.method,
        "headers": dict(request.headers), "client": request.client.host, "size": len(await request.body()),
        "deadline": str(get_deadline()), "file": __file__.rpartition("/api/")[2],
    })

app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
"""

CRASH = """
import os

async def app(scope, receive, send):
    if scope["type"] == "http":
        os._exit(1)
    raise NotImplementedError("no lifespan")
"""

RULES = {
    "functions": {"api/echo.py": {"maxDuration": 60}},
    "rewrites": [
        {"source": "/api/echo/:bot", "destination": "/api/echo?bot=:bot"},
        {"source": "/appended/:kind/:id", "destination": "/api/echo"},
        {"source": "/moved/:name", "destination": "/api/:name"},
        {"source": "/page/(.*)", "destination": "/index.html"},
    ],
    "headers": [
        {"source": "/(.*)", "headers": [{"key": "X-Frame-Options", "value": "DENY"}]},
        {"source": "/api/(.*)", "headers": [{"key": "X-Robots-Tag", "value": "noindex"}]},
    ],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("deployment")
    for name in ("api/echo.py", "api/deep/index.py", "api/crash.py"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(ECHO)
    (root / "api" / "crash.py").write_text(CRASH)
    (root / "public").mkdir()
    (root / "public" / "index.html").write_text("<h1>Lotok</h1>")
    (root / "public" / "style.css").write_text("body {}")
    (root / "secret.txt").write_text("not public")
    (root / "vercel.json").write_text(json.dumps(RULES))
    return root


@pytest.fixture(scope="module")
async def deployment(root):
    rules = routes.load(root)
    running = {
        entry: functions.Function(entry, functions.environment({}), root=root) for entry in rules.entries.values()
    }
    for entry in ("api/echo.py", "api/deep/index.py"):
        await running[entry].start()
    running.pop("api/crash.py")
    front = gateway.Gateway(rules, running)
    transport = httpx.ASGITransport(front.app(), client=("9.9.9.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://lotok.test") as client:
        yield client
    await front.close()
    for function in running.values():
        await function.stop()


async def test_public_files_come_first_and_nothing_else_is_served(deployment):
    assert (await deployment.get("/")).text == "<h1>Lotok</h1>"
    assert "text/css" in (await deployment.get("/style.css")).headers["content-type"]
    for path in ("/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt", "/vercel.json", "/api/echo.py", "/api"):
        answer = await deployment.get(path)
        assert (answer.status_code, answer.headers["x-vercel-error"]) == (404, "NOT_FOUND"), path


async def test_a_file_and_an_index_are_functions_at_their_exact_path(deployment):
    assert (await deployment.get("/api/echo")).json()["file"] == "echo.py"
    assert (await deployment.get("/api/deep")).json()["file"] == "deep/index.py"
    assert (await deployment.get("/api/deep/more")).status_code == 404


async def test_a_rewrite_keeps_the_path_and_puts_its_part_into_the_query(deployment):
    seen = (await deployment.get("/api/echo/studio?a=1")).json()
    assert (seen["path"], sorted(seen["query"])) == ("/api/echo/studio", [["a", "1"], ["bot", "studio"]])


async def test_parts_that_the_destination_does_not_use_are_added_to_the_query(deployment):
    seen = (await deployment.get("/appended/card/7")).json()
    assert sorted(seen["query"]) == [["id", "7"], ["kind", "card"]]


async def test_parts_that_the_destination_path_uses_are_not_added(deployment):
    assert (await deployment.get("/moved/deep")).json()["query"] == []


async def test_a_rewrite_may_lead_to_a_public_file(deployment):
    assert (await deployment.get("/page/anything/else")).text == "<h1>Lotok</h1>"


async def test_headers_of_vercel_json_are_on_every_answer(deployment):
    for path in ("/", "/api/echo", "/nothing"):
        assert (await deployment.get(path)).headers["x-frame-options"] == "DENY"
    assert (await deployment.get("/api/echo")).headers["x-robots-tag"] == "noindex"
    assert "x-robots-tag" not in (await deployment.get("/")).headers


async def test_a_caller_cannot_say_who_it_is_or_when_the_invocation_ends(deployment):
    forged = {
        "x-forwarded-for": "1.2.3.4",
        "x-real-ip": "1.2.3.4",
        "x-vercel-internal-deadline": "2020-01-01T00:00:00Z",
        "x-vercel-id": "forged",
    }
    earliest = datetime.now(UTC) + timedelta(seconds=59)
    seen = (await deployment.get("/api/echo", headers=forged)).json()
    assert seen["client"] == seen["headers"]["x-forwarded-for"] == seen["headers"]["x-real-ip"] == "9.9.9.9"
    assert seen["headers"]["x-vercel-id"].startswith("dev1::")
    assert not [name for name in seen["headers"] if name.startswith("x-vercel-internal-")]
    assert earliest < datetime.fromisoformat(seen["deadline"]) <= datetime.now(UTC) + timedelta(seconds=60)


async def test_what_the_runtime_tells_vercel_is_not_passed_on(deployment):
    answer = await deployment.get("/api/echo")
    assert not [name for name in answer.headers if name.startswith("x-vercel-internal-")]


async def test_a_body_over_the_limit_is_refused_before_the_function(deployment):
    fits = await deployment.post("/api/echo", content=b"x" * gateway.BODY_LIMIT)
    over = await deployment.post("/api/echo", content=b"x" * (gateway.BODY_LIMIT + 1))
    assert fits.json()["size"] == gateway.BODY_LIMIT
    assert (over.status_code, over.headers["x-vercel-error"]) == (413, "FUNCTION_PAYLOAD_TOO_LARGE")


async def test_an_invocation_that_overruns_is_answered_504(deployment, monkeypatch):
    monkeypatch.setattr(routes.Routes, "max_duration", lambda *_: 0.2)
    answer = await deployment.get("/api/echo?sleep=600")
    assert (answer.status_code, answer.headers["x-vercel-error"]) == (504, "FUNCTION_INVOCATION_TIMEOUT")


async def test_a_function_that_crashes_is_answered_500(root):
    entry = "api/crash.py"
    function = functions.Function(entry, functions.environment({}), root=root)
    await function.start()
    front = gateway.Gateway(routes.load(root), {entry: function})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(front.app()), base_url="http://lotok.test") as client:
        answer = await client.get("/api/crash")
    assert (answer.status_code, answer.headers["x-vercel-error"]) == (500, "FUNCTION_INVOCATION_FAILED")
    await front.close()
    await function.stop()


@pytest.mark.parametrize(
    ("source", "path", "parts"),
    [
        ("/a/:b", "/a/1", {"b": "1"}),
        ("/a/:b", "/a/1/2", None),
        ("/a/:rest*", "/a/1/2", {"rest": "1/2"}),
        ("/(.*)", "/any/thing", {}),
        ("/x.y", "/xzy", None),
    ],
)
def test_a_pattern_matches_as_vercel_reads_it(source, path, parts):
    match = routes.pattern(source).fullmatch(path)
    assert (match.groupdict() if match else None) == parts


def test_a_query_key_of_the_caller_wins_over_the_rewrite():
    rewrite = routes.Rewrite(routes.pattern("/t/:bot"), "/api/t?bot=:bot")
    assert rewrite.apply("/t/studio", "bot=admin") == ("/api/t", "bot=admin")
