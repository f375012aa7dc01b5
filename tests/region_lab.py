"""Two regions for tests: this process is one of them, and the other is a door that writes down what comes."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev import serving
from lib import config, wire
from lib.regions import door
from tests.conftest import SETTINGS


@dataclass
class OtherRegion:
    """The other region's door: the envelopes that came, and the status that it answers."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    came: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        assert request.headers["x-telegram-bot-api-secret-token"] == SETTINGS["WEBHOOK_SECRET"]
        head, _, body = (await request.body()).partition(b"\n")
        envelope = json.loads(head)
        self.came.append((envelope["bot"], envelope["hop"], body))
        return Response(status_code=self.status, headers=self.headers)


@pytest.fixture(name="eu")
async def other_region(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OtherRegion]:
    """Run the region `eu`; this process is the first one, `ru`."""
    other = OtherRegion()
    app = Starlette(routes=[Route("/api/telegram/regions", other.take, methods=["POST"])])
    async with serving.serve(app) as address:
        be(monkeypatch, "ru", eu=address)
        monkeypatch.setattr(door, "_breakers", {})
        yield other
        await wire.close()


def be(monkeypatch: pytest.MonkeyPatch, home: str, *, eu: str = "http://127.0.0.1:1") -> None:
    """Make this process one of the regions."""
    monkeypatch.setenv("HOME_REGION", home)
    monkeypatch.setenv("REGIONS", f"ru=http://127.0.0.1:1,eu={eu}")
    config.get.cache_clear()


def update(number: int, person: int, text: str) -> bytes:
    """Return an update as Telegram sends it: somebody has written something."""
    sender: dict[str, Any] = {"id": person, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    message = {"message_id": number, "date": 1, "chat": {"id": person, "type": "private"}, "from": sender, "text": text}
    return json.dumps({"update_id": number, "message": message}).encode()
