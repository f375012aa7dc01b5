"""The ground of all drawing, held against figures from elsewhere and against the plainest way to get the same."""

import math

import numpy as np
import pytest
from PIL import Image

from lib.drawing.clip import motion
from lib.drawing.ground import colour, lettering, paint, palette, planes, raster, words
from lib.drawing.ground.planes import Frame

BLACK, WHITE, RED, GREEN, BLUE = (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)
RANDOM = np.random.default_rng(7)


def noise(size, share=0.5):
    """A mask of random pixels."""
    return RANDOM.random(size) < share


# Colour: Björn Ottosson's own figures for OKLab, WCAG's for contrast


@pytest.mark.parametrize(
    ("rgb", "lightness", "chroma", "hue"),
    [
        (WHITE, 1.0, 0.0, None),
        (BLACK, 0.0, 0.0, None),
        (RED, 0.628, 0.258, 29.2),
        (GREEN, 0.866, 0.295, 142.5),
        (BLUE, 0.452, 0.313, 264.1),
        ((128, 128, 128), 0.600, 0.0, None),
    ],
)
def test_a_colour_has_its_lightness_chroma_and_hue(rgb, lightness, chroma, hue):
    found = colour.to_oklch(rgb)
    assert found[:2] == pytest.approx((lightness, chroma), abs=0.001)
    if hue is not None:
        assert found[2] == pytest.approx(hue, abs=0.1)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [(BLACK, WHITE, 21.0), (WHITE, (118, 118, 118), 4.54), (WHITE, (119, 119, 119), 4.48), (RED, WHITE, 4.0)],
)
def test_contrast_is_wcags_whichever_comes_first(one, other, ratio):
    assert colour.contrast(one, other) == colour.contrast(other, one) == pytest.approx(ratio, abs=0.005)


def test_a_colour_that_no_screen_has_loses_chroma_and_keeps_its_lightness_and_hue():
    for hue in range(0, 360, 30):
        lightness, chroma, found = colour.to_oklch(colour.oklch(0.7, 0.4, hue))
        assert lightness == pytest.approx(0.7, abs=0.02)
        assert chroma < 0.4
        assert abs((found - hue + 180) % 360 - 180) < 4


def test_a_mix_goes_from_the_one_to_the_other():
    assert [colour.mix(BLACK, (200, 100, 50), share) for share in (0, 0.5, 1)] == [BLACK, (100, 50, 25), (200, 100, 50)]


def test_a_products_hue_is_that_of_its_coloured_pixels_and_none_where_there_are_none():
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((200, 200, 200, 255), (0, 0, 64, 32))
    image.paste((210, 40, 40, 255), (0, 32, 64, 64))
    assert palette.hue(image) == pytest.approx(colour.to_oklch((210, 40, 40))[2], abs=3)
    image.paste((230, 20, 20, 0), (0, 32, 64, 64))
    assert palette.hue(image) is None, "what is transparent has no colour"


def test_two_hues_do_not_average_to_a_third():
    image = Image.new("RGBA", (64, 64), (0, 0, 255, 255))
    image.paste((255, 220, 0, 255), (0, 0, 64, 24))
    assert palette.hue(image) == pytest.approx(264, abs=4)


# Masks, against the plainest way


@pytest.mark.parametrize("radius", [0, 1, 3, 20])
def test_a_box_averages_what_is_there(radius):
    plane = RANDOM.random((9, 7)).astype(np.float32)
    found = raster.box(plane, radius)
    for y in range(9):
        for x in range(7):
            part = plane[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
            assert found[y, x] == pytest.approx(part.mean(), abs=1e-5)


def flooded(mask):
    """Number the connected parts by walking from pixel to neighbour."""
    found, number = np.zeros(mask.shape, dtype=int), 0
    for start in zip(*np.nonzero(mask), strict=True):
        if found[start]:
            continue
        number += 1
        waiting = [start]
        while waiting:
            y, x = waiting.pop()
            if 0 <= y < mask.shape[0] and 0 <= x < mask.shape[1] and mask[y, x] and not found[y, x]:
                found[y, x] = number
                waiting += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
    return found


@pytest.mark.parametrize("share", [0.0, 0.3, 0.55, 0.7, 1.0])
def test_parts_are_numbered_as_a_walk_would(share):
    for _ in range(4):
        mask = noise((13, 11), share)
        assert raster.labels(mask).tolist() == flooded(mask).tolist()


def test_a_spiral_is_one_part():
    mask = np.zeros((15, 15), dtype=bool)
    y = x = 7
    for turn, length in enumerate((1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11)):
        dy, dx = ((0, 1), (1, 0), (0, -1), (-1, 0))[turn % 4]
        for _ in range(length + 1):
            mask[y, x] = True
            y, x = min(14, max(0, y + dy)), min(14, max(0, x + dx))
    assert raster.labels(mask).max() == flooded(mask).max()


def test_the_edge_keeps_what_touches_it_and_holes_are_filled():
    ring = np.zeros((9, 9), dtype=bool)
    ring[2:7, 2:7] = True
    ring[4, 4] = False
    assert raster.from_border(~ring).sum() == (~ring).sum() - 1
    assert raster.filled(ring).sum() == 25
    assert not raster.from_border(ring).any()


def test_the_largest_part_stays_and_those_nearly_as_large_if_wanted():
    mask = np.zeros((8, 8), dtype=bool)
    mask[0:3, 0:3] = mask[5:7, 0:2] = True
    mask[7, 7] = True
    assert raster.largest(mask).sum() == 9
    assert raster.largest(mask, 0.4).sum() == 13
    assert raster.largest(mask, 0.0).sum() == 14
    assert not raster.largest(np.zeros((4, 4), dtype=bool)).any()


def test_growing_and_shrinking_are_each_others_mirror():
    for _ in range(4):
        mask = noise((12, 12), 0.2)
        assert (raster.erode(~mask, 2) == ~raster.dilate(mask, 2)).all()
        assert (raster.dilate(mask, 1) >= mask).all()
        assert (raster.opened(mask, 1) <= mask).all()
        assert (raster.closed(mask, 1) >= mask).all()
    dot = np.zeros((9, 9), dtype=bool)
    dot[4, 4] = True
    assert [int(raster.dilate(dot, radius).sum()) for radius in (0, 1, 2)] == [1, 9, 21]


def test_a_hair_is_dropped_and_a_gap_is_closed():
    mask = np.zeros((20, 20), dtype=bool)
    mask[2:12, 2:12] = True
    mask[5, 12:19] = True
    assert not raster.opened(mask, 2)[5, 15:].any()
    mask[:] = False
    mask[4:16, 2:9] = mask[4:16, 11:18] = True
    assert raster.closed(mask, 2)[8:12, 9:11].all()


def test_the_overlap_of_masks():
    one, other = np.zeros((4, 4), dtype=bool), np.zeros((4, 4), dtype=bool)
    assert raster.iou(one, other) == 0
    one[:2], other[1:3] = True, True
    assert raster.iou(one, other) == pytest.approx(1 / 3)
    assert raster.iou(one, one) == 1


def test_a_guided_filter_keeps_the_edges_of_its_guide():
    guide = np.zeros((16, 16), dtype=np.float32)
    guide[:, 8:] = 1
    rough = np.clip(guide + RANDOM.normal(0, 0.1, guide.shape), 0, 1).astype(np.float32)
    smooth = raster.guided(guide, rough, 3, 1e-4)
    assert abs(smooth[:, 7] - smooth[:, 8]).min() > 0.7, "the edge is as sharp"
    assert smooth[:, :6].std() < rough[:, :6].std() / 2, "and the flat is calm"


def test_noise_is_calmed_and_an_edge_and_a_clean_picture_stay():
    clean = np.full((64, 64, 3), 60, dtype=np.float32)
    clean[:, 32:] = (150, 120, 90)
    assert raster.calmed(clean) is clean
    noisy = clean + RANDOM.normal(0, 5, clean.shape).astype(np.float32)
    calm = raster.calmed(noisy)
    assert np.std((calm - clean)[:, :28]) < np.std((noisy - clean)[:, :28]) / 2
    assert np.abs(calm - clean)[:, 31:33].mean() < 6


# Paint and planes


def test_a_gradient_goes_from_corner_to_corner():
    image = paint.gradient((32, 64), RED, BLUE)
    assert image.getpixel((0, 0)) == RED
    assert image.getpixel((31, 63)) == BLUE
    levels = [image.getpixel((0, y))[2] for y in range(64)]
    assert levels == sorted(levels)


@pytest.mark.parametrize(("shape", "share"), [("rounded", 1 - (4 - math.pi) * 100 / 4800), ("ellipse", math.pi / 4)])
def test_a_shape_covers_what_geometry_says(shape, share):
    mask = paint.rounded((80, 60), 10) if shape == "rounded" else paint.ellipse((80, 60))
    assert mask.size == (80, 60)
    assert np.asarray(mask).mean() / 255 == pytest.approx(share, abs=0.015)


def test_a_ring_is_hollow_and_a_polygon_has_smooth_edges():
    ring = np.asarray(paint.ellipse((60, 60), ring=6))
    assert (ring[30, 30], ring[30, 3]) == (0, 255)
    half = np.asarray(paint.polygon((40, 40), [(0, 0), (40, 0), (0, 40)]))
    assert half.mean() / 255 == pytest.approx(0.5, abs=0.03)
    assert 0 < half[20, 20] < 255 or 0 < half[19, 20] < 255


def test_what_is_laid_covers_by_its_share():
    canvas = Image.new("RGB", (10, 10), WHITE)
    paint.lay(canvas, BLACK, Image.new("L", (4, 4), 255), (2, 2), 0.4)
    assert canvas.getpixel((3, 3)) == (153, 153, 153)
    assert canvas.getpixel((7, 7)) == WHITE
    paint.lay(canvas, Image.new("RGB", (4, 4), RED), Image.new("L", (4, 4), 255), (2, 2))
    assert canvas.getpixel((3, 3)) == RED


def test_a_shadow_is_soft_and_a_glow_fades_at_its_edge():
    canvas = Image.new("RGB", (120, 120), WHITE)
    paint.shadow(canvas, BLACK, Image.new("L", (40, 40), 255), (40, 40), blur=12, share=0.5)
    row = [canvas.getpixel((60, y))[0] for y in range(60, 120)]
    assert row == sorted(row)
    assert (row[0] < 160, row[-1] > 250) == (True, True)
    canvas = Image.new("RGB", (80, 80), BLACK)
    paint.glow(canvas, WHITE, (10, 10, 70, 70), 0.8)
    assert canvas.getpixel((40, 40))[0] > 180
    assert canvas.getpixel((10, 10))[0] < 10


@pytest.mark.parametrize(
    ("rgb", "levels"),
    [
        (BLACK, (16, 128, 128)),
        (WHITE, (235, 128, 128)),
        (RED, (63, 102, 240)),
        (GREEN, (173, 42, 26)),
        (BLUE, (32, 240, 118)),
    ],
)
def test_colours_of_a_film_are_those_of_bt_709(rgb, levels):
    frame = Frame.of(Image.new("RGB", (4, 4), rgb))
    found = [plane.getpixel((0, 0)) for plane in frame.planes]
    assert found == list(levels)
    inked = planes.inked(Image.new("L", (4, 4), 255), rgb).ink
    assert inked == levels
    back = frame.picture().getpixel((1, 1))
    assert max(abs(a - b) for a, b in zip(back, rgb, strict=True)) <= 3


def test_a_layer_lies_with_its_centre_where_it_is_said_and_not_beside():
    frame = Frame.empty((64, 48))
    frame.lay(planes.layer(Image.new("RGBA", (16, 8), WHITE)), 32, 24)
    light = np.asarray(frame.planes[0])
    rows, columns = np.nonzero(light > 200)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (24, 39, 20, 27)


@pytest.mark.parametrize(("x", "y"), [(-40, 24), (32, -30), (200, 24), (32, 100)])
def test_a_layer_outside_of_the_frame_leaves_it_alone(x, y):
    frame = Frame.empty((64, 48))
    frame.lay(planes.layer(Image.new("RGBA", (16, 8), WHITE)), x, y)
    assert np.asarray(frame.planes[0]).max() == 16


def test_a_layer_is_scaled():
    square = planes.layer(Image.new("RGBA", (16, 8), WHITE))

    def area(**how):
        frame = Frame.empty((64, 64))
        frame.lay(square, 32, 32, **how)
        return (np.asarray(frame.planes[0]).astype(float) - 16).sum() / 219

    assert area() == pytest.approx(128, rel=0.02)
    assert area(scale=2) == pytest.approx(512, rel=0.05)
    assert area(scale=0.001) == 0


@pytest.mark.parametrize("curve", [motion.settle, motion.glide, motion.spring])
def test_a_curve_begins_at_nothing_and_ends_at_the_whole_and_stays_there(curve):
    assert [round(curve(now, 2, 4), 6) for now in (0, 2, 6, 99)] == [0, 0, 1, 1]


def test_curves_rise_and_a_spring_goes_a_little_too_far():
    for curve in (motion.settle, motion.glide):
        levels = [curve(now / 20, 0, 1) for now in range(21)]
        assert levels == sorted(levels)
    assert 1 < max(motion.spring(now / 50, 0, 1) for now in range(51)) < 1.2
    assert motion.glide(0.5, 0, 1) == pytest.approx(0.5)


def test_a_sway_comes_back_after_its_period():
    assert motion.sway(1.3, 4) == pytest.approx(motion.sway(5.3, 4))
    assert [round(motion.sway(now, 4), 6) for now in (0, 1, 3)] == [0, 1, -1]
    assert motion.sway(0, 4, 0.25) == pytest.approx(1)


# Words


@pytest.mark.parametrize(
    ("said", "limit", "kept"),
    [
        ("Кружка", 6, "Кружка"),
        ("Кружка синяя", 11, "Кружка…"),
        ("Кружка, синяя", 9, "Кружка…"),
        ("Кружка — синяя", 11, "Кружка…"),
        ("Суперводонепроницаемость", 10, "Суперводо…"),
        ("а б в", 3, "а…"),
        ("", 5, ""),
    ],
)
def test_words_are_cut_at_a_word_and_never_longer_than_they_may_be(said, limit, kept):
    assert words.shortened(said, limit) == kept
    assert len(kept) <= limit


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("<b>Кружка</b> **синяя**", "Кружка синяя"),
        ("Кружка\n\tсиняя\u00a0\u2009большая", "Кружка синяя большая"),
        ("Кру\u00adжка\u202e", "Кружка"),
        ("и\u0306од", "йод"),
        ("5 < 7 и 7 > 5", "5 < 7 и 7 > 5"),
        ("__init__ ~~нет~~ ||тайна||", "init нет тайна"),
        ("\ud800Кружка", "Кружка"),
    ],
)
def test_what_cannot_be_printed_goes(said, kept):
    assert words.cleaned(said, 50) == kept


@pytest.mark.parametrize(
    ("said", "pieces"),
    [
        ("для дома и офиса", ["для дома", "и офиса"]),
        ("чай с мятой", ["чай", "с мятой"]),
        ("0,5 л воды", ["0,5 л", "воды"]),
        ("12 000 мАч", ["12 000 мАч"]),
        ("6 г и 5 м", ["6 г", "и 5 м"]),
        ("набор — 3 шт.", ["набор — 3 шт."]),
        ("набор 3 в 1 чёрный", ["набор", "3 в 1 чёрный"]),
        ("Wi-Fi", ["Wi-Fi"]),
        ("", []),
    ],
)
def test_a_line_breaks_neither_after_a_preposition_nor_before_a_unit(said, pieces):
    assert [piece.replace("\u00a0", " ") for piece in words.unbroken(said)] == pieces
    assert words.joined(tuple(words.unbroken(said))).replace("\u00a0", " ") == said


def test_a_block_is_set_within_its_box_and_as_large_as_it_may_be():
    for box in ((300, 120), (120, 300), (600, 60)):
        block = lettering.fit("Кружка керамическая", lettering.HEAVY, box, (64, 10))
        assert block.width <= box[0]
        assert block.height <= box[1]
        assert " ".join(block.lines) == "Кружка керамическая"
    assert lettering.fit("Чай", lettering.HEAVY, (900, 900), (64, 10)).size == 64


def test_what_does_not_fit_at_the_smallest_size_loses_words_and_says_so():
    block = lettering.fit("Кружка керамическая синяя", lettering.HEAVY, (130, 30), (40, 20), lines=1)
    assert (block.size >= 20, block.lines) == (True, ("Кружка…",))


def test_letters_are_drawn_where_the_block_says():
    image = Image.new("L", (200, 80))
    block = lettering.fit("ННН", lettering.HEAVY, (120, 60), (40, 10))
    lettering.draw(image, (20, 15), block, 255)
    rows, columns = np.nonzero(np.asarray(image) > 128)
    assert (columns.min() >= 20, columns.max() <= 20 + block.width) == (True, True)
    assert rows.min() == pytest.approx(15, abs=2)
    assert rows.max() == pytest.approx(15 + lettering.CAP * block.size, abs=2)
    centred = Image.new("L", (200, 80))
    lettering.draw(centred, (0, 15), block, 255, centre_in=200)
    _, columns = np.nonzero(np.asarray(centred) > 128)
    assert columns.min() + columns.max() == pytest.approx(199, abs=3)
