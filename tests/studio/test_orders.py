import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib import errors, text
from lib.providers import kie, makers
from lib.studio import orders
from lib.tasks.order import prompts

PLACE = {"bot": "studio", "chat_id": 1, "message_id": 2, "language": "ru", "file_id": "abc"}
COUNTED = [(product, count) for product, counts in orders.COUNTS.items() for count in counts]


def test_an_order_of_the_older_bot_is_a_card():
    order = orders.Order.read({**PLACE, "preset": "wb", "title": "Кружка", "benefits": ["Держит тепло"], "variant": 1})
    assert (order.product, order.task, order.count, order.benefits) == ("card", "card", 1, ("Держит тепло",))


@given(some.sampled_from(COUNTED), some.text(max_size=60), some.lists(some.text(max_size=40), max_size=3))
def test_an_order_survives_the_way_through_a_job(product, title, benefits):
    wanted = {"photos": ("abc",) * product[1], "titles": (title,) * product[1]} if product[0] == "batch" else {}
    order = orders.Order(**PLACE, product=product[0], count=product[1], title=title, benefits=tuple(benefits), **wanted)
    seconds = orders.SECONDS.get(product[0], 0)
    assert orders.Order.read(order.args()).args() == order.args() | {"seconds": seconds}


@pytest.mark.parametrize(
    "odd",
    [
        {"product": "free"}, {"preset": "../etc"}, {"scene": "x"}, {"template": "x"}, {"count": 100}, {"count": 2},
        {"file_id": ""}, {"wishes": "x" * 501}, {"chat_id": None},
    ],
)  # fmt: skip
def test_an_order_that_no_screen_offers_is_refused(odd):
    with pytest.raises(errors.Invalid):
        orders.Order.read({**PLACE, **odd})


@pytest.mark.parametrize("product", orders.PRODUCTS)
def test_every_product_can_be_made_without_any_key(product):
    assert [offer.provider for offer in makers.chain(product)] == ["local"]


@pytest.mark.parametrize("offers", makers.CHAINS.values(), ids=makers.CHAINS)
def test_a_chain_ends_with_what_needs_no_key_and_names_nobody_twice(offers):
    assert offers[-1].provider == "local"
    assert len({offer.name for offer in offers}) == len(offers)
    assert all(offer.cost > 0 for offer in offers[:-1])


@pytest.mark.parametrize("scene", orders.SCENES)
def test_each_scene_has_a_name_and_a_prompt_of_its_own(scene):
    order = orders.Order(**PLACE, product="background", scene=scene)
    others = [orders.Order(**PLACE, product="background", scene=one) for one in orders.SCENES if one != scene]
    assert prompts.of_picture(order, 0) not in [prompts.of_picture(other, 0) for other in others]
    for language in ("ru", "en"):
        names = [text.say(language, f"studio.scene.{one}") for one in orders.SCENES]
        assert text.knows(f"studio.scene.{scene}")
        assert len(set(names)) == len(orders.SCENES)


WORDY = {"title": "Щ" * 60, "benefits": ("Щ" * 40,) * 3, "wishes": "щ" * orders.WISHES_LIMIT}


@pytest.mark.parametrize("product", orders.PRODUCTS)
def test_the_longest_wishes_reach_every_model_whole(product):
    for offer in makers.CHAINS[product]:
        for step in filter(None, (offer, offer.still)):
            if step.provider != "kie":
                continue
            for template in orders.TEMPLATES:
                order = orders.Order(
                    **PLACE, product=product, template=template, count=orders.COUNTS[product][0], **WORDY
                )
                is_clip = order.is_video and step is offer
                said = prompts.of_clip(order) if is_clip else prompts.of_still(order, 0)
                said = said if order.is_video else prompts.of_picture(order, 0)
                assert len(said) <= kie.SHAPES[step.model].prompt_limit
                assert order.wishes in said


@pytest.mark.parametrize(
    ("title", "is_russian"),
    [("Кружка 350 мл", True), ("Ёлка — №1", True), ("Mug", False), ("Кружка Stanley", False), ("Қазан", False)],
)
def test_only_russian_words_are_called_russian(title, is_russian):
    order = orders.Order(**PLACE, title=title)
    assert ("in Russian" in prompts.of_picture(order, 0)) == is_russian
