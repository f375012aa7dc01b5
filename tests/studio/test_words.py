import pytest

from lib import errors
from lib.drawing.ground import lettering
from lib.drawing.ground import words as printed
from lib.studio import words as card_words


def test_first_line_is_the_title_and_the_next_are_benefits():
    words = card_words.read_words("Кружка 350 мл\n- Держит тепло\n• Можно мыть\n3) В коробке")
    assert words == card_words.Words("Кружка 350 мл", ("Держит тепло", "Можно мыть", "В коробке"))


def test_one_line_is_split_at_semicolons():
    assert card_words.read_words("Кружка; держит тепло; белая").benefits == ("держит тепло", "белая")


def test_a_seventh_benefit_is_left_out_and_counted():
    words = card_words.read_words("Кружка\na1\na2\na3\na4\na5\na6\na7\na8")
    assert words.benefits == ("a1", "a2", "a3", "a4", "a5", "a6")
    assert words.left_out == 2


def test_the_renderer_draws_as_many_benefits_as_a_seller_may_write():
    assert printed.BENEFITS == card_words.BENEFITS
    assert printed.BENEFIT_LIMIT >= card_words.BENEFIT_LIMIT


@pytest.mark.parametrize("message", ["", "   \n\n", "🔥🔥🔥", "\u200b\u200d"])
def test_a_message_without_words_is_refused(message):
    with pytest.raises(errors.Invalid) as refusal:
        card_words.read_words(message)
    assert refusal.value.code == "title_empty"


def test_a_title_of_5000_characters_is_refused_with_its_length():
    with pytest.raises(errors.Invalid) as refusal:
        card_words.read_words("ш" * 5000)
    assert (refusal.value.code, refusal.value.detail) == ("title_long", "5000")


def test_a_long_benefit_is_named():
    with pytest.raises(errors.Invalid) as refusal:
        card_words.read_words("Кружка\n" + "очень " * 20)
    assert refusal.value.code == "benefit_long"


def test_emoji_and_invisible_characters_are_cleaned_away():
    assert card_words.read_words("🔥 Кру\u200bжка ⭐️ 5\u00a0л").title == "Кружка 5 л"


def test_forms_of_plain_signs_become_plain_and_what_no_font_has_is_named():
    words = card_words.read_words("Кружка ３５０ мл 保温\n𝗧𝗲𝗿𝗺𝗼 5 м²\nქართული чашка 🔥")
    assert words == card_words.Words("Кружка 350 мл", ("Termo 5 м²", "чашка"), 0, "保温 ქართული")


@pytest.mark.parametrize("title", ["ქართული", "Հայերեն", "保温杯"])
def test_a_title_in_letters_that_no_font_has_is_refused_with_its_words(title):
    with pytest.raises(errors.Invalid) as refusal:
        card_words.read_words(title)
    assert (refusal.value.code, refusal.value.detail) == ("title_unprintable", title)


def test_every_sign_that_a_card_may_bear_is_in_its_fonts():
    signs = [chr(code) for code in range(0x21, 0x3000) if card_words.drawn(chr(code)) == chr(code)]
    assert {"Ё", "№", "₽", "²", "—", "қ", "ў", "ə"} <= set(signs)
    assert [sign for sign in signs if lettering.printable(sign) != sign] == []


def test_markup_is_cleaned_away_and_signs_stay():
    assert card_words.read_words("<b>Кружка</b> & **Ко** 3 < 5").title == "Кружка & Ко 3 < 5"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Кружка 990 ₽", "price"),
        ("Кружка 1 290 руб", "price"),
        ("Скидка -50%", "price"),
        ("Mug, only $9.90", "price"),
        ("Mug for £12", "price"),
        ("Всего ₽ 990", "price"),
        ("Всего 990р", "price"),
        ("Кружка 990 ₴", "price"),
        ("Save up to 50%", "price"),
        ("Цена 990", "price"),
        ("Цена: от 990", "price"),
        ("руб 990", "price"),
        ("За 1 рубль", "price"),
        ("990 тенге", "price"),
        ("USD 49", "price"),
        ("Price 49", "price"),
        ("49 евро", "price"),
        ("Кружка за 49,90 евро", "price"),
        ("1 500 евро за штуку", "price"),
        ("EUR 49.90", "price"),
        ("49,90 EUR", "price"),
        ("Only EUR 49", "price"),
        ("EUR 49", "price"),
        ("49 EUR", "price"),
        ("евро 49", "price"),
        ("9 EUR", "price"),
        ("EUR 9", "price"),
        ("Кружка за 39 евро", "price"),
        ("Кружка за EUR 39", "price"),
        ("Just 39 EUR", "price"),
        ("39 EUR за штуку", "price"),
        ("EUR 39 за штуку", "price"),
        ("EUR 1500", "price"),
        ("1 500 EUR", "price"),
        ("39 euros", "price"),
        ("Low price", "price"),
        ("Low-price mug", "price"),
        ("Низкая цена", "price"),
        ("По выгодной цене", "price"),
        ("Суперцена", "price"),
        ("Размер 54 р. за 54 р.", "price"),
        ("Размер 990 р.", "price"),
        ("Хит сезона", "promotion"),
        ("Топ продаж", "promotion"),
        ("Топ-10 подарков", "promotion"),
        ("SALE", "price"),
        ("Лучший подарок", "superlative"),
        ("Пишите +7 (999) 123-45-67", "contact"),
        ("Мы в Telegram", "contact"),
        ("наш сайт https://shop.example", "contact"),
        ("kruzhki.ru", "contact"),
        ("Пишите @kruzhki", "contact"),
        ("Кэшбэк 10%", "price"),
        ("Discount 20 %", "price"),
        ("20 % off", "price"),
        ("Mug 990 roubles", "price"),
        ("Best-selling mug", "promotion"),
        ("The best mug", "superlative"),
        ("№1 в России", "superlative"),
        ("Самый дешёвый чехол", "superlative"),
        ("Дешевле не найдёте", "superlative"),
        ("Cheapest case in town", "superlative"),
        ("Lowest price", "superlative"),
        ("Best price", "superlative"),
        ("По самой низкой цене", "superlative"),
        ("Доставим за день", "delivery"),
        ("Привезём завтра", "delivery"),
        ("Бесплатная доставка", "delivery"),
        ("Экспресс-доставка", "delivery"),
        ("Доставка по России", "delivery"),
        ("Кружка, доставка за 2 часа", "delivery"),
        ("Отправка в день заказа", "delivery"),
        ("Free shipping", "delivery"),
        ("Next-day delivery", "delivery"),
        ("Ships within 24 hours", "delivery"),
    ],
)
def test_marketplaces_refuse_prices_promotions_contacts_and_delivery(words, kind):
    assert {finding.kind for finding in card_words.check_words("wb", words, ())} == {kind}
    assert card_words.check_words("story", words, ()) == []


@pytest.mark.parametrize(
    "words",
    [
        "Топ женский",
        "100% хлопок",
        "95–100% хлопок",
        "Топ 44 размер",
        "Топ-3 шт в наборе",
        "Salem",
        "Какао 70 - 90 %",
        "Хлопок 95-100%",
        "Кружка 350 мл",
        "Работает от −20 до +40",
        "Хитон",
        "Тепло до −25 °C",
        "USB-C 3.0",
        "Best before 2027",
        "100 % rubber",
        "Water drains off",
        "2 шт.",
        "Термосумка для доставки еды",
        "Рюкзак для быстрой доставки",
        "Доставляет удовольствие",
        "Bag for food delivery",
        "Delivers deep bass",
        "Самая низкая посадка на бёдрах",
        "Размер 54 р",
        "Комбинезон 104 р",
        "Save 50% energy",
        "Размер 54 р.",
        "Size 54 р.",
        "Размеры 48-54 р.",
        "Рост 104 р.",
        "Not the cheapest",
        "Не самая дешёвая, зато крепкая",
        "EUR 42",
        "EUR 42.5",
        "42 EUR",
        "42,5 EUR",
        "39 евро",
        "Евро 39",
        "Size EUR 50",
        "Размер 50 EUR",
        "EUR 2",
        "Евро 200×220",
        "Размер 42 евро",
        "КПБ 2 евро",
        "2 евро",
        "Бельё 1,5 и 2,0 евро",
        "Плед 200х220 евро",
        "Чехол 200 × 220 см евро",
        "Простыня 240 евро",
        "Удлинитель 4 евро розетки",
        "Евро 5",
        "Рубашка 100 % хлопок",
        "Price tags, 100 pieces",
        "Держатель ценника 10 шт",
        "Ценный подарок",
    ],
)
def test_honest_words_pass(words):
    assert card_words.check_words("ozon", words, ()) == []


def test_all_that_is_refused_is_named_once():
    found = card_words.check_words(
        "wb", "Лучшая кружка", ("Держит тепло", "Скидка сегодня, скидка и за 990 ₽", "Скидка")
    )
    assert [(one.kind, one.words) for one in found] == [
        ("superlative", "Лучшая"), ("price", "Скидка"), ("price", "скидка"), ("price", "990 ₽"),
    ]  # fmt: skip
