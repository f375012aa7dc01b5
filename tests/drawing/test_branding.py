"""A seller's own style: a logo in its place on every design, colours within the thresholds, and a clean logo."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib import errors
from lib.drawing.card import logo
from lib.drawing.cover import branding, draw, facts, framed, letters, tones
from lib.drawing.cover.branding import Branding
from lib.drawing.cover.choice import DESIGNS
from lib.drawing.cover.full import PlacedPhoto
from lib.drawing.cover.tones import SubjectLook
from lib.drawing.ground.colour import contrast, to_oklch
from tests.drawing.pictures import encoded, make_cutout, make_scene
from tests.sizes import few

SAID = facts.read("Кружка, ручная работа", ("Держит тепло 2 часа", "Легко мыть", "В коробке"))
SIZES = ((225, 300), (225, 225), (180, 320))


def make_logo(ground=(255, 255, 255), ink=(20, 40, 160)) -> Image.Image:
    image = Image.new("RGB", (640, 320), ground)
    pen = ImageDraw.Draw(image)
    pen.ellipse((60, 60, 260, 260), outline=ink, width=40)
    pen.rectangle((320, 60, 560, 260), fill=ink)
    return image


MARK = make_cutout().crop((60, 90, 301, 200))


@pytest.mark.parametrize("design", few(DESIGNS, 4))
def test_the_logo_stands_on_every_design_and_hides_neither_words_nor_product(design, monkeypatch) -> None:
    product = make_cutout().crop((60, 90, 301, 701))
    for size, wide in itertools.product(SIZES, (False, True)):
        made = draw.prepared(
            size, product.rotate(90, expand=True) if wide else product, SAID, design, own=Branding(MARK)
        )
        DESIGNS[design].draw(made)
        spot = branding.sign(made.paper, made.own, made.top - made.room)
        assert spot is not None, (design, size)
        assert draw.zone(size)[0] <= spot.y
        assert all(not branding._meet(spot, other) for other in made.paper.taken)


@pytest.mark.parametrize("design", framed.DESIGNS)
def test_the_logo_stands_on_a_framed_photo_beside_the_words(design, monkeypatch) -> None:
    signed = []
    usual = branding.sign
    monkeypatch.setattr(branding, "sign", lambda *args: signed.append(usual(*args)) or signed[-1])
    photo = make_scene()
    for size in SIZES:
        framed.draw(size, PlacedPhoto(photo, (200, 100, 600, 500)), SAID, design, Branding(MARK))
    assert all(signed)
    assert len(signed) == len(SIZES)


@pytest.mark.parametrize(
    "own", [((228, 0, 43), (255, 214, 0)), ((250, 250, 250), (250, 250, 250)), ((9, 9, 9), (9, 9, 9))]
)
@pytest.mark.parametrize("mood", tones.MOODS)
def test_own_colours_keep_their_hue_and_the_thresholds(own, mood) -> None:
    for rim in (0.1, 0.5, 0.9):
        seen = SubjectLook(rim, rim, 120.0)
        found = tones.tones(seen, mood, "other", own=Branding(None, *own))
        assert contrast(found.accent, found.ground) >= 3
        assert contrast(found.ink, found.ground) >= 4.5
        if rim < 0.7 or not found.is_light:  # nothing light is far from a light rim
            assert found.gap >= tones.GAP - 0.01
        if to_oklch(own[1])[1] > 0.1:
            assert abs(to_oklch(found.ground)[2] - to_oklch(own[1])[2]) < 12


def test_a_colour_that_had_to_be_shifted_is_told() -> None:
    seen = SubjectLook(0.5, 0.5, 120.0)
    fits = tones.tones(seen, "light", "other", own=Branding(None, (20, 60, 160), (250, 246, 240)))
    hidden = tones.tones(seen, "light", "other", own=Branding(None, (250, 240, 230), (250, 246, 240)))
    assert (fits.shifted, hidden.shifted) == (False, True)
    assert fits.ground == (250, 246, 240)


@pytest.mark.parametrize("pair", few(letters.PAIRS, 1))
def test_every_pair_of_faces_keeps_the_title_on_the_sheet(pair) -> None:
    product = make_cutout().crop((60, 90, 301, 701))
    for design in DESIGNS:
        made = draw.prepared((225, 300), product, SAID, design, own=Branding(pair=pair))
        DESIGNS[design].draw(made)
        words = made.paper.taken
        assert min(spot.x for spot in words) > -80, design
        assert max(spot.right for spot in words if spot.height < 300) < 990, design


def test_a_logo_loses_its_plain_ground_between_its_parts_too() -> None:
    made = logo.clean(encoded(make_logo(), "PNG"))
    image = Image.open(io.BytesIO(made.png))
    assert image.size == (made.width, made.height)
    assert abs(made.width - 501) < 4
    alpha = np.asarray(image.getchannel("A"))
    assert alpha[100, 100] == 0, "the hole of the ring"
    assert alpha[100, -60] == 255
    assert made.colour == "#1428a0"


def test_a_logo_keeps_its_own_alpha() -> None:
    made = logo.clean(encoded(make_cutout(), "PNG"))
    assert (made.width, made.height) == (241, 611)


@pytest.mark.parametrize(
    ("ink", "plate"),
    [((199, 154, 59), branding.COAL), ((20, 40, 160), (255, 255, 255)), ((216, 31, 42), (255, 255, 255))],
)
def test_a_logo_has_the_plate_on_which_it_is_seen_best(ink, plate) -> None:
    assert branding._plate(Image.new("RGBA", (60, 20), (*ink, 255)), None) == plate


@pytest.mark.parametrize(
    ("ground", "plate"),
    [((251, 234, 241), (251, 234, 241)), ((255, 212, 0), (255, 212, 0)), ((190, 60, 120), (21, 24, 30))],
)
def test_a_plate_has_the_sellers_own_ground_if_the_logo_is_seen_on_it(ground, plate) -> None:
    assert branding._plate(Image.new("RGBA", (60, 20), (200, 90, 130, 255)), ground) == plate


def test_a_logo_on_a_soft_light_has_no_plate() -> None:
    soft = Image.linear_gradient("L").point([200 + level // 16 for level in range(256)]).convert("RGB").resize((60, 20))
    assert branding._is_seen(Image.new("RGBA", (60, 20), (20, 40, 160, 255)), soft)
    assert not branding._is_seen(Image.new("RGBA", (60, 20), (250, 250, 250, 255)), soft)


@pytest.mark.parametrize(("mood", "ground"), [("light", (25, 23, 21)), ("dark", (255, 212, 0))])
def test_a_ground_far_from_its_mood_is_as_light_as_the_mood(mood, ground) -> None:
    seen = SubjectLook(0.3 if mood == "light" else 0.8, 0.3 if mood == "light" else 0.8, 120.0)
    own = tones.tones(seen, mood, "other", own=Branding(ground=ground))
    usual = tones.tones(seen, mood, "other")
    assert to_oklch(own.ground)[0] == pytest.approx(to_oklch(usual.ground)[0], abs=0.02)
    assert own.shifted


def test_a_logo_that_cannot_be_told_from_its_ground_is_refused() -> None:
    with pytest.raises(errors.Rejected, match="logo_not_free"):
        logo.clean(encoded(make_scene()))
