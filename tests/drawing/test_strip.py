"""Strips: which covers stand on which page, and that none can be used in place of a card."""

import io

import numpy as np
import pytest
from PIL import Image

from lib.drawing.card import covers, strip
from lib.drawing.card.strip import StripWords
from lib.drawing.cut import cutout
from tests.drawing.pictures import encoded, make_mug, make_scene

WORDS = StripWords("Кружка керамическая", ("Держит тепло", "500 мл"), "ОБРАЗЕЦ")


@pytest.fixture(scope="module")
def mug():
    return cutout.of(encoded(make_mug()))


@pytest.mark.long
def test_the_pages_hold_each_cover_once_in_the_order_of_the_orders(mug):
    looks = covers.looks(mug, WORDS.title, WORDS.benefits)
    first, second = (strip.draw(mug, "wb", WORDS, page) for page in (0, 1))
    assert (*first.designs, *second.designs) == looks.designs[:8]
    assert (first.first, second.first) == (1, 5)
    assert not first.last


@pytest.mark.long
def test_behind_the_last_page_comes_the_first(mug):
    assert strip.draw(mug, "wb", WORDS, 8).designs == strip.draw(mug, "wb", WORDS, 0).designs


def test_a_photo_that_cannot_be_cut_has_its_framed_covers():
    drawn = strip.draw(cutout.of(encoded(make_scene())), "wb", WORDS, 0)
    assert (sorted(drawn.designs), drawn.last) == (["band", "diagonal", "panel"], True)


def test_each_sample_is_small_and_bears_its_mark(mug):
    def seen(sample: str) -> np.ndarray:
        drawn = strip.draw(mug, "story", StripWords(WORDS.title, WORDS.benefits, sample), 0)
        return np.asarray(Image.open(io.BytesIO(drawn.jpeg)).convert("L"), dtype=float)

    marked, plain = seen(WORDS.sample), seen(" ")
    height, width = plain.shape
    assert width / 2 < 600, "a story is 1080 wide"
    for rows in (slice(0, height // 2), slice(height // 2, None)):
        for columns in (slice(0, width // 2), slice(width // 2, None)):
            changed = np.abs(marked[rows, columns] - plain[rows, columns]) > 12
            assert changed.mean() > 0.01


def test_an_earlier_choice_leads_the_covers_where_it_suits(mug):
    last = strip.draw(mug, "wb", WORDS, 0).designs[-1]
    led = strip.draw(mug, "wb", WORDS, 0, design=last)
    assert (led.designs[0], led.led) == (last, True)
    assert not strip.draw(mug, "wb", WORDS, 0, design="band").led


def test_a_made_card_is_offered_no_cover_that_it_has(mug):
    before = strip.draw(mug, "wb", WORDS, 0)
    after = [strip.draw(mug, "wb", WORDS, page, seen=1) for page in range(3)]
    assert before.designs[1] not in [name for page in after for name in page.designs]
    assert after[0].designs[:2] == (before.designs[0], before.designs[2])
    assert after[0].first == 1
