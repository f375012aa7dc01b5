"""Both backends keep one contract; Blob is the real SDK against the stand-in over HTTP."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from dev import blob, serving
from dev.faults import Fault
from lib import config, errors, fetch, storage

TOKEN = "vercel_blob_rw_StOrE1_secretSecret"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20


def settings(**env: str) -> config.Config:
    return config.load(
        {
            "DATABASE_URL": "postgresql://localhost/unused",
            "PUBLIC_URL": "http://localhost",
            "UPSTASH_REDIS_REST_URL": "http://localhost",
            "UPSTASH_REDIS_REST_TOKEN": "unused",
        }
        | env
    )


def use(monkeypatch: pytest.MonkeyPatch, current: config.Config) -> None:
    monkeypatch.setattr(config, "get", lambda: current)


@pytest.fixture(scope="module")
async def blob_at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[blob.Blob, str]]:
    app = blob.app(tmp_path_factory.mktemp("blob"), TOKEN)
    async with serving.serve(Starlette(routes=[Route("/blob{path:path}", app)])) as address:
        yield app, f"{address}/blob"
        await fetch.close()


@pytest.fixture
def service(blob_at: tuple[blob.Blob, str], monkeypatch: pytest.MonkeyPatch) -> blob.Blob:
    """Vercel Blob in good health, which the settings name."""
    app, url = blob_at
    app.faults.now = None
    use(monkeypatch, settings(STORAGE_TYPE="blob", BLOB_READ_WRITE_TOKEN=TOKEN, VERCEL_BLOB_API_URL=url))
    return app


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use(monkeypatch, settings(STORAGE_TYPE="local", STORAGE_PATH=str(tmp_path / "files")))
    return tmp_path / "files"


@pytest.fixture(params=["service", "folder"], ids=["blob", "local"])
def backend(request: pytest.FixtureRequest) -> None:
    """Run the test with each backend."""
    request.getfixturevalue(request.param)


async def put(data: bytes = JPEG) -> str:
    return await storage.put("card", data, job_id=7, ext="jpg", content_type="image/jpeg")


@pytest.mark.usefixtures("backend")
class TestBothBackends:
    async def test_what_is_put_is_got(self) -> None:
        assert await storage.get(await put()) == JPEG

    async def test_an_empty_file_is_a_file(self) -> None:
        assert await storage.get(await put(b"")) == b""

    async def test_a_large_file_comes_back_whole(self) -> None:
        data = JPEG * 1000
        assert await storage.get(await put(data)) == data

    async def test_a_file_on_the_disk_is_stored_piece_by_piece(self, tmp_path, monkeypatch) -> None:
        monkeypatch.setattr(storage, "PIECE", 1000)
        path = tmp_path / "cards.zip"
        path.write_bytes(JPEG)
        stored = await storage.put("zip", path, job_id=7, ext="zip", content_type="application/zip")
        assert await storage.get(stored) == JPEG

    async def test_the_pathname_says_what_it_is(self) -> None:
        env, kind, year, month, name = (await put()).split("/")
        assert (env, kind, f"{year}/{month}") == ("local", "card", datetime.now(UTC).strftime("%Y/%m"))
        assert name.startswith("7-")
        assert name.endswith(".jpg")

    async def test_pathnames_are_unique(self) -> None:
        assert len({await put() for _ in range(20)}) == 20

    async def test_a_file_is_never_overwritten(self, monkeypatch: pytest.MonkeyPatch) -> None:
        taken = await put()
        monkeypatch.setattr(storage, "_pathname", lambda *_: taken)
        with pytest.raises(errors.Conflict):
            await put(b"other")
        assert await storage.get(taken) == JPEG

    async def test_what_is_not_there_is_missing(self) -> None:
        with pytest.raises(errors.Missing):
            await storage.get("local/card/2026/01/1-0000.jpg")

    async def test_a_deleted_file_is_missing(self) -> None:
        first, second = await put(), await put()
        await storage.delete(first, second)
        for pathname in (first, second):
            with pytest.raises(errors.Missing):
                await storage.get(pathname)

    async def test_deleting_twice_is_no_error(self) -> None:
        pathname = await put()
        await storage.delete(pathname)
        await storage.delete(pathname)
        await storage.delete()

    @pytest.mark.parametrize(
        "pathname",
        [
            "",
            "x",
            "/etc/passwd",
            "../secret",
            "local/../../secret",
            "local//x",
            "local/.x",
            "local/x\n",
            "лоток/x",
            "a/b?",
        ],
    )
    async def test_no_pathname_leads_out(self, pathname: str) -> None:
        with pytest.raises(errors.Missing):
            await storage.get(pathname)
        with pytest.raises(errors.Missing):
            await storage.delete(pathname)

    async def test_files_of_another_environment_are_not_deleted(self) -> None:
        with pytest.raises(errors.Denied):
            await storage.delete("production/card/2026/01/1-0000.jpg")

    async def test_two_at_once_do_not_mix(self) -> None:
        bodies = [bytes([n]) * 1000 for n in range(10)]
        names = await asyncio.gather(*map(put, bodies))
        assert await asyncio.gather(*map(storage.get, names)) == bodies


@pytest.mark.parametrize("kind", ["down", "500", "503", "html"])
async def test_a_failing_service_is_unavailable(service: blob.Blob, kind: str) -> None:
    pathname = await put()
    service.faults.now = Fault(kind)
    for call in (put(), storage.get(pathname), storage.delete(pathname)):
        with pytest.raises(errors.Unavailable) as caught:
            await call
        assert caught.value.code == "storage"


async def test_a_put_with_an_empty_answer_is_unavailable(service: blob.Blob) -> None:
    service.faults.now = Fault("nothing")
    with pytest.raises(errors.Unavailable):
        await put()


@pytest.mark.parametrize(("wish", "wait"), [(9, 9), (86_400, 3600), (10**15, 3600)])
async def test_the_wish_to_wait_is_handed_on(service: blob.Blob, wish: int, wait: int) -> None:
    service.faults.now = Fault("429", seconds=wish)
    with pytest.raises(errors.Unavailable) as caught:
        await put()
    assert caught.value.retry_after == timedelta(seconds=wait)


async def test_a_hanging_service_is_unavailable(service: blob.Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "DEADLINE", timedelta(milliseconds=50))
    service.faults.now = Fault("hang")
    with pytest.raises(errors.Unavailable):
        await put()


async def test_a_revoked_token_is_unavailable(service: blob.Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    url = config.get().blob_api_url
    use(monkeypatch, settings(BLOB_READ_WRITE_TOKEN=f"{TOKEN}x", VERCEL_BLOB_API_URL=url))
    with pytest.raises(errors.Unavailable):
        await put()


@pytest.mark.parametrize("token", ["", "secret", "vercel_blob_rw_"])
async def test_an_odd_token_is_a_setting_to_mend(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    use(monkeypatch, settings(BLOB_READ_WRITE_TOKEN=token))
    with pytest.raises(errors.Misconfigured, match="BLOB_READ_WRITE_TOKEN"):
        await put()


async def test_a_stored_blob_is_private_and_typed(service: blob.Blob) -> None:
    stored = service.store.find(await put())
    assert stored.content_type == "image/jpeg"
    async with fetch.Client() as stranger:
        address = f"{config.get().blob_api_url}/files/{service._host}/{stored.pathname}"
        assert (await stranger.get(address)).status_code == 403


async def test_connections_are_kept_from_call_to_call(service: blob.Blob) -> None:
    await fetch.close()
    for _ in range(3):
        await storage.get(await put())
    assert len(fetch.client()._transport._pool.connections) == 1  # type: ignore[attr-defined]


def test_downloads_go_to_vercel_unless_a_stand_in_is_named() -> None:
    url = "https://store1.private.blob.vercel-storage.com/local/card/x.jpg?a=1"
    assert storage._Blob(TOKEN, "")._address(url) == url
    ours = storage._Blob(TOKEN, "http://127.0.0.1:1/blob")
    assert ours._address(url) == "http://127.0.0.1:1/blob/files/store1.private.blob.vercel-storage.com/local/card/x.jpg"
    assert ours._address("http://127.0.0.1:1/blob?pathname=x") == "http://127.0.0.1:1/blob?pathname=x"


async def test_a_full_disk_is_unavailable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(errors.Unavailable):
        await put()


def test_nothing_is_left_beside_a_local_file(folder: Path) -> None:
    pathname = asyncio.run(put())
    assert [path for path in folder.rglob("*") if path.is_file()] == [folder / pathname]


def test_the_sdk_is_imported_on_first_use_only() -> None:
    code = "import sys, lib.storage; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"vercel.blob", "pydantic", "httpx2"} & set(loaded)
