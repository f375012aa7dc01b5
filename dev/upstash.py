"""The stand-in of Upstash: the bridge of ops/serving over a Valkey of this machine, which fails on demand."""

from pathlib import Path

from starlette.types import Receive, Scope, Send

from dev.faults import Faults
from ops.serving.bridge import Bridge
from ops.serving.resp import Address


def app(socket: Path, token: str) -> "Upstash":
    """Return the service over the Valkey at `socket`; mount it as `Route("/upstash{path:path}", app)`."""
    return Upstash(Address(path=str(socket)), token)


class Upstash(Bridge):
    """The service; `faults.now` is how it fails."""

    def __init__(self, address: Address, token: str) -> None:
        super().__init__(address, token)
        self.faults = Faults()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1  # also one that is never answered
        if not await self.faults.strike(scope, receive, send):
            await self.serve(scope, receive, send)
