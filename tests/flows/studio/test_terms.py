"""The terms of a draft by themselves: who makes it and for how much, what its cut allows, what an old order becomes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lib import config
from lib import text as sentences
from lib.credits import catalog, ledger
from lib.flows.studio.order import draft as drafts
from lib.flows.studio.order import screens
from lib.flows.studio.ordering import OrderDraft
from lib.jobs.table import Job
from lib.providers import makers
from lib.providers.contract import Offer

CARD = OrderDraft(file_id="f", title="Кружка", product="card", preset="wb", wishes="")
WHITE, SCENE = replace(CARD, preset="white"), replace(CARD, product="background", preset="", scene="wood")
CLEAR = replace(CARD, preset="clear")
CLIP = replace(CARD, product="video5", preset="", template="broll")


class Said:
    """A turn that only speaks."""

    language = "ru"

    def text(self, key, **fields):
        return sentences.say("ru", key, **fields)


@pytest.fixture
def ai(monkeypatch):
    monkeypatch.setenv("KIE_API_KEY", "key-number-one")
    config.get.cache_clear()
    yield
    monkeypatch.undo()
    config.get.cache_clear()


def offer(draft, *halts):
    """What the catalogue says of clips: four for one, eleven for three, two of our own; each maker halted so."""
    params = {"prices": {"3": 11}, "own_price": 2}
    product = catalog.Product(draft.product, "video", 4, 1, True, 180, params, 15)
    chain = makers.chain(draft.product)
    return ledger.ProductOffer(product, 10, None, None, 0, 0, [*halts, *[""] * (len(chain) - len(halts))], "", "")


def test_without_a_key_there_is_one_price_and_no_excuse():
    assert drafts.terms(CLIP, offer(CLIP)) == drafts.Terms("", 4)
    assert drafts.terms(replace(CLIP, count=3), offer(CLIP)) == drafts.Terms("", 11)


@pytest.mark.usefixtures("ai")
@pytest.mark.parametrize(
    ("waits", "count", "terms"),
    [
        (False, None, drafts.Terms("own", 2, "spent")),
        (False, 3, drafts.Terms("own", 6, "spent")),
        (True, None, drafts.Terms("model", 4, "spent")),
        (True, 3, drafts.Terms("model", 11, "spent")),
    ],
)
def test_what_no_model_makes_now_is_ours_at_our_price_or_waits_at_the_models(waits, count, terms):
    remote = len([one for one in makers.chain("video5") if one.provider != "local"])
    assert drafts.terms(replace(CLIP, waits=waits, count=count), offer(CLIP, *["spent"] * remote)) == terms


@pytest.mark.usefixtures("ai")
def test_a_model_that_is_away_for_seconds_is_waited_for_as_it_is():
    assert drafts.terms(CLIP, offer(CLIP)) == drafts.Terms("model", 4)
    assert drafts.terms(CLIP, offer(CLIP, "down")) == drafts.Terms("model", 4)


@pytest.mark.parametrize(
    ("draft", "needs"),
    [
        (CARD, False),
        (WHITE, True),
        (SCENE, True),
        (CLEAR, True),
        (CLIP, False),
        (replace(CARD, preset="classified"), False),
        (OrderDraft(), False),
    ],
)
def test_what_stands_free_of_its_photo_needs_a_cut_where_we_draw_it(draft, needs):
    assert drafts.needs_cut(draft) is needs


@pytest.mark.usefixtures("ai")
def test_a_model_needs_no_cut_but_for_the_cut_itself():
    assert [drafts.needs_cut(one) for one in (WHITE, SCENE, CLEAR)] == [False, False, True]
    assert drafts.needs_cut(replace(SCENE, maker="own"))


@pytest.mark.parametrize(
    ("free", "white", "scene"),
    [("", False, False), ("anywhere", False, False), ("white", False, True), ("nowhere", True, True)],
)
def test_a_known_cut_says_what_it_cannot_fill(free, white, scene):
    found = [drafts.cannot_stand(replace(one, free=free)) for one in (WHITE, SCENE)]
    assert found == [white, scene]
    assert not drafts.cannot_stand(replace(CARD, free=free)), "a frame holds any photo"
    offered = [drafts.can_stand(replace(CARD, free=free), where) for where in ("white", "scene")]
    assert offered == [not white, not scene]


@pytest.mark.parametrize(
    ("draft", "bears"),
    [
        (CARD, True),
        (CLIP, True),
        (CLEAR, False),
        (WHITE, False),
        (SCENE, False),
        (replace(CARD, preset="classified"), False),
        (replace(CARD, product="set", preset="white"), False),
        (replace(CARD, product="batch", preset="clear"), False),
    ],
)
def test_a_picture_without_text_bears_no_words(draft, bears):
    assert drafts.bears_words(draft) is bears
    buttons = [button.data for row in screens._changes(Said(), draft) for button in row]
    assert ("order:change:words" in buttons) is bears
    assert {"order:change:look", "order:change:product", "order:change:photo"} <= set(buttons)


@pytest.mark.usefixtures("ai")
def test_a_clip_bears_words_where_we_film_it():
    assert [drafts.bears_words(one) for one in (CARD, CLIP, replace(CLIP, maker="own"))] == [True, False, True]


def test_the_cut_itself_is_offered_where_it_is_clear():
    for free, clear, offered in (("", False, True), ("anywhere", True, True), ("anywhere", False, False)):
        draft = replace(CLEAR, free=free, clear=clear)
        assert (drafts.can_stand(draft, "clear"), drafts.cannot_stand(draft)) == (offered, not offered)


def test_what_a_cut_cannot_fill_is_asked_for_once_more():
    assert drafts.missing(drafts.without_cut(WHITE)) == "preset"
    assert drafts.missing(drafts.without_cut(SCENE)) == "product"


@pytest.mark.parametrize(
    ("product", "count", "number"),
    [("card", 5, 1), ("set", None, 2), ("set", 6, 6), ("set", 9, 6), ("video5", 3, 3), ("video5", 2, 1)],
)
def test_only_a_number_that_is_offered_is_ordered(product, count, number):
    assert drafts.count(replace(CARD, product=product, count=count, benefits=tuple("abcd"))) == number


@pytest.mark.parametrize(("benefits", "most"), [("", 2), ("a", 3), ("abc", 5), ("abcd", 6), ("abcdef", 6)])
def test_a_set_has_no_more_slides_than_its_words_can_fill(benefits, most):
    draft = replace(CARD, product="set", count=6, benefits=tuple(benefits))
    assert (drafts.counts(draft)[-1], drafts.count(draft)) == (most, most)
    assert drafts.count(replace(draft, preset="white")) == 6, "these bear no words"
    assert drafts.terms(draft, offer(draft)).price == offer(draft).product.total(most)


def test_a_cover_that_was_picked_from_other_covers_is_not_picked():
    draft = replace(CARD, picked=f"{drafts.stamp(CARD)}:3")
    assert drafts.picked(draft) == 3
    for other in ({"title": "Ваза"}, {"file_id": "g"}, {"preset": "ozon"}, {"benefits": ("Лён",)}, {"way": "framed"}):
        assert drafts.picked(replace(draft, **other)) == 0
    assert drafts.picked(CARD) == 0


def done(**args):
    """An order that was finished long ago and kept its source."""
    moment = datetime(2026, 3, 10, tzinfo=UTC)
    wanted = {"id": 9, "task": "card", "key": "k", "state": "done", "checkpoint": {"source": 5}, "created_at": moment}
    said = {"product": "card", "preset": "wb", "title": "Кружка", "benefits": ["Лён"], "file_id": "f", "way": "network"}
    everything = {"scene": "studio", "template": "broll", "count": 1, "cut": "cut:7"}
    return Job(**dict.fromkeys(Job.__dataclass_fields__) | wanted | {"args": everything | said | args})


def test_the_same_again_is_whole_and_means_its_own_product_only():
    draft = drafts.from_job(done(), "again", has_photo=True)
    assert drafts.missing(draft) == "confirm"
    assert (draft.source, draft.benefits, draft.scene, draft.template) == (5, ("Лён",), "", "")


def test_another_variant_follows_all_that_were_made():
    job = done(product="background", count=3, variant=2)
    assert drafts.from_job(job, "variant", has_photo=True).variant == 5
    assert drafts.from_job(job, "again", has_photo=True).variant == 2


@pytest.mark.parametrize(("preset", "next_one"), [("wb", 3), ("story", 3), ("white", 5)])
def test_another_variant_of_a_set_in_one_design_is_the_next_design(preset, next_one):
    job = done(product="set", preset=preset, count=3, variant=2)
    assert drafts.from_job(job, "variant", has_photo=True).variant == next_one


def test_another_variant_of_a_batch_is_the_next_cover_however_many_photos_it_has():
    job = done(product="batch", photos=list("abcd"), count=4, variant=2)
    assert drafts.from_job(job, "variant", has_photo=True).variant == 3


@pytest.mark.parametrize(
    ("action", "step"), [("format", "preset"), ("edit", "words"), ("rewish", "wishes"), ("video", "template")]
)
def test_an_older_order_leads_to_the_step_that_is_to_change(action, step):
    assert drafts.missing(drafts.from_job(done(), action, has_photo=True)) == step


@pytest.mark.parametrize(("action", "has_photo"), [("retry", True), ("again", False)])
def test_without_its_photo_an_older_order_asks_for_one_and_keeps_no_cut(action, has_photo):
    draft = drafts.from_job(done(), action, has_photo=has_photo)
    assert drafts.missing(draft) == "photo"
    assert (draft.title, draft.cut, draft.way) == ("Кружка", "", "")


def test_words_that_can_no_longer_be_drawn_are_left_out_of_an_older_order():
    draft = drafts.from_job(done(title="🔥", benefits=["🔥", "Лён 🔥"]), "again", has_photo=True)
    assert (draft.title, draft.benefits, draft.wordless) == ("", ("Лён",), True)


def test_an_own_scenario_of_an_older_clip_stays_one_where_a_model_reads_it(ai):
    job = done(product="video5", template="own", wishes="камера поднимается")
    draft = drafts.from_job(job, "again", has_photo=True)
    assert (draft.scenario, draft.wishes, drafts.missing(draft)) == ("камера поднимается", None, "confirm")


def test_a_cover_is_promised_only_of_what_we_draw(monkeypatch):
    card = replace(CARD, product="card", preset="wb", title="Кружка")
    assert drafts.has_cover(card)
    monkeypatch.setattr(makers, "chain", lambda *_: (Offer("kie", "model", seconds=1),))
    assert not drafts.has_cover(card)
    assert drafts.has_cover(replace(card, maker="own"))
