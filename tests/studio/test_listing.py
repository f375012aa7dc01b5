"""The text of a marketplace's page: the card's own words within the lengths, and what may stay of a model's."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib.jobs.table import Job
from lib.studio import listing
from lib.studio import words as card_words

TITLE, BENEFITS = "Термокружка 450 мл", ("Держит тепло 6 часов", "LED-индикатор", "Можно мыть в посудомойке")


def of(found, market):
    return next(one for one in found if one.market == market)


def test_by_rules_it_says_the_cards_words_and_nothing_else():
    found = listing.by_rules(TITLE, BENEFITS)
    assert of(found, "wb").name == TITLE
    assert of(found, "ozon").name == "Термокружка 450 мл, держит тепло 6 часов, LED-индикатор, можно мыть в посудомойке"
    assert of(found, "wb").about == (
        "Термокружка 450 мл.\n— Держит тепло 6 часов.\n— LED-индикатор.\n— Можно мыть в посудомойке."
    )


def test_what_a_marketplace_refuses_is_left_out_and_a_refused_title_gives_no_text():
    found = listing.by_rules(TITLE, ("Хит продаж", "Скидка 20 %", "Держит тепло"))
    assert of(found, "ozon").name == "Термокружка 450 мл, держит тепло"
    assert listing.by_rules("Лучшая кружка со скидкой", BENEFITS) == []


def test_a_models_sentence_with_a_number_contact_or_promise_of_its_own_is_left_out():
    said = {
        "wb_name": "Термокружка с крышкой 450 мл",
        "wb_about": "Держит тепло 6 часов. Вес 300 г. Пишите @seller. Лучший выбор!\nМожно мыть в <b>посудомойке</b>.",
        "ozon_name": "x" * 300,
        "ozon_about": {"a": 1},
    }
    found = listing.checked(said, TITLE, BENEFITS)
    assert of(found, "wb").name == "Термокружка с крышкой 450 мл"
    assert of(found, "wb").about == "Держит тепло 6 часов.\nМожно мыть в посудомойке."
    assert of(found, "ozon") == of(listing.by_rules(TITLE, BENEFITS), "ozon"), (
        "the rules' text where the model's is odd"
    )


_odd = some.recursive(some.none() | some.integers() | some.text(), some.lists)


@given(some.dictionaries(some.sampled_from(["wb_name", "wb_about", "ozon_name", "ozon_about", "x"]), _odd))
def test_whatever_a_model_says_the_text_may_stand_on_the_page(said):
    for one in listing.checked(said, TITLE, BENEFITS):
        name, about = listing.LIMITS[one.market]
        assert 0 < len(one.name) <= name
        assert 0 < len(one.about) <= about
        assert card_words.check_words(one.market, one.name, tuple(one.about.splitlines())) == []


@pytest.mark.parametrize("language", ["ru", "en"])
def test_the_longest_texts_fit_into_one_message(language):
    longest = [listing.Listing(market, "Щ" * name, "щ" * about) for market, (name, about) in listing.LIMITS.items()]
    assert len(listing.said(language, longest)) < 4096


@pytest.mark.parametrize(
    ("task", "args", "is_offered"),
    [
        *[("card", {"title": TITLE}, True), ("card", {"title": ""}, False), ("video", {"title": TITLE}, False)],
        ("card", {"title": TITLE, "titles": ["Чашка", "Кружка"]}, False),
    ],
)
def test_a_text_is_offered_for_cards_that_share_their_words(task, args, is_offered):
    order = Job(**dict.fromkeys(Job.__dataclass_fields__) | {"task": task, "args": args})
    assert listing.is_offered(order) is is_offered
