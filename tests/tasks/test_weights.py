"""Weights that a worker brings from the site: whole, once, and not at any price."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev import serving
from lib import cache, config, fetch
from lib.drawing.cut import outline
from lib.drawing.cut.sam import decoder, encoder, prompts, stored
from lib.drawing.cut.subject import Sighting
from lib.tasks import weights

REAL = stored.OWN


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A new instance of the worker, without the file."""
    monkeypatch.setattr(stored, "OWN", tmp_path / "none")
    monkeypatch.setattr(stored, "BROUGHT", tmp_path / REAL.name)
    monkeypatch.setattr(weights, "_breaker", cache.Breaker(limit=1, pause=300.0))
    for read in (decoder._read_all, decoder.network, prompts.network, encoder.network):
        read.cache_clear()
    yield
    for read in (decoder._read_all, decoder.network, prompts.network, encoder.network):
        read.cache_clear()


@contextlib.asynccontextmanager
async def site(answer: bytes, monkeypatch: pytest.MonkeyPatch, status: int = 200) -> AsyncIterator[list[str]]:
    """Serve an answer where the weights are asked for, and note the pass of each request."""
    asked: list[str] = []

    async def give(request: Request) -> Response:
        asked.append(request.headers.get(config.BYPASS, ""))
        return Response(answer, status)

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
    assert asked == [""]
    assert stored.BROUGHT.read_bytes() == REAL.read_bytes()


@pytest.mark.parametrize(
    "answer", [b"", b"<html>not found</html>", REAL.read_bytes()[:4_000_000], bytes(weights.LARGEST + 1)]
)
async def test_anything_else_is_not_kept(
    nowhere: None, answer: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with site(answer, monkeypatch) as asked:
        await weights.bring()
        await weights.bring()
        assert len(asked) == 1, "the next run does not wait for it"
        weights._breaker.shut_until = 0
        await weights.bring()
    assert len(asked) == 2, "a later one tries again"
    assert capsys.readouterr().out.count("weights_not_brought") == 2
    assert not stored.at_hand()
    assert not list(stored.BROUGHT.parent.iterdir())


def test_without_them_there_is_no_outline(nowhere: None) -> None:
    picture, seen = square()
    assert outline.find(picture, seen) == (seen, [])


@pytest.mark.parametrize("length", [0, 4_000_000])
def test_a_damaged_file_is_as_none_and_goes(nowhere: None, length: int, capsys: pytest.CaptureFixture[str]) -> None:
    stored.BROUGHT.write_bytes(REAL.read_bytes()[:length])
    picture, seen = square()
    for _ in range(2):
        assert outline.find(picture, seen) == (seen, [])
    assert not stored.at_hand(), "the next run brings it once more"
    assert capsys.readouterr().out.count("weights_damaged") == 1


def test_what_was_read_once_serves_when_the_file_is_gone(nowhere: None) -> None:
    stored.keep(REAL.read_bytes())
    assert decoder.is_ready()
    stored.BROUGHT.unlink()
    assert outline.find(*square())[1]


async def test_a_preview_shows_its_pass_and_no_log_has_it(
    nowhere: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config.Config, "pass_headers", {config.BYPASS: "the-pass"})
    async with site(b"no", monkeypatch, status=401) as asked:
        await weights.bring()
    assert asked == ["the-pass"]
    log = capsys.readouterr().out
    assert "weights_not_brought" in log
    assert "the-pass" not in log


def test_a_full_disk_keeps_no_part_of_it(nowhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(place: Path, to: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space"):
        stored.keep(REAL.read_bytes())
    assert not list(stored.BROUGHT.parent.iterdir())


def square() -> tuple[Image.Image, Sighting]:
    picture = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(picture).rectangle((60, 60, 140, 140), fill="red")
    mask = np.zeros((64, 64), dtype=np.float32)
    mask[16:48, 16:48] = 1
    return picture, Sighting(picture.size, mask, (0, 0, 200, 200), mask, mask)


def test_the_file_of_the_site_is_the_one_that_is_asked_for(nowhere: None) -> None:
    stored.keep(REAL.read_bytes())
