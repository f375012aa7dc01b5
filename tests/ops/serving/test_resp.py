"""ops/serving/resp.py: addresses as people write them, and a server that refuses, is slow or goes away."""

import asyncio
import contextlib

import pytest

from dev.valkey import Valkey
from lib import errors
from ops.serving import resp
from ops.serving.bridge import Bridge
from ops.serving.resp import Address, Connections


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "tls", "greeting"),
    [
        ("redis://localhost", "localhost", 6379, "", False, ()),
        ("redis://localhost:6380/", "localhost", 6380, "", False, ()),
        ("redis://10.0.0.5/3", "10.0.0.5", 6379, "", False, ((b"SELECT", b"3"),)),
        ("redis://[::1]:7000", "::1", 7000, "", False, ()),
        ("redis://:p%40ss@h", "h", 6379, "", False, ((b"AUTH", b"p@ss"),)),
        ("redis://bot:secret@h/1", "h", 6379, "", False, ((b"AUTH", b"bot", b"secret"), (b"SELECT", b"1"))),
        ("rediss://h:6390", "h", 6390, "", True, ()),
        ("unix:///run/valkey.sock", "", 6379, "/run/valkey.sock", False, ()),
        ("unix:///run/valkey.sock?db=2", "", 6379, "/run/valkey.sock", False, ((b"SELECT", b"2"),)),
    ],
)
def test_an_address_is_read(url, host, port, path, tls, greeting):
    assert Address.read(url) == Address(host, port, path, tls, greeting)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:6379",
        "http://h",
        "redis://",
        "redis://h:0",
        "redis://h:99999",
        "redis://h/zero",
        "unix://",
        "rediss:///0",
    ],
)
def test_what_is_no_address_is_one_line(url):
    with pytest.raises(errors.Misconfigured, match="address"):
        Address.read(url)


def test_the_password_is_not_in_the_repr():
    assert "secret" not in repr(Address.read("redis://bot:secret@h"))


@contextlib.asynccontextmanager
async def _server(answer):
    """Answer each connection by `answer(reader, writer)` and yield the address."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield Address("127.0.0.1", server.sockets[0].getsockname()[1])


async def test_a_password_and_a_database_are_used():
    with Valkey() as server:
        open_to_all = Connections(Address(path=str(server.socket)))
        await open_to_all.run([[b"CONFIG", b"SET", b"requirepass", b"secret"]])
        right = Connections(Address.read(f"unix://:secret@{server.socket}?db=2"))
        assert await right.run([[b"SET", b"a", b"1"], [b"DBSIZE"]]) == [b"OK", 1]
        await right.close()
        for url in (f"unix://:wrong@{server.socket}", f"unix://{server.socket}"):
            bridge = Bridge(Address.read(url), "a-token")
            with pytest.raises(errors.Rejected, match=r"WRONGPASS|NOAUTH"):
                await bridge.answers()
            await bridge.close()
        await open_to_all.run([[b"CONFIG", b"SET", b"requirepass", b""]])
        await open_to_all.close()


async def test_nobody_there_is_one_line():
    with pytest.raises(errors.Unavailable, match="Redis does not answer"):
        await Bridge(Address("127.0.0.1", 1), "a-token").answers()


async def test_a_server_that_still_reads_its_data_is_waited_for():
    async def loading(reader, writer):
        await reader.readline()
        writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
        writer.close()

    async with _server(loading) as address:
        for greeting in ((), ((b"SELECT", b"2"),)):
            bridge = Bridge(Address(address.host, address.port, greeting=greeting), "a-token")
            with pytest.raises(errors.Unavailable, match="LOADING"):
                await bridge.answers()
            await bridge.close()


async def test_a_server_that_does_not_answer_in_time_is_unavailable(monkeypatch):
    monkeypatch.setattr(resp, "ANSWERING", 0.02)

    async def silent(reader, writer):
        await reader.read()
        writer.close()

    async with _server(silent) as address:
        with pytest.raises(errors.Unavailable, match="does not answer"):
            await Bridge(address, "a-token").answers()


async def test_a_server_that_goes_away_in_the_middle_of_a_reply_is_unavailable():
    async def broken(reader, writer):
        await reader.readline()
        writer.write(b"$100\r\nhalf of it")
        writer.close()

    async with _server(broken) as address:
        with pytest.raises(errors.Unavailable, match="does not answer"):
            await Bridge(address, "a-token").answers()


async def test_no_more_connections_than_the_most(monkeypatch):
    monkeypatch.setattr(resp, "MOST", 3)
    seen, most = 0, 0

    async def count(reader, writer):
        nonlocal seen, most
        seen += 1
        most = max(most, seen)
        while await reader.readuntil(b"PING\r\n"):
            await asyncio.sleep(0.001)
            writer.write(b"+PONG\r\n")

    async with _server(count) as address:
        connections = Connections(address)
        replies = await asyncio.gather(*(connections.run([[b"PING"]]) for _ in range(20)))
        await connections.close()
        assert replies == [[b"PONG"]] * 20
    assert most == 3


def test_a_bridge_without_a_token_would_let_everybody_in():
    with pytest.raises(errors.Misconfigured, match="token"):
        Bridge(Address("h"), "")
