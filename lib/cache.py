"""Upstash Redis through upstash-redis: a deadline on every call, no retries, a breaker in memory. Only this imports it.

Whatever fails is Unavailable("redis"), and the caller decides what to do without Redis. Nothing is tried again: a reply
that got lost may belong to a command that ran.

    closed -> (three failures in a row) -> open, calls fail at once -> (two seconds) -> one call probes
"""

import asyncio
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from upstash_redis.asyncio import Redis
from upstash_redis.http import AsyncHttpClient, make_headers

from lib import config, errors, fetch, log

DEADLINE = timedelta(seconds=0.8)

type Command = Sequence[str | int]


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


async def pipeline(commands: Sequence[Command]) -> list[Any]:
    """Run the commands in order in one round trip and return their results; other callers' may come in between.

    Results are as upstash-redis casts them: SET gives a bool, HGETALL a dict. One failed command fails the call, though
    the others did run.
    """
    if not commands:
        return []
    if not _breaker.admits(time.monotonic()):
        raise errors.Unavailable("redis", "it failed a moment ago")
    log.count("redis")
    log.count("redis_commands", len(commands))
    try:
        async with asyncio.timeout(DEADLINE.total_seconds()):
            results = await _send(commands)
    except Exception as error:  # the package lets through whatever it meets: JSONDecodeError, KeyError, AttributeError
        _breaker.failed(time.monotonic())
        raise errors.Unavailable("redis", f"{type(error).__name__} {error}".strip()[:300]) from error
    _breaker.succeeded()
    return results


async def _send(commands: Sequence[Command]) -> list[Any]:
    settings = config.get()
    batch = _redis(settings.redis_url.rstrip("/"), settings.redis_token).pipeline()
    for command in commands:
        batch.execute(list(command))
    results: list[Any] = await batch.exec()
    if len(results) != len(commands):
        raise ValueError(f"{len(results)} results for {len(commands)} commands")
    return results


@functools.lru_cache(maxsize=4)
def _redis(url: str, token: str) -> Redis:
    return _Redis(url, token)


class _Http(AsyncHttpClient):
    """The package's HTTP client over `fetch`'s connections of the running loop.

    The constructor it replaces makes a client without any time limit, bound to one loop, with a TLS context of its own
    (20 ms of a cold start). A test holds these private names against the package's.
    """

    def __init__(self, sync_token_cb: Callable[[str], None]) -> None:
        self._encoding = "base64"
        self._retries = 0
        self._retry_interval = 0
        self._sync_token_cb = sync_token_cb

    @property
    def _client(self) -> fetch.Client:  # type: ignore[override]
        return fetch.client()


class _Redis(Redis):
    """The package's client over `_Http`, without telemetry; it sends back the token that gives read-your-writes."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._read_your_writes = True
        self._sync_token = ""
        self._allow_telemetry = False
        self._headers = make_headers(token, "base64", allow_telemetry=False)
        self._http = _Http(self._update_sync_token)


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


def _ms(span: timedelta) -> int:
    return max(1, int(span.total_seconds() * 1000))
