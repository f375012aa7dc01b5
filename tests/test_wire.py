import asyncio
import contextlib
import itertools
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import fetch, wire

MINUTE = timedelta(minutes=1)  # longer than any machine takes
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Says what it is told to each request, and then, if it is told so, hangs up."""

    def __init__(self, *says: bytes, hangs_up: bool = False, silent: bool = False) -> None:
        self.says, self.hangs_up, self.silent = says, hangs_up, silent
        self.requests: list[bytes] = []
        self.connections = self.open = 0
        self.heard = asyncio.Event()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                self.heard.set()
                for piece in () if self.silent else self.says:
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                if self.hangs_up:
                    break
        self.open -= 1
        writer.close()

    @contextlib.asynccontextmanager
    async def up(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, ssl=tls)
        async with server:
            port = server.sockets[0].getsockname()[1]
            yield f"http{'s' if tls else ''}://localhost:{port}/bot1:secret/send"
            await wire.close()


async def post(url: str, body: bytes = b"{}", **options: Any) -> wire.WireAnswer:
    return await wire.post(url, body, [("Content-Type", "application/json")], options.get("timeout", MINUTE))


async def test_a_request_is_whole_and_the_connection_is_kept():
    server = Server(OK)
    async with server.up() as url:
        for _ in range(3):
            assert (await post(url, "Кружка".encode())).body == b"ok"
    assert server.connections == 1
    host = url.split("/")[2].encode()
    assert server.requests[0] == (
        b"POST /bot1:secret/send HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n%b"
        % (host, "Кружка".encode())
    )


async def test_those_who_ask_at_once_have_a_connection_each():
    server = Server(OK)
    async with server.up() as url:
        await asyncio.gather(*(post(url) for _ in range(5)))
        await asyncio.gather(*(post(url) for _ in range(5)))
    assert server.connections == 5


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n"
ANSWERS = {
    "length": OK,
    "empty": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "chunks": CHUNKED + b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    "trailer": CHUNKED + b"1\r\na\r\n0\r\nX-T: 1\r\n\r\n",
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    "error": b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>",
    "no reason": b"HTTP/1.1 200\r\nContent-Length:1\r\n\r\nx",
}


@pytest.mark.parametrize("raw", ANSWERS.values(), ids=ANSWERS)
async def test_httpx_reads_the_same(raw):
    async with Server(raw).up() as url, httpx.AsyncClient(trust_env=False, verify=False) as client:
        theirs = await client.post(url, content=b"{}")
        ours = await post(url)
    assert (ours.status, ours.body) == (theirs.status_code, theirs.content)
    assert dict(ours.headers) == dict(theirs.headers)


@settings(max_examples=60)
@given(raw=st.sampled_from([*ANSWERS.values()]), cuts=st.lists(st.integers(1, 30), max_size=12))
def test_an_answer_may_come_in_any_pieces(raw, cuts):
    async def both() -> tuple[wire.WireAnswer, wire.WireAnswer]:
        places = sorted({min(cut, len(raw)) for cut in cuts} | {0, len(raw)})
        pieces = [raw[start:end] for start, end in itertools.pairwise(places)]
        async with Server(*pieces).up() as cut_url, Server(raw).up() as url:
            return await post(cut_url), await post(url)

    cut, whole = asyncio.run(both())
    assert (cut.status, cut.body, cut.headers) == (whole.status, whole.body, whole.headers)


BROKEN = {
    "nonsense": b"hello\r\n\r\n",
    "another version": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    "no length": b"HTTP/1.1 200 OK\r\n\r\nbody",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
    "a negative chunk": CHUNKED + b"-1\r\n\r\n",
    "compressed": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a long head": b"HTTP/1.1 200 OK\r\n" + b"x" * 70_000,
    "no colon": b"HTTP/1.1 200 OK\r\nContent-Length 1\r\n\r\n",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
async def test_what_is_not_plainly_http_is_a_failure_and_its_connection_is_closed(raw):
    server = Server(raw)
    async with server.up() as url:
        with pytest.raises(OSError, match="not an answer"):
            await post(url)
        server.says = (OK,)
        assert (await post(url)).status == 200
    assert server.connections == 2


async def test_a_body_that_is_too_big_is_a_failure(monkeypatch):
    monkeypatch.setattr(wire, "ANSWER_LIMIT", 1000)
    async with Server(CHUNKED + b"1000\r\n" + b"x" * 3000).up() as url:
        with pytest.raises(OSError, match="too big"):
            await post(url)


async def test_half_an_answer_is_a_failure():
    async with Server(OK[:-1], hangs_up=True).up() as url:
        with pytest.raises(ConnectionResetError):
            await post(url)


async def test_a_connection_that_was_closed_meanwhile_is_not_used_again():
    server = Server(OK, hangs_up=True)
    async with server.up() as url:
        for _ in range(3):
            assert (await post(url)).status == 200
    assert server.connections == 3


async def test_a_connection_is_not_kept_when_the_other_end_says_so():
    server = Server(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    async with server.up() as url:
        await post(url)
        await post(url)
    assert server.connections == 2


async def test_an_old_connection_is_not_used_again(monkeypatch):
    server = Server(OK)
    async with server.up() as url:
        await post(url)
        later = time.monotonic() + 91
        monkeypatch.setattr(wire.time, "monotonic", lambda: later)
        await post(url)
    assert server.connections == 2


async def test_who_gives_up_leaves_no_half_answer_to_the_next():
    server = Server(OK[:30])
    async with server.up() as url:
        with pytest.raises(TimeoutError):
            await post(url, timeout=timedelta(seconds=0.05))
        server.says = (OK,)
        assert (await post(url)).body == b"ok"
    assert server.connections == 2


async def test_more_than_was_asked_for_closes_the_connection():
    server = Server(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    async with server.up() as url:
        assert (await post(url)).body == b"ok"
        assert (await post(url)).body == b"ok"
    assert server.connections == 2


async def test_nobody_there_is_an_error_that_keeps_the_address_secret():
    with pytest.raises(OSError, match="no connection") as caught:
        await post("http://127.0.0.1:9/bot1:secret/send")
    assert "secret" not in str(caught.value)


async def test_nothing_can_be_put_between_the_lines():
    with pytest.raises(ValueError, match="line break"):
        await wire.post("http://h/", b"", [("X", "a\r\nY: b")], MINUTE)
    with pytest.raises(ValueError, match="space"):
        await wire.post("http://h/a HTTP/1.1", b"", [], MINUTE)


def test_it_works_in_one_loop_after_another():
    server = Server(OK)
    with asyncio.Runner() as theirs, asyncio.Runner() as first, asyncio.Runner() as second:
        up = server.up()
        url = theirs.run(up.__aenter__())
        over = asyncio.Event()
        serving = threading.Thread(target=theirs.run, args=(over.wait(),))
        serving.start()
        for loop in (first, first, second):
            assert loop.run(post(url)).body == b"ok"
        first.run(wire.close())
        second.run(wire.close())
        theirs.get_loop().call_soon_threadsafe(over.set)
        serving.join()
        theirs.run(up.__aexit__(None, None, None))
    assert server.connections == 2


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    more = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    try:
        subprocess.run([*command, *more], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


async def test_over_tls_the_other_end_must_prove_who_it_is(certificate, monkeypatch):
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate.with_suffix(".crt")))
    server = Server(OK)
    async with server.up(served) as url:
        with pytest.raises(OSError, match="no connection: SSLCertVerificationError"):
            await post(url)
        monkeypatch.setattr(fetch, "tls", lambda: trusting)
        before = server.connections
        assert [(await post(url)).body for _ in range(2)] == [b"ok", b"ok"]
        assert server.connections == before + 1
        with pytest.raises(OSError, match="no connection"):
            await post(url.replace("localhost", "127.0.0.1"))
