"""Keeps every door of the local stack to this machine: pages of other sites reach loopback ports by a browser, too.

A Host that is neither loopback nor the tunnel's is DNS rebinding; an Origin that is not the Host is a page from
elsewhere. A link from elsewhere may open the simulator's page, and nothing else.
"""

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))


class LocalOnly:
    """Lets in requests from this machine's own pages and programs, and requests to one of `hosts`."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self.app = app
        self.hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        await (refusal or self.app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = headers.get("host", ""), headers.get("origin", "")
        name = _name(host)
        foreign = bool(origin) and _place(origin) != host
        link = scope["method"] == "GET" and scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
        across = headers.get("sec-fetch-site") == "cross-site" and name not in self.hosts and not link
        if name not in LOOPBACK | self.hosts or foreign or across:
            return _refuse(403, "foreign", "The local stack answers only to this machine's own pages and programs.")
        if "\0" in scope["path"]:  # no file, key or name here holds one, and the system calls refuse it
            return _refuse(400, "bad_path", "A path holds no %00.")
        return None


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _place(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _refuse(status: int, code: str, words: str) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": words}}, status)
