"""Tests of the colours that settle what looks at a product see differently, and of lines that a cut has lost."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.cut import cutout, faint, gate, hues, subject, vote
from lib.drawing.ground import colour
from lib.drawing.ground.raster import Floats, Mask

SIDE = 160
BODY, PART = (slice(40, 121), slice(30, 91)), (slice(40, 121), slice(91, 105))
RED, WALL, MAT, BLACK = (190, 50, 50), (205, 200, 190), (220, 130, 40), (30, 30, 32)


def make_lab(
    ground: tuple[int, int, int], body: tuple[int, int, int], part: tuple[int, int, int], paper: bool = True
) -> Floats:
    """A body with a part at its right on a noisy ground, above white paper, as lightness and two colours."""
    image = Image.new("RGB", (SIDE, SIDE), ground)
    pen = ImageDraw.Draw(image)
    pen.rectangle((30, 40, 90, 120), fill=body)
    pen.rectangle((91, 40, 104, 120), fill=part)
    if paper:
        pen.rectangle((0, 140, SIDE, SIDE), fill=(250, 250, 250))
    noise = np.random.default_rng(5).normal(0, 4, (SIDE, SIDE, 3))
    pixels = (np.asarray(image) + noise).clip(0, 255).astype(np.uint8)
    return np.asarray(colour.oklab(pixels) * hues.SCALE, dtype=np.float32)


def make_look(*seen: tuple[slice, slice]) -> Floats:
    look = np.zeros((SIDE, SIDE), dtype=np.float32)
    for place in seen:
        look[place] = 1
    return look


@pytest.mark.parametrize(
    ("ground", "part", "product", "taken"),
    [
        (WALL, RED, True, False),  # the colour of the body
        (MAT, MAT, False, True),  # that of the mat below
        (BLACK, BLACK, False, False),  # dark on dark: a black brim is as often the product's own
        (WALL, (40, 90, 200), False, False),  # a colour that nothing else has: a hand, another thing
    ],
)
@pytest.mark.parametrize("light", [1.0, 0.4])
def test_what_one_look_alone_sees_goes_by_its_colours(
    ground: tuple[int, int, int], part: tuple[int, int, int], product: bool, taken: bool, light: float
) -> None:
    lab = make_lab(ground, RED, part) * np.float32(light)
    votes = vote.cast(lab, [make_look(BODY, PART), make_look(BODY)], make_look(BODY, PART))
    middle = (slice(50, 110), slice(94, 102))
    assert (votes.product[middle].all(), votes.ground[middle].all()) == (product, taken)
    assert (votes.product.any(), votes.ground.any()) == (product, taken)


@pytest.mark.parametrize(("ground", "body"), [((190, 180, 130), RED), (MAT, MAT)])
def test_a_product_of_its_grounds_colour_is_not_voted_away(
    ground: tuple[int, int, int], body: tuple[int, int, int]
) -> None:
    """White frames of glasses on white paper in yellow light; an orange thing of which most is in doubt."""
    lab = make_lab(ground, body, ground, paper=body != RED)
    looks = [make_look(BODY, PART), make_look(BODY if body == RED else PART)]
    assert not vote.cast(lab, looks, looks[0]).ground.any()


def test_a_settled_part_is_settled_in_every_look() -> None:
    lab, looks = make_lab(MAT, RED, MAT), (make_look(BODY, PART), make_look(BODY))
    found = subject.Sighting((SIDE, SIDE), make_look(BODY, PART), (0, 0, SIDE, SIDE), *looks)
    settled = found.voted(vote.cast(lab, found.looks, found.searched))
    assert found.overlap < 0.9 < 0.99 < settled.overlap
    assert settled.mask[80, 98] == 0
    assert settled.mask[80, 60] == 1


@pytest.mark.parametrize(("part", "certain"), [(RED, False), (MAT, True)])
def test_a_cut_that_lacks_what_the_first_look_saw_is_not_sure(part: tuple[int, int, int], certain: bool) -> None:
    """Black trousers under a shirt with a black collar: both close looks left them out."""
    lab = make_lab(MAT, RED, part)
    looks = (make_look(BODY), make_look(BODY))
    found = subject.Sighting((SIDE, SIDE), make_look(BODY, PART), (0, 0, SIDE, SIDE), *looks)
    settled = found.voted(vote.cast(lab, found.looks, found.searched))
    assert (settled.lacking <= gate.ALONE["lacking"]) is certain
    assert gate.marks(settled, lab).lacking == settled.lacking


def test_a_part_that_a_look_left_out_is_given_back_and_leaves_the_cut_in_doubt() -> None:
    """White frames around grey glasses: one look lost a glass, both the frames."""
    lab = make_lab(WALL, RED, RED)
    found = subject.Sighting((SIDE, SIDE), make_look(BODY), (0, 0, SIDE, SIDE), make_look(BODY, PART), make_look(BODY))
    for _ in range(2):
        found = found.voted(vote.cast(lab, found.looks, found.searched))
    assert found.mask[80, 98] == 1
    assert gate.marks(found, lab).lacking > gate.ALONE["lacking"]


def make_carpet(*, apart: bool, ground: int = 55) -> tuple[Floats, Mask]:
    """A cut box with faint lines that begin at it or far from it."""
    image, seen = Image.new("RGB", (240, 240), (ground,) * 3), Image.new("1", (240, 240))
    ImageDraw.Draw(seen).rectangle((80, 40, 160, 100), fill=1)
    pen = ImageDraw.Draw(image)
    pen.rectangle((80, 40, 160, 100), fill=(200, 30, 30))
    top = 150 if apart else 104
    pen.rectangle((85, top, 155, top + 60), outline=(ground - 20,) * 3, width=2)
    return np.asarray(colour.oklab(np.asarray(image)) * hues.SCALE, dtype=np.float32), np.asarray(seen)


@pytest.mark.parametrize(("apart", "ground", "lost"), [(True, 55, False), (False, 55, True), (True, 245, True)])
def test_on_a_dark_carpet_lines_are_the_products_only_where_they_begin_at_it(
    apart: bool, ground: int, lost: bool
) -> None:
    assert (faint.lost(*make_carpet(apart=apart, ground=ground)) > cutout.FAR) is lost
