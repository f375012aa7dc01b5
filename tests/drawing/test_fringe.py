"""Tests of the ground that a cut has kept, and of the third look at what two looks leave in doubt."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.cut import cutout, fringe, hues, network, outline, subject
from lib.drawing.ground import colour
from lib.drawing.ground.raster import Floats, Mask

SIDE = 160
GRASS, ROAD, BROWN, GREY = (70, 140, 40), (120, 120, 122), (150, 90, 70), (128, 126, 125)


def make_scene(
    ground: tuple[int, int, int], product: tuple[int, int, int], kept: list[tuple[int, int, int, int]]
) -> tuple[Floats, Mask]:
    """A box on a noisy ground with oblongs of ground before or beside it, and a cut that holds all of them."""
    noise = np.random.default_rng(5).normal(0, 6, (SIDE, SIDE, 3))
    image, seen = Image.new("RGB", (SIDE, SIDE), ground), Image.new("1", (SIDE, SIDE))
    pen, marker = ImageDraw.Draw(image), ImageDraw.Draw(seen)
    pen.rectangle((40, 40, 119, 119), fill=product)
    marker.rectangle((40, 40, 119, 119), fill=1)
    for oblong in kept:
        pen.rectangle(oblong, fill=ground)
        marker.rectangle(oblong, fill=1)
    pixels = (np.asarray(image) + noise).clip(0, 255).astype(np.uint8)
    return np.asarray(colour.oklab(pixels) * hues.SCALE, dtype=np.float32), np.asarray(seen)


BLADES = [(x, 96, x + 3, 119) for x in range(44, 116, 10)]


@pytest.mark.parametrize("light", [1.0, 0.3])
def test_grass_before_a_product_is_taken_away(light: float) -> None:
    lab, seen = make_scene(GRASS, BROWN, BLADES)
    found = fringe.find(lab * np.float32(light), seen)
    assert found[100:118, 45:47].all()
    assert not found[44:90, 44:116].any()


def test_ground_beside_a_product_is_taken_away() -> None:
    found = fringe.find(*make_scene(GRASS, BROWN, [(120, 60, 150, 72)]))
    assert found[62:71, 124:149].all()
    assert not found[44:116, 44:116].any()


@pytest.mark.parametrize(("ground", "taken"), [((200, 40, 30), True), (ROAD, False)])
def test_a_shadow_on_a_strongly_coloured_ground_is_the_grounds(ground: tuple[int, int, int], taken: bool) -> None:
    """A rim of red cloth in the shade hung under a black cap. A grey shadow may be the product's own foot."""
    lab, seen = make_scene(ground, (30, 30, 32), [(50, 120, 110, 130)])
    lab[120:131, 50:111] *= np.float32(0.55)
    found = fringe.find(lab, seen)
    assert found[122:130, 54:107].all() == taken
    assert not found[44:116, 44:116].any()


@pytest.mark.parametrize(("ground", "product", "kept"), [(ROAD, GREY, BLADES), (GRASS, GRASS, []), (GRASS, BROWN, [])])
def test_a_product_keeps_what_may_be_its_own(
    ground: tuple[int, int, int], product: tuple[int, int, int], kept: list[tuple[int, int, int, int]]
) -> None:
    found = fringe.find(*make_scene(ground, product, kept))
    assert not found.any()


def make_look(*missing: slice) -> Floats:
    """A look that sees a box, but for some of its rows."""
    seen = np.zeros((SIDE, SIDE), dtype=np.float32)
    seen[40:120, 40:120] = 1
    for rows in missing:
        seen[rows] = 0
    return seen


FOOT, HEAD = slice(100, 120), slice(40, 60)


@pytest.mark.parametrize(
    ("looks", "searched", "kept"),
    [
        ((make_look(), make_look(FOOT), make_look()), make_look(FOOT), True),  # two of three saw it
        ((make_look(FOOT), make_look(FOOT), make_look()), make_look(), True),  # one, and the first look
        ((make_look(FOOT), make_look(FOOT), make_look()), make_look(FOOT), False),  # one alone
    ],
)
def test_three_looks_keep_what_two_of_the_four_saw(
    looks: tuple[Floats, Floats, Floats], searched: Floats, kept: bool
) -> None:
    found = subject.Sighting((SIDE, SIDE), searched, (0, 0, SIDE, SIDE), *looks)
    assert bool(found.mask[110, 80] > 0.5) is kept
    assert found.mask[80, 80] == 1


@pytest.mark.parametrize(("agrees", "looks"), [(True, [192, 320, 320]), (False, [192, 320, 320, 192])])
def test_a_photo_in_doubt_is_looked_at_once_more_from_farther_away_and_coarsely(
    agrees: bool, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    widths: list[int] = []
    sides: list[int] = []

    def seen(picture: Image.Image, side: int) -> Floats:
        widths.append(picture.width)
        sides.append(side)
        pixels = np.asarray(picture.resize((side, side)), dtype=np.float32)
        mask = ((pixels[..., 0] - pixels[..., 1]) / 100).clip(0, 1)
        if len(widths) == 3 and not agrees:
            mask[: side // 2] = 0
        return np.asarray(mask, dtype=np.float32)

    monkeypatch.setattr(network, "find", seen)
    monkeypatch.setattr(subject, "sides_of_looks", lambda: (192, 320))  # at fewer, edges alone differ
    monkeypatch.setattr(outline, "find", lambda photo, found: (found, []))  # which would see both halves
    image = Image.new("RGB", (320, 320), (128, 128, 128))
    pen = ImageDraw.Draw(image)
    pen.rectangle((120, 120, 200, 160), fill=(200, 60, 60))  # in a colour of its own: no vote settles it
    pen.rectangle((120, 161, 200, 200), fill=(200, 60, 160))
    cut = cutout.judged(image, None, subject.find(image))
    assert sides == looks
    assert widths[-1] > widths[1] or agrees
    # Where a close look was certain of the opposite, the third settles the picture, and the seller the rest.
    assert cut.verdict == ("sure" if agrees else "unsure")
    assert [length // 4 for length in cut.pictures[0].image.size] == [20, 20]
