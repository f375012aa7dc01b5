"""A new background: real scenes around a clean cut, and a refusal rather than a bad picture."""

import io

import numpy as np
import pytest
from PIL import Image

from lib import errors
from lib.drawing.card import render
from lib.drawing.card.render import CardOrder
from lib.drawing.scene import background, scenes
from lib.drawing.scene.background import BackgroundOrder
from lib.studio import orders
from tests.drawing.pictures import encoded, make_cutout, make_mug, make_scene, opened
from tests.sizes import few


def test_every_scene_that_can_be_drawn_is_sold() -> None:
    assert set(scenes.SCENES) == set(orders.SCENES) - set(orders.INVENTED)
    assert set(orders.INVENTED.values()) <= set(scenes.SCENES)


@pytest.mark.parametrize("scene", few(scenes.SCENES, 1))
def test_sets_the_product_into_the_scene(scene: str) -> None:
    data = encoded(make_mug(), quality=95)
    made = background.render_background(data, BackgroundOrder(scene))
    assert opened(made.png).size == (made.width, made.height) == (1200, 1600)
    assert opened(made.jpeg).size == (900, 1200)
    assert len(made.jpeg) < 900_000
    pixels = np.asarray(opened(made.png)).astype(int)
    reds = (pixels[..., 0] > 120) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)
    assert 0.08 < reds[400:1500].mean() < 0.6
    # The old background is gone from around the product, handle included.
    assert np.abs(pixels[30, 30] - (236, 236, 234)).max() > 3


@pytest.fixture
def thumbnails(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of each side, for tests that draw many pictures."""
    monkeypatch.setattr(background, "WIDTH", 300)
    monkeypatch.setattr(background, "HEIGHT", 400)


@pytest.mark.parametrize("scene", few(scenes.SCENES, 2))
def test_gives_the_same_bytes_again(scene: str, thumbnails: None) -> None:
    data = encoded(make_mug(), quality=95)
    made = [background.render_background(data, BackgroundOrder(scene)) for _ in range(2)]
    assert made[0] == made[1]


@pytest.mark.long
def test_scenes_and_variants_all_look_different(thumbnails: None) -> None:
    data = encoded(make_cutout(), "PNG")
    small = [
        np.asarray(opened(background.render_background(data, BackgroundOrder(scene, variant)).jpeg).resize((30, 40)))
        for scene in scenes.SCENES
        for variant in (0, 1)
    ]
    for one in range(len(small)):
        for other in range(one):
            assert np.abs(small[one].astype(int) - small[other]).mean() > 5, (one, other)


BUSY, CUT_BY_THE_EDGE = make_scene(), make_mug().crop((0, 0, 400, 600))


@pytest.mark.parametrize(
    ("image", "code"), [(BUSY, "picture_no_cutout"), (CUT_BY_THE_EDGE, "picture_like_ground")], ids=["busy", "plain"]
)
def test_refuses_what_it_cannot_cut_well_and_advises_by_the_ground(image: Image.Image, code: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        background.render_background(encoded(image), BackgroundOrder("studio"))
    assert caught.value.code == code


@pytest.mark.long
@pytest.mark.parametrize(
    ("image", "code"),
    [(BUSY, "picture_no_cutout"), (make_mug(ground=(60, 90, 160)).crop((0, 0, 400, 600)), "picture_like_ground")],
    ids=["busy", "plain"],
)
def test_no_white_photo_is_sold_whose_ground_is_not_white(image: Image.Image, code: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        render.render_card(encoded(image), CardOrder("white", ""))
    assert caught.value.code == code


@pytest.mark.parametrize("image", few([BUSY, CUT_BY_THE_EDGE], 1), ids=["busy", "plain"])
def test_an_order_that_may_not_be_refused_shows_the_photo_in_a_frame(image: Image.Image, thumbnails: None) -> None:
    data = encoded(image)
    framed = background.render_background(data, BackgroundOrder("wood", framed=True))
    assert (framed.layout, opened(framed.png).size) == ("framed only", (300, 400))


@pytest.mark.long
def test_a_white_order_that_may_not_be_refused_frames_the_photo_in_white() -> None:
    framed = render.render_card(encoded(BUSY), CardOrder("white", "", framed=True))
    assert (framed.layout, opened(framed.png).getpixel((5, 5))) == ("framed only", (255, 255, 255))


@pytest.mark.long
def test_lets_no_metadata_out(thumbnails: None) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    made = background.render_background(encoded(make_mug(), exif=exif), BackgroundOrder("wood"))
    for data in (made.png, made.jpeg):
        assert b"Secret" not in data
        assert not Image.open(io.BytesIO(data)).getexif()
