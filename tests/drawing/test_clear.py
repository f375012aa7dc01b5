"""The transparent PNG: the cut itself, and never a file in which nothing is seen."""

import io

import numpy as np
import pytest
from PIL import Image

from lib import errors
from lib.drawing.card import clear, render
from lib.drawing.card.render import CardOrder
from lib.drawing.cut.result import CutPhoto, ProductPicture
from lib.drawing.ground import photo
from tests.drawing.pictures import encoded, make_cutout, make_mug, make_scene, opened


def read(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def picture(alpha: int, how: str, sides: tuple[str, ...] = ()) -> ProductPicture:
    image = Image.new("RGBA", (60, 40), (200, 30, 30, alpha))
    return ProductPicture(image, image.getchannel("A"), how, sides)


def test_the_file_is_the_product_and_all_around_it_is_clear() -> None:
    made = render.render_card(encoded(make_mug(), quality=95), CardOrder("clear", "Кружка", ("Яркая",)))
    file = read(made.png)
    assert (file.mode, file.size, made.layout) == ("RGBA", (made.width, made.height), "cutout")
    levels = np.asarray(file.getchannel("A"))
    assert levels[:3, -3:].max() == 0
    assert 0.5 < (levels > 128).mean() < 0.95
    seen = np.asarray(file)[levels > 250][:, :3].astype(int)
    assert ((seen[:, 0] > 120) & (seen[:, 1] < 90)).mean() > 0.6, "the mug is red"
    assert opened(made.jpeg).size == file.size


def test_a_file_that_came_clear_stays_so() -> None:
    made = read(render.render_card(encoded(make_cutout(), "PNG"), CardOrder("clear", "")).png)
    assert made.size == (241, 611)
    assert made.getpixel((120, 300)) == (30, 90, 200, 255)


def test_refuses_a_photo_of_which_nothing_can_be_cut() -> None:
    with pytest.raises(errors.Rejected, match="picture_no_cutout"):
        render.render_card(encoded(make_scene()), CardOrder("clear", ""))


@pytest.mark.parametrize("only", [picture(0, "network"), picture(255, "network", ("left",))], ids=["empty", "cut off"])
def test_never_makes_a_file_of_nothing_or_of_half_a_product(only: ProductPicture) -> None:
    source = photo.open_photo(encoded(make_mug()))
    with pytest.raises(errors.Rejected):
        clear.file(source, CutPhoto("sure", (only, picture(255, "framed"))), None)


def test_a_cut_that_is_unsure_and_that_nobody_chose_makes_no_file() -> None:
    source = photo.open_photo(encoded(make_mug()))
    with pytest.raises(errors.Rejected):
        clear.file(source, CutPhoto("unsure", (picture(255, "network"), picture(255, "framed"))), None)


def test_takes_the_chosen_cut() -> None:
    source = photo.open_photo(encoded(make_mug()))
    cut = CutPhoto("unsure", (picture(255, "network"), picture(90, "plain"), picture(255, "framed")))

    def alpha(way):
        return read(clear.file(source, cut, way).png).getpixel((5, 5))[3]

    assert [alpha(way) for way in ("network", "plain")] == [255, 90]
