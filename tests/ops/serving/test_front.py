"""ops/serving/front.py: what vercel.json says also holds where Vercel is not."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from lib import errors
from ops.serving import front, routes


def _rules(**changes):
    return routes.Routes(
        root=front.ROOT,
        entries={"/api/telegram": "api/telegram/index.py", "/api/drain": "api/drain/index.py"},
        rewrites=[routes.Rewrite(routes.pattern("/api/telegram/:bot"), "/api/telegram?bot=:bot")],
        headers=[(routes.pattern("/api/(.*)"), [("X-Robots-Tag", "noindex"), ("Cache-Control", "private")])],
        **changes,
    )


async def _show(request: Request) -> JSONResponse:
    own = {name: value for name, value in request.headers.items() if name.startswith("x-")}
    seen = {"path": request.url.path, "query": dict(request.query_params), "headers": own}
    return JSONResponse(seen, headers={"Cache-Control": "no-store"})


def _app(endpoint=_show, lifespan=None):
    return Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])], lifespan=lifespan)


def _client(**functions):
    made = front.Front(_rules(), {f"api/{name}/index.py": app for name, app in functions.items()})
    return httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://shop")


async def test_a_rewrite_fills_the_query_and_leaves_the_path():
    async with _client(telegram=_app()) as client:
        answer = (await client.post("/api/telegram/client?a=%20b")).json()
    assert (answer["path"], answer["query"]) == ("/api/telegram/client", {"bot": "client", "a": " b"})


async def test_what_only_the_platform_may_say_is_not_taken_from_outside():
    said = {"X-Vercel-Internal-Deadline": "2100-01-01T00:00:00Z", "x-vercel-id": "1", "X-Telegram-Bot": "kept"}
    async with _client(telegram=_app()) as client:
        answer = (await client.get("/api/telegram", headers=said)).json()
    assert answer["headers"] == {"x-telegram-bot": "kept"}


async def test_the_rules_headers_are_added_and_a_functions_own_stays():
    async with _client(telegram=_app()) as client:
        answer = await client.get("/api/telegram")
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers.get_list("cache-control") == ["no-store"]


@pytest.mark.parametrize("path", ["/", "/api", "/api/drain", "/api/telegram/a/b", "/ops/serve.py", "/../.env", "/%00"])
async def test_what_is_not_served_is_not_found(path):
    """`/` too, where the front page is not among the files of this deployment: here it is, and it is a page."""
    async with _client(telegram=_app()) as client:
        answer = await client.get(path)
    if path == "/":
        assert answer.headers["content-type"].startswith("text/html")
    else:
        assert answer.status_code == 404


async def test_a_page_is_read_and_not_posted_to():
    async with _client() as client:
        assert (await client.get("/terms.html")).status_code == 200
        assert (await client.head("/terms.html")).status_code == 200
        assert (await client.post("/terms.html")).status_code == 404


async def test_a_function_that_does_not_answer_in_time_is_answered_for():
    async def stuck(_: Request) -> PlainTextResponse:
        await asyncio.Event().wait()
        return PlainTextResponse("never")

    rules = _rules(seconds={"api/drain/index.py": 0.01})
    made = front.Front(rules, {"api/drain/index.py": _app(stuck)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://shop") as client:
        answer = await client.get("/api/drain")
    assert answer.status_code == 504
    assert answer.headers["x-robots-tag"] == "noindex"


async def test_the_lives_of_all_functions_begin_and_end_and_the_companion_with_them():
    events = []

    def life(name):
        @asynccontextmanager
        async def both(_):
            events.append(f"{name} begins")
            yield
            events.append(f"{name} ends")

        return both

    async def beside(app):
        events.append("the companion begins")
        try:
            await asyncio.Event().wait()
        finally:
            events.append("the companion ends")

    apps = {f"api/{name}/index.py": _app(lifespan=life(name)) for name in ("telegram", "drain")}
    made = front.Front(_rules(), apps, beside)
    async with made._life():
        await asyncio.sleep(0)
        assert events == ["telegram begins", "drain begins", "the companion begins"]
    await asyncio.sleep(0)
    assert {*events[3:]} == {"the companion ends", "drain ends", "telegram ends"}


def test_a_name_that_is_no_function_is_refused_with_those_there_are():
    with pytest.raises(errors.Invalid, match="nothing; there are: cache, callback, drain, files, health"):
        front.make(["nothing"])


def test_the_real_functions_are_found_by_their_names():
    assert [*front.make(["health"]).functions] == ["api/health/index.py"]
