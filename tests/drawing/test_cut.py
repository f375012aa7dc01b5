"""Tests of the cut: what is kept of it, how the product is found, and what is refused."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from lib import config, errors
from lib.drawing.card import white
from lib.drawing.cut import backdrop, cutout, framing, gate, hues, matte, network, result, subject
from lib.drawing.cut.result import CutPhoto, ProductPicture
from lib.drawing.ground import colour, photo, raster
from lib.drawing.scene import background
from tests.drawing.pictures import encoded, make_cutout, make_jar, make_mug, make_png_header, make_scene
from tests.sizes import few

THERMOS = Path(__file__).parents[2] / "dev" / "samples" / "thermos.jpg"
# What PyTorch answers for the same picture (dev/cut/learn.py): thousandths, every 32nd row and 16th column.
REFERENCE = (
    (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    (0, 0, 0, 0, 969, 978, 975, 9, 0, 0, 0, 0),
    (0, 0, 0, 0, 999, 1000, 1000, 1000, 998, 0, 0, 0),
    (0, 0, 0, 0, 1000, 1000, 1000, 1000, 5, 0, 0, 0),
    (0, 0, 0, 0, 1000, 1000, 1000, 999, 0, 0, 0, 0),
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
    assert float(away.max()) < 2


@pytest.mark.parametrize(("light", "same"), [((0.72, 0.67, 0.53), True), ((0.9, 0.2, 0.2), False)])
def test_the_network_sees_a_lamplit_photo_as_if_by_day_and_a_red_one_red(
    light: tuple[float, float, float], same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[NDArray[np.float32]] = []
    monkeypatch.setattr(network, "_run", lambda pixels: seen.append(pixels) or pixels[0])
    mug = make_mug(ground=(255, 255, 255))
    for picture in (mug, Image.fromarray((np.asarray(mug) * np.array(light)).astype(np.uint8))):
        network.find(picture, 64)
    assert (float(np.abs(seen[0] - seen[1]).max()) < 0.1) is same


def test_the_weights_are_just_those_that_the_graph_uses() -> None:
    count = sum(out * entry * kernel * kernel + out for out, entry, kernel in network.shapes())
    with np.load(network.WEIGHTS) as stored:
        assert stored["weights"].shape == (count,) == (1_125_485,)


@pytest.mark.parametrize(("step", "strip"), [(1, 10**6), (1, 4_000), (2, 10**6), (8, 10**6)])
def test_a_convolution_by_tiles_gives_what_the_sum_of_its_products_gives(
    step: int, strip: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "STRIP", strip)
    random = np.random.default_rng(5)
    planes = random.normal(size=(5, 12, 20)).astype(np.float32)
    layer = network.Convolution(
        random.normal(size=(4, 5, 3, 3)).astype(np.float32), random.normal(size=(4, 1, 1)).astype(np.float32)
    )
    framed = np.pad(planes, ((0, 0), (step, step), (step, step)))
    views = [framed[:, y * step :, x * step :][:, :12, :20] for y in range(3) for x in range(3)]
    wanted = np.einsum("ock,kcyx->oyx", layer.kernel.reshape(4, 5, 9), views) + layer.bias
    parted = planes.reshape(5, 6, 2, 10, 2).transpose(2, 4, 0, 1, 3)
    found = network._convolved((parted[:, :, :2], parted[:, :, 2:]), layer, step)
    assert np.allclose(found.transpose(2, 3, 0, 4, 1).reshape(4, 12, 20), np.maximum(wanted, 0), atol=1e-4)


def _reddish(picture: Image.Image, side: int) -> np.ndarray:
    """See every strong red as the product: a network whose answer is known."""
    pixels = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BOX)).astype(np.float32)
    return ((pixels[..., 0] - pixels[..., 1]) / 120).clip(0, 1)


@pytest.fixture
def in_full(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look as the renderer does, at 320 pixels: at the 64 of the other tests a handle is a dot."""
    monkeypatch.setenv("CUT_SIDE", "320")
    config.get.cache_clear()
    yield
    config.get.cache_clear()


@pytest.fixture
def sees_red(in_full: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find", _reddish)


def make_rack(*, ground: tuple[int, int, int] = (40, 90, 190)) -> tuple[Image.Image, np.ndarray]:
    """A red rack of thin rods with openings on a coloured ground, drawn smoothly, and the mask it was drawn by."""
    mask = Image.new("L", (2400, 2400))
    pen = ImageDraw.Draw(mask)
    pen.rounded_rectangle((700, 600, 1700, 1800), 60, outline=255, width=70)
    for x in (950, 1200, 1450):
        pen.line((x, 600, x, 1800), fill=255, width=24)
    mask = mask.resize((800, 800), Image.Resampling.BOX)
    image = Image.new("RGB", mask.size, ground)
    image.paste((200, 30, 30), (0, 0), mask)
    return image, np.asarray(mask) > 127


def _cut(image: Image.Image, quality: int = 95) -> CutPhoto:
    return cutout.cut_out(photo.open_photo(encoded(image, quality=quality)))


def _iou(cut: ProductPicture, mask: np.ndarray) -> float:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    known = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    found = np.asarray(cut.mask.resize((known.shape[1], known.shape[0]))) > 127
    return raster.iou(found, known)


def test_the_transparency_of_the_file_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "find", None)
    cut = cutout.cut_out(photo.open_photo(encoded(make_cutout(), "PNG")))
    assert (cut.verdict, cut.first.how, [each.how for each in cut.pictures]) == ("sure", "alpha", ["alpha", "framed"])
    assert abs(cut.first.image.width - 241) <= 2
    assert abs(cut.first.image.height - 611) <= 2


def test_a_studio_shot_is_cut_and_its_handle_is_open(in_full: None) -> None:
    cut = _cut(make_mug())
    assert (cut.verdict, cut.first.how, cut.first.sides) == ("sure", "network", ())
    alpha = np.asarray(cut.first.image.getchannel("A"))
    assert abs(cut.first.image.width - 361) <= 6
    assert abs(cut.first.image.height - 321) <= 6
    assert alpha[160, 130] == 255
    assert alpha[160, 290] < 10
    assert "plain" in [picture.how for picture in cut.pictures]


@pytest.mark.long
def test_the_same_photo_gives_the_same_cut() -> None:
    small = make_mug().resize((480, 360))
    assert result.dump(_cut(small)) == result.dump(_cut(small))


def test_thin_parts_are_kept_and_openings_are_open(sees_red: None) -> None:
    image, mask = make_rack()
    cut = _cut(image).pictures[0]
    assert cut.how == "network"
    assert _iou(cut, mask) > 0.9


def test_an_eye_is_no_hole_and_a_ring_is_open() -> None:
    photo_ = Image.new("RGB", (320, 320), (120, 122, 125))
    pen = ImageDraw.Draw(photo_)
    pen.ellipse((60, 60, 260, 260), fill=(235, 190, 30))
    pen.ellipse((100, 100, 116, 116), fill=(15, 15, 20))
    pen.ellipse((190, 190, 206, 206), fill=(120, 122, 125))
    seen = Image.new("L", photo_.size)
    pen = ImageDraw.Draw(seen)
    pen.ellipse((60, 60, 260, 260), fill=255)
    for x in (100, 190):
        pen.ellipse((x, x, x + 16, x + 16), fill=0)
    alpha = matte.cut(photo_, np.asarray(seen, dtype=np.float32) / 255).getchannel("A")
    assert (alpha.getpixel((108, 108)), alpha.getpixel((198, 198))) == (255, 0)


@pytest.mark.parametrize(("side", "most"), [(400, 0.02), (800, 0.01)])
def test_a_pattern_of_the_products_colour_does_not_hang_on_its_edge(side: int, most: float) -> None:
    """Dark trousers on a flowered bedspread kept shreds of its dark flowers all along their legs."""
    random, scale = np.random.default_rng(8), side // 400
    image = Image.new("RGB", (400, 400), (225, 215, 200))
    pen = ImageDraw.Draw(image)
    for x, y, size in random.integers((0, 0, 3), (400, 400, 9), (700, 3)).tolist():
        pen.ellipse((x, y, x + size, y + size), fill=(28, 32, 60) if size % 2 else (150, 60, 70))
    image, body = image.resize((side, side), Image.Resampling.LANCZOS), Image.new("L", (side, side))
    ImageDraw.Draw(body).rectangle([part * scale for part in (120, 90, 280, 310)], fill=255)
    image.paste((28, 32, 60), (0, 0), body)
    seen = np.asarray(body.resize((320, 320), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1)))
    alpha = np.asarray(matte.cut(image, seen.astype(np.float32) / 255).getchannel("A"))
    solid = np.asarray(body) > 127
    beside = raster.dilate(solid, 8 * scale) & ~raster.dilate(solid, 3 * scale)
    assert (alpha[beside] > 100).mean() < most
    assert (alpha[raster.erode(solid, 3 * scale)] > 230).mean() > 0.99


def test_a_product_of_just_the_grounds_colour_keeps_the_edge_of_its_rough_mask() -> None:
    rough = np.zeros((80, 80), dtype=np.float32)
    rough[20:60, 20:60] = 1
    alpha = np.asarray(matte.cut(Image.new("RGB", (80, 80), (0, 0, 0)), rough).getchannel("A"))
    assert (alpha[24:56, 24:56] == 255).all()
    assert not alpha[:16].any()


def test_faint_crumbs_beside_the_product_are_dropped_and_its_own_faint_rim_is_kept() -> None:
    """Of a hanger on a dim wall faint crumbs floated over the hood of a jacket."""
    alpha = np.zeros((120, 120), dtype=np.float32)
    alpha[40:100, 30:90] = 1
    alpha[34:40, 30:90] = 0.2  # fur
    alpha[10:12, 50:60] = 0.2
    tidy = matte._tidied(alpha)
    assert tidy[36, 60] > 0.1
    assert not tidy[:30].any()


def test_nothing_of_the_old_ground_is_left_at_the_rim(sees_red: None) -> None:
    """Half of a rim pixel's colour is blue ground; on a white card that was a blue line all round."""
    cut = np.asarray(_cut(make_rack()[0], quality=98).pictures[0].image).astype(int)
    rim = (cut[..., 3] > 40) & (cut[..., 3] < 215)
    assert rim.sum() > 500
    assert np.median((cut[..., 2] - cut[..., 0])[rim]) < -100


@pytest.mark.long
def test_a_product_that_the_photo_crops_says_at_which_sides(sees_red: None) -> None:
    cut = _cut(make_mug().crop((0, 0, 400, 400))).pictures[0]
    assert cut.sides == ("right", "bottom")
    assert abs(cut.image.width - 140) <= 3
    assert abs(cut.image.height - 250) <= 3
    assert _cut(make_mug()).pictures[0].sides == ()


def test_a_cropped_product_is_framed_where_it_could_only_float() -> None:
    cropped = make_cut_photo("sure")
    assert cropped.first.sides == ("bottom",)
    assert cropped.standing(None).how == "framed"
    assert not background.works(cropped.first)


def test_the_box_grows_until_the_whole_product_is_inside(sees_red: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(picture: Image.Image, side: int) -> np.ndarray:
        found = _reddish(picture, side)
        if side == subject.sides_of_looks()[0]:
            found[: side * 55 // 100] = 0
        return found

    monkeypatch.setattr(network, "find", half)
    found = subject.find(make_mug())
    assert found is not None
    assert found.box[1] < 150
    assert found.box[3] > 470


def test_thin_legs_on_a_plain_ground_are_added_and_a_soft_shadow_is_not() -> None:
    image = Image.new("L", (320, 320), 240)
    shade = Image.new("L", image.size)
    ImageDraw.Draw(shade).ellipse((60, 240, 280, 300), fill=90)
    image = ImageChops.subtract(image, shade.filter(ImageFilter.GaussianBlur(14)))
    pen = ImageDraw.Draw(image)
    pen.rectangle((80, 60, 240, 120), fill=60)
    for x in (90, 228):
        pen.rectangle((x, 120, x + 3, 270), fill=110)
    lab = np.asarray(colour.oklab(np.asarray(image.convert("RGB"))) * hues.SCALE, dtype=np.float32)
    ground = backdrop.fit(lab)
    assert ground is not None
    seat = np.zeros((320, 320), dtype=bool)
    seat[60:121, 80:241] = True
    added = backdrop.parts(lab, ground, seat) & ~seat
    assert added[130:235, 90:94].mean() > 0.95
    assert added[130:235, 228:232].mean() > 0.95
    assert added[:, 100:225].sum() == 0


@pytest.mark.parametrize(("end", "added"), [(320, False), (250, True)])
def test_a_joint_of_the_floor_is_no_thin_leg(end: int, added: bool) -> None:
    """The joint between two boards was cut out along with the shoes that stood beside it."""
    image = Image.new("RGB", (320, 320), (226, 222, 214))
    pen = ImageDraw.Draw(image)
    pen.rectangle((80, 60, 240, 120), fill=(60, 60, 70))
    for top in range(130, end, 30):  # faint for four pixels here and there
        pen.rectangle((160, top, 163, min(end - 1, top + 25)), fill=(80, 70, 60))
    lab = np.asarray(colour.oklab(np.asarray(image)) * hues.SCALE, dtype=np.float32)
    ground = backdrop.fit(lab)
    assert ground is not None
    body = np.zeros((320, 320), dtype=bool)
    body[60:129, 80:241] = True
    found = backdrop.parts(lab, ground, body) & ~body
    assert bool(found.any()) is added


@pytest.mark.parametrize(("left", "added"), [(0, False), (124, True)])
def test_a_joint_between_two_legs_is_known_by_the_others(left: int, added: bool) -> None:
    """A joint of the tiles stood between the legs of trousers, where it ends at the product on both sides."""
    image = Image.new("RGB", (320, 320), (226, 222, 214))
    pen = ImageDraw.Draw(image)
    pen.rectangle((left, 180, 196, 183), fill=(80, 70, 60))
    body = np.zeros((320, 320), dtype=bool)
    for leg in (84, 198):
        pen.rectangle((leg, 60, leg + 38, 260), fill=(60, 80, 130))
        body[60:261, leg : leg + 39] = True
    pen.rectangle((84, 60, 236, 100), fill=(60, 80, 130))
    body[60:101, 84:237] = True
    lab = np.asarray(colour.oklab(np.asarray(image)) * hues.SCALE, dtype=np.float32)
    ground = backdrop.fit(lab)
    assert ground is not None
    found = backdrop.parts(lab, ground, body) & ~body
    assert bool(found[178:186, 130:190].any()) is added


def make_shell(*, shade: bool = False) -> Image.Image:
    """A chair of a white shell on white, with an orange seat inside and, if wanted, a soft shadow below."""
    image = Image.new("L", (640, 640), 0)
    ImageDraw.Draw(image).ellipse((180, 560, 460, 580), fill=60 if shade else 0)
    image = ImageChops.invert(image.filter(ImageFilter.GaussianBlur(12))).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.ellipse((140, 100, 500, 520), fill=(240, 239, 238))
    pen.ellipse((160, 140, 360, 420), fill=(220, 90, 20))
    return image


@pytest.mark.parametrize("shade", [False, True])
def test_a_white_shell_on_white_is_among_the_pictures_when_only_its_seat_was_seen(
    shade: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No picture of a ball chair had more than the seat."""
    photo = make_shell(shade=shade)
    look = np.zeros((320, 320), dtype=np.float32)
    look[70:211, 80:181] = np.asarray(photo.resize((320, 320)))[70:211, 80:181, 2] < 100
    found = subject.Sighting(photo.size, look, (0, 0, *photo.size), look, look)
    monkeypatch.setattr(subject, "again", lambda photo, found: found)
    cut = cutout.judged(photo, cutout.ground_of(photo), found)
    sizes = [picture.image.size for picture in cut.pictures if picture.is_cut]
    assert cut.verdict == "unsure"
    assert any(abs(width - 361) < 12 and abs(height - 421) < 12 for width, height in sizes), sizes


@pytest.mark.parametrize(("soft", "added"), [(9, False), (0, True)])
def test_a_glare_on_coloured_cloth_is_no_part_of_the_product(soft: int, added: bool) -> None:
    """The lamp's light on a red sheet hung on a jacket, orange; a pocket of that colour would have an edge."""
    light = Image.new("L", (320, 320))
    ImageDraw.Draw(light).ellipse((206, 120, 258, 200), fill=255)
    ground = Image.new("RGB", light.size, (205, 62, 58))
    ground.paste((240, 150, 90), mask=light.filter(ImageFilter.GaussianBlur(soft)))
    ImageDraw.Draw(ground).rectangle((80, 60, 200, 260), fill=(40, 42, 48))
    lab = np.asarray(colour.oklab(np.asarray(ground)) * hues.SCALE, dtype=np.float32)
    found = backdrop.fit(lab)
    assert found is not None
    body = np.zeros((320, 320), dtype=bool)
    body[60:261, 80:201] = True
    assert bool(backdrop.parts(lab, found, body)[:, 206:].any()) is added


@pytest.mark.long
@pytest.mark.parametrize("glass", few([55, 10], 1))
def test_a_jar_of_clear_glass_is_not_cut_down_to_its_lid(glass: int) -> None:
    cut = _cut(make_jar(glass=glass), quality=90)
    assert cut.verdict != "sure" or cut.first.image.height > 700


@pytest.mark.long
def test_a_white_bowl_on_white_is_not_surely_cut_down_to_its_soup() -> None:
    image = Image.new("RGB", (800, 600), (250, 250, 249))
    pen = ImageDraw.Draw(image)
    pen.pieslice((220, 60, 620, 480), 0, 180, fill=(241, 240, 238))
    pen.ellipse((220, 200, 620, 340), fill=(170, 60, 20))
    cut = _cut(image, quality=92)
    assert cut.verdict != "sure" or cut.first.image.height > 200


@pytest.mark.parametrize("depth", few([40, 10], 1))
def test_a_soft_shadow_is_no_part_of_the_product(depth: int) -> None:
    shade = Image.new("L", (800, 600))
    ImageDraw.Draw(shade).ellipse((250, 430, 720, 560), fill=depth)
    shade = shade.filter(ImageFilter.GaussianBlur(22))
    lit = np.asarray(make_mug()).astype(int) - np.asarray(shade)[..., None]
    image = Image.fromarray(lit.clip(0, 255).astype(np.uint8))
    image.paste(make_mug().crop((262, 152, 518, 468)), (262, 152))
    assert abs(_cut(image).pictures[0].image.height - 321) <= 24


def test_a_picture_of_nothing_is_framed_whole() -> None:
    cut = _cut(make_scene())
    assert (cut.verdict, [each.how for each in cut.pictures]) == ("hopeless", ["framed"])


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({}, "sure"),
        ({"spread": 0.2}, "unsure"),
        ({"strayed": 0.15}, "unsure"),
        ({"inner": 0.04}, "sure"),
        ({"inner": 0.09}, "unsure"),
        ({"lacking": 0.16}, "sure"),
        ({"lacking": 0.3}, "unsure"),
        ({"shared": 0.4}, "unsure"),
        ({"arm": 0.95}, "unsure"),
        ({"overlap": 0.4}, "hopeless"),
        ({"area": 0.001}, "hopeless"),
        ({"area": 0.99}, "hopeless"),
    ],
)
def test_the_gate_tells_three_kinds_of_cuts_apart(changed: dict[str, float], verdict: str) -> None:
    good = gate.Marks(spread=0.02, strayed=0.01, beyond=0.0, overlap=0.99, inner=0.0, unsure=0.01, area=0.3)
    assert gate.certainty(dataclasses.replace(good, **changed)) == verdict


def test_a_picture_that_claims_to_be_huge_is_refused_before_anything_looks_at_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(network, "find", None)
    with pytest.raises(errors.Rejected) as caught:
        cutout.of(make_png_header(20_000, 20_000))
    assert caught.value.code == "picture_too_large"


@pytest.mark.parametrize("ratio", [0.75, 1.0, 9 / 16])
def test_a_framed_photo_fills_the_card_with_its_product(ratio: float) -> None:
    photo_ = Image.new("RGB", (1200, 800), (90, 90, 90))
    mask = Image.new("L", photo_.size)
    ImageDraw.Draw(mask).rectangle((900, 300, 1049, 499), fill=255)
    part = framing.around(ProductPicture(photo_, mask, "framed"), ratio)
    assert abs(part.width / part.height - ratio) < 0.02
    assert 200 <= part.height < 500


@pytest.mark.parametrize("ratio", [None, 1.0])
def test_of_a_small_product_a_frame_shows_what_its_mask_lacks(ratio: float | None) -> None:
    photo_ = Image.new("RGB", (1080, 1080), (90, 90, 90))
    ImageDraw.Draw(photo_).rectangle((440, 840, 660, 868), fill=(250, 30, 30))  # feet
    mask = Image.new("L", photo_.size)
    ImageDraw.Draw(mask).rectangle((380, 369, 720, 811), fill=255)
    part = framing.around(ProductPicture(photo_, mask, "framed"), ratio)
    red, _, _ = part.split()
    assert red.point(lambda level: 255 if level > 200 else 0).getbbox()[3] < part.height


def test_white_and_new_backgrounds_are_offered_only_where_they_work() -> None:
    source = photo.open_photo(encoded(make_mug(ground=(60, 90, 160))))
    cut, framed = make_cut_photo("sure").pictures
    whole = dataclasses.replace(cut, sides=())
    assert white.works(source, whole)
    assert background.works(whole)
    assert not white.works(source, framed)
    assert not white.works(source, cut)
    assert not background.works(framed)
    assert white.works(photo.open_photo(encoded(make_mug(ground=(250, 250, 250)))), framed)


@pytest.mark.parametrize(
    ("verdict", "way", "ground", "shown"),
    [
        ("sure", None, 250, "network"),
        ("unsure", None, 250, "framed"),
        ("unsure", "network", 250, "network"),
        ("unsure", None, 90, "network"),
    ],
)
def test_a_white_photo_takes_no_unsure_cut_that_nobody_chose_where_the_photo_itself_can_be_white(
    verdict: result.Certainty, way: result.Way | None, ground: int, shown: str
) -> None:
    source = photo.open_photo(encoded(make_mug(ground=(ground, ground, ground + 4))))
    cut, framed = make_cut_photo("sure").pictures
    kept = CutPhoto(verdict, (dataclasses.replace(cut, sides=()), framed))
    assert white.chosen(source, kept, way).how == shown


WHOLE = r"""
import json, re, sys
import numpy as np
from lib.drawing.cut import cutout
cut = cutout.of(sys.stdin.buffer.read())
cover = np.asarray(cut.first.mask)
print(json.dumps({
    "verdict": cut.verdict,
    # getrusage would tell the peak of the process that started this one, if that is larger
    "peak": int(re.search(r"VmHWM:\s+(\d+) kB", open("/proc/self/status").read())[1]) // 1024,
    "faint": int((cover.max(1)[-12:] < 128).sum()),
    "base": int(cover[-34:-18, 60:-60].min()),
}))
"""


@pytest.mark.long
def test_a_photo_of_a_phone_is_cut_to_its_last_row_in_less_than_300_megabytes() -> None:
    """A shadow under a base is a little like the base, and a glint on it like the floor: neither may be mistaken."""
    with Image.open(THERMOS) as sample:
        large = sample.resize((3000, 3900), Image.Resampling.BICUBIC)
    environment = {**os.environ, "CUT_SIDE": "320"}
    done = subprocess.run(
        [sys.executable, "-c", WHOLE], input=encoded(large), env=environment, capture_output=True, check=True
    )
    cut = json.loads(done.stdout)
    assert cut["verdict"] == "sure"
    assert cut["peak"] < 300
    assert cut["faint"] <= 2
    assert cut["base"] > 100
