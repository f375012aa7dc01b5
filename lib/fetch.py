"""HTTP out, besides the SDKs: one pool of connections a loop, limits on every answer, failures in our own words.

Unavailable: no answer, 408, 425, 429 and 5xx, with the service's own Retry-After. Rejected: any other refusal, and an
answer that is too big. Nothing is tried again here: only the caller knows what may be sent twice.
"""

import asyncio
import functools
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from weakref import WeakKeyDictionary

import httpx

from lib import errors, log

Client = httpx.AsyncClient
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=90)

_TIMEOUT = httpx.Timeout(10, connect=5)
_ANSWER = timedelta(seconds=30)
_ANSWER_LIMIT = 8 * 1024 * 1024
_AGAIN = {408, 425, 429}
_BOT_TOKEN = re.compile(r"/bot\d+:[^/\s]+")

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Client] = WeakKeyDictionary()


@dataclass(frozen=True)
class Answer:
    """What a service answered: a status below 400 and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@functools.cache
def tls() -> ssl.SSLContext:
    """Return the TLS context that every client shares: building one takes 20 ms of a cold start."""
    return httpx.create_ssl_context()


def client() -> Client:
    """Return the running loop's client; its connections survive an idle minute."""
    loop = asyncio.get_running_loop()
    found = _clients.get(loop)
    if found is None or found.is_closed:
        found = Client(verify=tls(), limits=LIMITS, timeout=_TIMEOUT, follow_redirects=False)
        _clients[loop] = found
    return found


def lent(address: Callable[[str], str], timeout: timedelta) -> Client:
    """Return a client over the loop's connections that an SDK may close; `address` says where a URL really leads."""
    return Client(transport=_Lent(address), timeout=timeout.total_seconds())


class _Lent(httpx.AsyncBaseTransport):
    def __init__(self, address: Callable[[str], str]) -> None:
        self._address = address

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpx.URL(self._address(str(request.url)))
        if url != request.url:
            request.url = url
            request.headers["Host"] = url.netloc.decode()
        return await client().send(request, stream=True)


async def close() -> None:
    """Close the running loop's connections; a later request opens new ones."""
    found = _clients.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.aclose()


async def get_bytes(url: str, *, limit: int, timeout: timedelta = _ANSWER) -> bytes:
    """Return what is at `url`; raise Rejected("too_big") over `limit` bytes, without reading the rest."""
    answer = await _send("GET", url, limit=limit, timeout=timeout)
    return answer.body


async def post(
    url: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout: timedelta = _ANSWER
) -> Answer:
    """Post JSON and return the answer."""
    return await _send("POST", url, limit=_ANSWER_LIMIT, timeout=timeout, json=json, headers=headers)


async def nudge(url: str, *, headers: Mapping[str, str], timeout: timedelta) -> None:
    """Post an empty request in full, wait no longer than `timeout` for the answer, and only log a failure."""
    patience = httpx.Timeout(5, read=timeout.total_seconds())
    try:
        response = await client().post(url, headers=headers, timeout=patience)
    except httpx.ReadTimeout:
        return  # it was sent: whoever got it is at work
    except httpx.HTTPError as error:
        log.event("nudge_failed", url=redact(url), error=_reason(error))
        return
    if response.status_code >= 300:
        log.event("nudge_failed", url=redact(url), error=f"status {response.status_code}")


def redact(text: str) -> str:
    """Return the text without the bot tokens that the Bot API's addresses hold."""
    return _BOT_TOKEN.sub("/bot***", text)


async def _send(method: str, url: str, *, limit: int, timeout: timedelta, **request: Any) -> Answer:
    try:
        async with asyncio.timeout(timeout.total_seconds()), client().stream(method, url, **request) as response:
            body = await _read(response, limit)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise errors.Rejected(detail=f"{redact(url)}: {_reason(error)}") from None
    except (httpx.HTTPError, TimeoutError) as error:
        # "from None": the library's own message may hold the whole address.
        raise errors.Unavailable(detail=f"{redact(url)}: {_reason(error)}") from None
    _require_success(response, body)
    return Answer(response.status_code, response.headers, body)


async def _read(response: httpx.Response, limit: int) -> bytes:
    if response.is_success and int(response.headers.get("content-length") or 0) > limit:
        raise errors.Rejected("too_big")
    body = bytearray()
    async for chunk in response.aiter_bytes(64 * 1024):
        body += chunk
        if len(body) > limit:
            raise errors.Rejected("too_big")
    return bytes(body)


def _require_success(response: httpx.Response, body: bytes) -> None:
    if response.is_success:
        return
    words = body[:200].decode(errors="replace")
    detail = redact(f"{response.status_code} from {response.url}: {words}")
    if response.status_code in _AGAIN or response.status_code >= 500:
        raise errors.Unavailable(detail=detail, retry_after=_retry_after(response.headers.get("retry-after", "")))
    raise errors.Rejected(detail=detail)


def _retry_after(value: str) -> timedelta | None:
    """Return the wait that a Retry-After header asks for, in either of its two forms."""
    if value.isdecimal():
        return timedelta(seconds=int(value[:6]))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(timedelta(0), moment.astimezone(UTC) - datetime.now(UTC))


def _reason(error: Exception) -> str:
    return redact(f"{type(error).__name__} {error}".strip())
