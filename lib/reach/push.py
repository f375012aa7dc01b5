"""Sends the figures to a Prometheus that cannot come for them, such as Grafana Cloud's: remote write, by the worker.

Off without REMOTE_WRITE_URL. It sends what /api/metrics shows, once a minute at most, and only while something runs: a
platform that rests sends nothing. What could not be sent is not kept: the next has the sums of everything.

The body is a protobuf by hand, compressed as Snappy has it, in literal blocks alone: 3,000 figures are 160 KB.
"""

import base64
import re
import struct
from collections.abc import Iterator, Sequence
from datetime import timedelta

from lib import cache, config, errors, fetch, log

EACH = timedelta(seconds=55)
PATIENCE = timedelta(seconds=5)
BLOCK = 65_536
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "lotok",
}

_LINE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

type Series = tuple[Sequence[tuple[str, str]], float]


async def push(page: str, now: float) -> bool:
    """Hand the page over; False when it is off, was done a moment ago, or did not work."""
    settings = config.get()
    if not settings.remote_write_url:
        return False
    headers = dict(HEADERS)
    if settings.remote_write_auth:
        headers["Authorization"] = f"Basic {base64.b64encode(settings.remote_write_auth.encode()).decode()}"
    try:
        if not await cache.once("metrics_pushed", EACH):
            return False
        body = snappy(request(series(page), round(now * 1000)))
        answer = await fetch.ask("POST", settings.remote_write_url, content=body, headers=headers, timeout=PATIENCE)
        if answer.status >= 300:
            raise errors.Rejected(detail=f"remote write: {answer.status}")
    except errors.Upstream as error:
        log.event("not_pushed", error=str(error))
        return False
    return True


def series(page: str) -> Iterator[Series]:
    """Read what `metrics.page` has written; the labels come sorted, the figure's name among them."""
    for line in page.splitlines():
        if found := _LINE.fullmatch(line):
            name, labels, value = found.groups()
            pairs = [(label, _plain(text)) for label, text in _LABEL.findall(labels or "")]
            yield sorted([("__name__", name), *pairs]), float(value)


def _plain(text: str) -> str:
    return re.sub(r"\\.", lambda escape: _ESCAPES.get(escape[0], escape[0]), text)


def request(every: Iterator[Series], at: int) -> bytes:
    """Return a WriteRequest of one sample each, `at` in milliseconds."""
    return b"".join(_field(1, _labels(labels) + _field(2, _sample(value, at))) for labels, value in every)


def _labels(labels: Sequence[tuple[str, str]]) -> bytes:
    return b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in labels)


def _sample(value: float, at: int) -> bytes:
    return b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(at)


def _field(number: int, content: bytes) -> bytes:
    """Return a field of bytes, with its number and length."""
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def snappy(data: bytes) -> bytes:
    """Return the data as Snappy's block format has it, without compressing anything."""
    blocks = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]
    return _varint(len(data)) + b"".join(b"\xf4" + struct.pack("<H", len(block) - 1) + block for block in blocks)
