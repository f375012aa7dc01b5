from datetime import UTC, date, datetime

import pytest

from lib import text
from lib.assistant import about, keyless
from lib.loyalty import hours
from lib.loyalty.hours import OpeningHours
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index
from lib.menu.versions import OpenShop

NOW = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)  # a Friday, half past five in Moscow
TOLD = hours.parse("пн–пт 9–20, сб 10–18, 31 декабря 10–16", OpeningHours(), date(2026, 11, 27))
SHOP = OpenShop(7, "Зерно", "Казань", "Баумана, 5", "+7 900 000-00-00", 1, "Europe/Moscow", hours.dump(TOLD))
MENU = Index(
    [MenuItem("1", "Кофе", "Латте", (Variant("", 25000),)), MenuItem("2", "Услуги", "Доставка", (Variant("", 9),))]
)


def says(question, shop=SHOP, language="ru", now=NOW, index=MENU):
    return text.plain(keyless.reply(language, shop, index, question, now=now).words)


@pytest.mark.parametrize(
    "question",
    [
        *("до скольки вы работаете?", "вы сейчас открыты", "Часы работы", "работаете?", "сегодня работаете"),
        *("Вы ещё открыты?", "график", "с какого часа открыты", "уже закрыто?", "круглосуточно работаете?"),
    ],
)
def test_hours_say_whether_it_is_open_now_and_the_week(question):
    assert "Сейчас открыто, до 20:00." in says(question)
    assert "Пн–пт: 9:00–20:00\nСб: 10:00–18:00\nВс: выходной\n31 декабря: 10:00–16:00" in says(question)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (datetime(2026, 11, 27, 17, 1, tzinfo=UTC), "Сейчас закрыто. Откроется завтра в 10:00."),
        (datetime(2026, 11, 28, 15, 0, tzinfo=UTC), "Сейчас закрыто. Откроется в понедельник в 9:00."),
        (datetime(2026, 11, 30, 5, 59, tzinfo=UTC), "Сейчас закрыто. Откроется сегодня в 9:00."),
    ],
)
def test_a_closed_shop_says_when_it_opens_in_its_own_zone(now, said):
    assert said in says("вы открыты?", now=now)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        *((one, "Адрес:") for one in ("на какой вы улице", "какое метро рядом", "куда приехать", "скиньте геолокацию")),
        *((one, "Связаться:") for one in ("как вам позвонить", "есть вотсап?", "дайте номер", "can I call you")),
        *((one, "оплатить") for one in ("принимаете карты?", "apple pay", "do you take cards")),
        *(
            (one, "забронировать")
            for one in ("запишите меня на 15:00", "есть окошко на сегодня?", "I need an appointment")
        ),
        *((one, "парковк") for one in ("вай фай есть?", "можно с собакой?", "есть детский стул?")),
        *((one, "программа") for one in ("с кем я говорю", "are you a robot?")),
    ],
)
def test_usual_ways_to_ask_about_the_shop_are_heard(question, said):
    assert said in says(question)


def test_a_day_that_is_asked_for_is_answered():
    assert "Воскресенье, 29 ноября: выходной." in says("а в воскресенье работаете?")
    assert "Четверг, 31 декабря: 10:00–16:00." in says("31 декабря вы работаете")
    assert "Saturday, 28 November: 10:00–18:00." in says("are you open tomorrow?", language="en")


def test_what_the_shop_did_not_tell_is_said_so():
    silent = OpenShop(7, "Зерно", "Казань", "", "", 1)
    assert "Часы работы магазин не указал" in says("до скольки открыты", silent)
    assert "Город: Казань. Точный адрес магазин не указал." in says("где вы находитесь", silent)
    assert "Телефон магазин не указал" in says("какой у вас телефон", silent)


def test_the_address_and_the_contact_are_the_shops():
    assert "Адрес: Казань, Баумана, 5" in says("как к вам добраться?")
    assert "Связаться: +7 900 000-00-00" in says("номер телефона")
    assert "Address: Казань, Баумана, 5" in says("where are you?", language="en")


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("можно оплатить картой?", "Как можно оплатить, я не знаю"),
        ("есть парковка рядом", "Про парковку"),
        ("забронируйте столик на двоих", "забронировать столик я не могу"),
        ("ты бот?", "Я программа: ищу"),
        ("what can you do", "Я программа: ищу"),
        ("сколько у меня баллов?", "Баллы — на вашей карте"),
        ("any promotions?", "Баллы — на вашей карте"),
    ],
)
def test_what_it_cannot_do_is_said_plainly(question, said):
    assert said in says(question)


def test_the_menu_goes_before_what_it_cannot_tell():
    assert "Доставка — 0,09" in says("есть доставка?")
    assert "выбирают, когда оформляют заявку" in says("есть доставка?", index=Index(MENU.items[:1]))


def test_a_shop_that_never_closes_says_so():
    always = hours.parse("круглосуточно", OpeningHours(), NOW.date())
    assert about.now_line("ru", always, NOW.replace(tzinfo=None)) == "Открыто круглосуточно."
    assert about.week("en", always, NOW.date()) == "Every day: round the clock"


def test_what_else_is_asked_beside_the_hours_is_answered_too():
    both = says("вы сегодня работаете? и есть ли латте")
    assert "Сейчас открыто, до 20:00." in both
    assert "Латте — 250\u00a0₽" in both
    parking = says("вы сегодня работаете? а парковка есть?")
    assert "₽" not in parking
    assert "Про парковку" in parking
    three = says("до скольки вы работаете, есть доставка и сколько стоит латте?", index=Index(MENU.items[:1]))
    assert all(one in three for one in ("Сейчас открыто, до 20:00.", "Латте — 250\u00a0₽", "выбирают, когда оформляют"))
    assert "Баллы — на вашей карте" in says("вы открыты? и сколько у меня баллов?")


def test_the_words_of_a_question_about_the_shop_are_no_goods():
    handmade = Index([MenuItem("1", "Подарки", "Конфеты ручной работы", (Variant("", 79000),))])
    assert "₽" not in says("вы сегодня работаете?", index=handmade)
