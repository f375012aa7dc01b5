"""A client looks through a shop's menu: the short form, the sections, an item, its photo."""

from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from tests.flows.chat import buttons, words

SIZES = (Variant("200 мл", 21000), Variant("300 мл", 25000))
MENU = (
    MenuItem("1", "Кофе", "Капучино <мягкий>", SIZES, "молочная пена"),
    *(MenuItem(f"b{at}", "Выпечка", f"Булочка {at}", (Variant("", 5000 + at),), in_short=False) for at in range(12)),
    MenuItem("3", "", "Сыр", (Variant("", 150000),), unit="кг", in_short=False, available=False),
)


async def publishes(cafe, *items, seen=0):
    await versions.publish(cafe.conn, cafe.id, cafe.owner_id, items, seen=seen)


async def test_the_short_form_leads_to_the_sections_and_they_to_an_item_that_can_be_ordered(comes, cafe):
    await publishes(cafe, *MENU)
    boris = await comes(cafe)
    await boris.forges(f"shop:{cafe.id}")
    await boris.presses("Меню и цены")
    short = words(await boris.sees(r"коротко.*Капучино <мягкий> — 200 мл: 210\s₽ · 300 мл: 250\s₽"))
    assert "Булочка" not in short
    await boris.presses("Всё меню")
    await boris.presses("Выпечка")
    assert "Булочка 10" not in words(await boris.sees(r"1. Булочка 0 — 50\s₽.*10. Булочка 9"))
    await boris.presses("Следующие")
    await boris.sees("1. Булочка 10.*2. Булочка 11")
    await boris.forges(f"items:in:{cafe.id}:1:0")
    await boris.presses("1")
    await boris.sees("Капучино <мягкий>.*молочная пена")
    await boris.presses("В корзину")
    await boris.sees("какой вариант")
    await boris.forges(f"items:in:{cafe.id}:1:2")
    await boris.presses("1")
    await boris.sees(r"Сыр — 1\s500\s₽ за кг · Сейчас нет в наличии")
    assert not any("В корзину" in one for one in buttons(await boris.last()))


async def test_a_button_of_an_older_menu_leads_to_the_menu_of_now(comes, cafe):
    await publishes(cafe, *MENU)
    await publishes(cafe, MENU[0], MENU[-1], seen=1)
    boris = await comes(cafe)
    for data in (
        f"items:one:{cafe.id}:1:5",
        f"items:one:{cafe.id}:2:99",
        f"items:in:{cafe.id}:2:77",
        f"items:photo:{cafe.id}:1:1",
    ):
        await boris.forges(data)
        await boris.sees("Выберите раздел")
    await boris.forges("items:one:x:y:z")
    await boris.sees("нет")


async def test_a_shop_without_a_menu_says_so(comes, cafe):
    boris = await comes(cafe)
    await boris.forges(f"items:{cafe.id}")
    await boris.sees("меню здесь пока нет")
