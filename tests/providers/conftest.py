"""The stand-ins of the providers behind one real server, and the settings that lead to them."""

import io

import pytest
from PIL import Image, ImageDraw
from starlette.applications import Starlette

from dev import generation, serving
from lib import config, fetch


@pytest.fixture(scope="session")
def product_photo() -> bytes:
    """A mug, as a JPEG without metadata."""
    picture = Image.new("RGB", (600, 800), (236, 233, 228))
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((180, 260, 420, 600), 30, fill=(186, 52, 44))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture(scope="session")
async def page():
    """One server for all tests: its address, and the stand-ins that it has now."""
    services = {}

    async def answer(scope, receive, send):
        await Starlette(routes=generation.routes(services))(scope, receive, send)

    async with serving.serve(answer) as address:
        yield address, services


@pytest.fixture(scope="session")
def secrets():
    """The keys of the stand-ins, as the settings hold them."""
    return {name: ",".join(f"{name}-number-{n}" for n in range(many)) for name, many in generation.SECRETS.items()}


@pytest.fixture
async def stand_ins(page, secrets):
    """The stand-in of each provider, new for this test; a picture takes hardly any time."""
    _, services = page
    services.update(generation.stand_ins(secrets, seconds=0.05, light=True))
    yield services
    for service in services.values():
        await service.close()


@pytest.fixture
def kie(stand_ins):
    return stand_ins["kie"]


@pytest.fixture
def openai(stand_ins):
    return stand_ins["openai"]


@pytest.fixture
async def keyed(page, secrets, stand_ins, monkeypatch):
    """Let the settings name the stand-ins."""
    for name, value in {**secrets, **generation.settings(page[0])}.items():
        monkeypatch.setenv(name, value)
    config.get.cache_clear()
    yield
    from lib.providers import openai as provider

    await provider.close()
    await fetch.close()
    monkeypatch.undo()
    config.get.cache_clear()
