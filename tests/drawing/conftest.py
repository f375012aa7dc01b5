"""Tests of many clips draw a thing once: they cut the same photo once and build the same room once."""

import functools
from collections.abc import Callable
from typing import Any

import pytest

from lib.drawing.cut import cutout
from lib.drawing.cut.result import CutPhoto
from lib.drawing.ground.photo import Photo
from lib.drawing.scene import scenes


@pytest.fixture(scope="session")
def cut_once() -> Callable[[Photo], CutPhoto]:
    """Cut a product out as the product does, and remember it."""
    cut_out, known = cutout.cut_out, dict[bytes, CutPhoto]()

    def cut(photo: Photo) -> CutPhoto:
        if photo.alpha is not None:
            return cut_out(photo)
        key = photo.rgb.tobytes()
        if key not in known:
            known[key] = cut_out(photo)
        return known[key]

    return cut


@pytest.fixture(scope="session")
def rooms() -> dict[str, Any]:
    """Draw each room of one size and colour once."""
    return {name: functools.cache(draw) for name, draw in scenes.SCENES.items()}


@pytest.fixture
def once(cut_once: Callable[[Photo], CutPhoto], rooms: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test of many clips cut and build each thing once."""
    monkeypatch.setattr(cutout, "cut_out", cut_once)
    for name, draw in rooms.items():
        monkeypatch.setitem(scenes.SCENES, name, draw)
