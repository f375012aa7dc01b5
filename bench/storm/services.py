"""A provider and a Telegram that fail in every way they know, by the seed, and remember what they were told."""

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

# How long the workers wait for an answer, and how much longer a service that hangs takes.
PATIENCE = 2.0
HANG = 2.4
# How often a service answers so, by thousands.
PROVIDER = {"503": 30, "429": 10, "422": 8, "lost": 10, "hang": 4}
TELEGRAM = {"500": 20, "429": 15, "lost": 10, "hang": 4}


@dataclass(frozen=True)
class Delivery:
    """A delivery to a chat: a job's key, by which worker, when; `heard` is whether it was answered at all.

    `why` is what the job's last try had failed of, as the worker knows it.
    """

    key: str
    chat: int
    worker: int
    at: float
    heard: bool
    why: str


@dataclass
class Services:
    """Both services as one ASGI app."""

    rng: random.Random
    blocked: frozenset[int] = frozenset()
    calm: bool = False
    on_kick: Callable[[], None] = lambda: None
    deliveries: list[Delivery] = field(default_factory=list)
    refused: set[tuple[str, int]] = field(default_factory=set)
    accepted: list[tuple[str, float]] = field(default_factory=list)
    ready_at: list[float] = field(default_factory=list)
    readers: list[int] = field(default_factory=list)  # of the broadcast
    heard: set[int] = field(default_factory=set)  # those whose sender got the answer
    faults: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        path = scope["path"].rpartition("/")[2]
        if path == "drain":
            self.on_kick()
            await Response(status_code=202)(scope, receive, send)
            return
        try:
            body = json.loads(await request.body())
        except ClientDisconnect:  # a worker that was killed
            return
        worker = int(request.headers.get("x-worker", 0))
        fault = self._fault(TELEGRAM if path in ("send", "sendMessage") else PROVIDER)
        if fault in ("500", "503", "429", "422"):
            headers = {"Retry-After": "1"} if fault == "429" else {}
            told = {"error": fault, "ok": False, "error_code": int(fault), "parameters": {"retry_after": 1}}
            await JSONResponse(told, int(fault), headers)(scope, receive, send)
            return
        status, answer = getattr(self, f"_{path}")(body, worker, not fault)
        if fault:
            await self._fall_silent(fault, send)
        else:
            await JSONResponse(answer, status)(scope, receive, send)

    def _fault(self, kinds: dict[str, int]) -> str:
        """Choose how to fail, mostly not at all."""
        number = self.rng.randrange(1000)
        for kind, share in kinds.items():
            number -= share
            if number < 0 and not self.calm:
                self.faults[f"{'Telegram' if kinds is TELEGRAM else 'provider'} {kind}"] += 1
                return kind
        return ""

    async def _fall_silent(self, fault: str, send: Send) -> None:
        """Do as asked, and let the caller never know."""
        if fault == "hang":
            await asyncio.sleep(HANG)
        with contextlib.suppress(OSError):
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})

    def _start(self, body: dict[str, Any], worker: int, heard: bool) -> tuple[int, Any]:
        self.accepted.append((body["key"], time.time()))
        self.ready_at.append(time.time() + self.rng.uniform(0.05, 0.6))
        return 200, {"id": len(self.accepted) - 1}

    def _look(self, body: dict[str, Any], worker: int, heard: bool) -> tuple[int, Any]:
        number = body["id"]
        done = self.ready_at[number] <= time.time()
        return 200, {"key": self.accepted[number][0] if done else None}

    def _sendMessage(self, body: dict[str, Any], worker: int, heard: bool) -> tuple[int, Any]:
        chat = int(body["chat_id"])
        self.readers.append(chat)
        if heard:
            self.heard.add(chat)
        return 200, {"ok": True, "result": {"message_id": len(self.readers)}}

    def _send(self, body: dict[str, Any], worker: int, heard: bool) -> tuple[int, Any]:
        if body["chat"] in self.blocked:
            self.refused.add((body["key"], body["chat"]))
            return 403, {"error": "blocked"}
        self.deliveries.append(Delivery(body["key"], body["chat"], worker, time.time(), heard, body["why"]))
        return 200, {"ok": True}
