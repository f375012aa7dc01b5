"""Vercel Blob's wire protocol over a folder, with its rules and, on demand, its failures.

    PUT  ?pathname=P              store; ?fromUrl=S copies    GET ?url=P         one blob's facts
    POST /delete {"urls": [..]}   delete                      GET ?prefix=&...   list
    POST /mpu?pathname=P          upload in parts             GET /files/HOST/P  download

The SDK downloads from https://<store>.<access>.blob.vercel-storage.com and accepts no other address, so answers hold
such addresses, and the product leads its downloads to /files/<that host>/ when VERCEL_BLOB_API_URL is set.
"""

import base64
import hashlib
import hmac
import json
import mimetypes
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from dev.faults import Faults

PART_MINIMUM = 5 * 1024 * 1024

_DOMAIN = ".blob.vercel-storage.com"
_EXISTS = "This blob already exists, use `allowOverwrite: true` if you want to overwrite it."


class Refused(Exception):
    """An answer other than success: a status and the service's code for it."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


NOT_FOUND = Refused(404, "not_found", "The requested blob does not exist")
DENIED = Refused(403, "forbidden", "Access denied, please provide a valid token for this resource.")


@dataclass(frozen=True)
class Stored:
    """The store's facts about one blob, besides its bytes."""

    pathname: str
    size: int
    etag: str
    content_type: str
    uploaded_at: str
    max_age: int


class Store:
    """Blobs in a folder: the bytes, and beside them a JSON file with the facts. Names are hashes: paths may be long."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, stored: Stored, data: bytes) -> None:
        path = self._path(stored.pathname)
        path.with_suffix(".bin").write_bytes(data)
        path.with_suffix(".json").write_text(json.dumps(asdict(stored), ensure_ascii=False), encoding="utf-8")

    def find(self, pathname: str) -> Stored:
        try:
            return Stored(**json.loads(self._path(pathname).with_suffix(".json").read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise NOT_FOUND from None

    def has(self, pathname: str) -> bool:
        return self._path(pathname).with_suffix(".json").exists()

    def read(self, pathname: str) -> bytes:
        return self._path(pathname).with_suffix(".bin").read_bytes()

    def remove(self, pathname: str) -> None:
        for suffix in (".json", ".bin"):
            self._path(pathname).with_suffix(suffix).unlink(missing_ok=True)

    def all(self) -> Iterator[Stored]:
        for path in self._folder.glob("*.json"):
            yield Stored(**json.loads(path.read_text(encoding="utf-8")))

    def _path(self, pathname: str) -> Path:
        return self._folder / hashlib.sha256(pathname.encode()).hexdigest()


def app(folder: Path, token: str, *, access: str = "private") -> "Blob":
    """Return the service over a folder; mount it as `Route("/blob{path:path}", app)`."""
    return Blob(folder, token, access)


class Blob:
    """The service as an ASGI app; `faults.now` is how it fails, `requests` counts what it was asked."""

    def __init__(self, folder: Path, token: str, access: str) -> None:
        self.faults = Faults()
        self.requests = 0
        self.store = Store(folder)
        self._token = token
        self._access = access
        self._host = f"{token.split('_')[3].lower()}.{access}{_DOMAIN}"
        self._uploads: dict[str, dict[int, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        if await self.faults.strike(scope, receive, send):
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Refused as refusal:
            error = {"code": refusal.code, "message": str(refusal)}
            response = JSONResponse({"error": error}, refusal.status)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = _path(request)
        if path.startswith("files/"):
            return self._download(request, *path.removeprefix("files/").split("/", 1))
        if not self._knows(request):
            raise DENIED
        routes: Mapping[tuple[str, str], Callable[[Request, bytes], dict[str, Any]]] = {
            ("PUT", ""): self._copy if "fromUrl" in request.query_params else self._put,
            ("GET", ""): self._head if "url" in request.query_params else self._list,
            ("POST", "delete"): self._delete,
            ("POST", "mpu"): self._multipart,
        }
        if (request.method, path) not in routes:
            raise Refused(404, "not_found", "No such operation")
        return JSONResponse(routes[request.method, path](request, await request.body()))

    def _knows(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and hmac.compare_digest(given.encode(), self._token.encode())

    def _download(self, request: Request, host: str, pathname: str = "") -> Response:
        if host != self._host:
            raise Refused(404, "store_not_found", "This store does not exist.")
        if self._access == "private" and not self._knows(request):
            raise DENIED
        stored = self.store.find(pathname)
        headers = {
            "ETag": stored.etag,
            "Cache-Control": f"{self._access}, max-age={stored.max_age}",
            "Content-Disposition": _disposition(pathname),
            "Last-Modified": format_datetime(datetime.fromisoformat(stored.uploaded_at), usegmt=True),
        }
        return Response(self.store.read(pathname), headers=headers, media_type=stored.content_type)

    def _put(self, request: Request, body: bytes) -> dict[str, Any]:
        return self._save(request, self._target(request), body)

    def _copy(self, request: Request, _: bytes) -> dict[str, Any]:
        source = self.store.find(_named(request.query_params["fromUrl"]))
        _require_match(request, source)
        return self._save(request, self._target(request), self.store.read(source.pathname), source.content_type)

    def _head(self, request: Request, _: bytes) -> dict[str, Any]:
        stored = self.store.find(_named(request.query_params["url"]))
        facts = {"size": stored.size, "uploadedAt": stored.uploaded_at, "cacheControl": f"max-age={stored.max_age}"}
        return self._described(stored) | facts

    def _list(self, request: Request, _: bytes) -> dict[str, Any]:
        query = request.query_params
        prefix, limit = query.get("prefix", ""), int(query.get("limit", 1000))
        after = base64.urlsafe_b64decode(query.get("cursor", "")).decode()
        names = {stored.pathname: stored for stored in self.store.all() if stored.pathname.startswith(prefix)}
        if query.get("mode") == "folded":
            names = _folded(names, prefix)  # type: ignore[assignment]
        found = sorted(name for name in names if name > after)
        page = found[:limit]
        more = len(found) > limit
        answer: dict[str, Any] = {
            "blobs": [self._listed(names[name]) for name in page if names[name] is not None],
            "folders": [name for name in page if names[name] is None],
            "hasMore": more,
        }
        return answer | ({"cursor": base64.urlsafe_b64encode(page[-1].encode()).decode()} if more else {})

    def _delete(self, request: Request, body: bytes) -> dict[str, Any]:
        names = [_named(url) for url in json.loads(body)["urls"]]
        if not 1 <= len(names) <= 1000:
            raise Refused(400, "bad_request", "urls must hold 1 to 1000 entries")
        if "x-if-match" in request.headers:
            _require_match(request, self.store.find(names[0]))
        for name in names:
            self.store.remove(name)
        return {}

    def _multipart(self, request: Request, body: bytes) -> dict[str, Any]:
        action, upload = request.headers.get("x-mpu-action"), request.headers.get("x-mpu-upload-id", "")
        if action == "create":
            upload = secrets.token_hex(8)
            self._uploads[upload] = {}
            return {"key": self._target(request), "uploadId": upload}
        if upload not in self._uploads:
            raise Refused(404, "not_found", "No such upload")
        if action == "upload":
            self._uploads[upload][int(request.headers["x-mpu-part-number"])] = body
            return {"etag": _etag(body)}
        return self._complete(request, self._uploads.pop(upload), json.loads(body))

    def _complete(self, request: Request, got: dict[int, bytes], named: list[dict[str, Any]]) -> dict[str, Any]:
        parts = [got.get(part["partNumber"], b"") for part in named]
        if [_etag(part) for part in parts] != [part["etag"] for part in named]:
            raise Refused(400, "bad_request", "a part is missing or another than was uploaded")
        if any(len(part) < PART_MINIMUM for part in parts[:-1]):
            raise Refused(400, "bad_request", "every part but the last must have 5 MiB or more")
        return self._save(request, unquote(request.headers["x-mpu-key"]), b"".join(parts))

    def _target(self, request: Request) -> str:
        pathname = request.query_params.get("pathname", "")
        if (access := request.headers.get("x-vercel-blob-access", "public")) != self._access:
            raise Refused(400, "bad_request", f"Cannot use {access} access on a {self._access} store")
        if not 0 < len(pathname) <= 950 or "//" in pathname:
            raise Refused(400, "bad_request", "pathname is empty, too long or holds //")
        if request.headers.get("x-add-random-suffix") == "1":
            path = Path(pathname)
            pathname = str(path.with_name(f"{path.stem}-{secrets.token_urlsafe(22)}{path.suffix}"))
        if request.headers.get("x-allow-overwrite") != "1" and self.store.has(pathname):
            raise Refused(400, "bad_request", _EXISTS)
        return pathname

    def _save(self, request: Request, pathname: str, data: bytes, content_type: str = "") -> dict[str, Any]:
        guess = content_type or mimetypes.guess_type(pathname)[0] or "application/octet-stream"
        stored = Stored(
            pathname,
            len(data),
            _etag(data),
            request.headers.get("x-content-type", guess),
            datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            int(request.headers.get("x-cache-control-max-age", 30 * 24 * 3600)),
        )
        self.store.write(stored, data)
        return self._described(stored)

    def _described(self, stored: Stored) -> dict[str, Any]:
        address = f"https://{self._host}/{quote(stored.pathname)}"
        return {
            "url": address,
            "downloadUrl": f"{address}?download=1",
            "pathname": stored.pathname,
            "contentType": stored.content_type,
            "contentDisposition": _disposition(stored.pathname),
            "etag": stored.etag,
        }

    def _listed(self, stored: Stored) -> dict[str, Any]:
        return self._described(stored) | {"size": stored.size, "uploadedAt": stored.uploaded_at}


def _path(request: Request) -> str:
    """Return what follows the address that the app is mounted at."""
    if "path" in request.path_params:
        return str(request.path_params["path"]).strip("/")
    return str(request.scope["path"]).removeprefix(request.scope.get("root_path", "")).strip("/")


def _named(url: str) -> str:
    return unquote(urlsplit(url).path).lstrip("/") if url.startswith("https://") else url


def _folded(names: Mapping[str, Stored], prefix: str) -> dict[str, Stored | None]:
    """Return the blobs right below the prefix, and None for each folder there."""
    folded: dict[str, Stored | None] = {}
    for name, stored in names.items():
        folder, slash, _ = name[len(prefix) :].partition("/")
        folded[prefix + folder + slash] = None if slash else stored
    return folded


def _require_match(request: Request, stored: Stored) -> None:
    if request.headers.get("x-if-match", stored.etag) != stored.etag:
        raise Refused(412, "precondition_failed", "Precondition failed: ETag mismatch.")


def _disposition(pathname: str) -> str:
    return f'inline; filename="{quote(Path(pathname).name)}"'


def _etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
