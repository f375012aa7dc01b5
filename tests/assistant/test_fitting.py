"""Whether what a model offers keeps to the limits of the question, and what a client reads where it does not."""

import pytest

from lib.assistant import fitting, render
from lib.assistant.render import AnswerFacts
from lib.menu.goods import MenuItem, Variant
from lib.menu.index import Index

INDEX = Index(
    [
        MenuItem("c03", "Кофе", "Капучино", (Variant("200 мл", 21000), Variant("400 мл", 29000))),
        MenuItem("c42", "Десерты", "Медовик", (Variant("", 29000),), "сметанный крем"),
        MenuItem("c45", "Десерты", "Брауни без сахара", (Variant("", 31000),)),
        MenuItem("c59", "Горячее", "Бургер с говядиной", (Variant("", 52000),), available=False),
        MenuItem("f04", "Букеты", "Букет из красных роз", (Variant("S", 150000), Variant("L", 490000))),
    ]
)


def said(question, words, language="ru"):
    facts = AnswerFacts(language, render.references(INDEX.items), limits=fitting.read(INDEX, question))
    return render.render(words, facts)


def test_of_an_item_only_the_sizes_within_the_named_price_are_shown():
    assert said("кофе до 250 рублей", "Есть {c03}.").words == "Есть Капучино — 200 мл: 210\u00a0₽."
    assert said("букет дороже 2000", "Есть {f04}.").words == "Есть Букет из красных роз — L: 4\u00a0900\u00a0₽."
    assert said("какой кофе есть?", "Есть {c03}.").words == "Есть Капучино — 200 мл: 210\u00a0₽ · 400 мл: 290\u00a0₽."


@pytest.mark.parametrize(
    ("question", "words", "shown"),
    [
        (
            "поесть до 500 рублей",
            "{c59}",
            "Бургер с говядиной — 520\u00a0₽ (сейчас нет в наличии; дороже, чем вы просили)",
        ),
        ("кофе до 250 ₽", "{c03/400 мл}", "Капучино — 400 мл: 290\u00a0₽ (дороже, чем вы просили)"),
        (
            "что есть от 2000 до 4000",
            "{f04}",
            "Букет из красных роз — S: 1\u00a0500\u00a0₽ · L: 4\u00a0900\u00a0₽ (не в эту цену)",
        ),
        ("подарок от 5000 рублей", "{c42}", "Медовик — 290\u00a0₽ (не в эту цену)"),
        ("десерт без сахара", "{c42}", "Медовик — 290\u00a0₽ (состав уточните у сотрудника)"),
        ("десерт без сахара", "{c45}", "Брауни без сахара — 310\u00a0₽"),
        ("букет без роз", "{f04/S}", "Букет из красных роз — S: 1\u00a0500\u00a0₽ (вы просили без этого)"),
    ],
)
def test_an_item_that_breaks_a_limit_of_the_question_is_marked(question, words, shown):
    assert said(question, words).words == shown


def test_english_clients_read_the_marks_in_english():
    assert said("a coffee under 250 roubles", "{c03/400 мл}", "en").words.endswith("(above what you asked for)")
    assert said("something without beef", "{c59}", "en").words.endswith("(sold out now; you asked for none of this)")


def test_what_a_client_must_not_have_gets_no_button_and_what_costs_too_much_does():
    assert said("букет без роз", "{f04}").named == ()
    assert said("кофе до 100 рублей", "{c03}").named == ("c03",)


def test_a_model_is_told_the_limits_as_code_understood_them():
    assert fitting.read(INDEX, "десерт без сахара от 100 до 300 рублей").told() == {
        "at least": 100.0,
        "at most": 300.0,
        "without": ["сахара"],
    }
    assert fitting.read(INDEX, "десерт дешевле 300").told() == {"at most": 299.99}
    assert not fitting.read(INDEX, "какой десерт есть?").are_any
