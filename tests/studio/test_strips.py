"""A strip's arguments: what a job holds comes back as it was, and odd ones are refused."""

from dataclasses import replace

import pytest
from psycopg.types.json import Jsonb

from lib import errors
from lib.studio import orders, strips
from lib.studio.strips import StripOrder

STRIP = StripOrder("studio", 5, "ru", "wb", "Кружка", ("Держит тепло",), file_id="f", page=2)


def test_a_job_holds_all_of_a_strip():
    assert StripOrder.read(STRIP.args() | {"later": 1}) == STRIP


@pytest.mark.parametrize("odd", [{"preset": "x"}, {"page": -1}, {"page": 99}])
def test_a_strip_that_no_screen_offers_is_refused(odd):
    with pytest.raises(errors.Invalid):
        StripOrder.read(STRIP.args() | odd)


def test_the_stamp_tells_photos_words_and_presets_apart():
    others = ({"file_id": "g"}, {"source": 1}, {"title": "Чашка"}, {"benefits": ["Лёгкая"]}, {"preset": "ozon"})
    stamps = {StripOrder.read(STRIP.args() | other).stamp for other in ({}, *others)}
    assert len(stamps) == 6
    assert StripOrder.read(STRIP.args() | {"page": 1, "message_id": 7, "language": "en"}).stamp == STRIP.stamp


@pytest.mark.parametrize(("said", "page"), [("3", 3), ("0", 0), ("99", 0), ("-1", 0), ("²", 0), ("", 0)])
def test_a_page_of_a_button_is_small_or_none(said, page):
    assert strips.page(said) == page


@pytest.mark.parametrize(
    ("strip", "facts", "first"),
    [
        ({}, {"designs": ["dark", "split"]}, "dark"),
        ({"message_id": 7}, {"designs": ["dark"]}, "dark"),
        ({"page": 1}, {"designs": ["dark"]}, ""),
        ({"design": "dark"}, {"designs": ["dark"]}, ""),
        ({"of_order": 3}, {"designs": ["dark"]}, ""),
        ({"title": "Чашка"}, {"designs": ["dark"]}, ""),
        ({}, {"designs": ["dark"], strips.LATE: True}, ""),
        ({}, {}, ""),
    ],
)
async def test_an_order_without_a_choice_finds_the_cover_that_its_strip_showed_first(
    conn, make_user, make_job, strip, facts, first
):
    alice = await make_user()
    args = replace(STRIP, **{"page": 0} | strip).args()
    job = await make_job(alice, task=strips.TASK, key="s", args=args, price=0)
    await conn.execute("update jobs set checkpoint = %s where id = %s", (Jsonb(facts), job.id))
    words = {"title": STRIP.title, "benefits": STRIP.benefits}
    order = orders.Order("studio", 5, 9, "ru", "batch", file_id="f", count=2, photos=("f", "g"), **words)
    assert await strips.first_shown(conn, alice.id, order) == first
