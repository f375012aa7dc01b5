"""Administrators, one after the other, and what they look at."""

import itertools
from collections.abc import Awaitable, Callable

import pytest

from tests.flows.chat import Chat
from tests.flows.conftest import ADMINS

_ids = itertools.cycle(ADMINS[1:-1])


@pytest.fixture
def administrator(shop) -> Callable[..., Awaitable[Chat]]:
    """Make people whose id is in ADMIN_IDS; they have opened the admin bot."""

    async def make(name: str = "Дина") -> Chat:
        user = {"first_name": name, "language_code": "ru", "id": next(_ids)}
        made = (await shop.http.post("/sim/users", json=user)).raise_for_status().json()
        chat = Chat(shop.http, "admin", made)
        await chat.says("/start")
        await chat.sees("Лоток · админка")
        return chat

    return make


@pytest.fixture
async def dina(administrator) -> Chat:
    return await administrator()


@pytest.fixture
def found(dina) -> Callable[[Chat], Awaitable[Chat]]:
    """Have Dina look somebody up; their card is on her screen."""

    async def look(whom: Chat) -> Chat:
        await dina.says(str(whom.user["id"]))
        await dina.sees(f"Telegram id {whom.user['id']}")
        return dina

    return look
