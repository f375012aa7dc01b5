"""The Bot API as far as a broadcast asks it: one bucket for all that the bot sends, pauses, blocks, lost answers."""

import asyncio
import contextlib
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

BLOCKED = 20  # each so-and-so-many-th person has stopped the bot
LOST = 0.0005
FLOODS = 0.0002
BURST = 30
ANSWER = 0.09


@dataclass
class Telegram:
    """`scale`: how much faster than the real one it is; pauses last whole seconds whatever the scale."""

    scale: float
    rng: random.Random
    got: Counter[int] = field(default_factory=Counter)
    lost: set[int] = field(default_factory=set)
    accepted: int = 0
    floods: int = 0
    own_floods: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    paused: float = 0.0
    paused_until: float = 0.0
    tokens: float = BURST

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        chat = int((await request.json())["chat_id"])
        now = time.monotonic()
        if wait := self._must_wait(now, chat):
            answer = {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": wait}}
            await JSONResponse(answer, 429)(scope, receive, send)
            return
        self.accepted += 1
        await asyncio.sleep(self.rng.expovariate(1 / ANSWER) / self.scale)
        if chat >= 0 and chat % BLOCKED == 0:
            refused = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}
            await JSONResponse(refused, 403)(scope, receive, send)
            return
        self.got[chat] += 1
        if self.rng.random() < LOST:
            self.lost.add(chat)
            with contextlib.suppress(OSError):
                await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
                await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return
        await JSONResponse({"ok": True, "result": {"message_id": self.accepted}})(scope, receive, send)

    def _must_wait(self, now: float, chat: int) -> int:
        """Take one from the bucket and return 0, or the seconds that everybody has to wait."""
        rate = 30 * self.scale
        self.tokens = min(BURST, self.tokens + (now - (self.last_at or now)) * rate)
        self.first_at = self.first_at or (now if chat > 0 else 0.0)
        self.last_at = now
        if now < self.paused_until:
            return max(1, round(self.paused_until - now))
        empty = self.tokens < 1
        if not empty and self.rng.random() >= FLOODS:
            self.tokens -= 1
            return 0
        self.own_floods += empty
        self.floods += 1
        self.paused_until = now + 1
        self.paused += 1
        return 1
