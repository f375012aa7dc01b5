"""A client asks a shop's menu in words of their own, and every price of an answer is the menu's."""

import pytest

from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from tests.flows.chat import buttons, words

MENU = (
    MenuItem("1", "Кофе", "Капучино <мягкий>", (Variant("200 мл", 21000), Variant("300 мл", 25000)), "молочная пена"),
    MenuItem("2", "Выпечка", "Круассан", (Variant("", 17000),)),
    MenuItem("3", "Выпечка", "Слойка с яблоком", (Variant("", 15000, at_least=True),), available=False),
)


async def publishes(cafe, *items, seen=0):
    await versions.publish(cafe.conn, cafe.id, cafe.owner_id, items, seen=seen)


async def test_a_client_asks_in_free_words_and_reads_items_with_their_prices(comes, cafe):
    await publishes(cafe, *MENU)
    boris = await comes(cafe)
    await boris.forges(f"shop:{cafe.id}")
    await boris.presses("Спросить меню")
    await boris.sees("спрашивайте о меню своими словами.*Разделы: Кофе, Выпечка")
    await boris.says("сколько стоит капучинно до 220")
    answer = words(await boris.sees(r"До 220\s₽:.*Капучино <мягкий> — 200 мл: 210\s₽.*молочная пена"))
    assert "300 мл" not in answer
    await boris.says("что есть из выпечки")
    await boris.sees(r"Круассан — 170\s₽.*Слойка с яблоком — от 150\s₽.*Сейчас нет в наличии")
    await boris.says("суши")
    await boris.sees("Такого в меню не нашёл.*столик не забронирую")
    await boris.says("у меня аллергия на орехи")
    await boris.sees("Такого в меню не нашёл.*Состав уточнит сотрудник")
    await boris.says("спасибо!")
    await boris.sees("Пожалуйста! Я программа")
    await boris.says("где вы находитесь и до скольки работаете?")
    await boris.sees("Часы работы магазин не указал.*Город: Казань")


async def test_a_question_that_is_asked_of_nobody_is_answered_by_the_shop_that_is_chosen(comes, cafe, shop):
    await publishes(cafe, *MENU)
    boris = await comes(cafe)
    await boris.says("/menu")
    await boris.says("сколько стоит круассан?")
    await boris.sees("Это вопрос о меню или ценах")
    await boris.presses("Спросить меню")
    await boris.sees(r"Круассан — 170\s₽")
    query = "select words from talk_lines where partner_id = %s and role = 'client'"
    assert [one["words"] for one in await shop.rows(query, cafe.id)] == ["сколько стоит круассан?"]
    await boris.says("капучино")
    await boris.sees("Капучино <мягкий>")
    await boris.says("/menu")
    await boris.forges(f"ask:{cafe.id}")
    await boris.sees("спрашивайте о меню своими словами")  # it was answered, and is not answered again


async def test_a_shop_without_a_menu_offers_no_question_and_says_so(comes, cafe):
    boris = await comes(cafe)
    await boris.says("сколько стоит круассан?")
    assert "Спросить меню" not in buttons(await boris.sees("не понимаю"))
    await boris.forges(f"shop:{cafe.id}")
    assert "Спросить меню" not in buttons(await boris.last())
    await boris.forges(f"ask:{cafe.id}")
    await boris.sees("меню здесь пока нет")


async def test_a_shop_that_does_not_exist_is_named_so(comes, cafe):
    boris = await comes(cafe)
    await boris.forges("ask:999999999")
    await boris.sees("Такого магазина здесь нет")


@pytest.mark.long
async def test_what_is_asked_and_answered_is_kept_until_the_client_begins_anew(comes, cafe, shop):
    await publishes(cafe, *MENU)
    boris = await comes(cafe)
    await boris.says("/new")
    await boris.sees("ни с каким магазином не разговариваем")
    await boris.forges(f"ask:{cafe.id}")
    await boris.says("круассан")
    await boris.sees("Круассан — 170")
    await shop.replay(boris, boris.update_ids[-1], times=1)
    await boris.says("/new")
    await boris.sees("начинаем заново")
    await boris.says("суши")
    await boris.sees("Такого в меню не нашёл")
    query = "select talk_id, role, missed, words from talk_lines where partner_id = %s order by id"
    first, answer, second, silence = await shop.rows(query, cafe.id)
    assert (first["role"], first["words"], answer["role"], answer["missed"]) == ("client", "круассан", "bot", False)
    assert answer["words"].startswith("Круассан — 170")
    assert (second["words"], silence["missed"], second["talk_id"] == first["talk_id"]) == ("суши", True, False)


async def test_a_question_to_the_menu_costs_one_trip_to_the_database(comes, cafe, shop):
    await publishes(cafe, *MENU)
    boris = await comes(cafe)
    await boris.forges(f"ask:{cafe.id}")
    await boris.says("круассан")
    for question in ("капучино", "суши"):
        await boris.says(question)
        assert (await shop.record(boris))["sql"] == 1, question
    query = "select role, missed from talk_lines where partner_id = %s order by id"
    said = [(one["role"], one["missed"]) for one in await shop.rows(query, cafe.id)]
    assert said[2:] == [("client", False), ("bot", False), ("client", False), ("bot", True)]
    await publishes(cafe, *MENU[:1], seen=1)
    await boris.says("круассан")  # the answer that was ready is from a menu of yesterday
    assert (await shop.record(boris))["sql"] > 1
