"""Promotions and services as their owner makes them, and as an administrator's decision shows in them."""

import pytest

from lib.loyalty import offers
from tests.flows.chat import buttons, words
from tests.flows.partner.conftest import qr, user_id
from tests.sizes import few


async def promotion(cafe):
    await cafe.owner.presses("Акции")
    await cafe.owner.presses("Создать акцию")
    await cafe.owner.presses("Баллы ×2")
    await cafe.owner.says("Двойные <баллы>")
    await cafe.owner.presses("Пропустить")
    await cafe.owner.presses("Неделя")
    await cafe.owner.presses("Готово")
    await cafe.owner.presses("от 500 ₽")
    await cafe.owner.presses("Везде")
    await cafe.owner.sees("Проверьте акцию.*Двойные <баллы>.*Баллы ×2.*каждый день.*от 500 ₽.*везде")


async def test_a_promotion_waits_and_doubles_the_points_once_it_is_approved(cafe):
    boris = await cafe.client()
    await promotion(cafe)
    await cafe.owner.presses("Отправить")
    await cafe.owner.sees("на проверке")
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.says("1000")
    await cafe.cashier.sees("Начислим: 50 баллов")
    [row] = await cafe.shop.rows("select id from promotions where partner_id = %s", cafe.id)
    boss = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: offers.decide_promotion(conn, cafe.id, row["id"], boss, "approved"))
    await cafe.cashier.presses("Изменить сумму")
    await cafe.cashier.says("1000")
    await cafe.cashier.sees("Начислим: 100 баллов · акция «Двойные <баллы>»")
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Двойные")
    await cafe.owner.sees("Идёт: клиенты её видят")
    await cafe.owner.presses("Поставить на паузу")
    await cafe.owner.sees("На паузе")


@pytest.mark.long
async def test_a_rejected_promotion_says_why(cafe):
    await promotion(cafe)
    await cafe.owner.presses("Отправить")
    [row] = await cafe.shop.rows("select id from promotions where partner_id = %s", cafe.id)
    boss = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: offers.decide_promotion(conn, cafe.id, row["id"], boss, "rejected", "Нет условий"))
    await cafe.owner.presses("Назад")
    await cafe.owner.presses("Двойные")
    await cafe.owner.sees("Не принята.*Причина: Нет условий")
    await cafe.owner.presses("Создать похожую")
    await cafe.owner.sees("Проверьте акцию.*Двойные <баллы>")
    await cafe.owner.presses("Назад")
    await cafe.owner.says("Казань")
    await cafe.owner.presses("Отправить")
    await cafe.owner.sees("на проверке")
    rows = await cafe.shop.rows("select status, city from promotions where partner_id = %s order by id", cafe.id)
    assert [(row["status"], row["city"]) for row in rows] == [("rejected", None), ("pending", "Казань")]


async def test_what_is_over_is_begun_anew_with_other_dates(cafe):
    await cafe.promotion("Старая", multiplier_bp=30_000)
    await cafe.shop.rows(
        "update promotions set starts_on = '2020-01-01', ends_on = '2020-01-02' where partner_id = %s returning id",
        cafe.id,
    )
    await cafe.owner.presses("Акции")
    await cafe.owner.presses("Старая")
    await cafe.owner.presses("Создать похожую")
    await cafe.owner.sees("Когда она идёт")
    await cafe.owner.presses("Неделя")
    await cafe.owner.presses("Отправить")
    await cafe.owner.sees("«Старая» на проверке")


@pytest.mark.long
async def test_a_services_words_are_mended_and_judged_again(cafe):
    boss = await user_id(cafe.shop, cafe.owner)
    made = {"title": "Кофе", "price_points": 30, "category": "cafe"}
    number = await cafe.run(lambda conn: offers.add_service(conn, cafe.id, boss, **made))
    await cafe.run(lambda conn: offers.decide_service(conn, cafe.id, number, boss, "rejected", "Какой кофе?"))
    await cafe.owner.forges(f"goods:one:{number}")
    await cafe.owner.sees("Не принят.*Причина: Какой кофе")
    await cafe.owner.presses("Название")
    await cafe.owner.says("К")
    await cafe.owner.sees("Слишком коротко.*Новое название для «Кофе»")
    await cafe.owner.forges("goods:send")
    await cafe.owner.forges(f"goods:retitle:{number}")
    await cafe.owner.says("Капучино <300 мл>")
    message = await cafe.owner.sees("Посмотрим ещё раз.*Капучино <300 мл>.*На проверке")
    assert "Причина" not in words(message)
    await cafe.owner.presses("Описание")
    await cafe.owner.says("На овсяном молоке")
    await cafe.owner.sees("Капучино <300 мл>.*На овсяном молоке")
    await cafe.run(lambda conn: offers.decide_service(conn, cafe.id, number, boss, "approved"))
    await cafe.owner.says("12 345 678")
    await cafe.owner.sees("не больше 10\u00a0000\u00a0000 баллов")
    await cafe.owner.says("1500")
    await cafe.owner.sees("Сохранил\\.\n\nКапучино.*1\u00a0500 баллов.*Виден клиентам")
    await cafe.owner.forges("goods:retitle:999999")
    await cafe.owner.sees("Подарки за баллы")


@pytest.mark.parametrize("typed", few(["31.02", "20.03 - 12.03", "завтра", "32.01", "01.01.2020", "٣.٣"], 2))
async def test_odd_dates_are_asked_for_again(cafe, typed):
    await cafe.owner.presses("Акции")
    await cafe.owner.presses("Создать акцию")
    await cafe.owner.says("150")
    await cafe.owner.sees(r"\+150 баллов к чеку")
    await cafe.owner.says("Подарок")
    await cafe.owner.presses("Пропустить")
    await cafe.owner.says(typed)
    await cafe.owner.sees("Не понял даты.*Когда она идёт")


async def test_weekdays_are_ticked_and_dates_typed(cafe):
    await cafe.owner.presses("Акции")
    await cafe.owner.presses("Создать акцию")
    await cafe.owner.presses("Просто новость")
    await cafe.owner.says("Мы переехали")
    await cafe.owner.says("Теперь на Баумана, 5")
    await cafe.owner.says("01.12.2027 – 05.12.2027")
    await cafe.owner.presses("Назад")
    await cafe.owner.says("01.12 – 05.12")
    await cafe.owner.presses("Везде")
    await cafe.owner.sees(r"Проверьте новость.*1 декабря 20\d\d — 5 декабря 20\d\d")
    await cafe.owner.presses("Отправить")
    [row] = await cafe.shop.rows("select kind, weekdays from promotions where partner_id = %s", cafe.id)
    assert row == {"kind": "news", "weekdays": 127}


@pytest.mark.long
async def test_a_double_press_announces_one_promotion(cafe):
    await promotion(cafe)
    confirm = await cafe.owner.message_with("Отправить")
    await cafe.owner.presses("Отправить")
    await cafe.owner.presses("Отправить", on=confirm) if "Отправить" in buttons(await cafe.owner.last()) else None
    await cafe.owner.forges("promos:send")
    assert len(await cafe.shop.rows("select id from promotions where partner_id = %s", cafe.id)) == 1


async def test_a_service_is_offered_bought_and_handed_over_once(cafe):
    from lib.loyalty import points

    await cafe.owner.presses("Подарки за баллы")
    await cafe.owner.presses("Новый подарок")
    await cafe.owner.presses("Кофейня, кафе")
    await cafe.owner.says("Капучино")
    await cafe.owner.says("-5")
    await cafe.owner.sees("не может быть отрицательной.*Сколько баллов")
    await cafe.owner.says("150")
    await cafe.owner.presses("Пропустить")
    await cafe.owner.sees("Проверьте подарок.*Капучино.*150 баллов")
    await cafe.owner.presses("Отправить")
    await cafe.owner.sees("на проверке")
    [row] = await cafe.shop.rows("select id from services where partner_id = %s", cafe.id)
    boss = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: offers.decide_service(conn, cafe.id, row["id"], boss, "approved"))
    boris = await cafe.client("Борис", has=200)
    bought = await cafe.run(
        lambda conn: points.buy_service(
            conn, cafe.id, boris.id, boris.user_id, service_id=row["id"], price=150, key="buy:1"
        )
    )
    await cafe.cashier.presses("Обслужить клиента")
    await cafe.cashier.says(bought.code)
    await cafe.cashier.sees("Подарок: Капучино.*Борис.*150 баллов")
    give = await cafe.cashier.message_with("Выдать")
    await cafe.cashier.presses("Выдать")
    await cafe.cashier.sees("Выдано: Капучино")
    await cafe.cashier.forges(f"voucher:give:{bought.code}")
    assert "уже выдан" in cafe.cashier.toast["text"]
    assert give
    assert any(one["key"] == "partner.push.voucher" for one in await cafe.told(boris))
    await cafe.cashier.presses("Следующий клиент")
    await cafe.cashier.says(bought.code)
    await cafe.cashier.sees("уже выдан")


async def test_a_service_is_hidden_and_its_price_changed(cafe):
    boss = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: offers.add_service(conn, cafe.id, boss, title="Чай", price_points=50, category="cafe"))
    await cafe.owner.presses("Подарки за баллы")
    await cafe.owner.presses("Чай")
    await cafe.owner.says("70")
    await cafe.owner.sees("Сохранил.*Чай.*70 баллов")
    await cafe.owner.presses("Скрыть")
    await cafe.owner.sees("Показать|Чай")
    [row] = await cafe.shop.rows("select shown, price_points from services where partner_id = %s", cafe.id)
    assert row == {"shown": False, "price_points": 70}


async def test_a_cashier_makes_no_offers_and_changes_no_rules(cafe):
    for data in ("promos:new", "goods:new", "rules:home", "rules:set:earn_bp:1000"):
        await cafe.cashier.forges(data)
        await cafe.cashier.sees("только управляющий или владелец")


async def test_a_rule_is_chosen_by_a_button_or_typed_and_counts_at_the_next_bill(cafe):
    boris = await cafe.client()
    await cafe.owner.presses("Правила")
    await cafe.owner.sees("Начисляем: 5 %.*до 50 %.*сразу.*365 дн")
    await cafe.owner.presses("Процент с чека")
    await cafe.owner.says("7,5")
    await cafe.owner.sees("Сохранил.*Начисляем: 7,5 %")
    await cafe.owner.presses("Быстрые суммы")
    await cafe.owner.says("150 250,50")
    await cafe.owner.sees("150 ₽ · 250,50 ₽")
    await cafe.owner.presses("Доля оплаты")
    await cafe.owner.presses("до 30 %")
    await cafe.cashier.says(qr(boris))
    await cafe.cashier.presses("250,50 ₽")
    await cafe.cashier.sees("Начислим: 18 баллов")


@pytest.mark.parametrize(
    ("rule", "typed", "answer"),
    few(
        [
            ("Процент с чека", "51", "Процент не подходит"),
            ("Предел чека", "1e9", "Не понял сумму"),
            ("Процент с чека", "сто", "Процент не подходит"),
            ("Срок баллов", "9999", "не подходит"),
            ("Быстрые суммы", "1 2 3 4 5 6 7", "не подходит"),
            ("Контакт", "я" * 81, "помещается 80"),
            ("Награда", "11 0 0", "не подходит"),
        ],
        2,
        several=True,
    ),
)
async def test_an_odd_value_is_refused_and_asked_for_again(cafe, rule, typed, answer):
    await cafe.owner.presses("Правила")
    await cafe.owner.presses(rule)
    await cafe.owner.says(typed)
    await cafe.owner.sees(f"{answer}.*Сейчас")


@pytest.mark.long
async def test_tiers_are_typed_a_line_each(cafe):
    await cafe.owner.presses("Правила")
    await cafe.owner.presses("Уровни")
    await cafe.owner.says("Серебро 10 000 7\nЗолото — 50000 ₽ — 10 %")
    await cafe.owner.sees("Серебро: от 10\u00a0000 ₽ — 7 %.*Золото: от 50\u00a0000 ₽ — 10 %")
    await cafe.owner.says("«Серебро»\u00a0— 10’000 — 7 %\nКлуб «Золото» 50\u202f000 10")
    await cafe.owner.sees("Серебро: от 10\u00a0000 ₽ — 7 %.*Клуб «Золото»: от 50\u00a0000 ₽ — 10 %")
    await cafe.owner.says("ерунда")
    await cafe.owner.sees("Не понял строку «ерунда»")
    await cafe.owner.presses("Убрать уровни")
    await cafe.owner.presses("Назад")
    await cafe.owner.sees("Уровни клиентов: —")


@pytest.mark.parametrize("no", ["Нет", "–"])
async def test_a_contact_is_taken_away_by_a_no_as_a_phone_writes_it(cafe, no):
    await cafe.owner.presses("Правила")
    for said in ("+7 900 000-00-00", no):
        await cafe.owner.presses("Контакт")
        await cafe.owner.says(said)
    await cafe.owner.sees("Контакт: —")


async def test_every_rule_has_a_screen(cafe):
    from lib.flows.partner import rules

    await cafe.owner.presses("Правила")
    for name in rules.RULES:
        await cafe.owner.forges(f"rules:edit:{name}")
        await cafe.owner.sees("Сейчас")


@pytest.mark.long
async def test_a_photo_of_a_service_is_kept_and_shown_in_both_bots(cafe, photo, shop):
    from tests.flows.chat import Chat

    boss = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: offers.add_service(conn, cafe.id, boss, title="Чай", price_points=50, category="cafe"))
    await cafe.owner.presses("Подарки за баллы")
    await cafe.owner.presses("Чай")
    await cafe.owner.sends_file(photo, "tea.jpg", "image/jpeg")
    await cafe.owner.sees("как фото, а не файлом")
    await cafe.owner.sends_photo(photo)
    await cafe.owner.sees("Сохранил.*Чай")
    await cafe.owner.presses("Показать фото")
    assert "photo" in await cafe.owner.last()
    [row] = await cafe.shop.rows("select id from services where partner_id = %s", cafe.id)
    await cafe.run(lambda conn: offers.decide_service(conn, cafe.id, row["id"], boss, "approved"))
    boris = await cafe.client()
    chat = Chat(shop.http, "client", {"id": boris.tg_id})
    await chat.says("/start")
    await chat.presses("Принимаю")
    await chat.forges(f"gift:{cafe.id}:{row['id']}")
    await chat.presses("Показать фото")
    assert "photo" in await chat.last()


@pytest.mark.long
async def test_a_stray_press_loses_nothing_that_was_begun(cafe):
    await cafe.owner.presses("Акции")
    await cafe.owner.presses("Создать акцию")
    await cafe.owner.presses("Баллы ×2")
    await cafe.owner.says("Двойные по средам")
    await cafe.owner.presses("Меню")
    await cafe.owner.presses("Подарки за баллы")
    await cafe.owner.presses("Новый подарок")
    await cafe.owner.presses("Кофейня, кафе")
    await cafe.owner.presses("Меню")
    await cafe.owner.presses("Акции")
    await cafe.owner.presses("Создать акцию")
    await cafe.owner.sees("Продолжаем.*Расскажите о ней подробнее")
    await cafe.owner.presses("Начать заново")
    await cafe.owner.sees("Что получит клиент")
    await cafe.owner.presses("Меню")
    await cafe.owner.presses("Подарки за баллы")
    await cafe.owner.presses("Новый подарок")
    await cafe.owner.sees("Продолжаем.*Как он называется")
    await cafe.owner.presses("Начать заново")
    await cafe.owner.sees("Выберите раздел")


@pytest.mark.long
async def test_a_fixed_gift_is_asked_for_how_many_bills_a_day_it_counts(cafe):
    boris = await cafe.client()
    await cafe.owner.presses("Акции")
    await cafe.owner.presses("Создать акцию")
    await cafe.owner.says("50")
    await cafe.owner.says("Подарок к чеку")
    await cafe.owner.presses("Пропустить")
    await cafe.owner.presses("Неделя")
    await cafe.owner.presses("Готово")
    await cafe.owner.presses("любой")
    await cafe.owner.presses("Везде")
    await cafe.owner.sees("На сколько чеков одного клиента в день")
    await cafe.owner.says("0")
    await cafe.owner.sees("На сколько чеков одного клиента в день")
    await cafe.owner.presses("1")
    await cafe.owner.sees(r"Проверьте акцию.*\+50 баллов к чеку.*Чеков одного клиента в день: 1")
    await cafe.owner.presses("Отправить")
    [row] = await cafe.shop.rows("select id, daily_limit from promotions where partner_id = %s", cafe.id)
    assert row["daily_limit"] == 1
    boss = await user_id(cafe.shop, cafe.owner)
    await cafe.run(lambda conn: offers.decide_promotion(conn, cafe.id, row["id"], boss, "approved"))
    for earned in (55, 5):
        await cafe.cashier.says(qr(boris))
        await cafe.cashier.says("100")
        await cafe.cashier.sees(f"Начислим: {earned} баллов")
        await cafe.cashier.presses(f"Начислить {earned}")
