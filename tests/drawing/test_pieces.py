"""The pieces of a cut that may be wrong: found, kept, put right, and the next ones after them."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib import errors
from lib.drawing.card import numbered
from lib.drawing.cut import areas, cutout, hues, pieces, result, subject
from lib.drawing.cut.result import CutPhoto, Pieces, ProductPicture
from lib.drawing.ground import colour
from lib.drawing.ground.photo import Photo

SIDE, BOX = 200, (40, 40, 360, 360)
BLUE, RED, GREEN = (40, 70, 160), (190, 40, 40), (60, 150, 70)


@pytest.fixture
def handle() -> Image.Image:
    """A red bag on blue, with the blue in its handle, and a green label below it that belongs to it."""
    image = Image.new("RGB", (400, 400), BLUE)
    pen = ImageDraw.Draw(image)
    pen.rectangle((100, 180, 299, 299), fill=RED)
    pen.rectangle((140, 100, 259, 180), outline=RED, width=14)
    pen.rectangle((180, 300, 220, 330), fill=GREEN)
    return image


def make_sighting(rgb: Image.Image, doubt: float) -> subject.Sighting:
    """A cut that has filled the handle, and lost the label; its looks were in so much doubt about both."""
    look = np.zeros((SIDE, SIDE), dtype=np.float32)
    scale = SIDE / (BOX[2] - BOX[0])

    def put(left: int, top: int, right: int, bottom: int, value: float) -> None:
        x, y, far, low = (round((edge - BOX[0]) * scale) for edge in (left, top, right, bottom))
        look[y:low, x:far] = value

    put(100, 180, 300, 300, 1)
    put(140, 100, 260, 180, 1)
    put(154, 114, 246, 180, 1 - doubt)
    put(180, 300, 221, 331, doubt)
    whole = np.asarray(Image.fromarray(look).resize((240, 240)).crop((-30, -30, 270, 270)).resize((192, 192)))
    return subject.Sighting(rgb.size, whole, BOX, look, look)


def make_cut(rgb: Image.Image) -> CutPhoto:
    found = make_sighting(rgb, 0.08)
    framed = ProductPicture(rgb, Image.new("L", rgb.size), "framed")
    crop = rgb.crop(found.box)
    network = ProductPicture(crop.convert("RGBA"), Image.new("L", crop.size, 255), "network")
    return CutPhoto("unsure", (network, framed), pieces.find(rgb, found))


def at(found: Pieces, x: int, y: int) -> int:
    """Return the number of the piece at a place of the photo."""
    left, top, right, bottom = (share * 400 for share in found.box)
    row, column = (y - top) / (bottom - top), (x - left) / (right - left)
    return int(found.numbers[int(row * found.numbers.shape[0]), int(column * found.numbers.shape[1])])


def test_areas_have_one_colour_and_stay_on_their_side_of_the_mask(handle: Image.Image) -> None:
    lab = np.asarray(colour.oklab(np.asarray(handle)) * hues.SCALE, dtype=np.float32)
    solid = np.zeros((400, 400), dtype=bool)
    solid[:, :200] = True
    numbers = areas.find(lab, solid)
    assert len(np.unique(numbers)) == 8  # each side has ground, bag with handle, ground in the handle, and label
    assert not np.intersect1d(numbers[solid], numbers[~solid]).size


def test_ground_in_a_handle_and_a_lost_label_are_offered(handle: Image.Image) -> None:
    found = make_cut(handle).pieces
    assert found is not None
    inside, label = at(found, 200, 145), at(found, 200, 315)
    assert (found.signs[inside - 1], found.signs[label - 1]) == ("-", "+")
    assert at(found, 200, 240) not in (inside, label), "the bag itself is another piece, or none"


def test_marked_pieces_are_put_right_and_the_others_left_alone(handle: Image.Image) -> None:
    cut = make_cut(handle)
    assert cut.pieces is not None
    inside, label = at(cut.pieces, 200, 145), at(cut.pieces, 200, 315)
    for wrong in ([inside], [label], [inside, label]):
        touched = cutout.touched(Photo(handle, None), cut, wrong)
        assert [picture.how for picture in touched.pictures] == ["touched", "network", "framed"]
        assert touched.verdict == "sure"
        alpha = np.asarray(touched.first.mask)
        assert (alpha[45, alpha.shape[1] // 2] > 128) == (inside not in wrong)
        below = alpha[215, alpha.shape[1] // 2] if alpha.shape[0] > 215 else 0
        assert (below > 128) == (label in wrong)


def test_what_was_judged_is_not_offered_again(handle: Image.Image) -> None:
    cut = make_cut(handle)
    assert cut.pieces is not None
    wrong = [at(cut.pieces, 200, 145)]
    following = pieces.again(handle, cut.pieces, wrong)
    if following is not None:
        new = (following.numbers > 0) & (following.numbers != result.SETTLED)
        assert not (new & (cut.pieces.numbers > 0)).mean() > 0.002
        assert following.mask[cut.pieces.numbers == wrong[0]].max() < 128


def test_pieces_are_kept_with_their_cut(handle: Image.Image) -> None:
    cut = make_cut(handle)
    kept = result.read(result.dump(cut))
    assert kept.pieces is not None
    assert cut.pieces is not None
    assert (kept.pieces.signs, kept.pieces.box) == (cut.pieces.signs, cut.pieces.box)
    for plane in ("mask", "least", "most", "first", "numbers"):
        assert np.array_equal(getattr(kept.pieces, plane), getattr(cut.pieces, plane))
    without = result.read(result.dump(dataclasses.replace(cut, pieces=None)))
    assert without.pieces is None
    for name, value in (("signs", ""), ("size", 3)):
        data = result.dump(cut)
        head, _, files = data.partition(b"\n")
        broken = head.replace(f'"signs": "{cut.pieces.signs}"'.encode(), b'"signs": ""') if name == "signs" else head
        broken = broken if name == "signs" else head[: head.rindex(b'"size"')] + f'"size": {value}}}}}'.encode()
        assert result.kept(b"\n".join((broken, files))) is None


def test_a_cut_of_which_all_is_taken_away_is_refused(handle: Image.Image) -> None:
    cut = make_cut(handle)
    assert cut.pieces is not None
    everything = dataclasses.replace(cut.pieces, numbers=np.ones_like(cut.pieces.numbers), signs="-")
    with pytest.raises(errors.Rejected, match="cut_empty"):
        cutout.touched(Photo(handle, None), dataclasses.replace(cut, pieces=everything), [1])
    with pytest.raises(errors.Invalid):
        cutout.touched(Photo(handle, None), dataclasses.replace(cut, pieces=None), [1])


def test_a_cut_put_right_and_known_no_longer_is_the_one_it_was(handle: Image.Image) -> None:
    assert make_cut(handle).chosen("touched").how == "network"


def test_numbers_stand_apart_and_inside_the_picture(handle: Image.Image) -> None:
    cut = make_cut(handle)
    assert cut.pieces is not None
    picture = Image.open(io.BytesIO(numbered.drawn(cut)))
    assert 900 <= max(picture.size) <= 1200
    crowd = [numbered.Patch(number, 5.0, 5.0) for number in range(1, 9)]
    placed = numbered._apart(crowd, (900, 700))
    for one in placed:
        assert 0 < one.x < 900
        assert 0 < one.y < 700
        for other in placed:
            if one is not other:
                wide = abs(one.x - other.x) >= 2 * numbered.PATCH * numbered.WIDE
                assert wide or abs(one.y - other.y) >= 2 * numbered.PATCH - 2
