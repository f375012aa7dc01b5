"""What the boxes of a HEIC say, and how its tiles become an upright picture."""

import contextlib
import random
import struct

import pytest
from PIL import Image, ImageCms

from lib import errors, heic, pictures
from lib.drawing.ground import photo
from tests.heics import HEIC, box, grid


def refusal(data: bytes) -> str:
    with pytest.raises(errors.Rejected) as caught:
        pictures.inspect(data)
    return caught.value.code


def is_red(picture: Image.Image, *places: tuple[int, int]) -> list[bool]:
    pixels = [picture.getpixel(place) for place in places]
    return [red - green > 80 for red, green, _ in pixels]


def test_a_heic_is_opened_upright():
    assert pictures.inspect(HEIC) == (320, 240)
    opened = photo.open_photo(HEIC).rgb
    assert opened.size == (240, 320)
    assert is_red(opened, (160, 60), (60, 60), (160, 260)) == [True, False, False], "the box is above on the right now"


def test_the_tiles_of_an_iphones_photo_are_put_together():
    data = grid()
    assert pictures.inspect(data) == (600, 450)
    opened = photo.open_photo(data).rgb
    assert opened.size == (600, 450)
    boxes = [(60 + right, 80 + down) for down in (0, 240) for right in (0, 320)]
    assert is_red(opened, *boxes, (300, 80), (60, 230)) == [True] * 4 + [False] * 2


@pytest.mark.parametrize(
    ("turns", "size", "place"),
    [
        ([box(b"irot", b"\1")], (450, 600), (80, 540)),
        ([box(b"irot", b"\2")], (600, 450), (540, 370)),
        ([box(b"imir", b"\1")], (600, 450), (540, 80)),
        ([box(b"imir", b"\0")], (600, 450), (60, 370)),
        ([box(b"irot", b"\3"), box(b"imir", b"\1")], (450, 600), (80, 60)),
    ],
    ids=["left", "about", "mirrored", "upside down", "right and mirrored"],
)
def test_a_heic_is_turned_and_mirrored_in_the_files_order(turns, size, place):
    opened = photo.open_photo(grid((600, 450), 2, 2, *turns)).rgb
    assert opened.size == size
    assert is_red(opened, place) == [True]


def test_a_large_heic_is_shrunk_tile_by_tile():
    opened = photo.open_photo(grid((3200, 480), 2, 10)).rgb
    assert opened.size == (1600, 240)
    assert is_red(opened, (30, 40), (30 + 9 * 160, 160), (150, 40)) == [True, True, False]


def test_a_line_that_an_encoder_added_is_cut_off():
    kept = box(b"clap", struct.pack(">IIIIiIiI", 599, 1, 449, 1, -1, 2, -1, 2))
    assert photo.open_photo(grid((600, 450), 2, 2, kept)).rgb.size == (599, 449)


def test_the_colours_of_an_iphone_are_brought_to_srgb():
    swapped = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert heic.read(grid((600, 450), 2, 2, box(b"colr", b"prof" + profile))).profile == profile
    plain, odd = (
        photo.open_photo(grid((600, 450), 2, 2, box(b"colr", b"prof" + each))).rgb for each in (profile, swapped)
    )
    assert plain.tobytes() == odd.tobytes(), "a profile of another kind of colours says nothing"


@pytest.mark.parametrize(
    ("size", "code"),
    [((20_000, 20_000), "picture_too_large"), ((150, 240), "picture_too_small"), ((0, 0), "picture_heic")],
)
def test_a_heic_of_a_hostile_size_is_refused_before_it_is_decoded(size, code):
    told = HEIC.replace(struct.pack(">II", 320, 240), struct.pack(">II", *size))
    assert refusal(told) == code
    with pytest.raises(errors.Rejected, match=code):
        photo.open_photo(told)


def test_a_heic_that_holds_more_pixels_than_it_names_is_refused():
    told = HEIC.replace(struct.pack(">II", 320, 240), struct.pack(">II", 210, 200))
    with pytest.raises(errors.Rejected, match="picture_heic"):
        photo.open_photo(told)


@pytest.mark.parametrize("data", [grid((5000, 450)), grid((600, 450), 2, 20), grid((300, 300), 60, 60)])
def test_tiles_that_do_not_make_the_picture_are_refused(data):
    assert refusal(data) == "picture_heic"


@pytest.mark.parametrize("kept", [20, 30, 200, 400, 560])
def test_a_heic_that_is_cut_short_is_refused(kept):
    assert refusal(HEIC[:kept]) == "picture_heic"


def test_an_iphone_file_without_a_picture_is_named_as_such():
    assert refusal(b"\0\0\0\x18ftypheic" + b"\0" * 64) == "picture_heic"


def test_an_item_of_many_extents_without_lengths_is_refused():
    assert refusal(grid().replace(b"iloc\1\0\0\0\x44", b"iloc\1\0\0\0\x40")) == "picture_heic"


@pytest.mark.parametrize("data", [HEIC, grid()])
def test_a_damaged_heic_is_opened_or_refused_and_nothing_else(data):
    chance = random.Random(1)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 1, 255, chance.randrange(256)))
        with contextlib.suppress(errors.Rejected):
            photo.open_photo(bytes(damaged))
