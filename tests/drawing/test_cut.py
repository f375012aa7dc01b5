"""Tests of the cut: what is kept of it, how the product is found, and what is refused."""

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from lib.drawing.cut import network, result
from lib.drawing.cut.result import CutPhoto, ProductPicture
from tests.drawing.pictures import make_mug

# What onnxruntime answers for the same picture with the authors' file: thousandths, every 32nd row and 16th column.
REFERENCE = (
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (0, 0, 0, 0, 868, 912, 908, 26, 0, 0, 0, 0),
    (0, 0, 0, 0, 1000, 1000, 1000, 1000, 997, 0, 0, 0),
    (0, 0, 1, 0, 1000, 1000, 1000, 1000, 681, 0, 0, 0),
    (0, 0, 0, 0, 999, 1000, 1000, 999, 0, 0, 0, 0),
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
)


def make_cut_photo(verdict: result.Certainty = "unsure") -> CutPhoto:
    mask = Image.new("L", (90, 120))
    ImageDraw.Draw(mask).ellipse((20, 30, 70, 110), fill=255)
    photo = Image.new("RGB", mask.size, (30, 90, 200))
    cut = photo.copy()
    cut.putalpha(mask)
    cut = cut.crop(mask.getbbox())
    return CutPhoto(
        verdict,
        (
            ProductPicture(cut, cut.getchannel("A"), "network", ("bottom",)),
            ProductPicture(photo, mask, "framed"),
        ),
    )


def test_a_kept_cut_comes_back_as_it_was() -> None:
    made = make_cut_photo()
    kept = result.read(result.dump(made))
    assert kept.verdict == "unsure"
    assert [(each.how, each.sides, each.image.mode, each.image.size) for each in kept.pictures] == [
        ("network", ("bottom",), "RGBA", (51, 81)),
        ("framed", (), "RGB", (90, 120)),
    ]
    for before, after in zip(made.pictures, kept.pictures, strict=True):
        assert after.mask.tobytes() == before.mask.tobytes()
    away = ImageChops.difference(made.pictures[1].image, kept.pictures[1].image)
    assert max(high for _, high in away.getextrema()) <= 6


def test_a_card_shows_the_cut_unasked_only_when_it_is_sure() -> None:
    assert make_cut_photo("sure").first.how == "network"
    assert make_cut_photo("unsure").first.how == "framed"
    assert make_cut_photo("unsure").chosen("network").how == "network"
    assert make_cut_photo("unsure").chosen("plain").how == "framed"


def test_the_colours_of_a_framed_product_are_taken_from_itself() -> None:
    framed = make_cut_photo().pictures[-1]
    assert framed.box == (20, 30, 71, 111)
    assert framed.product().size == (51, 81)
    assert framed.product().getpixel((0, 0))[3] == 0


def test_the_forward_pass_gives_what_the_reference_gives() -> None:
    found = network.find(make_mug(), 192)
    away = np.abs(found[16::32, 8::16] * 1000 - REFERENCE)
    assert found.shape == (192, 192)
    assert float(away.mean()) < 5
    assert float(away.max()) < 90  # on an edge, from weights of 16 bits


def test_the_weights_are_just_those_that_the_graph_uses() -> None:
    count = sum(out * entry * kernel * kernel + out for out, entry, kernel in network.shapes())
    with np.load(network.WEIGHTS) as stored:
        assert stored["weights"].shape == (count,) == (1_125_485,)
