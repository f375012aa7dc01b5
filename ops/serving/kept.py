"""The files of a folder of our own (STORAGE_TYPE=local), each by its own link; there is no list of them."""

from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from lib import links, storage

NAME = "files"  # what --only calls it, beside the functions
OVER = "Срок ссылки вышел: запросите данные в боте ещё раз.\nThis link has expired: ask the bot for your data again.\n"
# Somebody's own: no cache keeps it, and no page that follows learns the address.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def app() -> Starlette:
    """Return what answers below /files/."""
    return Starlette(routes=[Route("/files/{path:path}", _answer)])


async def _answer(request: Request) -> Response:
    ticket, _, pathname = request.path_params["path"].partition("/")
    verdict = links.check(ticket, pathname, datetime.now(UTC))
    if verdict == "over":
        return PlainTextResponse(OVER, 410, _HEADERS)
    path = storage.local_path(pathname) if verdict == "open" else None
    if path is None or not path.is_file():
        return PlainTextResponse("The page could not be found\n", 404, _HEADERS)
    return FileResponse(path, headers=_HEADERS, filename=path.name)
