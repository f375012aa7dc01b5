"""What a cache on the way may keep: pages after asking again; answers of functions and private files never."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from dev import blob, gateway
from ops.serving import front, routes

ASK_AGAIN = "public, max-age=0, must-revalidate"
NEVER = "no-store"
RULES = routes.load(front.ROOT)
PAGES = sorted("/" + str(path.relative_to(front.ROOT / "public")) for path in (front.ROOT / "public").rglob("*.*"))
TOKEN = "vercel_blob_rw_caching00000000_secret"
# Each path of a function, with a method that it knows; nobody proves here who they are.
FUNCTIONS = {
    ("GET", "/api/cache"): 403,
    ("POST", "/api/callback/kie"): 403,
    ("POST", "/api/callback/unknown"): 403,
    ("GET", "/api/drain"): 403,
    ("POST", "/api/drain"): 403,
    ("GET", "/api/metrics"): 403,
    ("GET", "/api/render"): 403,
    ("POST", "/api/telegram/studio"): 403,
    ("POST", "/api/telegram/unknown"): 403,
}


@pytest.fixture(scope="module")
def served():
    return front.make()


def client(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")


def test_the_table_names_each_function():
    named = {RULES.find(path).entry for _, path in FUNCTIONS}
    assert named == set(RULES.entries.values()) - {"api/health/index.py"}


@pytest.mark.parametrize("path", ["/", *PAGES])
async def test_a_page_may_be_kept_and_is_asked_for_again(path):
    async with client(front.Front(RULES, {})) as http:
        answer = await http.get(path)
        assert (answer.status_code, answer.headers.get_list("cache-control")) == (200, [ASK_AGAIN])
        assert answer.headers["etag"]
        assert (await http.head(path)).headers["cache-control"] == ASK_AGAIN


@pytest.mark.parametrize("path", ["/", *PAGES])
async def test_the_local_stack_says_of_a_page_what_a_server_says(path):
    async with client(gateway.Gateway(RULES, {}).app()) as http:
        assert (await http.get(path)).headers["cache-control"] == ASK_AGAIN


@pytest.mark.parametrize(("asked", "status"), FUNCTIONS.items(), ids=[" ".join(asked) for asked in FUNCTIONS])
async def test_an_answer_of_a_function_is_kept_by_nobody(served, asked, status):
    async with client(served) as http:
        answer = await http.request(*asked)
    assert (answer.status_code, answer.headers.get_list("cache-control")) == (status, [NEVER])


async def test_the_health_is_that_of_now_also_when_it_is_bad(served):
    async with client(served) as http:
        answer = await http.get("/api/health")
    assert answer.status_code in (200, 503)
    assert answer.headers.get_list("cache-control") == [NEVER]


@pytest.mark.parametrize("path", ["/storage/card/7.png", "/files/card/7.png", "/blob/card/7.png", "/.env"])
async def test_files_of_people_have_no_path(served, path):
    async with client(served) as http:
        assert (await http.get(path)).status_code == 404


async def test_a_file_in_blob_is_private_to_every_cache(tmp_path):
    """No cache of many people may keep it: it is put as private, and read with a token."""
    service = blob.app(tmp_path, TOKEN)
    app = Starlette(routes=[Route("/blob{path:path}", service)])
    async with client(app) as http:
        put = await http.put(
            "/blob/?pathname=card/7.png",
            content=b"png",
            headers={"Authorization": f"Bearer {TOKEN}", "x-vercel-blob-access": "private", "x-api-version": "12"},
        )
        assert put.status_code == 200, put.text
        address = f"/blob/files/{service._host}/{put.json()['pathname']}"
        found = await http.get(address, headers={"Authorization": f"Bearer {TOKEN}"})
        assert found.headers["cache-control"].startswith("private, max-age=")
        assert (await http.get(address)).status_code in (401, 403)
