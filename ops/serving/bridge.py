"""Upstash's REST protocol over any Redis or Valkey, with its rules: what a deployment without Upstash talks to.

    POST /             ["SET", "k", "v"]           {"result": "OK"}
    POST /pipeline     [["SET", ...], ["GET", ...]]  [{"result": ...}, {"error": ...}]     in order, not atomic
    POST /multi-exec   the same                      the same, or one {"error": ...} when nothing was run
    any  /set/k/v      the same as a path            a body is the last argument, ?EX=100 adds options

It refuses what the real service refuses, so that nobody learns of it in production.
"""

import base64
import hashlib
import hmac
import itertools
import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from lib import errors
from ops.serving.resp import Address, Connections, Failure, Reply, ServerRefused, Status

REQUEST_LIMIT = 10 * 1024 * 1024
SCRIPTS = 1000  # that are known by the hash of Upstash's spelling; the others are sent whole each time

_METHODS = ("POST", "GET", "PUT", "HEAD")
_BLOCKING = b"BLPOP BRPOP BRPOPLPUSH BLMOVE BLMPOP BZPOPMIN BZPOPMAX BZMPOP WAIT WAITAOF"
_OF_A_CONNECTION = b"""SELECT MULTI EXEC DISCARD WATCH UNWATCH AUTH HELLO RESET QUIT CLIENT MONITOR
    SUBSCRIBE UNSUBSCRIBE PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUNSUBSCRIBE READONLY READWRITE ASKING SYNC
    PSYNC REPLCONF"""
_OF_THE_SERVER = b"""CONFIG SHUTDOWN DEBUG SAVE BGSAVE BGREWRITEAOF CLUSTER REPLICAOF SLAVEOF FAILOVER SWAPDB MIGRATE
    MOVE MODULE LATENCY MEMORY SLOWLOG COMMANDLOG"""
_REFUSED = frozenset(b" ".join((_BLOCKING, _OF_A_CONNECTION, _OF_THE_SERVER)).split())
_LOCKING = re.compile(
    rb"^(#!lua[^\n]*?)(\s+flags=allow-key-locking(?=\s|$)|,allow-key-locking|(?<=flags=)allow-key-locking,)"
)


class BadRequest(Exception):
    """A request that the service does not understand; the message is what it says."""


class Bridge:
    """The service as an ASGI app; `requests` and `commands` count what it was asked."""

    def __init__(self, address: Address, token: str) -> None:
        if not token:
            raise errors.Misconfigured(detail="the bridge needs a token: without one everybody could read and write")
        self.requests = 0
        self.commands = 0
        self._token = token
        self._redis = Connections(address)
        self._scripts: dict[bytes, bytes] = {}
        self._writes = itertools.count(1)

    async def answers(self) -> None:
        """Raise Unavailable when the server does not answer yet, and Rejected when it refuses us."""
        try:
            [reply] = await self._redis.run([[b"PING"]])
        except ServerRefused as error:
            raise errors.Rejected("redis", str(error)) from None
        except (OSError, EOFError) as error:
            raise errors.Unavailable("redis", f"Redis does not answer: {error or type(error).__name__}") from None
        if isinstance(reply, Failure):
            raise (errors.Unavailable if reply.passes else errors.Rejected)("redis", _text(reply))

    async def close(self) -> None:
        """Close the connections to the server."""
        await self._redis.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as Upstash does."""
        self.requests += 1
        await self.serve(scope, receive, send)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that has been counted."""
        response = await self._respond(Request(scope, receive))
        response.headers["Upstash-Sync-Token"] = base64.b64encode(b"dev:%d" % next(self._writes)).decode()
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if request.method not in _METHODS:
            return _error("ERR unsupported HTTP method", 405)
        if not self._knows(request):
            return _error("WRONGPASS invalid or missing auth token", 401)
        try:
            body = await _body(request)
            return await self._answer(request, _path(request), body)
        except BadRequest as problem:
            return _error(f"ERR {problem}", 400)
        except (OSError, EOFError):
            return Response("upstream connect error", 503, media_type="text/plain")

    def _knows(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        token = given if kind.lower() == "bearer" else request.query_params.get("_token", "")
        return hmac.compare_digest(token.encode(), self._token.encode())

    async def _answer(self, request: Request, path: str, body: bytes) -> Response:
        encode = request.headers.get("upstash-encoding", "").lower() == "base64"
        if path == "pipeline":
            return JSONResponse(await self.answers_to(read_batch(body), encode=encode))
        if path == "multi-exec":
            return _transaction(await self._multi_exec(read_batch(body)), encode)
        command = read_command(body) if not path else _from_path(path, request, body)
        [entry] = await self.answers_to([command], encode=encode)
        return JSONResponse(entry, 400 if "error" in entry else 200)

    async def answers_to(self, commands: list[list[bytes]], *, encode: bool) -> list[dict[str, Any]]:
        """Return what a pipeline of these commands is answered, in order."""
        return [_entry(reply, encode) for reply in await self._pipeline(commands)]

    async def _pipeline(self, commands: list[list[bytes]]) -> list[Reply]:
        """Run what may be run, in order, and put the refusals in their places."""
        self.commands += len(commands)
        refusals = [_refusal(command) for command in commands]
        sent = [self._ours(command) for command, no in zip(commands, refusals, strict=True) if no is None]
        replies = iter(await self._redis.run(sent) if sent else [])
        return [
            self._theirs(command, next(replies)) if no is None else no
            for command, no in zip(commands, refusals, strict=True)
        ]

    async def _multi_exec(self, commands: list[list[bytes]]) -> list[Reply] | Failure:
        """Run the commands as one on a connection of their own; a Failure means that none was run."""
        self.commands += len(commands)
        if not commands:
            return []
        if any(_refusal(command) for command in commands):
            return Failure(b"EXECABORT Transaction discarded because of previous errors.")
        *_, outcome = await self._redis.run([[b"MULTI"], *map(self._ours, commands), [b"EXEC"]])
        if isinstance(outcome, list):
            return outcome
        return outcome if isinstance(outcome, Failure) else Failure(b"EXECABORT Transaction discarded.")

    def _ours(self, command: list[bytes]) -> list[bytes]:
        """Return the command without the script flag that only Upstash knows, and note the hash a client will use."""
        name = command[0].upper()
        at = 2 if name == b"SCRIPT" and len(command) > 2 else 1
        if name in (b"EVAL", b"EVAL_RO", b"SCRIPT") and len(command) > at:
            script = _LOCKING.sub(rb"\1", command[at], count=1)
            if script != command[at] and len(self._scripts) < SCRIPTS:
                self._scripts[_sha1(command[at])] = _sha1(script)
            return [*command[:at], script, *command[at + 1 :]]
        if name in (b"EVALSHA", b"EVALSHA_RO") and len(command) > 1:
            return [command[0], self._scripts.get(command[1].lower(), command[1]), *command[2:]]
        return command

    def _theirs(self, command: list[bytes], reply: Reply) -> Reply:
        loaded = [part.upper() for part in command[:2]] == [b"SCRIPT", b"LOAD"] and isinstance(reply, bytes)
        return _sha1(command[2]) if loaded and not isinstance(reply, Failure) else reply


def _refusal(command: list[bytes]) -> Failure | None:
    if not command:
        return Failure(b"ERR empty command")
    name = command[0].upper()
    waits = name in (b"XREAD", b"XREADGROUP") and b"BLOCK" in (part.upper() for part in command)
    if name in _REFUSED or waits:
        return Failure(b"ERR Command is not available: '%b'. See Redis compatibility in Upstash's documentation" % name)
    return None


async def _body(request: Request) -> bytes:
    data = bytearray()
    size = 0
    async for chunk in request.stream():  # all of it, or the sender breaks off before it can read the answer
        size += len(chunk)
        if size <= REQUEST_LIMIT:
            data += chunk
    if size > REQUEST_LIMIT:
        raise BadRequest(f"max request size exceeded. Limit: {REQUEST_LIMIT} bytes, Actual: {size} bytes")
    return bytes(data)


def _path(request: Request) -> str:
    """Return what follows the address that the app is mounted at."""
    if "path" in request.path_params:
        return str(request.path_params["path"]).strip("/")
    return str(request.scope["path"]).removeprefix(request.scope.get("root_path", "")).strip("/")


def _from_path(path: str, request: Request, body: bytes) -> list[bytes]:
    parts = [part.encode() for part in path.split("/")]
    if body:
        parts.append(body)
    for name, value in request.query_params.multi_items():
        if name != "_token":
            parts += [part.encode() for part in (name, value) if part]
    return parts


def _json(body: bytes) -> Any:
    try:
        # Numbers stay as they were written: 1.0 is not 1 to a script.
        return json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except ValueError:
        raise BadRequest("failed to parse command") from None


def read_command(body: bytes) -> list[bytes]:
    """Return the command that a body holds."""
    return _command(_json(body))


def read_batch(body: bytes) -> list[list[bytes]]:
    """Return the commands that a pipeline's body holds."""
    commands = _json(body)
    if not isinstance(commands, list):
        raise BadRequest("failed to parse pipeline request: expected an array of arrays")
    return [_command(command) for command in commands]


def _command(parts: Any) -> list[bytes]:
    if not isinstance(parts, list):
        raise BadRequest("failed to parse command: expected an array")
    return [_part(part) for part in parts]


def _part(part: Any) -> bytes:
    if isinstance(part, bool):
        return b"true" if part else b"false"
    if part is None:
        raise BadRequest("null args are not supported")
    if not isinstance(part, str):
        raise BadRequest("unsupported arg type: nested arrays and objects must be sent as strings")
    return part.encode(errors="surrogatepass")


def _entry(reply: Reply, encode: bool) -> dict[str, Any]:
    return {"error": _text(reply)} if isinstance(reply, Failure) else {"result": _value(reply, encode)}


def _transaction(outcome: list[Reply] | Failure, encode: bool) -> JSONResponse:
    if isinstance(outcome, Failure):
        return _error(_text(outcome), 400)
    return JSONResponse([_entry(reply, encode) for reply in outcome])


def _value(reply: Reply, encode: bool) -> Any:
    if isinstance(reply, Failure):
        return {"error": _text(reply)}
    if isinstance(reply, list):
        return [_value(item, encode) for item in reply]
    if not isinstance(reply, bytes):
        return reply
    if encode and not (isinstance(reply, Status) and reply == b"OK"):
        return base64.b64encode(reply).decode()
    return _text(reply)


def _text(reply: bytes) -> str:
    return reply.decode(errors="replace")


def _error(message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": message}, status)


def _sha1(script: bytes) -> bytes:
    return hashlib.sha1(script).hexdigest().encode()
