"""The branches on the simulator's page: made, reset, ended and protected by hand, beside what the verb makes."""

import httpx
import pytest
from starlette.applications import Starlette

from dev import neon as stand_in
from lib import db


@pytest.fixture
async def page(lab):
    app = Starlette(routes=stand_in.routes(lab.service))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:

        async def ask(path="", body=None):
            answer = await (client.get if body is None else client.post)(
                f"/sim/branches{path}", **({} if body is None else {"json": body})
            )
            return answer.status_code, answer.json()

        yield ask


def named(answer):
    return {one["name"]: one for one in answer[1]["branches"]}


async def test_a_branch_is_made_and_shown_with_its_size_and_end(page, neon):
    assert [*named(await page())] == ["main"]
    shown = named(await page("", {"name": "x"}))
    assert [*shown] == ["main", "preview/x"]
    assert shown["main"]["default"]
    assert shown["preview/x"]["expires_at"] == "2026-12-13T12:00:00Z"
    assert shown["preview/x"]["bytes"] > 1_000_000
    assert await neon.uri(await neon.find("preview/x"), "neondb", "owner", pooled=True) == shown["preview/x"]["url"]


async def test_a_branch_is_reset_and_ended_by_hand(page):
    made = named(await page("", {"name": "x"}))["preview/x"]
    async with db.connect(made["url"]) as conn:
        await conn.execute("drop table people")
    await page(f"/{made['id']}/reset", {})
    async with db.connect(made["url"]) as conn:
        await conn.execute("select from people")
    assert [*named(await page(f"/{made['id']}/expire", {}))] == ["main"]


async def test_a_protected_branch_stays_until_it_is_protected_no_more(page):
    made = named(await page("", {"name": "x"}))["preview/x"]
    assert named(await page(f"/{made['id']}/protect", {}))["preview/x"]["protected"]
    for verb in ("reset", "expire", "delete"):
        assert (await page(f"/{made['id']}/{verb}", {}))[0] == 422
    await page(f"/{made['id']}/protect", {})
    assert [*named(await page(f"/{made['id']}/delete", {}))] == ["main"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("", {"name": " "}, 400),
        ("/br-none/reset", {}, 404),
        ("/br-main/delete", {}, 422),
        ("/br-main/expire", {}, 422),
        ("/br-main/paint", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_said(page, path, body, status):
    code, told = await page(path, body)
    assert (code, bool(told["error"]["message"])) == (status, True)


async def test_a_name_is_there_once(page):
    await page("", {"name": "x"})
    assert (await page("", {"name": "x"}))[0] == 409


async def test_without_a_server_there_are_no_branches():
    app = Starlette(routes=stand_in.routes(stand_in.Neon("key")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
        assert (await client.get("/sim/branches")).status_code == 503


async def test_branches_outlive_the_stack(lab, tmp_path):
    file = tmp_path / "neon" / "branches.json"
    first = stand_in.Neon("key", file)
    first.serve_from(lab.service._server, database="neon_parent", owner="owner")
    made = (await first.create("preview/x"))["branch"]["id"]
    again = stand_in.Neon("key", file)
    again.serve_from(lab.service._server, database="neon_parent", owner="owner")
    assert {*again.branches} == {stand_in.MAIN, made}
    await again._drop(again.branches[made].database)
