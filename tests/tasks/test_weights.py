"""Weights that a worker brings from the site: whole, once, and not at any price."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from dev import serving
from lib import config, fetch
from lib.drawing.cut import outline
from lib.drawing.cut.sam import stored
from lib.drawing.cut.subject import Sighting
from lib.tasks import weights

REAL = stored.OWN


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "OWN", tmp_path / "none")
    monkeypatch.setattr(stored, "BROUGHT", tmp_path / REAL.name)


@contextlib.asynccontextmanager
async def site(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[str]]:
    """Serve an answer where the weights are asked for, and note each request."""
    asked: list[str] = []

    async def give(request: object) -> Response:
        asked.append("weights")
        return Response(answer)

    async with serving.serve(Starlette(routes=[Route(f"/{stored.PLACE}", give)])) as address:
        monkeypatch.setenv("PUBLIC_URL", address)
        config.get.cache_clear()
        yield asked
        await fetch.close()
    config.get.cache_clear()


async def test_they_are_brought_once_and_serve(nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(REAL.read_bytes(), monkeypatch) as asked:
        await weights.bring()
        await weights.bring()
    assert asked == ["weights"]
    assert stored.BROUGHT.read_bytes() == REAL.read_bytes()


@pytest.mark.parametrize("answer", [b"", b"<html>not found</html>", bytes(weights.LARGEST + 1)])
async def test_anything_else_is_not_kept(nowhere: None, answer: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(answer, monkeypatch) as asked:
        await weights.bring()
        await weights.bring()
    assert len(asked) == 2, "the next run tries again"
    assert not stored.at_hand()
    assert not list(stored.BROUGHT.parent.iterdir())


def test_without_them_there_is_no_outline(nowhere: None) -> None:
    picture = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(picture).rectangle((60, 60, 140, 140), fill="red")
    mask = np.zeros((64, 64), dtype=np.float32)
    mask[16:48, 16:48] = 1
    seen = Sighting(picture.size, mask, (0, 0, 200, 200), mask, mask)
    assert outline.find(picture, seen) == (seen, [])


def test_the_file_of_the_site_is_the_one_that_is_asked_for(nowhere: None) -> None:
    stored.keep(REAL.read_bytes())
