"""Tests of many clips cut the same photo once."""

from collections.abc import Callable

import pytest

from lib.drawing.cut import cutout
from lib.drawing.cut.result import CutPhoto
from lib.drawing.ground.photo import Photo


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


@pytest.fixture
def once(cut_once: Callable[[Photo], CutPhoto], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test of many clips cut each photo once."""
    monkeypatch.setattr(cutout, "cut_out", cut_once)
