"""The branches on the simulator's page."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.neon.api import MAIN, Json, Neon, Refused, stamp
from lib import errors


class Panel:
    """What the simulator's page shows of the branches, and does with them: no key, no operations to wait for."""

    def __init__(self, service: Neon) -> None:
        self._service = service

    async def list(self, _: Request) -> Response:
        return await self._done(self._service.look)

    async def create(self, request: Request) -> Response:
        name = str((await request.json()).get("name") or "").strip()
        expires_at = stamp(self._service.clock() + timedelta(days=14))
        return await self._done(lambda: self._service.create(f"preview/{name}" if name else "", MAIN, expires_at))

    async def act(self, request: Request) -> Response:
        one, verb = request.path_params["id"], request.path_params["verb"]
        acts: dict[str, Callable[[], Awaitable[Json]]] = {
            "reset": lambda: self._service.restore(one, MAIN),
            "expire": lambda: self._service.expire(one),
            "protect": lambda: self._service.protect(one),
            "delete": lambda: self._service.delete(one),
        }
        return await self._done(acts.get(verb) or _no_verb)

    async def _done(self, work: Callable[[], Awaitable[Json]]) -> Response:
        try:
            async with self._service.turn:
                await work()
                return JSONResponse(await self._service.look())
        except Refused as error:
            return JSONResponse({"error": {"code": error.code or "refused", "message": str(error)}}, error.status)
        except errors.Unavailable as error:
            return JSONResponse({"error": {"code": "no_postgres", "message": str(error)}}, 503)


async def _no_verb() -> Json:
    raise Refused(404, "a branch is reset, expired, protected or deleted here")


def routes(service: Neon) -> list[Route]:
    """Return where the service and its panel are on the simulator's page."""
    panel = Panel(service)
    return [
        Route("/neon{path:path}", service),
        Route("/sim/branches", panel.list),
        Route("/sim/branches", panel.create, methods=["POST"]),
        Route("/sim/branches/{id}/{verb}", panel.act, methods=["POST"]),
    ]
