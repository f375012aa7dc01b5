import re

from tests.flows.chat import buttons, words


async def to_confirm(chat, title):
    await chat.says("/menu")
    await chat.presses("Подарки за баллы")
    await chat.presses(title)
    await chat.presses("Получить")
    return await chat.sees("Обменять|не хватает")


async def balance(place, chat):
    return (await place.member(chat)).available


async def test_a_service_is_had_for_points_after_a_confirmation(comes, opens):
    cafe = await opens("Кофейня Вязьма", city="Вязьма", welcome_points=200)
    await cafe.offers("Капучино", 150, about="Двойной, на любом молоке")
    boris = await comes(cafe)
    await boris.says("/menu")
    await boris.presses("Подарки за баллы")
    await boris.sees("Капучино — 150 баллов")
    await boris.presses("Капучино")
    await boris.sees("Двойной, на любом молоке.*Цена: 150 баллов")
    await boris.presses("Получить")
    await boris.sees("Обменять 150 баллов на «Капучино»\\?.*На карте: 200 баллов.*Останется: 50 баллов")
    assert await balance(cafe, boris) == 200
    await boris.presses("Обменять 150 баллов")
    voucher = await boris.sees(
        r"Готово! «Капучино» ждёт вас на кассе.*Код для кассы: \d{4} \d{4}.*Списано: 150 баллов. На карте: 50 баллов"
    )
    assert await balance(cafe, boris) == 50
    await boris.presses("Мои подарки")
    await boris.sees(r"🎟 Капучино · код \d{4} \d{4}")
    assert voucher["message_id"] in [one["message_id"] for one in await boris.messages()], (
        "a result is never overwritten"
    )


async def test_a_confirmation_counts_once_however_often_it_comes(comes, opens, shop):
    cafe = await opens("Кофейня Ржев", city="Ржев", welcome_points=500)
    await cafe.offers("Капучино", 150)
    boris = await comes(cafe)
    confirm = await to_confirm(boris, "Капучино")
    await boris.presses("Обменять")
    await boris.presses("Обменять", on=confirm)
    assert "второй раз не списываем" in boris.toast["text"]
    for update_id in boris.update_ids:
        await shop.replay(boris, update_id, times=3)
    assert await balance(cafe, boris) == 350
    rows = await shop.rows("select * from vouchers where partner_id = %s", cafe.id)
    assert len(rows) == 1


async def test_who_has_not_enough_sees_how_much_is_missing(comes, opens):
    cafe = await opens("Кофейня Орша", city="Орша", welcome_points=100)
    service = await cafe.offers("Торт", 900)
    boris = await comes(cafe)
    screen = await to_confirm(boris, "Торт")
    assert "Не хватает: 800 баллов" in words(screen)
    assert not [label for label in buttons(screen) if "Обменять" in label]
    await boris.forges(f"gift:buy:{cafe.id}:{service}")
    await boris.sees("Не хватает: 800 баллов")
    assert await balance(cafe, boris) == 100


async def test_a_price_changed_meanwhile_is_asked_again(comes, opens):
    cafe = await opens("Кофейня Луга", city="Луга", welcome_points=500)
    service = await cafe.offers("Капучино", 150)
    boris = await comes(cafe)
    await to_confirm(boris, "Капучино")
    await cafe.conn.execute(
        "update services set price_points = 300 where partner_id = %s and id = %s", (cafe.id, service)
    )
    await boris.presses("Обменять 150")
    await boris.sees("изменил цену. Ничего не списано.*Обменять 300 баллов")
    assert await balance(cafe, boris) == 500
    await boris.presses("Обменять 300")
    await boris.sees("Списано: 300 баллов")


async def test_what_was_withdrawn_or_never_approved_cannot_be_had(comes, opens):
    cafe = await opens("Кофейня Кемь", city="Кемь", welcome_points=500)
    service = await cafe.offers("Капучино", 150)
    boris = await comes(cafe)
    await to_confirm(boris, "Капучино")
    await cafe.conn.execute(
        "update services set status = 'rejected' where partner_id = %s and id = %s", (cafe.id, service)
    )
    await boris.presses("Обменять")
    await boris.sees("подарка больше нет")
    for data in (f"gift:{cafe.id}:{service}", f"gift:ask:{cafe.id}:{service}", f"gift:buy:{cafe.id}:{service}"):
        await boris.forges(data)
        await boris.sees("подарка больше нет")
    assert await balance(cafe, boris) == 500


async def test_points_spent_meanwhile_at_the_till_are_not_spent_twice(comes, opens):
    cafe = await opens("Кофейня Тула", city="Тула", welcome_points=150)
    await cafe.offers("Капучино", 150)
    boris = await comes(cafe)
    await to_confirm(boris, "Капучино")
    await cafe.spends(boris, 100, bill=1000)
    await boris.presses("Обменять")
    await boris.sees("Баллов уже не хватает: ничего не списано")
    assert await balance(cafe, boris) == 95  # 50 and 5 % of the 900 roubles paid in money


async def test_who_has_no_card_there_gets_one_first(comes, opens):
    home, cafe = await opens("Домашняя", city="Клин"), await opens("Другая", city="Клин", welcome_points=200)
    await cafe.offers("Эспрессо", 150)
    boris = await comes(home)
    await boris.says("/menu")
    await boris.presses("Подарки за баллы")
    await boris.presses("Эспрессо")
    await boris.presses("Получить")
    await boris.sees("пока нет карты этого магазина")
    await boris.presses("Получить карту")
    await boris.sees("Карта готова: Другая")


async def test_a_used_voucher_and_an_undone_one_say_so(comes, opens):
    cafe = await opens("Кофейня Омск", city="Омск", welcome_points=500)
    await cafe.offers("Капучино", 150)
    boris = await comes(cafe)
    await to_confirm(boris, "Капучино")
    await boris.presses("Обменять")
    voucher = await boris.sees("ждёт вас на кассе")
    await cafe.hands_over(re.search(r"(\d{4}) (\d{4})", words(voucher)).group().replace(" ", ""))
    await boris.presses("Мои подарки")
    await boris.sees("✔️ Капучино.*получено")
