"""Upstash Redis through upstash-redis: a deadline on every call, no retries, a breaker in memory. Only this imports it.

A failure is Unavailable("redis"), and the caller decides what to do without Redis. Nothing is tried again: a reply
that got lost may belong to a command that ran.

All commands of one tick of the loop travel in one request, and each caller gets its own results or its own failure:

    pipeline() ─┐
    get()      ─┼─> the loop's batch ──(the tick ends)──> POST /pipeline ──> results, apart
    eval()     ─┘

    closed -> (three failed requests in a row) -> open, calls fail at once -> (two seconds) -> one call probes
"""

import asyncio
import functools
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from weakref import WeakKeyDictionary

from upstash_redis.asyncio import Redis
from upstash_redis.format import cast_response
from upstash_redis.http import format_response, make_headers

from lib import config, errors, log, tally, wire

DEADLINE = timedelta(seconds=0.8)
BATCH_COMMANDS = 1000
BATCH_CHARACTERS = 1_500_000  # Upstash refuses a request over 10 MB, and a character may take four bytes
RIDERS = 200
RIDER_CHARACTERS = 500_000
BATCHES = "metrics:batches"  # what instances have counted (lib/counters.py)

_BASE64 = re.compile("[A-Za-z0-9+/]*={0,2}")

type Command = Sequence[str | int]
type Outcome = Any | Exception


def key(name: str) -> str:
    """Return the full key, which begins with the environment: what a command given to `pipeline` must name."""
    return f"{config.get().key_prefix}:{name}"


async def get(name: str) -> str | None:
    """Return the value of a key, or None."""
    [value] = await pipeline([["GET", key(name)]])
    return value if value is None else str(value)


async def set(name: str, value: str, ttl: timedelta) -> None:
    """Store a value for as long as `ttl`."""
    await pipeline([["SET", key(name), value, "PX", _ms(ttl)]])


async def delete(*names: str) -> None:
    """Forget the keys, in one command."""
    if names:
        await pipeline([["UNLINK", *map(key, names)]])


async def once(name: str, ttl: timedelta) -> bool:
    """Return True to the first caller within `ttl`, False to the others."""
    [first] = await pipeline([["SET", key(name), "1", "NX", "PX", _ms(ttl)]])
    return bool(first)


async def eval(script: str, keys: Sequence[str], args: Sequence[str | int] = ()) -> Any:
    """Run a Lua script over the named keys and return its result. Each command inside it is billed too.

    Its first line is to be `#!lua flags=allow-key-locking`: without it the script locks the whole database. It may then
    touch no key but `keys`.
    """
    [result] = await pipeline([["EVAL", script, len(keys), *map(key, keys), *args]])
    return result


async def pipeline(commands: Sequence[Command]) -> list[Any]:
    """Run the commands in order in one round trip and return their results; other callers' may come in between.

    Results are as upstash-redis casts them: SET gives a bool, HGETALL a dict. One failed command fails the call, though
    the others did run.
    """
    if not commands:
        return []
    if not _breaker.admits(time.monotonic()):
        raise errors.Unavailable("redis", "it failed a moment ago")
    outcomes = await _boarding(commands).take(commands)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise errors.Unavailable("redis", _words(outcome)) from outcome
    return outcomes


def ride(commands: Sequence[Command]) -> None:
    """Send the commands with the loop's next request, ahead of what it is made for: no round trip of their own.

    Nobody learns what became of them, and they are lost when that request fails or none comes: for what can be done
    without, such as filling a cache. Commands that would be too much for one request are dropped.
    """
    riders = _riders.setdefault(asyncio.get_running_loop(), [])
    if len(riders) + len(commands) <= RIDERS and _characters(riders) + _characters(commands) <= RIDER_CHARACTERS:
        log.count("redis_commands", len(commands))
        riders.extend(commands)


def _boarding(commands: Sequence[Command]) -> "_Commands":
    """Return the batch that these commands travel in: the loop's open one, unless they are too much for it."""
    loop = asyncio.get_running_loop()
    batch = _open.get(loop)
    if batch is None or batch.left or not batch.has_room(commands):
        batch = _open[loop] = _Commands(loop)
        loop.call_soon(batch.leave)
    return batch


class _Commands:
    """The commands of one tick of the loop. A caller that stops waiting does not disturb the others."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.left = False
        self._loop = loop
        self._calls: list[tuple[Sequence[Command], asyncio.Future[list[Outcome]]]] = []
        self._events: list[log.Record | None] = []
        self._commands = 0
        self._characters = 0
        self._journey: asyncio.Task[bool] | None = None

    def has_room(self, commands: Sequence[Command]) -> bool:
        """Say whether the request stays within the service's limits with these commands in it."""
        return (
            self._commands + len(commands) <= BATCH_COMMANDS
            and self._characters + _characters(commands) <= BATCH_CHARACTERS
        )

    def take(self, commands: Sequence[Command]) -> asyncio.Future[list[Outcome]]:
        """Add the commands and return what will hold their outcomes. The caller's event counts them."""
        self._count(len(commands))
        self._commands += len(commands)
        self._characters += _characters(commands)
        answer: asyncio.Future[list[Outcome]] = self._loop.create_future()
        answer.add_done_callback(self._abandon)
        self._calls.append((commands, answer))
        return answer

    def leave(self) -> None:
        """Send what is still waited for; nothing is added from now on."""
        self.left = True
        self._calls = [call for call in self._calls if not call[1].done()]
        if self._calls:
            counts = tally.own.take(time.monotonic())
            self._journey = self._loop.create_task(self._travel(_riders.pop(self._loop, []), counts))
            if counts:
                self._journey.add_done_callback(_settle)

    def _count(self, commands: int) -> None:
        event = log.current()
        if not any(event is known for known in self._events):
            self._events.append(event)
            log.count("redis")
        log.count("redis_commands", commands)

    def _abandon(self, _: object) -> None:
        """Break off once nobody waits: a request that hangs must not count against the service then."""
        if self._journey and all(answer.done() for _, answer in self._calls):
            self._journey.cancel()

    async def _travel(self, riders: list[Command], counts: str) -> bool:
        """Make the request; return whether the counts have arrived."""
        if counts:
            riders = [*riders, ["RPUSH", key(BATCHES), counts]]
            tally.spent("redis_commands")
        commands = [*riders, *(command for own, _ in self._calls for command in own)]
        try:
            outcomes = await _redis_of_settings().outcomes(commands)
        except Exception as error:  # an answer that is not an answer leads to JSONDecodeError, KeyError and others
            _breaker.failed(time.monotonic())
            outcomes = [error] * len(commands)
        else:
            _breaker.succeeded()
        before, outcomes = outcomes[: len(riders)], outcomes[len(riders) :]
        for asked, answer in self._calls:
            own, outcomes = outcomes[: len(asked)], outcomes[len(asked) :]
            if not answer.done():
                answer.set_result(own)
        return bool(before) and not isinstance(before[-1], Exception)


def _settle(journey: asyncio.Task[bool]) -> None:
    if not journey.cancelled() and not journey.exception() and journey.result():
        tally.own.arrived()
    else:
        tally.own.lost()


def _redis_of_settings() -> "_Redis":
    settings = config.get()
    return _redis(settings.redis_url.rstrip("/"), settings.redis_token)


@functools.lru_cache(maxsize=4)
def _redis(url: str, token: str) -> "_Redis":
    return _Redis(url, token)


class _Redis(Redis):
    """The package's client, without telemetry, over the connections of `wire`.

    The constructor it replaces makes an HTTP client without any time limit, bound to one loop, with a TLS context of
    its own (20 ms of a cold start). The package's pipeline would lose all results over one failed command, so the
    request is made here; encoding, casts and the token that gives read-your-writes are the package's. A test holds the
    private names against it.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._read_your_writes = True
        self._sync_token = ""
        self._allow_telemetry = False
        self._headers = make_headers(token, "base64", allow_telemetry=False)

    async def outcomes(self, commands: Sequence[Command]) -> list[Outcome]:
        """Send the commands in one request and return, in order, the result or the error of each."""
        self._maybe_set_sync_token_header(self._headers)
        headers = [("Content-Type", "application/json"), *self._headers.items()]
        answer = await wire.post(f"{self._url}/pipeline", json.dumps(commands).encode(), headers, DEADLINE)
        if token := answer.headers.get("upstash-sync-token"):
            self._update_sync_token(token)
        entries = json.loads(answer.body)
        if not isinstance(entries, list) or len(entries) != len(commands):
            raise ValueError(f"status {answer.status}: {answer.body[:200].decode(errors='replace')}")
        return [_outcome(command, entry) for command, entry in zip(commands, entries, strict=True)]


def _outcome(command: Command, entry: Any) -> Outcome:
    try:
        _require_base64(entry.get("result"))
        return cast_response([*map(str, command)], format_response(entry, "base64"), None)
    except Exception as error:  # the command's own error, or a value that is not text: UpstashError, ValueError
        return error


def _require_base64(value: Any) -> None:
    """Raise ValueError for a text that is not base64: the package would make an empty or another value of it."""
    if isinstance(value, list):
        for one in value:
            _require_base64(one)
    elif isinstance(value, str) and value != "OK" and (len(value) % 4 or not _BASE64.fullmatch(value)):
        raise ValueError("an answer that is not base64")


@dataclass
class Breaker:
    """Keeps calls to a service that is down from costing a deadline each. `now` is a monotonic time in seconds."""

    limit: int = 3
    pause: float = 2.0
    failures: int = 0
    shut_until: float = 0.0

    def admits(self, now: float) -> bool:
        """Say whether a call may go out; while open, one call in each pause may, as a probe."""
        if self.failures < self.limit:
            return True
        if now < self.shut_until:
            return False
        self.shut_until = now + self.pause
        return True

    def succeeded(self) -> None:
        """Close: the service answered."""
        self.failures = 0

    def failed(self, now: float) -> None:
        """Count a failure; open at the limit."""
        self.failures += 1
        self.shut_until = now + self.pause


_breaker = Breaker()
_open: WeakKeyDictionary[asyncio.AbstractEventLoop, _Commands] = WeakKeyDictionary()
_riders: WeakKeyDictionary[asyncio.AbstractEventLoop, list[Command]] = WeakKeyDictionary()


def _characters(commands: Sequence[Command]) -> int:
    return sum(len(part) if isinstance(part, str) else 20 for command in commands for part in command)


def _words(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:300]


def _ms(span: timedelta) -> int:
    return max(1, int(span.total_seconds() * 1000))
