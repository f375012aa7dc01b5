"""An installation of stand-ins for the doctor and the wizard: a Telegram, and what answers at PUBLIC_URL and at KIE."""

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Mount, Route

from dev.telegram import World, bot_api
from tests.conftest import SETTINGS

TOKEN = SETTINGS["ADMIN_API_TOKEN"]
TOLD = {
    "ok": True,
    "redis": {"state": "available", "ms": 2.5},
    "database": {"state": "available", "ms": 7.5, "round_trip_ms": 1.5},
    "deployment": {"migration": "9999_newest", "secrets": {}},
}


async def _health(request):
    """Answer as api/health does."""
    if "authorization" not in request.headers:
        return JSONResponse({"ok": True, "redis": "available"}, headers={"x-vercel-id": "fra1::1"})
    if request.headers["authorization"] != f"Bearer {TOKEN}":
        return JSONResponse({"error": {"code": "denied"}}, 403)
    return JSONResponse(TOLD)


async def _credit(request):
    """Refuse a key as KIE.ai does: with 200."""
    return JSONResponse({"code": 401, "msg": "You do not have access permissions"})


async def _hello(request):
    return PlainTextResponse("hello")


def services(world: World) -> Starlette:
    """Return all that answers over HTTP."""
    return Starlette(
        routes=[
            Route("/api/health", _health),
            Route("/stranger/api/health", _hello),
            Route("/down/api/health", lambda request: PlainTextResponse("bad gateway", 502)),
            Route("/kie/api/v1/chat/credit", _credit),
            Mount("/telegram", bot_api(world)),
        ]
    )
