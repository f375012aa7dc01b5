"""ops/serving/kept.py: a file of the server's folder by its link, and nothing else of the folder."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from lib import config, links
from ops.serving import front, kept, routes
from tests.conftest import SETTINGS

PATH = "production/card/2026/11/7-0011223344556677.png"


@pytest.fixture
async def http(tmp_path, monkeypatch):
    """Serve a folder with one file, beside a secret that no link names."""
    own = {"LOTOK_ENV": "production", "PUBLIC_URL": "http://shop", "STORAGE_PATH": str(tmp_path / "files")}
    monkeypatch.setattr(config, "get", lambda: config.Config(SETTINGS | own))
    file = tmp_path / "files" / PATH
    file.parent.mkdir(parents=True)
    file.write_bytes(b"0123456789")
    (tmp_path / "env").write_text("secret")
    made = front.Front(routes.load(front.ROOT), {kept.NAME: kept.app()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(made), base_url="http://shop") as client:
        yield client


async def test_a_link_opens_a_file_for_nobody_else_to_keep(http):
    answer = await http.get(links.make(PATH, datetime.now(UTC)))
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    said = {name: answer.headers[name] for name in ("content-type", "cache-control", "referrer-policy")}
    assert said == {"content-type": "image/png", "cache-control": "no-store", "referrer-policy": "no-referrer"}
    assert answer.headers["content-disposition"] == 'attachment; filename="7-0011223344556677.png"'
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_part_of_a_video_can_be_asked_for(http):
    answer = await http.get(links.make(PATH, datetime.now(UTC)), headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")


async def test_a_link_that_is_over_says_so_and_where_to_get_another(http):
    answer = await http.get(links.make(PATH, datetime.now(UTC) - links.LASTS - timedelta(seconds=1)))
    assert answer.status_code == 410
    assert "запросите данные в боте" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        *("/files", "/files/", "/files/production", f"/files/{PATH}", f"/files/ffffffff-{'0' * 32}/{PATH}"),
        *("/files/production/card/2026/11/", "/files/..%2f..%2fenv", "/files/x/../../env"),
    ],
)
async def test_without_a_link_nothing_is_there(http, path):
    assert (await http.get(path)).status_code == 404


@pytest.mark.parametrize(
    "pathname", ["../env", "production/../../env", "production/card/2026/11", "env", "", "a//b", "/etc/passwd"]
)
async def test_a_right_proof_of_a_wrong_path_opens_nothing(http, pathname):
    """Not even we could make such a link work: what is opened is a pathname of lib/storage.py, and a file."""
    answer = await http.get(links.make(pathname, datetime.now(UTC)).replace("..", "%2e%2e"))
    assert answer.status_code == 404


async def test_a_file_that_is_gone_is_not_found(http):
    other = PATH.replace("7-", "8-")
    assert (await http.get(links.make(other, datetime.now(UTC)))).status_code == 404


async def test_a_file_is_only_read(http):
    link = links.make(PATH, datetime.now(UTC))
    assert (await http.post(link)).status_code == 405
    assert (await http.head(link)).headers["content-length"] == "10"
