"""Makes a stand-in fail on demand, in the ways in which a real service fails its callers."""

import asyncio
from dataclasses import dataclass

from starlette.types import Receive, Scope, Send

KINDS = ("down", "500", "503", "429", "html", "nothing", "hang", "slow")


@dataclass
class Fault:
    """A way to fail, for the next `times` requests, or until it is taken away when `times` is None.

    down: the connection breaks in the middle of the answer. nothing: 200 with an empty body. hang: no answer.
    slow: the true answer, after `seconds`.
    """

    kind: str
    seconds: float = 0.0
    times: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind}; there are {', '.join(KINDS)}")


class Faults:
    """The fault that one stand-in has now, if any."""

    def __init__(self) -> None:
        self.now: Fault | None = None

    async def strike(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Fail the request as the fault says; False when the request shall be answered after all."""
        fault = self._take()
        if fault is None:
            return False
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return False
        if fault.kind == "hang":
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
        await _answer(fault, send)
        return True

    def _take(self) -> Fault | None:
        fault = self.now
        if fault and fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self.now = None
        return fault


async def _answer(fault: Fault, send: Send) -> None:
    body = {"html": b"<html><body>Bad gateway</body></html>", "nothing": b"", "down": b"{"}.get(
        fault.kind, b'{"error":"internal error"}'
    )
    status = {"html": 502, "nothing": 200, "down": 200}.get(fault.kind) or int(fault.kind)
    length = len(body) + (100 if fault.kind == "down" else 0)  # more than will come: the server then breaks off
    headers = [(b"content-length", str(length).encode()), (b"content-type", b"text/html")]
    if fault.kind == "429":
        headers.append((b"retry-after", str(int(fault.seconds or 1)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": fault.kind == "down"})
