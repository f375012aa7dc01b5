"""The simulator's own HTTP API: people act in chats, everything that happened can be read, faults can be ordered.

docs/simulator.md describes it.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dev.generation.faults import Faults
from dev.telegram import downloads, people, shown, till
from dev.telegram.hooks import Hooks
from dev.telegram.people import Act, Person
from dev.telegram.records import CannotAct, Json
from dev.telegram.wire import Upload
from dev.telegram.world import World

WAIT_SECONDS = 30.0

type Handler = Callable[[World, Request], Awaitable[Any]]


def control_api(world: World, hooks: Hooks | None = None) -> Starlette:
    """Return the app to mount at /sim; `hooks` connect it with the stack."""
    world.hooks = hooks or world.hooks

    def route(path: str, handler: Handler, method: str = "GET") -> Route:
        async def endpoint(request: Request) -> Response:
            answer = await handler(world, request)
            return answer if isinstance(answer, Response) else JSONResponse(answer)

        return Route(path, endpoint, methods=[method])

    return Starlette(
        routes=[route(path, handler, method) for method, path, handler in ROUTES],
        exception_handlers={
            CannotAct: _refuse,
            HTTPException: _no_route,
            ValueError: _bad_value,
            TypeError: _bad_value,
        },
    )


async def state(world: World, request: Request) -> Json:
    return await shown.state(world)


async def add_user(world: World, request: Request) -> Json:
    wish = await _json(request)
    return world.add_user(
        str(wish.get("first_name") or "Гость"),
        user_id=int(wish.get("id") or 0),
        username=str(wish.get("username") or ""),
        language_code=str(wish.get("language_code", "ru")),
    )


async def chats(world: World, request: Request) -> list[Json]:
    return shown.chats(world)


async def chat(world: World, request: Request) -> Json:
    person = _person(world, request)
    return shown.chat(world, person.chat, int(request.query_params.get("last") or 0))


async def text(world: World, request: Request) -> Json:
    wish, person = await _json(request), _person(world, request)
    return await _done(world, request, person.text(str(wish.get("text", "")), int(wish.get("reply_to") or 0)))


async def upload(world: World, request: Request) -> Json:
    person = _person(world, request)
    async with request.form(max_part_size=people.UPLOAD_LIMIT) as form:
        parts = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
        files = [Upload(one.filename or "", one.content_type or "", await one.read()) for one in parts]
        kind, caption = str(form.get("as") or "photo"), str(form.get("caption") or "")
    return await _done(world, request, await person.upload(files, kind, caption))


async def press(world: World, request: Request) -> Json:
    wish, person = await _json(request), _person(world, request)
    act = person.press(int(wish.get("message_id") or 0), str(wish.get("data", "")), old=bool(wish.get("old")))
    return await _done(world, request, act)


async def contact(world: World, request: Request) -> Json:
    return await _done(world, request, _person(world, request).contact())


async def edit(world: World, request: Request) -> Json:
    wish, person = await _json(request), _person(world, request)
    return await _done(world, request, person.edit(int(wish.get("message_id") or 0), str(wish.get("text", ""))))


async def pay(world: World, request: Request) -> Json:
    """Pay; with ?wait=1 the answer tells how it ended."""
    wish, person = await _json(request), _person(world, request)
    act, checkout = till.open_checkout(person, int(wish.get("message_id") or 0), str(wish.get("link") or ""))
    lost = bool(wish.get("lost"))
    if not _waits(request):
        world.chore(till.finish(person, checkout, lost=lost))
        return await _done(world, request, act)
    paid, outcome = await till.finish(person, checkout, lost=lost)
    both = Act(act.updates + paid.updates, paid.posted or act.posted)
    return {**await _done(world, request, both), "payment": outcome}


async def stop(world: World, request: Request) -> Json:
    return await _done(world, request, _person(world, request).stop())


async def block(world: World, request: Request) -> Json:
    return await _done(world, request, _person(world, request).block(blocked=True))


async def unblock(world: World, request: Request) -> Json:
    return await _done(world, request, _person(world, request).block(blocked=False))


async def raw(world: World, request: Request) -> Json:
    return await _done(world, request, _person(world, request).raw(await _json(request)))


async def trace(world: World, request: Request) -> Json:
    return await shown.trace(world, shown.find_update(world, **request.path_params))


async def replay(world: World, request: Request) -> Json:
    """Send an update again; answer when the webhook has answered them all."""
    wish, record = await _json(request), shown.find_update(world, **request.path_params)
    times, together = min(max(int(wish.get("times") or 1), 1), 50), bool(wish.get("together"))
    return {
        "update_id": record.update_id,
        "attempts": await world.delivery.replay(record, times, together=together),
    }


async def calls(world: World, request: Request) -> list[Json]:
    bot, after = request.query_params.get("bot"), int(request.query_params.get("after") or 0)
    return [one.doc() for one in world.calls.values() if one.id > after and bot in (None, "", one.bot)]


async def events(world: World, request: Request) -> Response:
    last = request.headers.get("last-event-id") or request.query_params.get("after")
    stream = _stream(world, int(last) if last else world.feed.seq)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _stream(world: World, after: int) -> AsyncIterator[str]:
    yield "retry: 1000\n\n"
    async for event in world.feed.follow(after):
        body = json.dumps(event, ensure_ascii=False, default=str) if event else ""
        yield f"id: {event['seq']}\ndata: {body}\n\n" if event else ": still here\n\n"


async def add_fault(world: World, request: Request) -> Json:
    wish = await _json(request)
    if wish.get("part"):
        try:
            faults = _faults_of(world, str(wish["part"]))
            return vars(faults.add(str(wish.get("kind")), int(wish.get("times") or 1), float(wish.get("seconds") or 0)))
        except ValueError as error:
            raise CannotAct("bad_fault", str(error)) from error
    fault = world.faults.add(wish)
    world.tell_faults()
    return {**vars(fault)}


async def clear_faults(world: World, request: Request) -> Json:
    """Remove all, or those of one part and kind."""
    part, kind = request.query_params.get("part", ""), request.query_params.get("kind", "")
    if part:
        _faults_of(world, part).clear(kind)
    else:
        world.faults.clear()
        for faults in world.hooks.faults.values():
            faults.clear()
    world.tell_faults()
    return {"faults": world.all_faults()}


def _faults_of(world: World, part: str) -> Faults:
    try:
        return world.hooks.faults[part]
    except KeyError:
        raise CannotAct("bad_fault", f"No stand-in called {part} can fail here.") from None


async def queue(world: World, request: Request) -> Json:
    return await world.hooks.queue()


async def tick(world: World, request: Request) -> Json:
    return await world.hooks.tick()


async def part(world: World, request: Request) -> Json:
    try:
        return await world.hooks.part(request.path_params["name"], request.path_params["verb"])
    except LookupError as error:
        raise CannotAct("no_such_part", str(error), 404) from error


def _person(world: World, request: Request) -> Person:
    where = request.path_params
    return Person(world, world.bot(where["bot"]), world.user(where["user_id"]))


async def _json(request: Request) -> Json:
    body = await request.body()
    try:
        wish = json.loads(body) if body else {}
    except ValueError:
        wish = None
    if not isinstance(wish, dict):
        raise CannotAct("bad_json", "The body is not a JSON object.")
    return wish


def _waits(request: Request) -> bool:
    return request.query_params.get("wait", "") in ("1", "true")


async def _done(world: World, request: Request, act: Act) -> Json:
    """Describe an act; with ?wait=1 only after the webhook has taken all of it, or after 30 seconds."""
    if _waits(request):
        waiting = asyncio.gather(*(one.done.wait() for one in act.updates))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting, WAIT_SECONDS)
    return shown.act(world, act, delivered=_waits(request))


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, CannotAct)
    return JSONResponse({"error": {"code": error.code, "message": error.message}}, error.status)


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = f"{request.method} {request.url.path}: {error.detail}. docs/simulator.md lists what there is."
    return JSONResponse({"error": {"code": "no_such_route", "message": words}}, error.status_code)


async def _bad_value(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": {"code": "bad_value", "message": str(error)}}, 400)


CHAT = "/chats/{bot}/{user_id:int}"
UPDATE = "/updates/{bot}/{update_id:int}"
ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/state", state),
    ("POST", "/users", add_user),
    ("GET", "/chats", chats),
    ("GET", CHAT, chat),
    ("POST", f"{CHAT}/text", text),
    ("POST", f"{CHAT}/upload", upload),
    ("POST", f"{CHAT}/press", press),
    ("POST", f"{CHAT}/contact", contact),
    ("POST", f"{CHAT}/edit", edit),
    ("POST", f"{CHAT}/pay", pay),
    ("POST", f"{CHAT}/stop", stop),
    ("POST", f"{CHAT}/block", block),
    ("POST", f"{CHAT}/unblock", unblock),
    ("POST", f"{CHAT}/update", raw),
    ("GET", UPDATE, trace),
    ("POST", f"{UPDATE}/replay", replay),
    ("GET", "/calls", calls),
    ("GET", "/events", events),
    ("POST", "/faults", add_fault),
    ("DELETE", "/faults", clear_faults),
    ("GET", "/queue", queue),
    ("POST", "/tick", tick),
    ("POST", "/parts/{name}/{verb}", part),
    ("GET", "/files/{file_id}", downloads.file),
    ("GET", "/samples", downloads.samples),
    ("GET", "/samples/{name}", downloads.sample),
]
