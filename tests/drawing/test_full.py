"""Covers that are their photo: edge to edge, its product whole, and words that read on what it melts into."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.card import covers
from lib.drawing.cover import facts, framed
from lib.drawing.cover.full import PlacedPhoto
from lib.drawing.cut.result import CutPhoto, ProductPicture
from lib.drawing.ground.colour import contrast

SIZE = (300, 400)
SAID = facts.read("Шляпа из соломки", ("Широкие поля", "Дышит в жару"))
RED = (230, 20, 20)


def photo(box: tuple[int, int, int, int], ground: int = 90) -> PlacedPhoto:
    """Return a photo of a carpet with a red product there, and its mask."""
    cells = np.random.default_rng(7).integers(ground - 20, ground + 20, (120, 90, 3)).astype(np.uint8)
    image = Image.fromarray(cells).resize((900, 1200), Image.Resampling.NEAREST)
    ImageDraw.Draw(image).rectangle(box, fill=RED)
    mask = Image.new("L", image.size)
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    return PlacedPhoto(image, (box[0], box[1], box[2] + 1, box[3] + 1), mask)


def red(made: Image.Image) -> np.ndarray:
    pixels = np.asarray(made).astype(int)
    return pixels[..., 0] - pixels[..., 1] > 90  # it may begin to melt


@pytest.mark.parametrize("size", [SIZE, (270, 480)])
@pytest.mark.parametrize("top", [60, 250, 460])
def test_a_photo_of_the_cards_shape_fills_it_and_shows_its_product_whole(size, top):
    shown = photo((60, top, 840, top + 680))
    made = framed.draw(size, shown, SAID, "full")
    whole = 780 * 680 * (size[0] / 900) ** 2
    assert red(made).sum() >= 0.97 * whole
    edges = np.asarray(made)[size[1] // 3 : size[1] // 2, [0, -1]].astype(int)
    assert edges.std() > 5, "no flat ground beside it"


def test_a_cover_beside_whose_photo_nothing_goes_on_is_first():
    """A hat was in front of a wall that ended in a straight line."""
    assert framed.fitting(SAID, photo((0, 230, 880, 1010)))[0] == ["full", "band", "panel", "diagonal"]


def test_of_pale_wood_the_ground_is_dark():
    shown = photo((150, 100, 750, 700))
    wood = PlacedPhoto(Image.new("RGB", (900, 1200), (236, 196, 140)), shown.focus, shown.mask)
    assert max(framed.draw(SIZE, wood, SAID, "full").getpixel((150, 395))) < 60


def test_a_photo_that_no_other_design_fills_is_first_shown_edge_to_edge():
    """It stood narrow on flat colour."""
    tall = photo((12, 230, 888, 1010))
    assert framed.fitting(SAID, tall) == (["full"], ["panel", "band", "diagonal"])


@pytest.mark.parametrize("name", ["band", "diagonal"])
def test_a_photo_that_leaves_room_beside_it_stands_on_a_light_ground(name):
    """A child's shoes were narrow in the dark."""
    made = framed.draw(SIZE, photo((12, 30, 888, 1190)), SAID, name)
    assert min(made.getpixel((8, 8))) > 150
    assert max(made.getpixel((8, 390))) < 110, "the words stand on a deep one"


@pytest.mark.parametrize(("left", "goes_on"), [(0, False), (60, True)])
def test_a_narrow_photo_that_cuts_its_product_at_one_side_does_not_go_on(left, goes_on):
    """Half of the card was a smear, and the product was pressed to its edge."""
    wall = Image.new("RGB", (560, 1000), (150, 150, 150))
    ImageDraw.Draw(wall).rectangle((left, 100, 460, 900), fill=RED)
    first, standing = framed.fitting(SAID, PlacedPhoto(wall, (left, 100, 461, 901)))
    assert ("head" in first) is goes_on
    assert standing == ([] if goes_on else ["panel", "band", "diagonal"])


@pytest.mark.parametrize("lines", [8, 40])
def test_black_lines_at_a_photos_edges_are_not_shown_and_a_black_ground_is(lines):
    """They lay across the card above and below a dress."""
    shown = photo((150, 0, 750, 1199))
    ImageDraw.Draw(shown.image).rectangle((0, 1200 - lines, 899, 1199), fill=(4, 4, 4))
    made = covers._placed(ProductPicture(shown.image, shown.mask, "framed"))
    assert made.image.size == made.mask.size == (900, 1192 if lines == 8 else 1200)
    assert made.focus == (150, 0, 751, made.image.height), "it is still cut below"


@pytest.mark.parametrize("box", [(40, 20, 860, 1180), (0, 40, 899, 1160)])
def test_words_hide_no_product_that_fills_its_photo(box):
    assert "full" not in framed.fitting(SAID, photo(box))[0]


def test_a_wide_product_is_not_cropped_at_its_sides():
    wide = photo((60, 300, 840, 900))
    wide = PlacedPhoto(wide.image.crop((0, 300, 900, 900)), (60, 0, 841, 600))
    assert "full" not in framed.fitting(SAID, wide)[0]


@pytest.mark.parametrize(("ground", "is_light"), [(40, False), (130, False), (232, True)])
def test_the_photo_melts_into_its_own_light_or_dark(monkeypatch, ground, is_light):
    inks = []
    monkeypatch.setattr(
        "lib.drawing.cover.paper.CoverSheet.write", lambda sheet, words, at, ink, **rest: inks.append(ink)
    )
    made = framed.draw(SIZE, photo((150, 100, 750, 700), ground), SAID, "full")
    below = made.getpixel((150, 395))
    assert (min(below) > 200) is is_light
    assert all(contrast(ink, below) >= 4.5 for ink in inks)


def test_where_no_product_was_found_the_words_stand_on_the_calm_half():
    """Of a plaid on a sofa below a bare wall."""
    image = Image.new("RGB", (900, 1200), (150, 150, 155))
    plaid = np.random.default_rng(7).integers(0, 255, (60, 90, 3)).astype(np.uint8)
    image.paste(Image.fromarray(plaid).resize((900, 600), Image.Resampling.NEAREST), (0, 600))
    made = framed.draw(SIZE, PlacedPhoto(image, (0, 0, 900, 1200), Image.new("L", image.size)), SAID, "full")
    assert np.asarray(made)[320:].std() > 50


def test_a_card_of_a_framed_photo_takes_its_mask_along():
    shown = photo((12, 230, 888, 1010))
    assert shown.mask
    seen = covers.looks(CutPhoto("hopeless", (ProductPicture(shown.image, shown.mask, "framed"),)), "Шляпа", ())
    assert seen.designs[0] == "full"
    assert red(seen.draw(SIZE, 0)).mean() > 0.3


def test_a_cut_that_its_photo_cuts_off_comes_after_the_photo_that_fills_the_card():
    """It stood in a corner, and stray parts of the photo with it."""
    shown = photo((150, 250, 899, 950))
    assert shown.mask
    cut = shown.image.crop(shown.focus).convert("RGBA")
    pictures = (
        ProductPicture(cut, cut.getchannel("A"), "network", ("right",)),
        ProductPicture(shown.image, shown.mask, "framed"),
    )
    designs = covers.looks(CutPhoto("sure", pictures), "Зеркало с лампами", ("Яркие лампы", "Стоит устойчиво")).designs
    assert designs[0] in framed.DESIGNS
    assert {"bleed", "paper"} <= set(designs)


def test_a_slide_with_a_part_of_the_product_shows_it_near():
    shown = photo((250, 350, 650, 850))
    part = (400, 500, 500, 600)
    ImageDraw.Draw(shown.image).rectangle(part, fill=(20, 20, 230))
    whole, near = (framed.draw(SIZE, shown, SAID, "full", part=one) for one in (None, part))
    blue = [((pixels := np.asarray(made).astype(int))[..., 2] - pixels[..., 0] > 90).sum() for made in (whole, near)]
    assert blue[1] > 8 * blue[0]
