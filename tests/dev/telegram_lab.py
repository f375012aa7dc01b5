"""A simulated Telegram for one test: served over real HTTP, with the real client and a webhook that answers as told."""

import asyncio
import contextlib
import io
import struct
import time
import zlib
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LabeledPrice,
    Update,
)
from telegram.request import HTTPXRequest

from dev import serving
from dev.telegram import World, bot_api, control_api

ALICE, BOB = 1001, 1002
OK_BUTTON = InlineKeyboardMarkup([[InlineKeyboardButton("OK", callback_data="card:ok")]])


class Webhook:
    """A webhook that notes what came and answers 200, or what it was told to."""

    def __init__(self) -> None:
        self.came: list[tuple[float, Update]] = []
        self.secrets: list[str] = []
        self.answers: deque[Response] = deque()
        self.handle: Callable[[Update], Awaitable[None]] | None = None
        self.busy = self.busiest = 0

    async def endpoint(self, request: Request) -> Response:
        update = Update.de_json(await request.json(), None)
        assert not update.api_kwargs
        self.came.append((time.monotonic(), update))
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            if self.handle:
                await self.handle(update)
        finally:
            self.busy -= 1
        return self.answers.popleft() if self.answers else Response()

    @property
    def updates(self) -> list[Update]:
        return [update for _, update in self.came]


class Lab:
    """A world served over HTTP, the studio bot's client, and the control API."""

    def __init__(self, world: World, webhook: Webhook, address: str) -> None:
        self.world, self.webhook, self.address = world, webhook, address
        self.requests: list[HTTPXRequest] = []
        self.bot = self.bot_of("studio")
        self.sim = httpx.AsyncClient(base_url=f"{address}/sim", timeout=40, trust_env=False, verify=False)

    def bot_of(self, name: str, read_timeout: float = 10) -> Bot:
        request = HTTPXRequest(read_timeout=read_timeout, httpx_kwargs={"trust_env": False, "verify": False})
        self.requests.append(request)
        base, token = f"{self.address}/telegram", self.world.bots[name].account.token
        return Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=request,
            get_updates_request=request,
        )

    async def close(self) -> None:
        await self.sim.aclose()
        for request in self.requests:
            await request.shutdown()

    async def listen(self, **options: Any) -> None:
        await self.bot.set_webhook(f"{self.address}/hook", secret_token="s3cret", **options)

    async def act(self, what: str, *, user: int = ALICE, wait: bool = True, bot: str = "studio", **body: Any) -> Any:
        path = f"/chats/{bot}/{user}/{what}" + ("?wait=1" if wait else "")
        answer = await self.sim.post(path, json=body.get("raw", body))
        return answer.raise_for_status().json()

    async def upload(self, *files: tuple[str, bytes], kind: str = "photo", caption: str = "", wait: int = 1) -> Any:
        parts = [("files", (name, data, "application/octet-stream")) for name, data in files]
        path = f"/chats/studio/{ALICE}/upload?wait={wait}"
        return (await self.sim.post(path, files=parts, data={"as": kind, "caption": caption})).json()

    async def history(self, user: int = ALICE) -> Any:
        return (await self.sim.get(f"/chats/studio/{user}")).json()


class Stage:
    """One server for all tests, with the app of the test that runs."""

    def __init__(self) -> None:
        self.app: ASGIApp = Starlette()
        self.address = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    @contextlib.asynccontextmanager
    async def play(self, world: World) -> AsyncIterator[Lab]:
        """Start a world and put it on."""
        webhook = Webhook()
        mounts = [Mount("/telegram", bot_api(world)), Mount("/sim", control_api(world, world.hooks))]
        self.app = Starlette(routes=[*mounts, Route("/hook", webhook.endpoint, methods=["POST"])])
        await world.start()
        lab = Lab(world, webhook, self.address)
        try:
            yield lab
        finally:
            await world.stop()
            await lab.close()


@pytest.fixture(scope="session")
async def stage() -> AsyncIterator[Stage]:
    """The server."""
    stage = Stage()
    async with serving.serve(stage) as stage.address:
        yield stage


@pytest.fixture
async def lab(stage: Stage) -> AsyncIterator[Lab]:
    """A fresh Telegram in which Alice has started the studio bot; every call must be as the Bot API defines it."""
    world = World(time_scale=0.01)
    async with stage.play(world) as lab:
        await lab.listen()
        await lab.act("text", text="/start")
        lab.webhook.came.clear()
        yield lab
    assert world.problems == []


def picture(width: int = 2000, height: int = 1000, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(out, kind)
    return out.getvalue()


def film(width: int = 320, height: int = 568, seconds: int = 3) -> bytes:
    """Return what an MP4 file says of itself; there is no need to play it."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body) + 8, kind) + body

    header = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, seconds * 1000) + bytes(80))
    track = box(b"trak", box(b"tkhd", bytes(76) + struct.pack(">II", width << 16, height << 16)))
    return box(b"ftyp", b"mp42" + bytes(4)) + box(b"moov", header + track)


def bomb() -> bytes:
    """Return a tiny PNG that says it has 400 million pixels."""
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


async def until(true: Callable[[], Any], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def invoice(lab: Lab) -> int:
    price = [LabeledPrice("100", 100)]
    sent = await lab.bot.send_invoice(ALICE, "Credits", "100 credits", "order:1", "XTR", price, provider_token="")
    return sent.message_id
