"""The stand-ins of the providers, each a real server, and the settings that lead to them."""

import io

import pytest
from PIL import Image, ImageDraw

from dev import serving
from dev.generation import Kie, OpenAI
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


@pytest.fixture
async def kie():
    """KIE's stand-in; a task takes 50 ms."""
    service = Kie(keys=("key-number-one", "key-number-two"), seconds=0.05, light=True)
    async with serving.serve(service) as address:
        service.address = address
        yield service
        await service.close()


@pytest.fixture
async def openai():
    service = OpenAI(keys=("openai-key-0000",), seconds=0.02, light=True)
    async with serving.serve(service) as address:
        service.address = address
        yield service


@pytest.fixture
async def keyed(kie, openai, monkeypatch):
    """Let the settings name the stand-ins."""
    monkeypatch.setenv("KIE_API_KEY", ",".join(kie.keys))
    monkeypatch.setenv("KIE_API_URL", kie.address)
    monkeypatch.setenv("OPENAI_API_KEY", openai.keys[0])
    monkeypatch.setenv("OPENAI_BASE_URL", f"{openai.address}/v1")
    config.get.cache_clear()
    yield
    from lib.providers import openai as provider

    await provider.close()
    await fetch.close()
    monkeypatch.undo()
    config.get.cache_clear()
