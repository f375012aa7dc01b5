"""Keeps the simulator to this machine: pages of other sites reach loopback ports too, by their visitors' browsers.

A Host that is not loopback is DNS rebinding; an Origin that is not the Host is a page from elsewhere.
"""

from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class LocalOnly:
    """Lets in only what comes from this machine's own pages and programs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode().lower(): value.decode("latin-1") for name, value in scope.get("headers", [])}
        host, origin = headers.get("host", ""), headers.get("origin", "")
        foreign = origin and urlsplit(origin).netloc != host
        if urlsplit(f"//{host}").hostname not in LOOPBACK or foreign or headers.get("sec-fetch-site") == "cross-site":
            words = "The simulator answers only to this machine's own pages and programs."
            refusal = JSONResponse({"error": {"code": "foreign", "message": words}}, 403)
            await refusal(scope, receive, send)
            return
        await self.app(scope, receive, send)
