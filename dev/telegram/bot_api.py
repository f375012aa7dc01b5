"""The Bot API over HTTP: /bot<token>/<method> and /file/bot<token>/<path>, with Telegram's answers and faults."""

import asyncio
import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from dev.telegram import faults, wire
from dev.telegram.methods import METHODS
from dev.telegram.methods.asked import Asked
from dev.telegram.records import Bot, Call, Json, Refused
from dev.telegram.world import World


def bot_api(world: World) -> Starlette:
    """Return the app to mount where TELEGRAM_API_URL points."""

    async def method(request: Request) -> Response:
        return await _method(world, request)

    async def file(request: Request) -> Response:
        return _file(world, request)

    async def reply(bot: Bot, wish: Json) -> None:
        name = wish.pop("method")
        if not name.lower().startswith(("get", "setwebhook", "deletewebhook", "close", "logout")):
            await run(world, bot, name, wire.Params(wish))

    world.on_reply = reply
    return Starlette(
        routes=[
            Route("/bot{token}/{method}", method, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", file, methods=["GET"]),
        ],
    )


async def run(world: World, bot: Bot, name: str, params: wire.Params) -> tuple[Call, Response]:
    """Carry out one call, faults included, and write down how it went."""
    handler = METHODS.get(name.lower())
    asked = Asked(world, bot, params, world.open_call(bot, name, params.shown(), _user_of(world, bot, params)))
    call, started = asked.call, time.perf_counter()
    fault = world.faults.take(bot.name, name, call.user_id)
    try:
        if fault:
            call.fault = fault.kind
            world.tell_faults()
            fault.refuse()
        call.problems = world.spec.check(name, params.values, set(params.uploads))
        if handler is None:
            raise Refused(404, "Not Found: method not found")
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind in ("500", "timeout"):
            call.status, call.error = (500, "Internal Server Error") if fault.kind == "500" else (0, "no answer")
        else:
            call.result, call.status = await handler(asked), 200
        answer = _answer(call, fault)
    except Refused as refusal:
        call.status, call.error = refusal.code, refusal.description
        body: dict[str, Any] = {"ok": False, "error_code": refusal.code, "description": refusal.description}
        answer = JSONResponse(body | ({"parameters": refusal.parameters} if refusal.parameters else {}), refusal.code)
    call.ms = round((time.perf_counter() - started) * 1000, 1)
    world.close_call(call)
    return call, answer


def _answer(call: Call, fault: faults.Fault | None) -> Response:
    if fault and fault.kind in ("timeout", "timeout_after"):
        return _Silence(fault.seconds)
    if call.status == 500:
        return HTMLResponse(faults.HTML, 500)
    return JSONResponse({"ok": True, "result": call.result})


async def _method(world: World, request: Request) -> Response:
    bot = world.bot_by_token(request.path_params["token"])
    if bot is None:
        return _error(401, "Unauthorized")
    try:
        params = await wire.read(request)
    except Refused as refusal:
        return _error(refusal.code, refusal.description)
    _, answer = await run(world, bot, request.path_params["method"], params)
    return answer


def _file(world: World, request: Request) -> Response:
    bot = world.bot_by_token(request.path_params["token"])
    found = world.files.linked(bot, request.path_params["path"], world.clock()) if bot else None
    if found is None:
        return _error(404 if bot else 401, "Not Found" if bot else "Unauthorized")
    return Response(found[1], media_type="application/octet-stream")


def _error(code: int, words: str) -> Response:
    return JSONResponse({"ok": False, "error_code": code, "description": words}, code)


def _user_of(world: World, bot: Bot, params: wire.Params) -> int | None:
    """Return the chat a call is about: named in it, or that of the press, payment or file it names."""
    for name in ("chat_id", "user_id"):
        if str(params.values.get(name, "")).lstrip("-").isdigit():
            return int(params.values[name])
    press = world.presses.get(params.text("callback_query_id"))
    checkout = world.checkouts.get(params.text("pre_checkout_query_id"))
    if press or checkout:
        return (press or checkout).user_id  # type: ignore[union-attr]
    try:
        return world.files.find(bot, params.text("file_id")).user_id
    except Refused:
        return None


class _Silence(Response):
    """No answer: the line stays open until the client gives up or the time is over, then it is cut."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self.seconds):
                while (await receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            # A body shorter than announced: the server can only close the connection.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
