"""The buttons below an answer: a way to a person always, to the basket for what can be had."""

import pytest

from lib import text
from lib.assistant import below
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index
from lib.menu.versions import OpenShop

SHOP = OpenShop(5, "Кофейня", "Казань", "", "", 3)
ITEMS = [
    MenuItem("1", "Кофе", "Капучино на кокосовом молоке", (Variant("300 мл", 25000), Variant("400 мл", 29000))),
    MenuItem("2", "Кофе", "Раф", (Variant("", 27000),)),
    MenuItem("3", "Выпечка", "Слойка", (Variant("", 15000),), available=False),
    *[MenuItem(f"{n}", "Чай", f"Улун {n}", (Variant("", 30000),)) for n in range(4, 9)],
]
INDEX = Index(ITEMS)


def keyboard(items, language="ru"):
    return below.keyboard(language, SHOP, INDEX, items, 11, 2)


@pytest.mark.parametrize("language", text.LANGUAGES)
@pytest.mark.parametrize("items", [[], ITEMS[:1], ITEMS])
def test_below_each_answer_is_a_way_to_a_person_and_two_thumbs(items, language):
    data = [one.data for row in keyboard(items, language) for one in row]
    assert "person:call:5" in data
    assert [one for one in data if one.startswith("thumb:")] == ["thumb:5:11:2:1", "thumb:5:11:2:0"]
    assert data[-1] == "menu:home"


def test_what_can_be_had_can_be_ordered_four_at_most_and_a_choice_of_sizes_is_asked_for():
    order = [one for row in keyboard(ITEMS) for one in row if one.data.startswith("basket:")]
    assert [one.data for one in order] == [
        "basket:pick:5:3:1",
        "basket:add:5:3:2:1",
        "basket:add:5:3:4:1",
        "basket:add:5:3:5:1",
    ]
    assert "Слойка" not in " ".join(one.label for one in order)
    assert all(len(one.label) <= 20 for one in order)
