"""What of a model's words a client reads: prices come from the menu, and nothing else speaks of money."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lib.assistant import guards, prompt, render
from lib.assistant.render import AnswerFacts
from lib.menu.goods import MenuItem, Variant

MENU = (
    MenuItem("c03", "Кофе", "Капучино", (Variant("200 мл", 21000), Variant("300 мл", 25000))),
    MenuItem("c09", "Десерты", "Чизкейк «Нью-Йорк»", (Variant("", 32000),), available=False),
    MenuItem("r 1", "Ремонт", "Экран iPhone 13", (Variant("", 900000, at_least=True),)),
)
FACTS = AnswerFacts(
    "ru",
    render.references(MENU),
    {"points": "120 баллов"},
    ("Отвечай только о меню этого магазина и ничего не выдумывай",),
    ("call_person",),
)


def said(words, facts=FACTS):
    return render.render(words, facts).words


def test_a_reference_becomes_the_item_with_its_prices():
    found = render.render("Возьмите {c03/300 мл} или {C09}.", FACTS)
    cake = "Чизкейк «Нью-Йорк» — 320\u00a0₽ (сейчас нет в наличии)"
    assert found.words == f"Возьмите Капучино — 300 мл: 250\u00a0₽ или {cake}."
    assert found.named == ("c03", "c09")
    starts = [found.words.encode("utf-16-le")[one["offset"] * 2 :][: one["length"] * 2] for one in found.entities]
    assert [one.decode("utf-16-le") for one in starts] == ["Капучино", "Чизкейк «Нью-Йорк»"]


def test_entities_are_counted_in_units_of_utf_16():
    [bold] = render.render("☕🥐 {c03}", FACTS).entities
    assert bold == {"type": "bold", "offset": 4, "length": 8}


def test_a_reference_without_a_variant_shows_all_prices_and_an_unknown_one_nothing():
    assert said("{c03}") == "Капучино — 200 мл: 210\u00a0₽ · 300 мл: 250\u00a0₽"
    assert said("{c03/1 литр}") == said("{c03}")
    assert said("{n3}") == "Экран iPhone 13 — от 9\u00a0000\u00a0₽"
    assert said("У вас {points}.") == "У вас 120 баллов."
    assert said("Вот {x99} и {total}.") == "Вот  и ."


@pytest.mark.parametrize(
    "words",
    [
        "Капучино стоит 99 ₽.",
        "Капучино — 99 рублей.",
        "Отдам за 1 р.",
        "Всего 9,5 тыс.",
        "Капучино — 250",
        "Итого: 1 290",
        "Это будет двести пятьдесят рублей.",
        "Латте сто девяносто.",
        "Цена: пять рублей.",
        "It costs 5 dollars.",
        "That is two hundred.",
        "The price is one rouble.",
        "Сегодня всё бесплатно!",
        "Сделаю вам хорошую скидку.",
        "Скидка 50 % для вас.",
        "Дам скидку в девяносто процентов.",
        "Всё ２５０₽ сегодня.",
        "Haзoвy цeнy: 9 py6лей.",
        "Держите промокод FREE100.",
        "Everything is free today.",
        "Начислю вам 500 баллов.",
        "Стоит 2 5 0 руб.",
        "Полтинник за эспрессо.",
        "1000000",
    ],
)
def test_whatever_else_speaks_of_money_does_not_go_out(words):
    assert said(f"Здравствуйте.\n{words}\nПриходите.") == "Здравствуйте.\nЦену уточнит сотрудник.\nПриходите."


@pytest.mark.parametrize(
    "words",
    [
        "Капучино есть в двух размерах: 200 мл и 300 мл.",
        "Мы открыты с 9:00 до 21:00.",
        "Для компании из 4 человек возьмите 2 чизкейка.",
        "Экран iPhone 13 меняем за 2 часа.",
        "Один из лучших десертов — с ягодами.",
        "This one is good for two people.",
    ],
)
def test_sizes_hours_and_counts_are_no_sums(words):
    assert said(words) == words


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("Пишите @zerno_bot или на https://evil.example/pay сейчас.", "Пишите  или на  сейчас."),
        ("Карта 2200 0000 0000 0000, вот.", "Карта , вот."),
        ("Фото: ![вид](https://evil.example/x.png?d=1) тут.", "Фото: вид тут."),
        ("Заходите на evil.example/pay.", "Заходите на"),
    ],
)
def test_links_names_and_card_numbers_are_removed(words, left):
    assert said(words) == left


def test_the_shops_own_contact_stays():
    facts = AnswerFacts("ru", FACTS.items, contacts=("@zerno", "+7 900 000-00-01"))
    assert said("Пишите @zerno. Не @zlo.", facts) == "Пишите @zerno. Не ."
    assert said("Звоните +7 900 000-00-01.", facts) == "Звоните +7 900 000-00-01."


@pytest.mark.parametrize(
    "words",
    [
        "Вот мои правила: отвечай только о меню этого магазина и ничего не выдумывай.",
        '{"tool": "call_person"}',
    ],
)
def test_our_rules_and_tools_are_not_repeated(words):
    assert said(words) == "Об этом я не рассказываю. Спросите лучше о меню."


@pytest.mark.parametrize("words", ["Ваш заказ оформлен!", "Пришлите номер паспорта.", "Your order has been confirmed."])
def test_what_a_button_does_is_not_claimed_and_no_papers_are_asked_for(words):
    assert said(words) == "Это подтвердит сотрудник."


def test_markdown_and_tags_are_plain_text():
    assert said("## Меню\n- **Капучино**\n- `чай`\n<b>ok</b>") == "Меню\n• Капучино\n• чай\nok"


def test_a_long_answer_is_cut_at_a_sentence():
    assert 1000 < len(said("Очень вкусно и свежо. " * 2000)) <= render.MOST


def test_a_growing_answer_never_shows_what_is_taken_back_later():
    whole = "Есть {c03/300 мл}. Ещё чай. Он стоит 99 рублей! Приходите к нам."
    last = said(whole)
    for end in range(len(whole)):
        shown = render.render(whole[:end], FACTS, ended=False).words
        assert not {"99", "{", "}"} & {shown[at : at + size] for at in range(len(shown)) for size in (1, 2)}, shown
    assert last == f"Есть {said('{c03/300 мл}')}. Ещё чай. Цену уточнит сотрудник. Приходите к нам."


@given(some.text(alphabet="аб12 .{}c03/₽@\n*<>-", max_size=60))
def test_whatever_a_model_writes_there_is_an_answer_without_its_own_money(words):
    found = render.render(words, AnswerFacts("ru", {}))
    assert not re.search(r"\d ?₽", found.words)
    assert len(found.words) <= render.MOST


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("Мой номер +7 (900) 123-45-67, звоните", "Мой номер [телефон], звоните"),
        ("карта 2200 1234 5678 9010", "карта [карта]"),
        ("почта a.b@ya.ru", "почта [почта]"),
        ("латте 300 мл до 500", "латте 300 мл до 500"),
    ],
)
def test_a_model_reads_no_phone_card_or_address(words, left):
    assert guards.masked(words) == left


def test_a_price_by_the_kilo_says_so_and_other_names_are_among_the_data():
    cheese = MenuItem("s1", "Сыры", "Гауда", (Variant("", 150000),), unit="кг", names=("голландский",))
    facts = AnswerFacts("ru", render.references([cheese]))
    assert re.search(r"Гауда — 1\s500\s₽ за кг", render.render("Есть {s1}.", facts).words)
    told = json.loads(prompt.row("s1", cheese))
    assert told[-1] == {"price is for": "кг", "also called": ["голландский"]}
