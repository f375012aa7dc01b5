"""The outline that SAM draws of what was found: openings open, parts together, what goes on beyond the box."""

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from lib.drawing.cut import gate, outline
from lib.drawing.cut.outline import Outline, Question
from lib.drawing.cut.result import Certainty
from lib.drawing.cut.subject import Box, Sighting
from lib.drawing.ground.raster import Floats

SIDE = 160  # of the looks
PHOTO = 480
GREY, RED, DARK = (196, 200, 204), (190, 40, 40), (120, 20, 24)


def photo_with(*shapes: tuple[Box, tuple[int, int, int]]) -> Image.Image:
    picture = Image.new("RGB", (PHOTO, PHOTO), GREY)
    for box, colour in shapes:
        ImageDraw.Draw(picture).rectangle(box, fill=colour)
    return picture


def found_at(box: Box, *shapes: Box) -> Sighting:
    """Return a sighting with this box of the photo, in which these boxes were seen."""
    mask: Floats = np.zeros((SIDE, SIDE), dtype=np.float32)
    scale = SIDE / (box[2] - box[0])
    for left, top, right, bottom in shapes:
        rows = slice(round((top - box[1]) * scale), round((bottom - box[1]) * scale))
        mask[rows, round((left - box[0]) * scale) : round((right - box[0]) * scale)] = 1
    return Sighting((PHOTO, PHOTO), mask, box, mask, mask)


def at(found: Sighting, mask: Floats, x: int, y: int) -> bool:
    left, top, right, bottom = found.box
    return bool(mask[int((y - top) / (bottom - top) * SIDE), int((x - left) / (right - left) * SIDE)] > 0.5)


def test_an_opening_that_was_filled_is_among_the_answers() -> None:
    frame, opening = (120, 120, 360, 360), (175, 175, 305, 305)
    seen, outlines = outline.find(photo_with((frame, RED), (opening, GREY)), found_at((80, 80, 400, 400), frame))
    assert any(not at(seen, one.mask, 240, 240) and at(seen, one.mask, 145, 240) for one in outlines)


def test_a_pair_is_kept_together() -> None:
    left, right = (90, 150, 200, 330), (280, 150, 390, 330)
    seen, outlines = outline.find(photo_with((left, RED), (right, RED)), found_at((50, 50, 430, 430), left, right))
    best = outlines[0].mask
    assert [at(seen, best, x, 240) for x in (145, 240, 335)] == [True, False, True]
    assert "parts" in {one.question for one in outlines}


def test_what_goes_on_beyond_the_box_is_followed() -> None:
    body, neck = (170, 260, 310, 440), (225, 40, 255, 260)
    photo = photo_with((body, RED), (neck, DARK))
    sighting = found_at((120, 160, 360, 480 - 80), body, (225, 160, 255, 260))
    seen, outlines = outline.find(photo, sighting)
    assert seen.box[1] < 60 < sighting.box[1]
    assert at(seen, outlines[0].mask, 240, 80)
    assert not at(seen, outlines[0].mask, 190, 120)


def test_a_wider_box_keeps_what_was_seen_in_its_place() -> None:
    own = (100, 100, 200, 200)
    found = found_at((80, 80, 240, 240), own)
    wide = found.widened((40, 80, 240, 280))
    assert [at(wide, wide.mask, x, y) for x, y in ((110, 110), (190, 190), (60, 150), (150, 220))] == [
        *(True, True),
        *(False, False),
    ]


def test_nothing_seen_has_no_outline() -> None:
    found = found_at((80, 80, 240, 240))
    assert outline.find(photo_with(), found) == (found, [])


def answer(question: Question, share: float = 1.0, **given: Any) -> Outline:
    """Return an answer that holds so much of a square."""
    mask = np.zeros((100, 100), dtype=np.float32)
    mask[20:80, 20 : 20 + round(60 * share)] = 1
    return Outline(**{"question": question, "mask": mask, "quality": 0.99, "steady": 0.99, "alike": 0.97} | given)


@pytest.mark.parametrize(
    ("first", "others", "marks", "certainty"),
    [
        ({}, (1.0, 0.95), {}, "sure"),
        ({}, (1.0, 0.7), {}, "unsure"),  # asked otherwise it means another thing
        ({"alike": 0.8}, (1.0, 1.0), {}, "unsure"),
        ({"quality": 0.9}, (1.0, 1.0), {}, "unsure"),
        ({"steady": 0.9}, (1.0, 1.0), {}, "unsure"),
        ({}, (1.0, 1.0), {"arm": 0.9}, "unsure"),
        ({}, (1.0, 1.0), {"lacks": True}, "unsure"),  # of a jar only the lid
    ],
)
def test_an_outline_is_sure_where_all_answers_are_one(
    first: dict[str, float], others: tuple[float, float], marks: dict[str, Any], certainty: Certainty
) -> None:
    outlines = [answer("box", **first), answer("both", others[0]), answer("points", others[1])]
    assert gate.outlined(outlines, **({"arm": 0.0, "lacks": False} | marks)) == certainty


def test_a_vague_outline_is_for_the_seller() -> None:
    vague = answer("box")
    vague.mask[30:40, 20:80] = 0.5
    assert gate.outlined([vague, answer("points")], arm=0, lacks=False) == "unsure"
