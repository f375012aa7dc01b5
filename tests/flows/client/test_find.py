import pytest

from tests.flows.chat import buttons, words


async def test_offers_are_shown_by_city_and_category_and_only_approved_ones(comes, opens):
    cafe = await opens("Кофейня Тверь", city="Тверь")
    salon = await opens("Салон Тверь", city="Тверь", category="beauty")
    far = await opens("Кофейня Псков", city="Псков")
    await cafe.announces("Двойные баллы")
    await cafe.announces("Тайная", approved=False)
    await salon.announces("Маникюр с подарком", kind="extra", multiplier_bp=10000, extra_points=50)
    await far.announces("Псковская")
    boris = await comes(cafe)
    await boris.says("/menu")
    await boris.presses("Акции")
    screen = await boris.sees("Акции.*Маникюр с подарком.*Двойные баллы")
    assert "Тайная" not in words(screen)
    assert "Псковская" not in words(screen)
    await boris.presses("Все категории")
    await boris.presses("Красота")
    screen = await boris.sees("Маникюр с подарком")
    assert "Двойные баллы" not in words(screen)
    await boris.presses("Маникюр с подарком")
    await boris.sees("Сверх обычных — ещё 50 баллов.*С .* по ")
    await boris.presses("Назад")
    await boris.presses("Тверь")
    await boris.presses("Псков")
    await boris.sees("Акций здесь сейчас нет")
    await boris.presses("Красота")
    await boris.presses("Все категории")
    await boris.sees("Псковская")


async def test_a_promotion_is_told_with_all_its_conditions(comes, cafe):
    promo = await cafe.announces(
        "Вторничная", weekdays=2, min_bill_minor=50000, about="По вторникам вкуснее <b>вдвое</b>"
    )
    boris = await comes(cafe)
    await boris.forges(f"promo:{cafe.id}:{promo}")
    await boris.sees("вкуснее <b>вдвое</b>.*×2.*от 500 ₽.*По дням: вт")


async def test_a_promotion_that_is_over_or_not_approved_is_not_shown(comes, cafe):
    hidden = await cafe.announces("Тайная", approved=False)
    over = await cafe.announces("Прошлая")
    await cafe.conn.execute(
        "update promotions set starts_on = '2020-01-01', ends_on = '2020-01-02' where partner_id = %s and id = %s",
        (cafe.id, over),
    )
    boris = await comes(cafe)
    for number in (hidden, over, 0):
        await boris.forges(f"promo:{cafe.id}:{number}")
        await boris.sees("уже закончилась")


@pytest.mark.long
async def test_the_catalogue_is_leafed_through(comes, opens):
    shops = [await opens(f"Лавка {number:02}", city="Выборг") for number in range(12)]
    boris = await comes(shops[0])
    await boris.says("/menu")
    await boris.presses("Найти магазин")
    first = await boris.sees("Лавка 00.*Лавка 09")
    assert "Лавка 10" not in words(first)
    await boris.presses("Дальше")
    await boris.sees("Магазины.*Лавка 10.*Лавка 11")
    await boris.presses("Предыдущие")
    await boris.sees("Лавка 00")
    await boris.presses("Лавка 03")
    await boris.sees("5 % от покупки возвращается баллами.*1 балл = 1 ₽.*до 50 % чека")
    await boris.presses("Получить карту")
    await boris.sees("Карта готова: Лавка 03")


async def test_a_shop_that_closed_has_no_page(comes, cafe, opens):
    boris = await comes(cafe)
    closed = await opens("Закрытая")
    await closed.conn.execute("update partners set status = 'blocked' where id = %s", (closed.id,))
    for data in (f"shop:{closed.id}", "shop:0", "shop:abc"):
        await boris.forges(data)
        await boris.sees("Такого магазина здесь нет")


async def test_long_titles_fit_their_buttons(comes, opens):
    long = await opens("Очень длинное название магазина, которое не помещается на кнопку", city="Елец")
    boris = await comes(long)
    await boris.says("/menu")
    await boris.presses("Найти магазин")
    screen = await boris.sees("Очень длинное название магазина, которое не помещается")
    assert all(len(label) <= 20 for label in buttons(screen))
