"""Tests of the cut: what is kept of it, how the product is found, and what is refused."""

from PIL import Image, ImageChops, ImageDraw

from lib.drawing.cut import result
from lib.drawing.cut.result import CutPhoto, ProductPicture


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
