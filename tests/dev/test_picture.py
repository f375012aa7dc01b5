"""The picture of the README: its scene still plays, and what is taken is worth looking at."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
from PIL import Image

from dev import picture
from dev.stack import Stack

pytestmark = pytest.mark.skipif(
    not (shutil.which("chromium") or shutil.which("chromium-browser")),
    reason="no Chromium here: apt-get install chromium",
)


@pytest.mark.long
async def test_the_scene_plays_in_all_four_bots_and_is_photographed(monkeypatch, tmp_path):
    monkeypatch.setattr(picture, "PICTURE", tmp_path / "simulator.png")
    folder = Path(tempfile.mkdtemp(prefix="lotok-picture-"))  # a seeded café changes the balances of other tests
    try:
        async with Stack(folder, time_scale=0.1, given={"ADMIN_IDS": "1005", "CUT_SIDE": "64"}) as stack:
            assert await asyncio.to_thread(picture.take, stack.page) == 0
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with Image.open(picture.PICTURE) as taken:
        assert taken.size == (picture.WINDOW["width"], picture.WINDOW["height"])
        assert len(taken.getcolors(1 << 21) or ()) > 5000, "the card is drawn, not only its frame"
    assert picture.PICTURE.stat().st_size < 1_000_000, "a README that loads"
