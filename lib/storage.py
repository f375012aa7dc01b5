"""Files that outlive a request: Vercel Blob, or a folder when STORAGE_TYPE=local. Only this imports vercel-blob.

Rows hold the pathname that `put` returns, {env}/{kind}/{yyyy}/{mm}/{job id}-{random}.{ext}, and never a URL. A pathname
is unique and is never written again: Blob's CDN may serve what it once held for a month.
"""

import asyncio
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from lib import config, errors, fetch, log, tally

if TYPE_CHECKING:
    from vercel.blob import BlobCredentials

DEADLINE = timedelta(seconds=60)
PIECE = 1 << 20  # bytes of a file that are in memory at a time

_PATHNAME = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)+[A-Za-z0-9_-][A-Za-z0-9._-]*")
_TOKEN = re.compile(r"vercel_blob_rw_([A-Za-z0-9]+)_[A-Za-z0-9_]+")


async def put(kind: str, data: bytes | Path, *, job_id: int | str, ext: str, content_type: str) -> str:
    """Store a job's file and return its pathname; one that lies on the disk goes there in pieces."""
    pathname = _pathname(kind, job_id, ext)
    log.count("storage")
    tally.spent("stored")
    await _backend().put(pathname, data, content_type)
    return pathname


async def get(pathname: str) -> bytes:
    """Return a stored file; raise Missing when there is none."""
    _require_pathname(pathname)
    log.count("storage")
    return await _backend().get(pathname)


async def delete(*pathnames: str) -> None:
    """Delete files; one that is gone already is no error. Those of another environment are refused."""
    for pathname in pathnames:
        _require_pathname(pathname)
        # A preview's database is a copy of production's, and so names production's files.
        if not pathname.startswith(f"{config.get().key_prefix}/"):
            raise errors.Denied("file_of_another_environment", pathname)
    if pathnames:
        log.count("storage")
        await _backend().delete(pathnames)


def local_path(pathname: str) -> Path | None:
    """Return where a file lies on this machine's disk; None for what is no pathname, and for files in Blob."""
    settings = config.get()
    if settings.storage_type != "local" or not _PATHNAME.fullmatch(pathname):
        return None
    return Path(settings.storage_path) / pathname


def _pathname(kind: str, job_id: int | str, ext: str) -> str:
    month = datetime.now(UTC).strftime("%Y/%m")
    return f"{config.get().key_prefix}/{kind}/{month}/{job_id}-{secrets.token_hex(8)}.{ext}"


def _require_pathname(pathname: str) -> None:
    if not _PATHNAME.fullmatch(pathname):
        raise errors.Missing("no_file", f"{pathname[:100]!r} is no pathname")


class _Backend(Protocol):
    async def put(self, pathname: str, data: bytes | Path, content_type: str) -> None: ...
    async def get(self, pathname: str) -> bytes: ...
    async def delete(self, pathnames: tuple[str, ...]) -> None: ...


def _backend() -> _Backend:
    settings = config.get()
    if settings.storage_type == "local":
        return _LocalFolder(Path(settings.storage_path))
    return _Blob(settings.blob_token, settings.blob_api_url.rstrip("/"))


@dataclass(frozen=True)
class _LocalFolder:
    root: Path

    async def put(self, pathname: str, data: bytes | Path, content_type: str) -> None:
        with _local_errors(pathname):
            await asyncio.to_thread(self._write, self.root / pathname, data)

    async def get(self, pathname: str) -> bytes:
        with _local_errors(pathname):
            return await asyncio.to_thread((self.root / pathname).read_bytes)

    async def delete(self, pathnames: tuple[str, ...]) -> None:
        for pathname in pathnames:
            with _local_errors(pathname):
                await asyncio.to_thread((self.root / pathname).unlink, missing_ok=True)

    def _write(self, path: Path, data: bytes | Path) -> None:
        """Write aside, then link: a reader sees the whole file or none, and an existing one stays as it is."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            if isinstance(data, Path):
                shutil.copyfile(data, aside)
            else:
                aside.write_bytes(data)
            os.link(aside, path)
        finally:
            aside.unlink(missing_ok=True)


@contextmanager
def _local_errors(pathname: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise errors.Missing("no_file", pathname) from None
    except FileExistsError:
        raise errors.Conflict("file_exists", pathname) from None
    except OSError as error:
        raise errors.Unavailable("storage", f"{pathname}: {error}") from error


@dataclass(frozen=True)
class _Blob:
    """A private store. vercel-blob is imported on first use: 130 ms that only a worker pays."""

    token: str
    api_url: str

    async def put(self, pathname: str, data: bytes | Path, content_type: str) -> None:
        async with self._session(pathname):
            from vercel import blob

            if isinstance(data, bytes):
                await blob.put_blob(pathname, data, access="private", content_type=content_type)
            else:
                size = (await asyncio.to_thread(data.stat)).st_size
                pieces = _pieces(data)
                await blob.put_blob(pathname, pieces, access="private", content_type=content_type, content_length=size)

    async def get(self, pathname: str) -> bytes:
        async with self._session(pathname):
            from vercel import blob

            return (await blob.get_blob(pathname, access="private")).body

    async def delete(self, pathnames: tuple[str, ...]) -> None:
        async with self._session(pathnames[0]):
            from vercel import blob

            await blob.delete_blob(pathnames)

    @asynccontextmanager
    async def _session(self, pathname: str) -> AsyncIterator[None]:
        from vercel.api import session
        from vercel.blob import BlobServiceOptions

        options = BlobServiceOptions(base_url=self.api_url or None, credentials_factory=self._credentials())
        context = session(
            service_options=[options],
            httpx_client_factory=lambda: fetch.lent(self._address, DEADLINE),  # type: ignore[arg-type]
        )
        with _blob_errors(pathname):
            async with asyncio.timeout(DEADLINE.total_seconds()), context:
                yield

    def _credentials(self) -> "Callable[[], BlobCredentials]":
        from vercel.blob import BlobCredentials

        found = _TOKEN.fullmatch(self.token)
        if not found:
            raise errors.Misconfigured(detail="BLOB_READ_WRITE_TOKEN must look like vercel_blob_rw_<store>_<secret>")
        return lambda: BlobCredentials(self.token, found[1])

    def _address(self, url: str) -> str:
        """Lead downloads to the stand-in as well: the SDK takes its base address for everything but these."""
        parts = urlsplit(url)
        if not self.api_url or not (parts.hostname or "").endswith(".blob.vercel-storage.com"):
            return url
        return f"{self.api_url}/files/{parts.hostname}{parts.path}"


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, PIECE):
            yield piece


@contextmanager
def _blob_errors(pathname: str) -> Iterator[None]:
    from vercel import blob

    try:
        yield
    except blob.BlobNotFoundError:
        raise errors.Missing("no_file", pathname) from None
    except Exception as error:  # a download that breaks off raises what the HTTP library raised
        if isinstance(error, blob.BlobError) and "already exists" in str(error):
            raise errors.Conflict("file_exists", pathname) from error
        seconds = getattr(error, "retry_after", 0)
        wait = timedelta(seconds=min(seconds, fetch.LONGEST_WAIT.total_seconds())) if seconds else None
        raise errors.Unavailable("storage", f"{pathname}: {type(error).__name__} {error}", wait) from error
