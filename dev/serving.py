"""An ASGI app on a loopback port, in the running loop; dev/guard.py stands at each door."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Collection, Iterator

import uvicorn
from starlette.types import ASGIApp

from dev import guard


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.told = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave Ctrl-C to the caller that runs the loop."""
        yield

    async def main_loop(self) -> None:
        """Keep the Date header right, and stop at once when told to: uvicorn looks ten times a second."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.told.wait(), 1)

    def tell(self) -> None:
        self.should_exit = True
        self.told.set()


@contextlib.asynccontextmanager
async def serve(app: ASGIApp, *, port: int = 0, hosts: Collection[str] = ()) -> AsyncIterator[str]:
    """Serve the app and yield its address; raise OSError when the port is taken. `hosts` are other names it goes by."""
    listener = _listen(port)
    # As the real services do, keep an idle connection longer than any client: one that both end at the same second
    # loses the request that was on its way.
    settings = uvicorn.Config(
        guard.LocalOnly(app, hosts),
        http="httptools",  # half of the stack's own work was parsing in Python
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
    )
    server = _Server(settings)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not running.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # uvicorn has no event to wait for
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.tell()
        await running
        listener.close()


def _listen(port: int) -> socket.socket:
    # Named as TCP: asyncio turns Nagle's algorithm off for such sockets only, and it would add 40 ms to an answer.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(100)
    except OSError:
        listener.close()
        raise
    return listener
