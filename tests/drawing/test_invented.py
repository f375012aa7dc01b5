"""A product in a scene that a model invents: given in its place, and found there again."""

import io

import numpy as np
import pytest
from PIL import Image, ImageChops

from dev.generation import drawing
from lib import errors
from lib.drawing.cut import cutout
from lib.drawing.scene import invented
from tests.drawing.pictures import encoded, make_cutout, opened


@pytest.fixture(scope="module")
def product():
    image = make_cutout()
    image.paste((240, 200, 30, 255), (90, 200, 270, 300))
    [picture, _] = cutout.of(encoded(image, "PNG")).pictures
    assert picture.stands_free
    return picture


@pytest.fixture(scope="module")
def given(product):
    return invented.reference(product, "people")


def blue(data: bytes) -> np.ndarray:
    pixels = np.asarray(opened(data).resize((120, 160))).astype(int)
    return (pixels[..., 2] > 150) & (pixels[..., 0] < 80)


@pytest.mark.parametrize("scene", ["wood", "people"])
def test_the_product_stands_whole_on_grey_and_the_mask_leaves_it_alone(product, scene):
    made = invented.reference(product, scene)
    picture, mask = opened(made.picture), Image.open(io.BytesIO(made.mask))
    assert picture.size == mask.size == (1200, 1600)
    assert picture.getpixel((10, 10)) == pytest.approx(invented.GROUND, abs=2)
    kept = np.asarray(mask.getchannel("A").resize((120, 160))) > 128
    assert (kept == blue(made.picture))[blue(made.picture)].all()
    assert 0.03 < kept.mean() < 0.5


def test_there_is_room_for_people_around_the_product(product, given):
    assert blue(given.picture).sum() < 0.6 * blue(invented.reference(product, "wood").picture).sum()


def test_the_products_own_pixels_are_laid_over_the_scene(product, given):
    scene = drawing.picture(given.picture, (912, 1216), "", 1)
    made = invented.put_back(scene, product, "people")
    assert (made.layout, opened(made.png).size, opened(made.jpeg).size) == ("placed", (1200, 1600), (900, 1200))
    pixels, drawn = (np.asarray(opened(one).resize((1200, 1600))).astype(int) for one in (made.png, scene))
    assert np.abs(pixels[20:200, 20:200] - drawn[20:200, 20:200]).mean() < 2, "the scene is the model's"
    inside = np.abs(pixels - (30, 90, 200)).max(2) < 3
    assert inside.mean() > 0.05
    assert (np.abs(drawn - (30, 90, 200)).max(2) < 3).sum() < inside.sum() / 20, "the model had changed its colours"


@pytest.mark.long
def test_what_the_model_has_moved_a_little_is_covered(product, given):
    scene = opened(drawing.picture(given.picture, (1200, 1600), "", 1))
    out = io.BytesIO()
    ImageChops.offset(scene, -40, 24).save(out, "PNG")
    made = invented.put_back(out.getvalue(), product, "people")
    pixels = np.asarray(opened(made.png)).astype(int)
    rows, columns = np.nonzero(np.abs(pixels - (30, 90, 200)).max(2) < 3)
    before = np.nonzero(blue(given.picture))
    assert columns.mean() / 10 == pytest.approx(before[1].mean() - 2, abs=1), "20 to the right by itself, then 40 back"
    assert rows.mean() / 10 == pytest.approx(before[0].mean() + 2.4, abs=1)


def another(picture: Image.Image) -> Image.Image:
    return ImageChops.invert(picture)


@pytest.mark.long
@pytest.mark.parametrize("spoil", [lambda one: drawing.moved(one), lambda one: encoded(another(opened(one)), "PNG")])
def test_a_scene_without_the_product_in_its_place_is_no_result(product, given, spoil):
    scene = drawing.picture(given.picture, (912, 1216), "", 1)
    with pytest.raises(errors.Rejected, match="odd_result"):
        invented.put_back(spoil(scene), product, "people")


def test_a_scene_of_another_shape_is_no_result(product):
    with pytest.raises(errors.Rejected, match="odd_result"):
        invented.put_back(
            encoded(Image.linear_gradient("L").resize((1024, 1024)).convert("RGB"), "PNG"), product, "people"
        )
