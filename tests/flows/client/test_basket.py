"""A client orders of a menu, from a found item to a request that the shop answers; nothing before it is confirmed."""

from dataclasses import replace

import pytest

from lib.assistant import pushes, requests
from lib.menu import versions
from lib.menu.goods import MenuItem, Variant
from tests.flows.chat import buttons

LATTE = MenuItem("1", "Кофе", "Латте", (Variant("300 мл", 25000), Variant("400 мл", 29000)))
BUN = MenuItem("2", "Выпечка", "Булочка <с маком>", (Variant("", 9000),))
TEA = MenuItem("3", "Чай", "Чай", (Variant("", 12000),), available=False)


@pytest.fixture
async def menu(cafe):
    await versions.publish(cafe.conn, cafe.id, cafe.owner_id, (LATTE, BUN, TEA), seen=0)


async def asks(cafe, boris, question):
    await boris.forges(f"ask:{cafe.id}")
    await boris.says(question)


async def fills(cafe, boris):
    """Come to the confirmation with one bun."""
    await asks(cafe, boris, "булочка")
    await boris.presses("🧺 Булочка")
    await boris.presses("Оформить")
    await boris.presses("Как можно скорее")
    await boris.presses("Картой")
    await boris.presses("Больше ничего")
    await boris.sees("Проверьте заявку")


async def moves(cafe, request, *states, reason=""):
    for state in states:
        await pushes.move(cafe.conn, cafe.id, request.id, cafe.owner_id, state, reason)


async def newest(cafe):
    [entry] = await requests.list_of_shop(cafe.conn, cafe.id, (*requests.OPEN, *requests.CLOSED), limit=1)
    return await requests.get(cafe.conn, cafe.id, entry.id)


async def test_a_found_item_becomes_a_request_that_the_client_sees_through(comes, cafe, menu, shop):
    boris = await comes(cafe)
    await asks(cafe, boris, "латте или чай")
    assert not any("Чай" in label for label in buttons(await boris.last())), "what is sold out cannot be ordered"
    await boris.presses("🧺 Латте")
    await boris.sees("какой вариант")
    await boris.presses("400 мл")
    await boris.sees(r"Корзина.*1 × Латте, 400 мл — 290\s₽.*Итого: 290\s₽")
    await boris.presses("+")
    await boris.sees(r"2 × Латте, 400 мл — 580\s₽")
    await boris.says("булочка")  # what is typed at the basket is a question to its shop
    await boris.presses("🧺 Булочка")
    await boris.sees(r"1 × Булочка <с маком> — 90\s₽.*Итого: 670\s₽")
    await boris.presses("Оформить")
    await boris.sees("К какому времени")
    await boris.says("к 18:30")
    await boris.sees("Как будете платить")
    await boris.presses("Наличными")
    await boris.sees("передать магазину")
    await boris.says("без сахара & с корицей")
    message = await boris.sees(r"Проверьте заявку.*670\s₽.*к 18:30.*Борис, \+.*наличными.*без сахара & с корицей")
    await boris.presses("Отправить магазину")
    await boris.sees("Заявка № 1 отправлена")
    await boris.says("латте ещё есть?")
    await boris.sees(r"Латте — 300 мл")
    await boris.presses("Отправить магазину", on=message)
    assert "Уже сделано" in boris.toast["text"]
    request = await newest(cafe)
    assert (request.total, request.state, request.wanted) == (67000, "new", "к 18:30")
    await moves(cafe, request, "accepted", "ready")
    await shop.drain_again()

    async def told():
        return [not await shop.rows("select id from jobs where task = 'tell' and key like 'tell:request:ready:%%'")]

    await shop.ticks_until(told, all)
    await boris.sees("заявка № 1 готова, можно забирать: Казань")
    await boris.presses("Открыть заявку")
    await boris.sees(r"Заявка № 1.*Сейчас: готова, можно забирать.*принята")
    await moves(cafe, request, "done")
    await boris.says("/menu")
    await boris.presses("Мои заявки")
    assert any(label.startswith("✅ № 1") for label in buttons(await boris.sees("Мои заявки")))


@pytest.mark.long
async def test_each_answer_can_be_changed_and_back_and_out_lead_away_without_an_order(comes, cafe, menu):
    await requests.set_terms(
        cafe.conn, cafe.id, cafe.owner_id, requests.RequestTerms(delivers=True, note="По центру, 200 ₽")
    )
    boris = await comes(cafe)
    await asks(cafe, boris, "булочка")
    await boris.presses("🧺 Булочка")
    await boris.presses("Оформить")
    await boris.sees("Как получите заказ.*По центру, 200 ₽")
    await boris.presses("Доставка")
    await boris.says("1")
    await boris.sees("Слишком коротко.*Куда привезти")
    await boris.says("Баумана, 1")
    await boris.sees("К какому времени")
    await boris.presses("Назад")
    await boris.sees("Куда привезти.*Сейчас: Баумана, 1")
    await boris.presses("Оставить как есть")
    await boris.presses("Как можно скорее")
    await boris.presses("Переводом")
    await boris.presses("Больше ничего")
    await boris.sees("Доставка: Баумана, 1")
    await boris.presses("Телефон")
    await boris.says("позвоните мне")
    await boris.sees("Не разобрал номер")
    await boris.says("8 900 765-43-21")
    await boris.sees(r"Проверьте заявку.*\+79007654321")
    await boris.presses("Получение")
    await boris.presses("Самовывоз")
    await boris.sees("Самовывоз: Казань")
    await boris.presses("Не заказывать")
    await boris.sees("магазину ничего не ушло")
    assert await requests.list_of_shop(cafe.conn, cafe.id, requests.OPEN) == []
    await boris.forges(f"checkout:next:{cafe.id}")
    await boris.sees("В корзине ничего нет")


async def test_what_changed_meanwhile_is_shown_before_it_is_sent(comes, cafe, menu):
    boris = await comes(cafe)
    await fills(cafe, boris)
    await versions.publish(
        cafe.conn, cafe.id, cafe.owner_id, (LATTE, replace(BUN, variants=(Variant("", 11000),))), seen=1
    )
    await boris.presses("Отправить магазину")
    await boris.sees(r"изменилась. Проверьте.*была 90\s₽, стала 110\s₽.*Итого: 110\s₽")
    await versions.publish(cafe.conn, cafe.id, cafe.owner_id, (LATTE,), seen=2)
    before = await boris.message_with("Отправить магазину")
    await boris.presses("Отправить магазину")
    gone = await boris.sees("этого уже нет, в заявку не попадёт")
    assert "Отправить магазину" not in buttons(gone)
    await boris.presses("Отправить магазину", on=before)
    await boris.sees("В корзине ничего нет|изменилась. Проверьте")
    assert await requests.list_of_shop(cafe.conn, cafe.id, requests.OPEN) == []


@pytest.mark.long
async def test_the_choice_of_an_older_menu_is_of_the_same_item_at_the_prices_of_now(comes, cafe, menu):
    boris = await comes(cafe)
    await asks(cafe, boris, "латте")
    shown = await boris.message_with("🧺 Латте")
    dear = replace(LATTE, variants=(Variant("300 мл", 26000), Variant("400 мл", 30000)))
    await versions.publish(cafe.conn, cafe.id, cafe.owner_id, (BUN, dear), seen=1)
    await boris.presses("🧺 Латте", on=shown)
    await boris.presses("400 мл — 300")
    await boris.sees(r"1 × Латте, 400 мл — 300\s₽")
    await versions.publish(cafe.conn, cafe.id, cafe.owner_id, (BUN, replace(dear, available=False)), seen=2)
    await boris.presses("🧺 Латте", on=shown)
    await boris.sees("уже нет в наличии")
    await versions.publish(cafe.conn, cafe.id, cafe.owner_id, (BUN,), seen=3)
    await boris.presses("🧺 Латте", on=shown)
    await boris.sees("Меню магазина обновилось")


@pytest.mark.long
async def test_a_waiting_request_is_taken_back_and_an_accepted_one_is_not(comes, cafe, menu):
    boris = await comes(cafe)
    await fills(cafe, boris)
    await boris.presses("Отправить магазину")
    await boris.presses("Открыть заявку")
    await boris.sees("ждёт ответа магазина")
    await boris.presses("Отменить заявку")
    await boris.presses("Оставить")
    await boris.presses("Отменить заявку")
    await boris.presses("Да, отменить")
    await boris.sees("Заявка № 1 отменена, магазин уже знает.*отменил клиент")
    await fills(cafe, boris)
    await boris.presses("Отправить магазину")
    second = await newest(cafe)
    await moves(cafe, second, "accepted")
    for what in ("stop", "cancel"):
        await boris.forges(f"requests:{what}:{cafe.id}:{second.id}")
        await boris.sees("Магазин уже взялся")
    await boris.forges(f"requests:one:{cafe.id}:{second.id + 1}")
    await boris.sees("Мои заявки")


async def test_a_shop_that_takes_no_small_requests_or_none_says_so(comes, cafe, menu):
    boris = await comes(cafe)
    await requests.set_terms(cafe.conn, cafe.id, cafe.owner_id, requests.RequestTerms(least_minor=10000))
    await asks(cafe, boris, "булочка")
    await boris.presses("🧺 Булочка")
    assert "Оформить" not in buttons(await boris.sees(r"заявки от 100\s₽"))
    await boris.presses("+")
    assert "Оформить" in buttons(await boris.sees(r"180\s₽"))
    await requests.set_terms(cafe.conn, cafe.id, cafe.owner_id, requests.RequestTerms(is_on=False))
    await asks(cafe, boris, "булочка")
    await boris.presses("🧺 Булочка")
    await boris.sees("сейчас не принимает заявки")


async def test_a_shop_that_has_stopped_delivering_meanwhile_asks_again_how_it_is_got(comes, cafe, menu):
    boris = await comes(cafe)
    await requests.set_terms(cafe.conn, cafe.id, cafe.owner_id, requests.RequestTerms(delivers=True))
    await asks(cafe, boris, "булочка")
    await boris.presses("🧺 Булочка")
    for label in ("Оформить", "Доставка"):
        await boris.presses(label)
    await boris.says("Баумана, 5, кв. 1")
    for label in ("Как можно скорее", "Картой", "Больше ничего"):
        await boris.presses(label)
    await requests.set_terms(cafe.conn, cafe.id, cafe.owner_id, requests.RequestTerms())
    await boris.presses("Отправить магазину")
    await boris.sees("больше не доставляет")
    await boris.presses("Оформить")
    assert "Доставка" not in buttons(await boris.sees("Как получите заказ"))
    await boris.presses("Самовывоз")
    await boris.presses("Отправить магазину")
    await boris.sees("отправлена")


FORGED = (
    *("basket:add:{id}:9:9:9", "basket:set:{id}:7:1", "basket:pick:{id}:9:1", "basket:x", "checkout:send:{id}:9:9"),
    *("checkout:way:{id}:drone", "checkout:ask:{id}:total", "requests:cancel:{id}:x", "basket:add:999999999:1:1:1"),
)


async def test_a_forged_button_orders_nothing(comes, cafe, menu, shop):
    boris = await comes(cafe)
    for data in FORGED:
        await boris.forges(data.format(id=cafe.id))
        assert boris.delivery.get("status", 200) == 200, data
    assert await requests.list_of_shop(cafe.conn, cafe.id, requests.OPEN) == []
    buried = "select error from dead_letters where bot = 'client' and payload::text like %s"
    assert await shop.rows(buried, f"%{boris.user['id']}%") == []
