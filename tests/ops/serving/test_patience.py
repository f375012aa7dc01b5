"""ops/serving/patience.py: a request that was under way when its process was told to end is answered."""

import asyncio

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from ops.serving import patience

ASKED = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"


@pytest.fixture
async def served(monkeypatch):
    """A connection that was accepted, and the client's end of it."""
    monkeypatch.setattr(patience, "WAITING", 0.05)
    settings = uvicorn.Config(PlainTextResponse("well"), lifespan="off", log_config=None)
    settings.load()
    accepted = asyncio.get_running_loop().create_future()

    def accept():
        made = patience.Patient(settings, ServerState(), {})
        made.connection_made = lambda transport: (
            type(made).connection_made(made, transport),
            accepted.set_result(made),
        )
        return made

    async with await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        yield await accepted, reader, writer
        writer.close()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        (await accepted).transport.close()
    await asyncio.sleep(0)


async def test_a_request_that_comes_after_the_signal_is_answered_and_then_the_connection_ends(served):
    connection, reader, writer = served
    connection.shutdown()
    writer.write(ASKED)
    answer = await reader.read()  # to its end
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"well")


async def test_so_is_the_second_one_of_a_connection_that_is_kept(served):
    connection, reader, writer = served
    writer.write(ASKED)
    await reader.readuntil(b"well")
    connection.shutdown()
    writer.write(ASKED)
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")


async def test_a_silent_connection_ends_by_itself(served):
    connection, reader, _ = served
    connection.shutdown()
    assert await reader.read() == b""
    assert connection.transport.is_closing()


async def test_a_client_that_has_gone_meanwhile_is_no_error(served):
    connection, _, writer = served
    connection.shutdown()
    writer.close()
    await writer.wait_closed()
    connection.transport.close()
    connection._end()
    assert connection.transport.is_closing()
