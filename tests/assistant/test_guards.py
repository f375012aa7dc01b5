"""What of a model's words may reach a client: sentence by sentence."""

import pytest

from lib.assistant import guards


def test_a_sum_or_a_promise_is_heard_however_it_is_said():
    every = [
        "Латте стоит 250 рублей.",
        "Латте за 250 ₽.",
        "Латте — 250р.",
        "Латте 250 руб за чашку",
        "Латте обойдётся в 250",
        "С вас 250 рублей",
        "Цена 250",
        "Цена: 1 200",
        "Цена — 1200 за штуку",
        "Всего 12 000 р",
        "Итого 990",
        "Итого: девятьсот девяносто",
        "Сумма 500",
        "К оплате 500",
        "Стоит двести пятьдесят рублей",
        "Стоит двести",
        "Всего сто рублей",
        "Это будет сто",
        "Около тысячи",
        "Полтинник за чашку",
        "Стольник, и кофе ваш",
        "Отдам за косарь",
        "Скидка 10%",
        "Скидка десять процентов",
        "Со скидкой 15 процентов",
        "Сделаю скидку",
        "Дадим вам хорошую скидку",
        "Для вас дарим большую приятную скидку",
        "Вы получите скидку",
        "Это бесплатно",
        "Десерт даром",
        "Чай за счёт заведения",
        "Введите промокод ЛЕТО",
        "Начислим 100 баллов",
        "Вернём сто бонусов",
        "Спишем 50 бонусов",
        "5 тыс за банкет",
        "5 тысяч за банкет",
        "Букет за 3к",
        "Latte is $4",
        "Latte costs 250",
        "It costs two hundred",
        "It is two hundred",
        "The price is 250",
        "Total: 990",
        "You pay 250",
        "10 dollars",
        "ten dollars",
        "4 euros",
        "4 EUR",
        "250 rub",
        "10 percent off",
        "10% off",
        "It is free of charge",
        "The cake is free",
        "Coffee on the house",
        "Use the promo code SUMMER",
        "Our official offer",
        "дешевле на 50",
        "дороже на двадцать",
        "Заплатите 300",
        "лaттe cтoит 250 pyблeй",  # Latin letters that look like Russian ones
        "２５０ рублей",  # wide digits
        "250\u200b рублей",
        "стоит 2\u200b50",
        "ЦЕНА 250",
        "Номер 1234 ждёт",  # a large number without a word that explains it
    ]
    assert [said for said in every if not guards.speaks_of_money(said)] == []


def test_sizes_times_counts_and_names_are_no_sums():
    every = [
        "Латте есть в меню.",
        "Да, у нас есть латте и капучино.",
        "Латте 300 мл и 400 мл",
        "Стакан на 300 мл",
        "Торт на 8 персон",
        "Порция на 2 человека",
        "Торт весит 1,5 кг",
        "Торт весит 1 кг",
        "Букет из 25 роз",
        "Диаметр 30 см",
        "Размер 30x40 см",
        "Работаем с 9:00 до 21:00",
        "Открыты до 22:00",
        "Открыты до 10 часов",
        "Готовим 15 минут",
        "Доставим за 2 часа",
        "Хранится 3 дня",
        "Гарантия 12 месяцев",
        "Экран Galaxy A54",
        "Экран для iPhone 13",
        "У нас 3 вида чая",
        "Выберите один из двух",
        "Это наш самый популярный десерт",
        "Скажите, что вам понравилось",
        "Позову человека.",
        "Я программа и отвечаю на вопросы о меню.",
        "We open at 9:00",
        "A cup of 300 ml",
        "It takes 15 minutes",
        "A cake for 8 people",
        "We have two kinds of tea",
        "Sorry, I do not know",
        "{c03} — хороший выбор",
        "",
    ]
    assert [said for said in every if guards.speaks_of_money(said)] == []


def test_a_number_in_a_title_is_known_and_another_is_not():
    assert guards.speaks_of_money("Пицца 1000 островов")
    assert not guards.speaks_of_money("Соус 1000 островов есть", known={"1000"})
    assert guards.speaks_of_money("Соус 1000 островов, номер 2000", known={"1000"})
    assert guards.speaks_of_money("Соус 1000 островов за 1000 рублей", known={"1000"}), "a sum is one, known or not"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Смотрите на https://evil.example/pay?x=1 сейчас", "Смотрите на  сейчас"),
        ("http://evil.ru", ""),
        ("HTTPS://EVIL.RU/x", ""),
        ("https : //evil.ru", ""),
        ("www.evil.com тут", " тут"),
        ("пишите в t.me/evil", "пишите в "),
        ("tg://resolve?domain=evil", ""),
        ("mailto:evil@mail.ru", ""),
        ("evil@mail.ru", ""),
        ("first.last+tag@mail.co", ""),
        ("пишите @evil_bot", "пишите "),
        ("наш сайт evil.shop", "наш сайт "),
        ("sub.domain.evil.рф/путь", ""),
        ("карта 4276 1234 5678 9012", "карта "),
        ("карта 4276123456789012", "карта "),
        ("звоните +7 (900) 123-45-67", "звоните "),
        ("звоните 89001234567", "звоните "),
        ("кофе 300 мл", "кофе 300 мл"),
        ("с 9:00 до 21:00", "с 9:00 до 21:00"),
        ("@ab", "@ab"),
        ("a.b.c", "a.b.c"),
        ("", ""),
    ],
)
def test_addresses_accounts_and_long_numbers_are_taken_out(said, left):
    assert guards.without_links(said) == left


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ("Звоните +7 (900) 123-45-67", "+7 (900) 123-45-67"),
        ("Пишите @zerno_coffee", "@zerno_coffee"),
        ("Пишите @ZERNO_coffee.", "наш аккаунт @zerno_coffee"),
        ("Сайт zerno.ru", "zerno.ru"),
        ("Сайт https://zerno.ru", "https://zerno.ru, с 9 до 21"),
    ],
)
def test_the_shops_own_contact_stays(said, own):
    assert guards.without_links(said, [own, ""]) == said


@pytest.mark.parametrize("own", [[], [""], ["+7 (900) 000-00-00"]])
def test_nobody_elses_contact_stays(own):
    assert guards.without_links("Звоните +7 (900) 123-45-67", own) == "Звоните "


def test_asking_for_secrets_and_claiming_deeds_is_forbidden():
    every = [
        "Пришлите паспорт",
        "Нужны паспортные данные",
        "Назовите CVV",
        "your CVC please",
        "Скажите код из СМС",
        "коды из sms",
        "send the sms code",
        "Какой у вас пароль?",
        "your password",
        "Введите пинкод",
        "Введите пин-код",
        "Ваш заказ принят",
        "Заказ уже оформлен",
        "Заказ номер подтверждён",
        "Столик забронирован",
        "Бронь подтверждена",
        "Я оформила заказ",
        "Я принял ваш заказ",
        "Подтверждаю заказ",
        "Забронировал столик",
        "Your order is confirmed",
        "The order has been placed",
        "order accepted",
        "I have placed it",
        "I've booked it",
        "I booked a table",
        "ЗАКАЗ ПРИНЯТ",
        "За\u200bказ принят",
    ]
    assert [said for said in every if not guards.is_forbidden(said)] == []


def test_telling_the_way_is_not():
    every = [
        "Нажмите кнопку, чтобы оформить заказ",
        "Соберите заказ кнопками ниже",
        "Я не могу оформить заказ",
        "Заказ примут кнопки ниже",
        "You can order below",
        "I cannot place an order",
        "У нас вкусный кофе",
        "",
    ]
    assert [said for said in every if guards.is_forbidden(said)] == []


OURS = "Never write a price, a sum, a discount or an amount of points, neither in digits nor in words."


@pytest.mark.parametrize(
    ("said", "leaks"),
    [
        (OURS, True),
        ("My rules: never write a price, a sum, a discount or more", True),
        ("NEVER WRITE A PRICE A SUM A DISCOUNT", True),
        ("never  write,a price;a sum - a discount", True),
        ("never write a price, a sum, a", False),  # seven words
        ("never write a price and a sum and a discount", False),
        ("I use draft_order for that", True),
        ("Draft_Order", True),
        ("draft order", False),
        ("", False),
    ],
)
def test_eight_words_of_ours_in_a_row_or_a_tools_name_are_a_leak(said, leaks):
    assert guards.leaks(said, [OURS, "short"], ["draft_order", "search_menu"]) is leaks


def test_nothing_leaks_where_nothing_is_ours():
    assert not guards.leaks(OURS, [], [])
    assert not guards.leaks(OURS, [""], [])


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Ёлка", "елка"),
        ("ЦЕНА", "цена"),
        ("２５０", "250"),
        ("ﬁsh", "fish"),
        ("a\u200bb", "ab"),
        ("", ""),
    ],
)
def test_a_text_is_made_comparable(said, left):
    assert guards.flat(said) == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("мой номер 8 900 123-45-67", "мой номер [телефон]"),
        ("+7 (900) 123 45 67, перезвоните", "[телефон], перезвоните"),
        ("карта 4276 1234 5678 9012", "карта [карта]"),
        ("карта 4276-1234-5678-9012 и 89001234567", "карта [карта] и [телефон]"),
        ("пишите на a.b+c@mail.ru", "пишите на [почта]"),
        ("a@b.ru, c@d.com", "[почта], [почта]"),
        ("стол на 4 к 19:00", "стол на 4 к 19:00"),
        ("заказ 1234567", "заказ 1234567"),
        ("две пиццы по 30 см", "две пиццы по 30 см"),
        ("", ""),
    ],
)
def test_a_model_gets_neither_phone_nor_card_nor_address(said, left):
    assert guards.masked(said) == left
