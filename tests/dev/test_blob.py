"""The stand-in keeps the wire protocol of Vercel Blob, seen by the real SDK."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from vercel import blob as sdk
from vercel.api import session

from dev import blob, serving
from dev.faults import Fault

TOKEN = "vercel_blob_rw_StOrE1_secretSecret"
PART = blob.PART_MINIMUM


class _ToStandIn(httpx2.AsyncHTTPTransport):
    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.host.endswith(".blob.vercel-storage.com"):
            request.url = httpx2.URL(f"{self._url}/files/{request.url.host}{request.url.path}")
            request.headers["Host"] = request.url.netloc.decode()
        return await super().handle_async_request(request)


@pytest.fixture(scope="module")
async def blob_at(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[blob.Blob, str]]:
    app = blob.app(tmp_path_factory.mktemp("blob"), TOKEN)
    async with serving.serve(Starlette(routes=[Route("/blob{path:path}", app)])) as address:
        yield app, f"{address}/blob"


@pytest.fixture
async def service(blob_at: tuple[blob.Blob, str]) -> blob.Blob:
    """An empty store in good health."""
    app, _ = blob_at
    app.faults.now = None
    for stored in list(app.store.all()):
        app.store.remove(stored.pathname)
    return app


@pytest.fixture
def url(blob_at: tuple[blob.Blob, str], service: blob.Blob) -> str:
    return blob_at[1]


def connected(url: str, token: str = TOKEN):
    options = sdk.BlobServiceOptions(base_url=url, credentials_factory=lambda: sdk.BlobCredentials(token, "StOrE1"))
    return session(
        service_options=[options], httpx_client_factory=lambda: httpx2.AsyncClient(transport=_ToStandIn(url))
    )


async def test_put_and_get(url: str) -> None:
    async with connected(url):
        put = await sdk.put_blob("кот/a b.png", b"data", access="private", content_type="image/png")
        assert put.url == "https://store1.private.blob.vercel-storage.com/%D0%BA%D0%BE%D1%82/a%20b.png"
        assert (put.pathname, put.content_type) == ("кот/a b.png", "image/png")
        for address in (put.pathname, put.url):
            got = await sdk.get_blob(address, access="private")
            assert got.body == b"data"
            assert (got.metadata.size, got.metadata.etag) == (4, put.etag)
            assert got.metadata.content_type == "image/png"
            assert got.metadata.last_modified is not None


async def test_head_tells_the_facts(url: str) -> None:
    async with connected(url):
        put = await sdk.put_blob("a.txt", b"data", access="private", cache_control_max_age=60)
        head = await sdk.head_blob("a.txt")
    assert (head.size, head.etag, head.url, head.cache_control) == (4, put.etag, put.url, "max-age=60")
    assert head.content_type == "text/plain"
    assert abs((datetime.now(UTC) - head.uploaded_at).total_seconds()) < 60


async def test_a_path_is_written_once_unless_asked(url: str) -> None:
    async with connected(url):
        await sdk.put_blob("a.txt", b"1", access="private")
        with pytest.raises(sdk.BlobError, match="already exists"):
            await sdk.put_blob("a.txt", b"2", access="private")
        await sdk.put_blob("a.txt", b"3", access="private", allow_overwrite=True)
        assert (await sdk.get_blob("a.txt", access="private")).body == b"3"


async def test_a_random_suffix_makes_it_another_path(url: str) -> None:
    async with connected(url):
        first = await sdk.put_blob("x/a.txt", b"1", access="private", add_random_suffix=True)
        second = await sdk.put_blob("x/a.txt", b"2", access="private", add_random_suffix=True)
    assert first.pathname != second.pathname
    assert first.pathname.startswith("x/a-")
    assert first.pathname.endswith(".txt")


async def test_what_is_not_there(url: str) -> None:
    async with connected(url):
        with pytest.raises(sdk.BlobNotFoundError):
            await sdk.get_blob("none", access="private")
        with pytest.raises(sdk.BlobNotFoundError):
            await sdk.head_blob("none")
        with pytest.raises(sdk.BlobNotFoundError):
            await sdk.copy_blob("none", "other", access="private")


async def test_copy_checks_the_etag(url: str) -> None:
    async with connected(url):
        put = await sdk.put_blob("a.txt", b"1", access="private")
        await sdk.copy_blob("a.txt", "b.txt", access="private", if_match=put.etag)
        await sdk.copy_blob(put.url, "c.txt", access="private")
        assert (await sdk.get_blob("c.txt", access="private")).body == b"1"
        with pytest.raises(sdk.BlobPreconditionFailedError):
            await sdk.copy_blob("a.txt", "d.txt", access="private", if_match='"other"')


async def test_delete_takes_many_and_minds_none_missing(url: str) -> None:
    async with connected(url):
        put = await sdk.put_blob("a.txt", b"1", access="private")
        await sdk.put_blob("b.txt", b"1", access="private")
        await sdk.delete_blob([put.url, "b.txt", "never.txt"])
        assert [found async for found in sdk.query_blobs()] == []


async def test_delete_checks_the_etag(url: str) -> None:
    async with connected(url):
        put = await sdk.put_blob("a.txt", b"1", access="private")
        with pytest.raises(sdk.BlobPreconditionFailedError):
            await sdk.delete_blob("a.txt", if_match='"other"')
        await sdk.delete_blob("a.txt", if_match=put.etag)


async def test_list_turns_the_pages(url: str) -> None:
    async with connected(url):
        for n in range(7):
            await sdk.put_blob(f"list/{n}.txt", b"1", access="private")
        await sdk.put_blob("other.txt", b"1", access="private")
        found = [found.pathname async for found in sdk.query_blobs(prefix="list/", page_size=3)]
    assert found == [f"list/{n}.txt" for n in range(7)]


async def test_list_folds_folders(url: str) -> None:
    async with connected(url):
        for pathname in ("f/a.txt", "f/x/1.txt", "f/x/2.txt", "f/y/z/3.txt"):
            await sdk.put_blob(pathname, b"1", access="private")
        found = [entry async for entry in sdk.query_blob_entries(prefix="f/")]
    assert {getattr(entry, "pathname", None) or entry.prefix for entry in found} == {"f/a.txt", "f/x/", "f/y/"}


async def test_an_upload_in_parts(url: str) -> None:
    async with connected(url):
        async with sdk.multipart_upload_blob("big.bin", access="private") as upload:
            await upload.upload_part(b"a" * PART)
            await upload.upload_part(b"b" * 10)
        assert (await sdk.get_blob("big.bin", access="private")).body == b"a" * PART + b"b" * 10


async def test_the_access_must_be_the_stores(url: str) -> None:
    async with connected(url):
        with pytest.raises(sdk.BlobError):
            await sdk.put_blob("a.txt", b"1", access="public")


async def test_another_token_is_denied(url: str) -> None:
    async with connected(url, f"{TOKEN}x"):
        for call in (
            sdk.put_blob("a.txt", b"1", access="private"),
            sdk.head_blob("a.txt"),
            sdk.delete_blob("a.txt"),
            sdk.get_blob("a.txt", access="private"),
        ):
            with pytest.raises(sdk.BlobAccessError):
                await call


async def test_a_public_store_serves_anyone(tmp_path: Path) -> None:
    app = blob.app(tmp_path, TOKEN, access="public")
    async with (
        serving.serve(Starlette(routes=[Route("/blob{path:path}", app)])) as address,
        connected(f"{address}/blob"),
        httpx.AsyncClient(verify=False) as stranger,
    ):
        await sdk.put_blob("a.txt", b"1", access="public")
        answer = await stranger.get(f"{address}/blob/files/store1.public.blob.vercel-storage.com/a.txt")
    assert (answer.status_code, answer.content) == (200, b"1")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("down", sdk.BlobUnknownError),
        ("500", sdk.BlobUnknownError),
        ("503", sdk.BlobServiceNotAvailable),
        ("429", sdk.BlobServiceRateLimited),
        ("html", sdk.BlobUnknownError),
        ("nothing", sdk.BlobStreamError),
    ],
)
async def test_a_fault_reaches_the_sdk_and_passes(
    service: blob.Blob, url: str, kind: str, error: type[Exception]
) -> None:
    service.faults.now = Fault(kind, times=1)
    async with connected(url):
        with pytest.raises(error):
            await sdk.put_blob("a.txt", b"1", access="private")
        await sdk.put_blob("a.txt", b"1", access="private")


async def test_blobs_outlive_the_stand_in(tmp_path: Path) -> None:
    for _ in range(2):
        app = blob.app(tmp_path, TOKEN)
        async with (
            serving.serve(Starlette(routes=[Route("/blob{path:path}", app)])) as address,
            connected(f"{address}/blob"),
        ):
            if not app.store.has("a.txt"):
                await sdk.put_blob("a.txt", b"1", access="private")
            assert (await sdk.get_blob("a.txt", access="private")).body == b"1"
