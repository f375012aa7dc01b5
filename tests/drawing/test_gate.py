"""Tests of what puts a cut in doubt though all looks agree: a ground of the product's colour, and a hand."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lib.drawing.cut import backdrop, cutout, gate, hues, outline, subject, vote
from lib.drawing.ground import colour, raster
from lib.drawing.ground.raster import Floats

SIDE = 200
RED, BLUE, GREY = (190, 40, 40), (50, 90, 180), (120, 122, 125)
GOOD = gate.Marks(spread=0.02, strayed=0.01, beyond=0.0, overlap=0.99, inner=0.0, unsure=0.01, area=0.3)


def make_sighting(box: tuple[int, int, int, int]) -> subject.Sighting:
    """A product that all looks saw in the same place."""
    look = np.zeros((SIDE, SIDE), dtype=np.float32)
    look[box[1] : box[3], box[0] : box[2]] = 1
    return subject.Sighting((SIDE, SIDE), look, (0, 0, SIDE, SIDE), look, look)


def make_lab(ground: tuple[int, int, int], body: tuple[int, int, int], box: tuple[int, int, int, int]) -> Floats:
    """A body with a white stripe on a noisy ground, as lightness and two colours."""
    image = Image.new("RGB", (SIDE, SIDE), ground)
    pen = ImageDraw.Draw(image)
    pen.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=body)
    pen.rectangle((box[0] + 20, 90, box[2] - 20, 110), fill=(245, 245, 245))
    noise = np.random.default_rng(3).normal(0, 4, (SIDE, SIDE, 3))
    return np.asarray(colour.oklab((np.asarray(image) + noise).clip(0, 255).astype(np.uint8)) * hues.SCALE, np.float32)


@pytest.mark.parametrize(("ground", "verdict"), [(RED, "unsure"), (BLUE, "sure"), (GREY, "sure")])
@pytest.mark.parametrize("light", [1.0, 0.5])
def test_a_product_on_a_ground_of_its_own_colour_is_for_the_seller_to_judge(
    ground: tuple[int, int, int], verdict: str, light: float
) -> None:
    """A red shoe on red: both looks lost its heel, and no number showed it. A grey thing on grey shows its edge."""
    box = (50, 50, 150, 150)
    marks = gate.marks(make_sighting(box), make_lab(ground, RED, box) * np.float32(light))
    assert gate.certainty(marks) == verdict
    assert (marks.shared > gate.ALONE["shared"]) is (verdict == "unsure")


@pytest.mark.parametrize("skin", [(224, 172, 140), (141, 85, 36), (90, 56, 37), (255, 219, 190)])
@pytest.mark.parametrize(("left", "verdict"), [(0, "unsure"), (40, "sure")])
def test_a_hand_that_comes_in_from_the_edge_is_not_surely_the_product(
    skin: tuple[int, int, int], left: int, verdict: str
) -> None:
    """Of a carton in a hand only the hand was found. A leather bag, as brown, stands free in its photo."""
    box = (left, 40, 140, 160)
    marks = gate.marks(make_sighting(box), make_lab(BLUE, skin, box))
    assert gate.certainty(marks) == verdict
    assert (marks.arm > gate.ALONE["arm"]) is (verdict == "unsure")


@pytest.mark.parametrize(("share", "verdict"), [(0.9, "unsure"), (0.75, "sure")])
def test_what_is_all_of_the_colour_of_skin_is_not_surely_a_product(share: float, verdict: str) -> None:
    """Of a carton the hand that holds it was found; who wears an orange jacket shows face and hands, too."""
    assert gate.certainty(dataclasses.replace(GOOD, arm=share)) == verdict


@pytest.mark.parametrize(
    ("changed", "verdict"),
    [
        ({"spread": 0.08}, "sure"),
        ({"strayed": 0.04}, "sure"),
        ({"spread": 0.08, "strayed": 0.04}, "unsure"),
        ({"spread": 0.07, "strayed": 0.03, "beyond": 0.01}, "unsure"),
        ({"beyond": 0.18}, "unsure"),
    ],
)
def test_a_little_doubt_of_each_kind_adds_up(changed: dict[str, float], verdict: str) -> None:
    """Dim shoes without their white soles were well within each limit; a hat half a pixel softer was beyond one."""
    assert gate.certainty(dataclasses.replace(GOOD, **changed)) == verdict


@pytest.mark.parametrize("body", [(40, 90, 60), (230, 60, 20)])
def test_what_the_photo_crops_is_sure_when_it_has_no_colour_of_skin(body: tuple[int, int, int]) -> None:
    box = (0, 60, 140, 140)
    assert gate.certainty(gate.marks(make_sighting(box), make_lab(BLUE, body, box))) == "sure"


@pytest.mark.parametrize(("body", "framed"), [((224, 172, 140), (0, 0, SIDE, SIDE)), ((40, 90, 60), (0, 60, 90, 140))])
def test_no_photo_is_framed_around_the_hand_that_holds_the_product(
    body: tuple[int, int, int], framed: tuple[int, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The frame around a hand left half of its carton out."""
    monkeypatch.setattr(subject, "again", lambda photo, found: found)
    image = Image.new("RGB", (SIDE, SIDE), BLUE)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 60, 89, 139), fill=body)
    pen.rectangle((90, 20, 170, 180), fill=(245, 245, 245))
    cut = cutout.judged(image, None, make_sighting((0, 60, 90, 140)))
    assert cut.pictures[-1].box == framed


@pytest.mark.parametrize(("between", "gap"), [(BLUE, True), (RED, False)])
def test_what_one_close_look_surely_sees_and_the_other_surely_does_not_is_for_the_seller(
    between: tuple[int, int, int], gap: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two boots, the floor between them was taken for a boot: a coarse look sees no gap so narrow."""
    box = (50, 50, 150, 150)
    found = make_sighting(box)
    parted = found.straight.copy()
    parted[60:150, 80:120] = 0
    found = subject.Sighting(found.size, found.whole, found.box, found.straight, parted)
    monkeypatch.setattr(
        subject, "again", lambda photo, seen: dataclasses.replace(seen, farther=seen.opened(seen.whole))
    )
    image = Image.new("RGB", (SIDE, SIDE), BLUE)
    pen = ImageDraw.Draw(image)
    pen.rectangle((50, 50, 149, 149), fill=RED)
    pen.rectangle((80, 60, 119, 149), fill=between)
    [(certainty, picture)], _ = cutout._network(image, found, None)
    assert (certainty, int(np.asarray(picture.mask)[50, 50])) == ("sure", 0 if gap else 255), "seen by its outline"
    monkeypatch.setattr(outline, "find", lambda photo, seen: (seen, []))
    cuts, _ = cutout._network(image, found, None)
    judged, pictures = zip(*cuts, strict=True)
    assert set(judged) == {"unsure"}
    alphas = [np.asarray(picture.mask)[50, 50] for picture in pictures]
    assert alphas == ([0, 255] if gap else [255])


@pytest.mark.parametrize(("shade", "gap"), [((118, 120, 123), True), ((60, 62, 66), False)])
def test_a_grey_part_is_a_gap_only_where_a_close_look_says_so_and_its_colour_too(
    shade: tuple[int, int, int], gap: bool
) -> None:
    look = make_sighting((50, 50, 150, 150)).straight
    parted = look.copy()
    parted[60:150, 80:120] = 0
    image = Image.new("RGB", (SIDE, SIDE), GREY)
    pen = ImageDraw.Draw(image)
    pen.rectangle((50, 50, 149, 149), fill=(60, 62, 66))
    pen.rectangle((80, 60, 119, 149), fill=shade)
    lab = np.asarray(colour.oklab(np.asarray(image)) * hues.SCALE, np.float32)
    votes = vote.cast(lab, [look, parted], look)
    assert bool(votes.gaps[100, 100]) is gap
    assert not votes.ground.any()


@pytest.mark.parametrize(("gap", "share"), [((60, 150, 80, 120), 1.0), ((145, 150, 95, 105), 1.4)])
def test_the_other_picture_has_a_gap_closed_if_the_gap_is_large_enough_to_be_seen(
    gap: tuple[int, int, int, int], share: float
) -> None:
    """Beside a gap that hardly shows, a cut that takes in more is the other one: a hat with the shelf below it."""
    found = make_sighting((50, 50, 150, 150))
    gaps = np.zeros((SIDE, SIDE), dtype=bool)
    gaps[gap[0] : gap[1], gap[2] : gap[3]] = True
    look = np.where(gaps, np.float32(0), found.straight)
    more = look.copy()
    more[150:190, 50:150] = 1
    found = subject.Sighting(found.size, found.whole, found.box, look, look, more, gaps=gaps)
    other = cutout._others(found)[0]
    assert round(float((other > 0.5).sum()) / 100**2, 1) == share


@pytest.mark.parametrize(("lid", "verdict"), [((238, 238, 236), "unsure"), ((180, 178, 172), "sure")])
def test_a_product_whose_edge_hardly_shows_is_sure_only_when_nothing_in_it_is_in_doubt(
    lid: tuple[int, int, int], verdict: str
) -> None:
    """Of a white humidifier the top was lost; as many unsure pixels in a thing with a clear edge are a reflection."""
    box = (50, 50, 150, 150)
    found = make_sighting(box)
    found.straight[100:110, 70:80] = found.mirrored[100:110, 70:80] = 0.6
    lab = make_lab((238, 238, 238), BLUE, box)
    lab[50:75, 50:150] = make_lab((238, 238, 238), lid, (0, 0, SIDE, SIDE))[50:75, 50:150]
    marks = gate.marks(found, lab)
    assert marks.inner > gate.ALONE["guessed"]
    assert gate.certainty(marks) == verdict


def make_shell(*, fades: bool = False, noise: float = 0) -> tuple[cutout.Ground | None, NDArray[np.bool_]]:
    """An orange seat, which is the cut, in a grey shell on white; or with a deep shadow in its place."""
    level = np.full((SIDE, SIDE), 250, dtype=np.float32)
    level[60:140, 120:150] = 90
    if fades:
        level = raster.box(raster.box(level, 12), 12)
    image = np.repeat(level[..., None], 3, axis=-1)
    image[60:140, 60:120] = (220, 90, 20)
    image += np.random.default_rng(3).normal(0, noise, image.shape)
    cut = np.zeros((SIDE, SIDE), dtype=bool)
    cut[60:140, 60:120] = True
    return cutout.ground_of(Image.fromarray(image.clip(0, 255).astype(np.uint8))), cut


@pytest.mark.parametrize(("fades", "noise", "lacks"), [(False, 0, True), (True, 0, False), (False, 5, False)])
def test_a_part_that_stands_out_from_an_even_ground_is_missed(fades: bool, noise: float, lacks: bool) -> None:
    """Of a chair only the seat was found, surely. Shadows fade, and a ground that varies has spots of its own."""
    ground, cut = make_shell(fades=fades, noise=noise)
    assert ground is not None
    assert (backdrop.left_out(ground.lab, ground.backdrop, cut) > cutout.LACKS) is lacks


@pytest.mark.parametrize(
    ("kept", "board", "frame", "agreed"),
    [(True, False, 0.9, True), (False, False, 0.9, False), (False, False, 0.6, True), (True, True, 0.9, False)],
)
def test_the_plain_cut_is_sure_only_where_the_looks_say_the_same(
    kept: bool, board: bool, frame: float, agreed: bool
) -> None:
    """It had lost the white frame of which one look was certain; or a skirting board was in it, which none saw."""
    found = make_sighting((60, 60, 140, 140))
    straight, mirrored = found.straight.copy(), found.mirrored.copy()
    straight[60:140, 60:67], mirrored[60:140, 60:67] = frame, 0.1
    found = dataclasses.replace(found, straight=straight, mirrored=mirrored)
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[60:140, 60 if kept else 67 : 140] = True
    mask[20:30, 20:180] = board
    assert gate.agrees(found, mask) is agreed


@pytest.mark.parametrize(("wide", "verdict"), [(14, "unsure"), (3, "sure")])
def test_wheels_that_one_close_look_saw_put_a_cut_without_them_in_doubt(wide: int, verdict: str) -> None:
    """Of a skateboard the wheels were missing, of an armchair its legs: their colours had voted them away as ground."""
    box = (50, 50, 150, 150)
    found = make_sighting(box)
    straight, mirrored = found.straight.copy(), found.mirrored.copy()
    straight[150:162, 60 : 60 + wide], mirrored[150:162, 60 : 60 + wide] = 0.7, 0.2
    seen = np.maximum(straight, mirrored) > 0.5
    voted = dataclasses.replace(found, straight=straight, mirrored=mirrored).without(straight == 0.7)
    assert gate.certainty(gate.marks(voted.lacking_of(seen), make_lab(BLUE, RED, box))) == verdict


@pytest.mark.parametrize(("wide", "verdict"), [(14, "unsure"), (6, "sure")])
def test_a_hole_in_what_was_seen_puts_a_cut_in_doubt(wide: int, verdict: str) -> None:
    """The pale logo of a vest had been voted away as the pale sheet below it, in poor light."""
    box = (50, 50, 150, 150)
    found = make_sighting(box)
    hole = np.zeros((SIDE, SIDE), dtype=bool)
    hole[60 : 60 + wide, 60 : 60 + wide] = True
    marks = gate.marks(found.without(hole).lacking_of(found.straight > 0.5), make_lab(BLUE, RED, box))
    assert gate.certainty(marks) == verdict


@pytest.mark.parametrize("whole", [True, False])
def test_a_plain_cut_of_the_dark_stripes_alone_is_not_sure(whole: bool) -> None:
    """Both close looks had lost the pale stripes of a shirt; of three looks only the first saw all of it."""
    found = make_sighting((50, 50, 150, 150))
    stripes = np.zeros((SIDE, SIDE), dtype=bool)
    for top in range(50, 150, 20):
        stripes[top : top + (20 if whole else 14), 50:150] = True
    seen = stripes.astype(np.float32)
    found = dataclasses.replace(found, straight=seen, mirrored=seen)
    assert gate.agrees(found, stripes) is whole
