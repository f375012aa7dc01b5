"""HTTP out, besides the SDKs: one pool of connections a loop, limits on every answer, failures in our own words.

Unavailable: no answer, 408, 425, 429 and 5xx, with the service's own Retry-After. Rejected: any other refusal, and an
answer that is too big. Nothing is tried again here: only the caller knows what may be sent twice.

An address that somebody else names is a stranger's: `get_public` goes to named hosts and public addresses alone.
"""

import asyncio
import contextlib
import functools
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from weakref import WeakKeyDictionary

import httpx

from lib import config, errors, log

Client = httpx.AsyncClient
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=50, keepalive_expiry=90)

LONGEST_WAIT = timedelta(hours=1)  # that an answer's Retry-After is heeded for

_TIMEOUT = httpx.Timeout(10, connect=5)
_ANSWER = timedelta(seconds=30)
_ANSWER_LIMIT = 8 * 1024 * 1024
_AGAIN = {408, 425, 429}
_BOT_TOKEN = re.compile(r"/bot\d+:[^/\s]+")
# Outside of it IPv6 holds what is not routed, and three ways to write an IPv4 address: mapped, compatible, NAT64.
_UNICAST = ipaddress.ip_network("2000::/3")
# Teredo, 6to4 and its relays; for protocols and for documents. Python calls a part of each public.
_OTHERS = tuple(map(ipaddress.ip_network, ("2001::/32", "2002::/16", "192.88.99.0/24", "192.0.0.0/24", "3fff::/20")))

_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Client] = WeakKeyDictionary()


@dataclass(frozen=True)
class Answer:
    """A service's answer: a status below 400 and the whole body."""

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
    return Client(transport=_LentTransport(address), timeout=timeout.total_seconds())


class _LentTransport(httpx.AsyncBaseTransport):
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


async def get_bytes(
    url: str, *, limit: int, timeout: timedelta = _ANSWER, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return what is at `url`; raise Rejected("too_big") over `limit` bytes, without reading the rest."""
    answer = await _send("GET", url, limit=limit, timeout=timeout, headers=headers)
    return answer.body


async def post(
    url: str, *, json: Any = None, headers: Mapping[str, str] | None = None, timeout: timedelta = _ANSWER
) -> Answer:
    """Post JSON and return the answer."""
    return await _send("POST", url, limit=_ANSWER_LIMIT, timeout=timeout, json=json, headers=headers)


async def ask(
    method: str,
    url: str,
    *,
    timeout: timedelta = _ANSWER,
    limit: int = _ANSWER_LIMIT,
    **request: Any,
) -> Answer:
    """Return the answer whatever its status, for services that say in the body what a status means.

    Without an answer: Unavailable `not_reached` when nothing was sent, and `no_answer` when it may have had its effect.
    """
    try:
        async with asyncio.timeout(timeout.total_seconds()), client().stream(method, url, **request) as response:
            return Answer(response.status_code, response.headers, await _read(response, limit))
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise errors.Rejected(detail=f"{redact(url)}: {_reason(error)}") from None
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise errors.Unavailable("not_reached", f"{redact(url)}: {_reason(error)}") from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise errors.Unavailable("no_answer", f"{redact(url)}: {_reason(error)}") from None


async def get_public(
    url: str, *, hosts: Sequence[str], limit: int, timeout: timedelta = _ANSWER, redirects: int = 2
) -> bytes:
    """Return what is at an address that somebody else named; Rejected("odd_address") unless all of it is trusted.

    https to one of `hosts` or a host below it, whose every address is a public one, and the connection goes to the
    address that was looked at. Redirects are followed only to what would be trusted by itself. In `local`, a host may
    be written as an origin on this machine: http://127.0.0.1:4000.
    """
    try:
        async with asyncio.timeout(timeout.total_seconds() * 2):
            for _ in range(redirects + 1):
                target, extra = await _trusted(url, hosts)
                async with _streaming(target, url, timeout, extra) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers.get("location", ""))
                        continue
                    body = await _read(response, limit)
                _require_success(response, body)
                return body
    except TimeoutError:
        raise errors.Unavailable(detail=f"{url[:200]}: it took too long") from None
    except ValueError:  # a host that cannot be asked for, or a place to go on to that cannot be joined
        raise errors.Rejected("odd_address", url[:200]) from None
    raise errors.Rejected("odd_address", "too many redirects")


@contextlib.asynccontextmanager
async def _streaming(
    target: str, url: str, timeout: timedelta, extra: Mapping[str, Any]
) -> AsyncIterator[httpx.Response]:
    try:
        async with (
            asyncio.timeout(timeout.total_seconds()),
            client().stream("GET", target, follow_redirects=False, **extra) as response,
        ):
            yield response
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise errors.Rejected("odd_address", f"{url[:200]}: {_reason(error)}") from None
    except (httpx.HTTPError, TimeoutError) as error:
        raise errors.Unavailable(detail=f"{url[:200]}: {_reason(error)}") from None


async def _trusted(url: str, hosts: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """Return the address to connect to and what the request needs besides; Rejected for one that is not trusted."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise errors.Rejected("odd_address", url[:200]) from None
    here = f"{parts.scheme}://{parts.netloc}"
    if config.get().environment == "local" and host in ("127.0.0.1", "localhost") and here in hosts:
        return url, {}
    names = [name for name in hosts if "://" not in name]
    known = any(host == name or host.endswith(f".{name}") for name in names)
    if parts.scheme != "https" or parts.username or parts.password or port not in (None, 443) or not known:
        raise errors.Rejected("odd_address", url[:200])
    address = await _public_address(host)
    pinned = f"[{address}]" if ":" in address else address
    query = f"?{parts.query}" if parts.query else ""
    return f"https://{pinned}{parts.path or '/'}{query}", {
        "headers": {"Host": host},
        "extensions": {"sni_hostname": host},  # the certificate is checked against the name, not the address
    }


async def _public_address(host: str) -> str:
    """Look a host up once; Rejected when any of its addresses is not a public one."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise errors.Unavailable(detail=f"{host}: {_reason(error)}") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or not all(_is_public(address) for address in addresses):
        raise errors.Rejected("odd_address", f"{host} is at {addresses}")
    return addresses[0]


def _is_public(address: str) -> bool:
    """Tell whether an address is on the open internet; one of IPv6 that carries one of IPv4 never is taken for that."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if (found.version == 6 and found not in _UNICAST) or any(found in network for network in _OTHERS):
        return False
    return found.is_global and not found.is_multicast


async def nudge(url: str, *, headers: Mapping[str, str], timeout: timedelta) -> None:
    """Post an empty request in full, wait no longer than `timeout` for the answer, and only log a failure."""
    patience = httpx.Timeout(5, read=timeout.total_seconds())
    try:
        response = await client().post(url, headers=headers, timeout=patience)
    except httpx.ReadTimeout:
        return  # it was sent, and the receiver is at work
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
        raise errors.Unavailable(detail=detail, retry_after=retry_after(response.headers))
    raise errors.Rejected(detail=detail)


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return the wait that a Retry-After header asks for, in either of its two forms, up to LONGEST_WAIT."""
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdecimal():
        return min(timedelta(seconds=int(value[:6])), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(timedelta(0), moment - datetime.now(UTC)), LONGEST_WAIT)


def _reason(error: Exception) -> str:
    return redact(f"{type(error).__name__} {error}".strip())
